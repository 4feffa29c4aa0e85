"""Resolve and describe distributions for a target: the PyPI side of a lock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from envgen.errors import PypiUnsatisfiableError
from envgen.models.platform import Platform
from envgen.models.wheel import Resolution, ResolveRequest, Wheel, WheelMetadata
from envgen.pypi.asked import roots
from envgen.pypi.backtracking import backtracking_notes
from envgen.pypi.classify import FileVerdict, classify
from envgen.pypi.explain import notes
from envgen.pypi.index import SimpleIndex
from envgen.pypi.indexes import Indexes
from envgen.pypi.metadata import MetadataReader
from envgen.pypi.project import Project, before
from envgen.pypi.pylock import read_pylock
from envgen.pypi.refusals import Refusals
from envgen.pypi.release import release_wheel
from envgen.pypi.session import Session, Timeouts
from envgen.pypi.uv import Uv
from envgen.pypi.words import describe, remedy

_MAX_BLAMED = 6
# Words of uv's that mean that a project's own files are the matter, so that looking at them explains more.
_FILES = re.compile(r"no usable wheels|no wheels with|not found in|no versions? of|(?:is|are) available|was yanked")
# Those of them that mean that a wheel is lacking.
_LACKING = re.compile(r"no usable wheels|no wheels with|not found in")


class UvPypiSide:
    """Resolve with uv, and read indexes and wheels; a `PypiSide`.

    Equal requests are resolved once in the life of the object, so make one and share it.
    """

    def __init__(
        self,
        *,
        cache: Path,
        environment: Mapping[str, str],
        offline: bool = False,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Prepare; `cache` is a folder of ours for metadata, `environment` says which indexes count (see Indexes).

        Nothing is imported, opened or asked before it is needed.
        """
        offline = offline or environment.get("UV_OFFLINE", "").lower() in ("1", "true")
        limits = timeouts or Timeouts.configured(environment)
        indexes = Indexes.configured(environment)
        session = Session(indexes, environment, timeouts=limits, offline=offline)
        self._index = SimpleIndex(session, indexes)
        self._reader = MetadataReader(session, cache)
        self._uv = Uv(environment, indexes, timeouts=limits, offline=offline)
        self._offline = offline
        self._done: dict[ResolveRequest, Resolution | PypiUnsatisfiableError] = {}

    @property
    def calls(self) -> int:
        """Count the runs of uv so far."""
        return self._uv.calls

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what the user should know of this run, which is no part of a resolution: it may differ the next time."""
        return (*self._uv.notes, *self._reader.notes)

    def resolve(self, request: ResolveRequest) -> Resolution:
        """Give the wheels that meet the request, sorted by name, without the stubs.

        PypiUnsatisfiableError: no wheels do; `names` has the distributions that take part. PypiUnreachableError: an
        index does not answer. PypiError: the request is malformed, or uv cannot be run.
        """
        if request not in self._done:
            try:
                self._done[request] = self._resolve(request)
            except PypiUnsatisfiableError as error:
                self._done[request] = error
        answer = self._done[request]
        if isinstance(answer, PypiUnsatisfiableError):
            raise answer
        return answer

    def metadata(self, wheel: Wheel) -> WheelMetadata:
        """Read the core metadata of this very wheel; PypiUnreachableError or PypiError where it cannot be."""
        return self._reader.read(wheel)

    def metadata_many(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        """Read the core metadata of many wheels side by side, in the order asked."""
        return self._reader.read_many(wheels)

    def release_metadata(self, name: str, version: str, platform: Platform) -> WheelMetadata | None:
        """Read the core metadata of a release, from the wheel that fits a target if one does.

        None where no index has a wheel of it. PypiUnreachableError, PypiError: it cannot be read.
        """
        project = self._index.project(name)
        wheel = release_wheel(project, version, platform) if project else None
        return self._reader.read(wheel) if wheel else None

    def projects(self, names: Iterable[str]) -> dict[str, Project | None]:
        """Look projects up side by side, by canonical name; None where no index has one."""
        return self._index.projects(names)

    def verdict(self, name: str, platform: Platform, specifier: str = "") -> FileVerdict:
        """Judge a project's files on a target; PypiUnreachableError where the index does not answer."""
        project = self._index.project(name)
        return classify(project.files if project else None, platform, specifier)

    def _resolve(self, request: ResolveRequest) -> Resolution:
        wanted = roots(request)
        if not self._offline:
            self._index.prefetch(wanted)
        wheels, warnings = self._settle(request, wanted)
        if self._offline:
            return Resolution(wheels=wheels, notes=warnings)
        kept = {wheel.name for wheel in request.preferred if wheel in wheels}
        chosen = {name: bounds for name, bounds in wanted.items() if name not in kept}
        wheelless: set[str] = set()
        held = backtracking_notes(request, chosen, wheels, self._index, partial(self._attempt, wheelless))
        return Resolution(wheels=wheels, notes=(*warnings, *held), wheelless=tuple(sorted(wheelless)))

    def _attempt(self, wheelless: set[str], request: ResolveRequest) -> None:
        """Try a request; collect the names that take part in a failure for want of wheels."""
        try:
            self._uv.compile(request)
        except PypiUnsatisfiableError as error:
            if _LACKING.search(error.problem):
                wheelless.update(error.names)
            raise

    def _settle(self, request: ResolveRequest, wanted: Mapping[str, str]) -> tuple[tuple[Wheel, ...], tuple[str, ...]]:
        """Resolve until nothing in the answer must be refused; each further run refuses more, so there is an end."""
        stubs = frozenset(stub.name for stub in request.stubs)
        refusals = Refusals()
        while True:
            try:
                answer = self._uv.compile(refusals.apply(request), refusals.prereleases)
            except PypiUnsatisfiableError as error:
                raise self._explained(error, request, wanted, refusals) from error
            wheels = read_pylock(answer.lock, request.platform, stubs, (wheel.sha256 for wheel in request.preferred))
            extended = refusals.extended(request, wheels, self._read(wheels), self._index)
            if extended == refusals:
                return wheels, notes(answer.stderr, stubs)
            refusals = extended

    def _read(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        """Read what was chosen; off-line, what conda will provide in the end may be missing from the cache."""
        return self._reader.read_known(wheels) if self._offline else self._reader.read_many(wheels)

    def _explained(
        self, error: PypiUnsatisfiableError, request: ResolveRequest, wanted: Mapping[str, str], refusals: Refusals
    ) -> PypiUnsatisfiableError:
        """Add what the files of the projects in question tell: uv names the symptom only."""
        verdicts = self._blamed(error, request, wanted, refusals)
        told = [describe(name, verdict, request.platform) for name, verdict in verdicts.items()]
        hints = [remedy(verdict, request.platform) for verdict in verdicts.values()]
        hints += [
            f"the pre-release `{name}` {version} would fit: ask for it by name (`{name}=={version}`)"
            for name, version in sorted(refusals.prereleases.items())
        ]
        return PypiUnsatisfiableError(
            ": ".join([error.message, *filter(None, ["; ".join(told)])]),
            problem=error.problem,
            hint="; ".join(dict.fromkeys(filter(None, hints))),
            names=error.names,
        )

    def _blamed(
        self, error: PypiUnsatisfiableError, request: ResolveRequest, wanted: Mapping[str, str], refusals: Refusals
    ) -> dict[str, FileVerdict]:
        stubs = {stub.name for stub in request.stubs}
        named = [name for name in error.names if name not in stubs] if _FILES.search(error.problem) else []
        names = () if self._offline else dict.fromkeys((*refusals.names, *named[:_MAX_BLAMED]))
        verdicts = {}
        for name, project in self._index.projects(names).items():
            files = before(project.files, request.exclude_newer) if project else None
            verdict = classify(files, request.platform, wanted.get(name, ""))
            if verdict.code != "OK":
                verdicts[name] = verdict
        return verdicts
