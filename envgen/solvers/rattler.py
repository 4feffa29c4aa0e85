"""rattler's solver, which comes with the PyPI wheel `py-rattler`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import rattler
from rattler.exceptions import SolverError

from envgen.errors import SolveError, UnsatisfiableError
from envgen.models.record import ChannelRecords, OpenedIndex, Record, VirtualPackage
from envgen.models.solve import RootSpec, Solution, SolveRequest
from envgen.solvers.candidates import NameIndex, Remembered, bracketed, candidates, record_of, selective
from envgen.system.lifetime import run

_PRIORITIES = {
    "strict": rattler.ChannelPriority.Strict,
    "flexible": rattler.ChannelPriority.Flexible,
    "disabled": rattler.ChannelPriority.Disabled,
}
_UNSATISFIABLE = "Cannot solve the request because of: "


@dataclass(frozen=True, slots=True)
class _RattlerChannel:
    """One channel's records as rattler's own objects, indexed."""

    native: Sequence[rattler.RepoDataRecord]
    subdirs: Sequence[str]
    index: NameIndex


@dataclass(frozen=True, slots=True)
class _Source:
    """One channel as rattler asks for it: name by name, from memory."""

    channel: _RattlerChannel
    by_name: Mapping[str, Sequence[int]]

    async def fetch_package_records(
        self, platform: rattler.Subdir, name: rattler.PackageName
    ) -> list[rattler.RepoDataRecord]:
        channel, subdir = self.channel, str(platform)
        positions = self.by_name.get(name.normalized, ())
        return [channel.native[i] for i in positions if channel.subdirs[i] == subdir]

    def package_names(self, platform: rattler.Subdir) -> list[str]:
        subdirs, subdir = self.channel.subdirs, str(platform)
        return [name for name, found in self.by_name.items() if any(subdirs[i] == subdir for i in found)]


class RattlerSolver:
    """A `Solver` that is rattler's, with records in memory.

    The records are handed over by a source object that rattler asks name by name: measured as fast as rattler's own
    sparse files on 254 packages of 8,400 records. Records that rattler itself read (`native`) are not built again.
    """

    def __init__(self) -> None:
        self._native = Remembered(to_native)
        self._prepared = Remembered(self._channel, limit=8)

    def solve(self, request: SolveRequest) -> Solution:
        """Return the records that meet the request; raise UnsatisfiableError with rattler's reasons when none do."""
        opened = self._opened(request)
        if opened and (quick := _from_files(opened, request)):
            return quick
        channels = [self._prepared(entry) for entry in request.channels]
        indexes = [channel.index for channel in channels]
        visible = candidates(request, indexes)
        sources = [_Source(channel, by_name) for channel, by_name in zip(channels, visible, strict=True)]
        try:
            solved = run(_solve(sources, request))
        except SolverError as error:
            raise _converted(error) from error
        return _solution(record_of(native.url, request.channels, indexes, "rattler") for native in solved)

    def _opened(self, request: SolveRequest) -> OpenedIndex | None:
        """Return the files of a request's one channel, where the request means all that is in them."""
        if len(request.channels) != 1 or request.channel_priority != "strict" or not request.specs:
            return None
        (entry,) = request.channels
        if self._prepared.knows(entry) or selective((*request.specs, *request.constraints)):
            return None
        return entry.opened

    def _channel(self, entry: ChannelRecords) -> _RattlerChannel:
        native = [
            known if isinstance(known, rattler.RepoDataRecord) else self._native(entry.records[position])
            for position, known in enumerate(entry.native or [None] * len(entry.records))
        ]
        labels = entry.labels or [(record.name.normalized, record.url) for record in native]
        return _RattlerChannel(native, [url.rsplit("/", 2)[-2] for _, url in labels], NameIndex.of(labels))


def _from_files(opened: OpenedIndex, request: SolveRequest) -> Solution | None:
    """Solve without a look at any record, in half the time; None where that fails, for whatever reason.

    The reason is left to a solve from records, because here rattler's would speak of files.
    """
    work = rattler.solve_with_sparse_repodata(
        _specs(request.specs),
        opened.readings,  # type: ignore[arg-type]  # they are opaque to all others
        virtual_packages=[_virtual(package) for package in request.virtual_packages],
        channel_priority=_PRIORITIES[request.channel_priority],
        constraints=_specs(request.constraints),
    )
    try:
        solved = run(work)
    except (SolverError, OSError):
        return None
    return _solution(opened.record(native) for native in solved)


async def _solve(sources: Sequence[_Source], request: SolveRequest) -> list[rattler.RepoDataRecord]:
    if not request.specs:
        return []
    subdirs = {subdir for source in sources for subdir in source.channel.subdirs} | {"noarch"}
    return await rattler.solve(
        list(sources),
        _specs(request.specs),
        platforms=[rattler.Subdir(subdir) for subdir in sorted(subdirs)],
        virtual_packages=[_virtual(package) for package in request.virtual_packages],
        channel_priority=_PRIORITIES[request.channel_priority],
        constraints=_specs(request.constraints),
        channel_relations="disabled",
    )


def _specs(roots: Sequence[RootSpec]) -> list[rattler.MatchSpec]:
    return [rattler.MatchSpec(text) for text in sorted({bracketed(root.spec) for root in roots})]


def _virtual(package: VirtualPackage) -> rattler.GenericVirtualPackage:
    return rattler.GenericVirtualPackage(
        rattler.PackageName(package.name), rattler.Version(package.version), rattler.BuildString(package.build)
    )


def _solution(found: Iterable[Record]) -> Solution:
    return Solution(records=tuple(sorted(found, key=lambda record: record.name)), solver="rattler")


def _converted(error: SolverError) -> SolveError:
    text = str(error).strip()
    if text.startswith(_UNSATISFIABLE):
        problem = text.removeprefix(_UNSATISFIABLE)
        return UnsatisfiableError("no set of packages meets the request", problem=problem)
    return SolveError(f"rattler failed: {text}")


def to_native(record: Record) -> rattler.RepoDataRecord:
    """Build rattler's form of a record."""
    package = rattler.PackageRecord(
        name=record.name,
        version=record.version,
        build=rattler.BuildString.new_unchecked(record.build),
        build_number=record.build_number,
        subdir=record.subdir,
        depends=list(record.depends),
        constrains=list(record.constrains),
    )
    if record.track_features:
        package.track_features = list(record.track_features)
    if record.timestamp is not None:
        # rattler multiplies by 1000 and cuts off; half a millisecond more makes that exact
        package.timestamp = datetime.fromtimestamp((record.timestamp + 0.5) / 1000, UTC)
    return rattler.RepoDataRecord(package, record.filename, record.url, record.channel + "/")
