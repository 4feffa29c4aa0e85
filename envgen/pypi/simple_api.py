"""The simple API of package indexes (PEP 503, PEP 691); the home of pypi_simple.

pypi_simple reads HTML, and knows the index that pip and uv ask by default. JSON is read here: some projects list ten
thousand files, and a diagnosis asks for a hundred projects, so that a model for each file would take most of its time.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote, urljoin, urlsplit

from packaging.utils import canonicalize_name

from envgen.errors import PypiError, PypiUnreachableError
from envgen.models.secrets import LOG_IN, lockable, mask, without_user
from envgen.models.wheel import Wheel
from envgen.pypi.http import Response, Session, Timeouts
from envgen.pypi.indexes import Index, Indexes
from envgen.system.settings import Ceiling

_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")
ACCEPT = f"{_JSON}, {_HTML[0]};q=0.2, {_HTML[1]};q=0.1"
_ARCHIVE = re.compile(r"\.(?:whl|tar\.\w+|tgz|zip|egg|exe|rpm|msi)$")
_FORM = re.compile(r"<\s*(?:form|script|input)\b", re.IGNORECASE)
# A comment or a tag that ends: what never does costs an HTML parser the square of the page.
_MARKUP = re.compile(r"""<(?:!--.*?--|(?!!--|!\[)(?:[^<>"']++|"[^"]*"|'[^']*')*)>""", re.DOTALL)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST_NAME, _LONGEST_BOUND = 255, 1000
# Of a page, which packs to nothing: each value takes up to 100 bytes, each tag 1 kB. Ten thousand files have 5%.
_MOST_VALUES, _MOST_TAGS = 4_000_000, 200_000
_LATIN = ("iso-8859-1", "latin-1", "windows-1252")
_WORKERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFile:
    """One file of a project, as an index lists it.

    `sha256` is lower-case hex or ""; `size` is in bytes; `uploaded` is an aware instant; `requires_python` is as
    written, and may be no valid specifier.
    """

    filename: str
    url: str = ""
    sha256: str = ""
    size: int | None = None
    uploaded: datetime | None = None
    requires_python: str = ""
    yanked: bool = False
    yanked_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project's files; `index` names the index that has it, without secrets."""

    name: str
    files: tuple[ProjectFile, ...]
    index: str


def before(files: Iterable[ProjectFile], instant: datetime | None) -> tuple[ProjectFile, ...]:
    """Keep the files uploaded before an instant; as uv does, a file without a date is left out then."""
    if instant is None:
        return tuple(files)
    return tuple(file for file in files if file.uploaded is not None and file.uploaded < instant)


class SimpleIndex:
    """Look projects up, each at most once in the life of the object; may be used from several threads."""

    def __init__(self, session: Session, indexes: Indexes) -> None:
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
        """Return a project's files, or None where no index has it.

        PypiUnreachableError: an index does not answer, refuses, or serves something that is no project page.
        """
        return self._page(name).result()

    def projects(self, names: Iterable[str]) -> dict[str, Project | None]:
        """Return many projects, looked up side by side, by their canonical names."""
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
        bound = self._indexes.bound.get(name)
        others = (*self._indexes.extra, self._indexes.default or _default_index()) if bound is None else ()
        for index in others if bound is None else (bound,):
            if project := self._ask(index, name):
                return project
        return None

    def _ask(self, index: Index, name: str) -> Project | None:
        url = f"{index.url.rstrip('/')}/{name}/"
        answer = self._session.get(url, {"Accept": ACCEPT}, limit=Ceiling.PROJECT_PAGE)
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise _refusal(url, answer.status)
        return Project(name=name, files=read_page(answer, name), index=str(index))


def _refusal(url: str, status: int) -> PypiUnreachableError:
    if status in (401, 403, 407):
        return PypiUnreachableError(f"the package index refuses access: {mask(url)} (HTTP {status})", hint=LOG_IN)
    return PypiUnreachableError(f"the package index fails: {mask(url)} (HTTP {status})", hint="try again later")


def read_page(answer: Response, name: str) -> tuple[ProjectFile, ...]:
    """Return the files that a page lists.

    PypiUnreachableError: it is no project page, but a login page, say. PypiError: its protocol is a newer one.
    """
    try:
        if answer.kind == _JSON or answer.kind in _HTML:
            files = _read_json(answer) if answer.kind == _JSON else _read_html(answer, name)
            return tuple(file for file in files if _is_plain(file) and _is_reachable(file.url, answer.url))
    except (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError) as error:
        raise _not_a_page(answer) from error  # pypi_simple asserts what attributes are
    raise _not_a_page(answer)


def _is_plain(file: ProjectFile) -> bool:
    """Return whether a file could exist: no file system has a longer name, and no number has thousands of digits."""
    return len(file.filename) <= _LONGEST_NAME and len(file.requires_python) <= _LONGEST_BOUND


def _is_reachable(url: str, page: str) -> bool:
    """Return whether a page may name a file at a URL: one on the web names none of this machine's."""
    return url.lower().startswith(("https://", "http://")) or not page.lower().startswith("http")


def _read_json(answer: Response) -> tuple[ProjectFile, ...]:
    if sum(map(answer.content.count, (b"[", b"{", b","))) > _MOST_VALUES:
        raise ValueError("more values than a page has")
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
        sha256=_sha256(hashes),
        size=size if isinstance(size, int) else None,
        uploaded=_instant(uploaded) if isinstance(uploaded, str) else None,
        requires_python=str(row.get("requires-python") or ""),
        yanked=yanked is not False,
        yanked_reason=yanked if isinstance(yanked, str) else "",
    )


def _sha256(hashes: Mapping[str, object]) -> str:
    """Return a file's hash; "" where there is none, or what is listed as one could be anything else."""
    listed = str(hashes.get("sha256", "")).lower()
    return listed if _SHA256.fullmatch(listed) else ""


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)  # PEP 700 wants UTC


def _default_index() -> Index:
    """Return the index that pip and uv ask when nothing is configured."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT  # slow to import, and of no use where an index of JSON is configured

    return Index(url=PYPI_SIMPLE_ENDPOINT)


def _read_html(answer: Response, name: str) -> tuple[ProjectFile, ...]:
    from pypi_simple import ProjectPage, UnsupportedRepoVersionError

    text = answer.content.decode("latin-1" if answer.charset in _LATIN else "utf-8", "replace")
    try:
        page = ProjectPage.from_html(name, _whole(text), answer.url)
    except UnsupportedRepoVersionError as error:
        raise _newer(answer, error.declared_version) from error
    files = tuple(
        ProjectFile(
            # A link's text may be shortened.
            filename=row.filename
            if _ARCHIVE.search(row.filename)
            else unquote(urlsplit(row.url).path.rpartition("/")[2]),
            url=without_user(row.url),
            sha256=_sha256(row.digests),
            requires_python=row.requires_python or "",
            yanked=row.is_yanked,
            yanked_reason=row.yanked_reason or "",
        )
        for row in page.packages
    )
    if answer.kind == _HTML[1] and not page.repository_version and _is_foreign(text, files, name):
        raise _not_a_page(answer)
    return files


def _whole(text: str) -> str:
    """Return a page whose tags and comments all end; raise ValueError for any other, or one of far too many."""
    if text.count("<") > _MOST_TAGS:
        raise ValueError("more tags than a page has")
    at = text.find("<")
    while at >= 0:
        markup = _MARKUP.match(text, at)
        if markup is None:
            raise ValueError("a tag without an end")
        at = text.find("<", markup.end())
    return text


def _is_foreign(text: str, files: tuple[ProjectFile, ...], name: str) -> bool:
    """Return whether HTML is a login, proxy or error page, which has the same type as a project page without files."""
    if files:
        return not any(_ARCHIVE.search(file.filename) for file in files)
    words = canonicalize_name(re.sub(r"<[^>]*>", " ", text))
    return bool(_FORM.search(text)) or name not in words


def _newer(answer: Response, version: str) -> PypiError:
    return PypiError(f"the package index speaks a newer protocol: {mask(answer.url)} (version {version})")


def _not_a_page(answer: Response) -> PypiUnreachableError:
    return PypiUnreachableError(
        f"the package index answers with something that is no project page: {mask(answer.url)}",
        hint="UV_DEFAULT_INDEX must name a simple index (a login or error page came instead?)",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How a locked wheel is listed today.

    `fault` says what makes it impossible to install as it was locked, "" where nothing does; `elsewhere` that the index
    has it at another address than the lock; `yanked` is the reason of a yank, "" where there is none.
    """

    wheel: Wheel
    fault: str = ""
    elsewhere: str = ""
    yanked: str = ""


def listings(wheels: Sequence[Wheel], environment: Mapping[str, str], *, offline: bool = False) -> tuple[Listing, ...]:
    """Look every wheel up, in the order given; PypiUnreachableError where an index does not answer."""
    indexes = Indexes.configured(environment)
    session = Session(indexes, environment, timeouts=Timeouts.configured(environment), offline=offline)
    projects = SimpleIndex(session, indexes).projects(wheel.name for wheel in wheels)
    return tuple(_listing(wheel, projects[wheel.name]) for wheel in wheels)


def _listing(wheel: Wheel, project: Project | None) -> Listing:
    if project is None:
        return Listing(wheel=wheel, fault=f"{wheel.name} is on no index any more")
    file = next((file for file in project.files if file.filename == wheel.filename), None)
    if file is None:
        return Listing(wheel=wheel, fault=f"{wheel.filename} is not listed by {project.index} any more")
    if file.sha256 and file.sha256 != wheel.sha256:
        return Listing(wheel=wheel, fault=f"{wheel.filename} is listed with another sha256")
    reason = f": {file.yanked_reason}" if file.yanked_reason else ""
    address = lockable(file.url)
    is_elsewhere = bool(wheel.url) and address != wheel.url
    return Listing(
        wheel=wheel,
        elsewhere=f"{wheel.filename} is listed at {address}, not at {wheel.url}" if is_elsewhere else "",
        yanked=f"{wheel.filename} was yanked{reason}" if file.yanked else "",
    )
