"""The solution that changes least of what was locked.

Every kept record is a constraint on its package: *if present, then this very record* (design: `==version=build`, made
exact by leaving the package's other records out, which also makes the solve quick). When that is unsatisfiable, records
are freed until it is not. What is promised:

- the packages that are freed are a minimal set: none of them could have been kept beside all those that are (the set
  is minimal by inclusion; a smaller set of other packages may exist);
- what no requirement leads to any more is gone, because a constraint asks for nothing;
- an updated package goes to the version that a fresh solve gives it, where that is newer; the others move only if that
  version forces them;
- a kept record that today's index lacks stays usable for as long as it is kept, since it was real when it was locked;
  once its package is freed or updated, only records of the index are chosen from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from envgen.errors import UnsatisfiableError
from envgen.models.match_spec import MatchSpec, newer
from envgen.models.record import ChannelRecords, Record
from envgen.models.requirement import Origin
from envgen.models.solve import RootSpec, Solution, Solver, SolveRequest
from envgen.solvers.candidates import labels, picked
from envgen.solvers.propagation import Refuter

_SHUNNED = "envgen-not-kept"

Kept = Mapping[str, Record]
"""The kept records by package name."""


def solve_with_least_change(
    solver: Solver, request: SolveRequest, kept: Sequence[Record], update: AbstractSet[str] = frozenset()
) -> Solution:
    """Return records that meet the request and differ from the kept ones as little as they must.

    `update` names the packages that are meant to move. The request's channels should hold the records that the kept
    ones depend on as well. Raise UnsatisfiableError when the request itself cannot be met.
    """
    pool = _Pool.of(request, [record for record in kept if record.name not in update])
    if targets := _targets(solver, request, [record for record in kept if record.name in update]):
        pool = replace(pool, request=replace(pool.request, constraints=(*request.constraints, *targets)))
    try:
        return solver.solve(pool.keeping(pool.kept))
    except UnsatisfiableError:
        return _free_the_least(solver, pool, Refuter(pool.request, pool.kept))


def _targets(solver: Solver, request: SolveRequest, moving: Sequence[Record]) -> list[RootSpec]:
    """Return the versions that updated packages go to: a fresh solve's, where it has newer ones."""
    if not moving:
        return []
    fresh = {record.name: record.version for record in solver.solve(request).records}
    return [
        RootSpec(spec=MatchSpec.parse(f"{old.name}=={fresh[old.name]}"), origin=Origin(path=f"update of {old.name}"))
        for old in moving
        if old.name in fresh and newer(fresh[old.name], old.version)
    ]


def _free_the_least(solver: Solver, pool: _Pool, refuter: Refuter) -> Solution:
    """Free packages until the rest can be kept, none of them without need.

    The first attempt is enough where refutation found every package that must move. Else a solution that prefers kept
    records shows which can be kept together; each other one is then freed because what is kept refutes it, or because
    the solver refuses it.
    """
    pool = pool.without(refuter.refuted(pool.kept))
    try:
        return solver.solve(pool.keeping(pool.kept))
    except UnsatisfiableError:
        solution = solver.solve(pool.preferring(pool.kept))
    fixed = _obeyed(pool.kept, solution)
    step = len(pool.kept)
    while doubtful := _doubtful(pool, fixed, refuter)[:step]:
        try:
            solution = solver.solve(pool.keeping({**fixed, **{name: pool.kept[name] for name in doubtful}}))
        except UnsatisfiableError:
            if len(doubtful) == 1:
                pool = pool.without(doubtful)
            step = 1
        else:
            fixed = _obeyed(pool.kept, solution)
            step *= 2
    return solver.solve(pool.keeping(fixed))


def _doubtful(pool: _Pool, fixed: Kept, refuter: Refuter) -> list[str]:
    """List the packages that may or may not be kept beside the fixed ones, those that the user named first."""
    if len(fixed) == len(pool.kept):
        return []
    out = refuter.refuted(pool.kept, fixed)
    named = {root.spec.name for root in pool.request.specs}
    return sorted(pool.kept.keys() - fixed.keys() - out, key=lambda name: (name not in named, name))


def _obeyed(kept: Kept, solution: Solution) -> dict[str, Record]:
    present = {record.name: record for record in solution.records}
    return {name: old for name, old in kept.items() if present.get(name, old).url == old.url}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pool:
    """A request's records with the kept ones among them; `supplied` are the URLs that the index lacks."""

    request: SolveRequest
    kept: Kept
    supplied: frozenset[str]

    @classmethod
    def of(cls, request: SolveRequest, kept: Iterable[Record]) -> _Pool:
        usable = _usable(request, kept)
        urls = {record.url for record in usable}
        present = {
            url: entry.records[position]
            for entry in request.channels
            for position, (_, url) in enumerate(labels(entry))
            if url in urls
        }
        missing = [record for record in usable if record.url not in present]
        entries = [_with(entry, [r for r in missing if r.channel == entry.channel.url]) for entry in request.channels]
        return cls(
            request=replace(request, channels=tuple(entries)),
            kept={record.name: present.get(record.url, record) for record in usable},
            supplied=frozenset(record.url for record in missing),
        )

    def without(self, names: Collection[str]) -> _Pool:
        """Stop keeping some packages."""
        return replace(self, kept={name: record for name, record in self.kept.items() if name not in names})

    def keeping(self, kept: Kept) -> SolveRequest:
        """Leave out every record of a kept package but the kept one, and supplied records that are not kept."""
        urls = {name: record.url for name, record in kept.items()}

        def stays(name: str, url: str) -> bool:
            return urls[name] == url if name in urls else url not in self.supplied

        return self._request(
            picked(entry, [position for position, label in enumerate(labels(entry)) if stays(*label)])
            for entry in self.request.channels
        )

    def preferring(self, kept: Kept) -> SolveRequest:
        """Mark the other records of kept packages by a track feature, by which every solver ranks them last."""

        def ranked(record: Record) -> Record:
            old = kept.get(record.name)
            if old is None:
                return record
            return replace(record, track_features=() if record.url == old.url else (*record.track_features, _SHUNNED))

        return self._request(
            ChannelRecords(
                channel=entry.channel,
                records=tuple(ranked(r) for r in entry.records if r.name in kept or r.url not in self.supplied),
            )
            for entry in self.request.channels
        )

    def _request(self, entries: Iterable[ChannelRecords]) -> SolveRequest:
        return replace(self.request, channels=tuple(entries))


def _usable(request: SolveRequest, kept: Iterable[Record]) -> list[Record]:
    """Drop kept records whose channel is no longer asked for, or that a higher channel hides under strict priority."""
    ranks = {entry.channel.url: rank for rank, entry in reversed(list(enumerate(request.channels)))}
    owners: dict[str, int] = {}
    if request.channel_priority == "strict":
        for rank, entry in enumerate(request.channels):
            for name, _ in labels(entry):
                owners.setdefault(name, rank)
    return [
        record
        for record in kept
        if (own := ranks.get(record.channel)) is not None and own <= owners.get(record.name, own)
    ]


def _with(entry: ChannelRecords, more: Sequence[Record]) -> ChannelRecords:
    if not more:
        return entry
    return ChannelRecords(
        channel=entry.channel,
        records=(*entry.records, *more),
        native=None if entry.native is None else [*entry.native, *(None for _ in more)],
        labels=None if entry.labels is None else [*entry.labels, *((record.name, record.url) for record in more)],
    )
