"""Look-ups of many projects and wheels within a time limit, with the failures beside the answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from packaging.utils import canonicalize_name

from envgen.errors import PypiError, PypiUnreachableError
from envgen.models.wheel import Wheel, WheelMetadata
from envgen.pypi.http import Session, Timeouts
from envgen.pypi.indexes import Indexes
from envgen.pypi.metadata import MetadataReader
from envgen.pypi.simple_api import Project, SimpleIndex

TIMEOUT = 40.0
_WORKERS = 8
_MOST_FAILURES = 3
_LONGEST_ANSWER = 15.0
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class PypiLookups:
    """Look-ups for a diagnosis, which goes on with what it got where others must stop.

    After a few failures in a row, or when `timeout` seconds are over, nothing is sent any more and the rest fails at
    once. May be used from several threads.
    """

    def __init__(
        self,
        *,
        cache: Path,
        environment: Mapping[str, str],
        offline: bool = False,
        timeouts: Timeouts | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        limits = timeouts or replace(Timeouts.configured(environment), retries=0, total=_LONGEST_ANSWER)
        indexes = Indexes.configured(environment)
        session = Session(indexes, environment, timeouts=limits, offline=offline)
        self._index = SimpleIndex(session, indexes)
        self._reader = MetadataReader(session, cache)
        self._timeout = timeout
        self._deadline: float | None = None
        self._in_a_row = 0
        self._down: PypiError | None = None
        self._lock = threading.Lock()

    @property
    def notes(self) -> tuple[str, ...]:
        return self._reader.notes

    def projects(self, names: Iterable[str]) -> dict[str, Project | PypiError | None]:
        """Look projects up by canonical name: None where no index has one, the error where that is not known."""
        wanted = sorted({str(canonicalize_name(name)) for name in names})
        return dict(zip(wanted, self._side_by_side(self._index.project, wanted), strict=True))

    def metadata(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata | PypiError, ...]:
        """Read core metadata in the order of the wheels; the error in the place of each that cannot be read."""
        return tuple(self._side_by_side(self._reader.read, wheels))

    def _side_by_side(self, look_up: Callable[[_Item], _Answer], items: Sequence[_Item]) -> list[_Answer | PypiError]:
        if self._deadline is None:
            self._deadline = time.monotonic() + self._timeout
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="lookup") as pool:
            return list(pool.map(lambda item: self._tried(look_up, item), items))

    def _tried(self, look_up: Callable[[_Item], _Answer], item: _Item) -> _Answer | PypiError:
        given_up = self._down or self._overdue()
        if given_up:
            return given_up
        try:
            answer = look_up(item)
        except PypiError as error:
            return self._failed(error)
        with self._lock:
            self._in_a_row = 0
        return answer

    def _failed(self, error: PypiError) -> PypiError:
        """Count a failure; an index that does not answer a few times in a row is given up."""
        with self._lock:
            if isinstance(error, PypiUnreachableError):
                self._in_a_row += 1
            if self._in_a_row >= _MOST_FAILURES:
                self._down = self._down or error
        return error

    def _overdue(self) -> PypiError | None:
        if self._deadline is None or time.monotonic() < self._deadline:
            return None
        return PypiUnreachableError(
            f"the package index is too slow: not everything was answered in {self._timeout:g} s",
            hint="run it again: what was read is kept",
        )
