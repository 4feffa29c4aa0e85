"""Ask package indexes for the files of projects."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from packaging.utils import canonicalize_name

from envgen.errors import PypiUnreachableError
from envgen.pypi.indexes import Index, Indexes, mask
from envgen.pypi.page import ACCEPT, default_index, read_page
from envgen.pypi.project import Project
from envgen.pypi.session import Session

_WORKERS = 8
_PAGE_LIMIT = 200 << 20


class SimpleIndex:
    """Look projects up, each at most once in the life of the object; may be used from several threads."""

    def __init__(self, session: Session, indexes: Indexes) -> None:
        """Prepare; nothing is fetched or imported before the first look-up."""
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
        for index in (*self._indexes.extra, self._indexes.default or Index(url=default_index())):
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
        answer = self._session.get(url, {"Accept": ACCEPT}, limit=_PAGE_LIMIT)
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise _refusal(url, answer.status)
        return Project(name=name, files=read_page(answer, name), index=str(index))


def _refusal(url: str, status: int) -> PypiUnreachableError:
    if status in (401, 403, 407):
        hint = "check the user name and password of UV_DEFAULT_INDEX or UV_INDEX"
        return PypiUnreachableError(f"the package index refuses access: {mask(url)} (HTTP {status})", hint=hint)
    return PypiUnreachableError(f"the package index fails: {mask(url)} (HTTP {status})", hint="try again later")
