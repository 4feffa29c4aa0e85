"""What conda may not bring: what must come from PyPI, or may not be beside what does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from envgen.mapping.channel_packages import depends_names, fits_python
from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record
from envgen.models.solve import RootSpec, Solution
from envgen.planner.conda_request import own_specs
from envgen.planner.known_limits import forbidden_beside_tensorflow
from envgen.planner.plan import Reason
from envgen.planner.state import PlanState

_HARMLESS = frozenset({"python", "python_abi"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenDependency:
    """A spec that brings a package which may not come from conda.

    One of `lift` (a distribution's name) and `root` (a requirement of the user's) is set, or neither where the spec
    cannot move: it was written verbatim, or everything needs it. `provides` are the distributions of its own package.
    """

    spec: RootSpec
    package: str
    reason: Reason
    lift: str = ""
    root: str = ""
    provides: tuple[str, ...] = ()

    @property
    def movable(self) -> bool:
        """Return whether PyPI may serve what the spec is for instead."""
        return bool(self.lift or self.root)

    @property
    def reason_to_move(self) -> Reason:
        if self.spec.spec.name == self.package:
            return self.reason
        return replace(self.reason, text=f"conda's {self.spec.spec.name} brings {self.package}, and {self.reason.text}")

    @property
    def way_out(self) -> str:
        """Return what the user may do where the spec cannot move."""
        if self.spec.spec.name in ("pip", "python"):
            return f"let conda provide {self.package}: list it under `dependencies` alone"
        moved = [f"write `{name}` under `dependencies`, so that PyPI may serve it" for name in self.provides[:1]]
        ways = [f"leave `{self.spec.spec}` out", *moved, *filter(None, [self.reason.way_out])]
        return ", or ".join(ways)


def forbidden_dependencies(state: PlanState, solution: Solution) -> list[ForbiddenDependency]:
    """Return the specs that bring records which must not come from conda, each lift and requirement once."""
    reasons = {record.name: _why_forbidden(state, record) for record in solution.records}
    forbidden = {name: reason for name, reason in reasons.items() if reason}
    if not forbidden:
        return []
    records = {record.name: record for record in solution.records}
    graph = {name: [MatchSpec.name_of(text) for text in record.depends] for name, record in records.items()}
    found: dict[tuple[str, str, str], ForbiddenDependency] = {}
    for spec, lift, root in _candidates(state):
        package = next((name for name in _reachable(graph, spec.spec.name) if name in forbidden), None)
        if package:
            dependency = ForbiddenDependency(
                spec=spec,
                package=package,
                reason=forbidden[package],
                lift=lift,
                root=root,
                provides=_provides(state, records[spec.spec.name]),
            )
            found.setdefault((lift, root, "" if lift or root else spec.spec.text), dependency)
    return list(found.values())


def surely_forbidden(state: PlanState) -> list[ForbiddenDependency]:
    """Return the user's requirements that bring what must not come from conda whichever of its records is chosen.

    This is what every record of a package, and of those that all of them depend on, depends on: no solve is needed.
    """
    if not state.pypi_roots:
        return []
    needs, found = _SureNeeds(state), []
    for root in state.conda_roots:
        package = next((name for name in needs.of(root.specs[0].spec) if needs.why_forbidden(name)), "")
        if package and (reason := needs.why_forbidden(package)):
            found.append(ForbiddenDependency(spec=root.specs[0], package=package, reason=reason, root=root.name))
    return found


class _SureNeeds:
    """What each of a package's records for the target's python brings, whichever is chosen."""

    def __init__(self, state: PlanState) -> None:
        self._state = state
        self._packages = state.resolvers.mapper.packages
        self._needs: dict[str, tuple[str, ...]] = {}
        self._reasons: dict[str, Reason | None] = {}

    def of(self, spec: MatchSpec) -> Iterator[str]:
        """Yield a package and what it brings for sure, breadth first."""
        matching = [record for record in self._packages.records(spec.name) if spec.matches(record)]
        level, seen = [spec.name], {spec.name}
        first = self._common(matching)
        while level:
            yield from level
            self._packages.read(level)
            more = (need for name in level for need in (first if name == spec.name else self._all(name)))
            level = [name for name in dict.fromkeys(more) if name not in seen]
            seen.update(level)

    def why_forbidden(self, name: str) -> Reason | None:
        """Return why no record of a package may be there; None where one may."""
        if name not in self._reasons:
            newest = self._packages.newest(name)
            reason = _why_forbidden(self._state, newest) if newest else None
            forbidden = reason and all(_why_forbidden(self._state, record) for record in self._packages.records(name))
            self._reasons[name] = reason if forbidden else None
        return self._reasons[name]

    def _all(self, name: str) -> tuple[str, ...]:
        if name not in self._needs:
            self._needs[name] = self._common(self._packages.records(name))
        return self._needs[name]

    def _common(self, records: Sequence[Record]) -> tuple[str, ...]:
        python = self._state.inputs.platform.python
        names = [depends_names(record) for record in records if fits_python(record, python)]
        return tuple(sorted(frozenset[str]().union(*names[:1]).intersection(*names) - _HARMLESS))


def _why_forbidden(state: PlanState, record: Record) -> Reason | None:
    found = (state.why_pypi(name) for name in state.resolvers.mapper.distributions_of(record))
    return next((reason for reason in found if reason), None) or forbidden_beside_tensorflow(state, record)


def _candidates(state: PlanState) -> Iterator[tuple[RootSpec, str, str]]:
    """Yield each spec with the lift or the requirement that needs it; those that cannot move come last."""
    for lift in state.lifts.values():
        for spec in lift.specs:  # the first is the package itself, the others are what its extras are on conda
            yield spec, lift.name, ""
    for root in state.conda_roots:
        for spec in root.specs:
            yield spec, "", root.name
    for spec in own_specs(state):
        yield spec, "", ""


def _reachable(graph: Mapping[str, Sequence[str]], start: str) -> list[str]:
    """Return the names that a name leads to, itself first, breadth first."""
    seen = {start}
    queue = [start]
    for name in queue:  # grows on the way
        for child in graph.get(name, ()):
            if child in graph and child not in seen:
                seen.add(child)
                queue.append(child)
    return queue


def _provides(state: PlanState, record: Record) -> tuple[str, ...]:
    """Return the distributions that a record provides, itself or as the umbrella over those that do."""
    own = canonicalize_name(record.name)
    return state.resolvers.mapper.distributions_of(record) or (own,) * state.resolvers.mapper.provides(record, own)
