"""Ask package indexes for the files of projects (PEP 503, PEP 691); the home of pypi_simple."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from envgen.errors import PypiError, PypiUnreachableError
from envgen.pypi.indexes import Index, Indexes, mask, without_user
from envgen.pypi.project import Project, ProjectFile
from envgen.pypi.session import Answer, Session

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage, ProjectPage

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")
_ACCEPT = f"{_JSON}, {_HTML[0]};q=0.2, {_HTML[1]};q=0.1"
_WORKERS = 8
_PAGE_LIMIT = 200 << 20
_ARCHIVE = re.compile(r"\.(?:whl|tar\.\w+|tgz|zip|egg|exe|rpm|msi)$")
_FORM = re.compile(rb"<\s*(?:form|script|input)\b", re.IGNORECASE)


class SimpleIndex:
    """Look projects up, each at most once in the life of the object; may be used from several threads."""

    def __init__(self, session: Session, indexes: Indexes) -> None:
        """Prepare; nothing is fetched and pypi_simple is not imported before the first look-up."""
        self._session = session
        self._indexes = indexes
        self._pages: dict[str, Future[Project | None]] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="index")

    def prefetch(self, names: Iterable[str]) -> None:
        """Start look-ups in the background, so that a later `project` finds them done."""
        for name in names:
            self._page(name)

    def project(self, name: str) -> Project | None:
        """Give a project's files, or None where no index has it.

        PypiUnreachableError: an index does not answer, refuses, or serves something that is no project page.
        """
        return self._page(name).result()

    def projects(self, names: Iterable[str]) -> dict[str, Project | None]:
        """Give many projects, looked up side by side, by their canonical names."""
        wanted = sorted({str(canonicalize_name(name)) for name in names})
        self.prefetch(wanted)
        return {name: self.project(name) for name in wanted}

    def _page(self, name: str) -> Future[Project | None]:
        canonical = str(canonicalize_name(name))
        with self._lock:
            if canonical not in self._pages:
                self._pages[canonical] = self._pool.submit(self._look_up, canonical)
            return self._pages[canonical]

    def _look_up(self, name: str) -> Project | None:
        found: list[Project] = []
        for index in (*self._indexes.extra, self._indexes.default or _default_index()):
            project = self._ask(index, name)
            if project and not self._indexes.merge:
                return project
            if project:
                found.append(project)
        if not found:
            return None
        files = {file.filename: file for project in reversed(found) for file in project.files}
        return Project(name=name, files=tuple(files.values()), index=found[0].index)

    def _ask(self, index: Index, name: str) -> Project | None:
        url = f"{index.url.rstrip('/')}/{name}/"
        answer = self._session.get(url, {"Accept": _ACCEPT}, limit=_PAGE_LIMIT)
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise _refusal(url, answer.status)
        page = _parse(answer, name)
        if _is_foreign(answer, page, name):
            raise _not_an_index(url)
        return Project(name=name, files=tuple(_to_file(row) for row in page.packages), index=str(index))


def _default_index() -> Index:
    """Give the index that pip and uv ask when nothing is configured; the library knows it."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    return Index(url=PYPI_SIMPLE_ENDPOINT)


def _parse(answer: Answer, name: str) -> ProjectPage:
    from pypi_simple import ProjectPage, UnsupportedRepoVersionError

    try:
        if answer.kind == _JSON:
            return ProjectPage.from_json_data(_load(answer.content), answer.url)
        if answer.kind in _HTML:
            return ProjectPage.from_html(name, answer.content, answer.url, answer.charset or None)
    except UnsupportedRepoVersionError as error:
        raise PypiError(f"the package index speaks a newer protocol: {mask(answer.url)} ({error})") from error
    except (ValueError, LookupError, AssertionError) as error:  # pypi_simple asserts what HTML attributes are
        raise _not_an_index(answer.url) from error
    raise _not_an_index(answer.url)


def _load(content: bytes) -> object:
    page = json.loads(content)
    return {**page, "files": page.get("files", [])} if isinstance(page, Mapping) else page


def _is_foreign(answer: Answer, page: ProjectPage, name: str) -> bool:
    """Tell a login, proxy or error page from a project page without files: HTML has no type of its own for either."""
    if answer.kind != _HTML[1] or page.repository_version:
        return False
    if page.packages:
        return not any(_ARCHIVE.search(_to_file(row).filename) for row in page.packages)
    words = canonicalize_name(re.sub(rb"<[^>]*>", b" ", answer.content).decode("utf-8", "replace"))
    return bool(_FORM.search(answer.content)) or name not in words


def _not_an_index(url: str) -> PypiUnreachableError:
    return PypiUnreachableError(
        f"the package index answers with something that is no project page: {mask(url)}",
        hint="UV_DEFAULT_INDEX must name a simple index (a login or error page came instead?)",
    )


def _refusal(url: str, status: int) -> PypiUnreachableError:
    if status in (401, 403, 407):
        hint = "check the user name and password of UV_DEFAULT_INDEX or UV_INDEX"
        return PypiUnreachableError(f"the package index refuses access: {mask(url)} (HTTP {status})", hint=hint)
    return PypiUnreachableError(f"the package index fails: {mask(url)} (HTTP {status})", hint="try again later")


def _to_file(row: DistributionPackage) -> ProjectFile:
    linked = unquote(urlsplit(row.url).path.rpartition("/")[2])
    return ProjectFile(
        filename=row.filename if _ARCHIVE.search(row.filename) else linked,  # a link's text may be shortened
        url=without_user(row.url),
        sha256=row.digests.get("sha256", "").lower(),
        size=row.size,
        uploaded=row.upload_time,
        requires_python=row.requires_python or "",
        yanked=row.is_yanked,
        yanked_reason=row.yanked_reason or "",
    )
