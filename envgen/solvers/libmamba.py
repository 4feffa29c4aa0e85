"""libmamba's solver, mamba's own; its bindings `libmambapy` come from conda-forge only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import libmambapy
from libmambapy import solver as mamba
from libmambapy import specs
from libmambapy.solver import libsolv

from envgen.errors import SolveError, UnsatisfiableError
from envgen.models.record import ChannelRecords, Record, VirtualPackage
from envgen.models.solve import Solution, SolveRequest
from envgen.solvers.candidates import NameIndex, Remembered, bracketed, candidates, labels, record_of, spaced

_LIMIT = "__constraint"
_WORDS = (
    (" =* *", ""),
    (" * ", " "),
    (" *,", ","),
    (" *;", ";"),
    (" *.", "."),
    (f"{_LIMIT} is installable and it requires", "the request is constrained to"),
    (_LIMIT, "the request"),
)
_YEAR_2008 = 1199145600000
_NOARCH = {"python": specs.NoArchType.Python, "generic": specs.NoArchType.Generic}
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TITLE = "Could not solve for environment specs\n"


@dataclass(frozen=True, slots=True)
class _LibmambaChannel:
    """One channel's records as libmamba's package infos, indexed."""

    packages: Sequence[Any]
    index: NameIndex


class LibmambaSolver:
    """A `Solver` that is libmamba's, with records in memory.

    Only calls that every libmambapy from 2.0 has are used. Each request gets a fresh `Database`: jobs may leave traces
    in one. No `Context` is ever made: it is a process-wide singleton and takes over the signals.
    """

    def __init__(self) -> None:
        self._package_info = Remembered(_package_info)
        self._prepared = Remembered(self._channel, limit=8)

    def solve(self, request: SolveRequest) -> Solution:
        """Return the records that meet the request; raise UnsatisfiableError with libmamba's reasons when none do."""
        channels = [self._prepared(entry) for entry in request.channels]
        indexes = [channel.index for channel in channels]
        visible = candidates(request, indexes)
        database = libsolv.Database(specs.ChannelResolveParams())
        for number, (channel, by_name) in enumerate(zip(channels, visible, strict=True)):
            _add_channel(database, channel, by_name, _priority(request, number))
        jobs = _add_system(database, request)
        try:
            outcome = libsolv.Solver().solve(database, mamba.Request(jobs, _flags(request)))
        except (libmambapy.MambaNativeException, RuntimeError) as error:
            raise SolveError(f"libmamba failed: {error}") from error
        if not isinstance(outcome, mamba.Solution):
            raise UnsatisfiableError("no set of packages meets the request", problem=_problem(outcome, database))
        urls = [package.package_url for package in outcome.to_install()]
        found = [record_of(url, request.channels, indexes, "libmamba") for url in urls]
        return Solution(records=tuple(sorted(found, key=lambda record: record.name)), solver="libmamba")

    def _channel(self, entry: ChannelRecords) -> _LibmambaChannel:
        packages = [self._package_info(record) for record in entry.records]
        return _LibmambaChannel(packages, NameIndex.of(labels(entry)))


def _package_info(record: Record) -> Any:
    return specs.PackageInfo(
        name=record.name,
        version=record.version,
        build_string=record.build,
        build_number=record.build_number,
        channel=record.channel,
        package_url=record.url,
        platform=record.subdir,
        filename=record.filename,
        track_features=list(record.track_features),
        depends=list(record.depends),
        constrains=list(record.constrains),
        noarch=_NOARCH.get(record.noarch, specs.NoArchType.No),
        timestamp=_age(record.timestamp),
    )


def _age(timestamp: int | None) -> int:
    """Return a number that orders records as their timestamps do.

    libmamba cuts a millisecond timestamp to seconds, and then differs from rattler where two builds share a second.
    Units of four milliseconds since 2008 stay below the number from which it takes a timestamp for milliseconds.
    """
    return max(timestamp - _YEAR_2008, 0) // 4 + 1 if timestamp else 0


def _add_channel(database: Any, channel: _LibmambaChannel, by_name: Mapping[str, Sequence[int]], priority: int) -> None:
    packages = [channel.packages[i] for positions in by_name.values() for i in positions]
    repo = database.add_repo_from_packages(packages, f"channel-{priority}")
    database.set_repo_priority(repo, libsolv.Priorities(priority, 0))


def _priority(request: SolveRequest, number: int) -> int:
    return 0 if request.channel_priority == "disabled" else len(request.channels) - number


def _flags(request: SolveRequest) -> Any:
    return mamba.Request.Flags(strict_repo_priority=request.channel_priority == "strict")


def _add_system(database: Any, request: SolveRequest) -> list[Any]:
    """Add the virtual packages and the constraints, and return every job.

    Without a job of its own, a virtual package that some record constrains is dropped in silence. A constraint is the
    `constrains` of a dummy record that must be installed: a `Pin` would outlive the request.
    """
    limits = sorted({spaced(root.spec) for root in request.constraints})
    dummies = [_virtual(package) for package in request.virtual_packages]
    if limits:
        dummies.append(specs.PackageInfo(name=_LIMIT, version="0", build_string="0", constrains=limits))
    database.add_repo_from_packages(dummies, "system")
    wanted = [*sorted({bracketed(root.spec) for root in request.specs}), *(dummy.name for dummy in dummies)]
    return [mamba.Request.Install(specs.MatchSpec.parse(spec)) for spec in wanted]


def _virtual(package: VirtualPackage) -> Any:
    return specs.PackageInfo(
        name=package.name, version=package.version, build_string=package.build, filename=package.name
    )


def _problem(outcome: Any, database: Any) -> str:
    text = outcome.explain_problems(database, mamba.ProblemsMessageFormat())
    text = _COLOUR.sub("", text).removeprefix(_TITLE).strip()
    for libmambas, ours in _WORDS:
        text = text.replace(libmambas, ours)
    return text
