"""Read project pages: JSON (PEP 691) and HTML (PEP 503); the home of pypi_simple.

pypi_simple reads HTML, and knows the index that pip and uv ask by default. JSON is read here: some projects list ten
thousand files, and a diagnosis asks for a hundred projects, so that a model for each file would take most of its time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote, urljoin, urlsplit

from packaging.utils import canonicalize_name

from envgen.errors import PypiError, PypiUnreachableError
from envgen.pypi.indexes import mask, without_user
from envgen.pypi.project import ProjectFile
from envgen.pypi.session import Answer

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")
ACCEPT = f"{_JSON}, {_HTML[0]};q=0.2, {_HTML[1]};q=0.1"
_ARCHIVE = re.compile(r"\.(?:whl|tar\.\w+|tgz|zip|egg|exe|rpm|msi)$")
_FORM = re.compile(rb"<\s*(?:form|script|input)\b", re.IGNORECASE)


def default_index() -> str:
    """Give the URL of the index that pip and uv ask when nothing is configured."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return PYPI_SIMPLE_ENDPOINT


def read_page(answer: Answer, name: str) -> tuple[ProjectFile, ...]:
    """Give the files that a page lists.

    PypiUnreachableError: it is no project page, but a login page, say. PypiError: its protocol is a newer one.
    """
    try:
        if answer.kind == _JSON:
            return _read_json(answer)
        if answer.kind in _HTML:
            return _read_html(answer, name)
    except (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError) as error:
        raise _not_a_page(answer) from error  # pypi_simple asserts what attributes are
    raise _not_a_page(answer)


def _read_json(answer: Answer) -> tuple[ProjectFile, ...]:
    page = json.loads(answer.content)
    version = str(page["meta"]["api-version"])
    if not version.startswith("1."):
        raise _newer(answer, version)
    return tuple(_from_json(row, answer.url) for row in page["files"])


def _from_json(row: Mapping[str, object], base: str) -> ProjectFile:
    filename, url, hashes = row["filename"], row["url"], row["hashes"]
    if not (isinstance(filename, str) and isinstance(url, str) and isinstance(hashes, Mapping)):
        raise TypeError("not a file of a project page")
    uploaded, yanked, size = row.get("upload-time"), row.get("yanked", False), row.get("size")
    return ProjectFile(
        filename=filename,
        url=without_user(url if "://" in url else urljoin(base, url)),
        sha256=str(hashes.get("sha256", "")).lower(),
        size=size if isinstance(size, int) else None,
        uploaded=_instant(uploaded) if isinstance(uploaded, str) else None,
        requires_python=str(row.get("requires-python") or ""),
        yanked=yanked is not False,
        yanked_reason=yanked if isinstance(yanked, str) else "",
    )


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)  # PEP 700 wants UTC


def _read_html(answer: Answer, name: str) -> tuple[ProjectFile, ...]:
    from pypi_simple import ProjectPage, UnsupportedRepoVersionError

    try:
        page = ProjectPage.from_html(name, answer.content, answer.url, answer.charset or None)
    except UnsupportedRepoVersionError as error:
        raise _newer(answer, error.declared_version) from error
    files = tuple(
        ProjectFile(
            # A link's text may be shortened.
            filename=row.filename
            if _ARCHIVE.search(row.filename)
            else unquote(urlsplit(row.url).path.rpartition("/")[2]),
            url=without_user(row.url),
            sha256=row.digests.get("sha256", "").lower(),
            requires_python=row.requires_python or "",
            yanked=row.is_yanked,
            yanked_reason=row.yanked_reason or "",
        )
        for row in page.packages
    )
    if answer.kind == _HTML[1] and not page.repository_version and _is_foreign(answer, files, name):
        raise _not_a_page(answer)
    return files


def _is_foreign(answer: Answer, files: tuple[ProjectFile, ...], name: str) -> bool:
    """Tell a login, proxy or error page from a project page without files: HTML has no type of its own for either."""
    if files:
        return not any(_ARCHIVE.search(file.filename) for file in files)
    words = canonicalize_name(re.sub(rb"<[^>]*>", b" ", answer.content).decode("utf-8", "replace"))
    return bool(_FORM.search(answer.content)) or name not in words


def _newer(answer: Answer, version: str) -> PypiError:
    return PypiError(f"the package index speaks a newer protocol: {mask(answer.url)} (version {version})")


def _not_a_page(answer: Answer) -> PypiUnreachableError:
    return PypiUnreachableError(
        f"the package index answers with something that is no project page: {mask(answer.url)}",
        hint="UV_DEFAULT_INDEX must name a simple index (a login or error page came instead?)",
    )
