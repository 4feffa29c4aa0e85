"""Find what drags records into a solution that may not be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record
from envgen.models.solve import RootSpec, Solution
from envgen.plan.beside import forbidden
from envgen.plan.board import Board, Cause
from envgen.plan.conda_request import own_specs


@dataclass(frozen=True, slots=True, kw_only=True)
class Dragged:
    """Say that a spec brings a package that may not come from conda.

    One of `lift` (a distribution's name) and `root` (a requirement of the user's) is set, or neither where the spec
    cannot move: it was written verbatim, or everything needs it. `held` are the distributions that its package holds.
    """

    spec: RootSpec
    package: str
    cause: Cause
    lift: str = ""
    root: str = ""
    held: tuple[str, ...] = ()

    @property
    def movable(self) -> bool:
        """Tell whether PyPI may serve what the spec is for instead."""
        return bool(self.lift or self.root)

    @property
    def why(self) -> Cause:
        """Give the reason to leave conda."""
        if self.spec.spec.name == self.package:
            return self.cause
        return replace(self.cause, text=f"conda's {self.spec.spec.name} brings {self.package}, and {self.cause.text}")

    @property
    def way_out(self) -> str:
        """Say what the user may do where the spec cannot move."""
        if self.spec.spec.name in ("pip", "python"):
            return f"let conda provide {self.package}: list it under `dependencies` alone"
        moved = [f"write `{name}` under `dependencies`, so that PyPI may serve it" for name in self.held[:1]]
        ways = [f"leave `{self.spec.spec}` out", *moved, *filter(None, [self.cause.way_out])]
        return ", or ".join(ways)


def dragged(board: Board, solution: Solution) -> list[Dragged]:
    """List the specs that bring records which must not come from conda, each lift and requirement once."""
    unwanted = _unwanted(board, solution)
    if not unwanted:
        return []
    records = {record.name: record for record in solution.records}
    graph = {name: tuple(MatchSpec.parse(text).name for text in record.depends) for name, record in records.items()}
    found: dict[tuple[str, str, str], Dragged] = {}
    for spec, lift, root in _candidates(board):
        package = next((name for name in _reachable(graph, spec.spec.name) if name in unwanted), None)
        if package:
            key = (lift, root, "" if lift or root else spec.spec.text)
            held = _held(board, records[spec.spec.name])
            brought = Dragged(spec=spec, package=package, cause=unwanted[package], lift=lift, root=root, held=held)
            found.setdefault(key, brought)
    return list(found.values())


def _held(board: Board, record: Record) -> tuple[str, ...]:
    """Give the distributions that a record provides, itself or as the umbrella over those that do."""
    own = canonicalize_name(record.name)
    return board.sides.mapper.distributions_of(record) or (own,) * board.sides.mapper.provides(record, own)


def _unwanted(board: Board, solution: Solution) -> dict[str, Cause]:
    causes = {record.name: _cause(board, record) for record in solution.records}
    return {name: cause for name, cause in causes.items() if cause}


def _cause(board: Board, record: Record) -> Cause | None:
    found = (board.why_pypi(name) for name in board.sides.mapper.distributions_of(record))
    return next((cause for cause in found if cause), None) or forbidden(board, record)


def _candidates(board: Board) -> Iterator[tuple[RootSpec, str, str]]:
    """Give each spec with the lift or the requirement that asks for it; those that cannot move come last."""
    for lift in board.lifts.values():
        yield lift.specs[0], lift.name, ""
    for root in board.conda_roots:
        for spec in root.specs:
            yield spec, "", root.name
    for spec in own_specs(board):
        yield spec, "", ""


def _reachable(graph: Mapping[str, tuple[str, ...]], start: str) -> list[str]:
    """List the names that a name leads to, itself first, breadth first."""
    seen = {start: None}
    queue = [start]
    for name in queue:
        for child in graph.get(name, ()):
            if child in graph and child not in seen:
                seen[child] = None
                queue.append(child)
    return list(seen)
