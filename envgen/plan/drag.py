"""Find what drags records into a solution that may not be there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from envgen.models.matchspec import MatchSpec
from envgen.models.record import Record
from envgen.models.solve import RootSpec, Solution
from envgen.plan.board import Board
from envgen.plan.tensorflow import forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Dragged:
    """Say that a root brings a package that may not come from conda.

    One of `lift` (a distribution's name) and `root` (a requirement of the user's) is set, or neither where `spec` was
    written verbatim.
    """

    spec: RootSpec
    package: str
    because: str
    lift: str = ""
    root: str = ""

    @property
    def why(self) -> str:
        """Give the reason to leave conda, in words."""
        if self.spec.spec.name == self.package:
            return self.because
        return f"conda's {self.spec.spec.name} brings {self.package}, and {self.because}"


def dragged(board: Board, solution: Solution) -> list[Dragged]:
    """List the roots that bring records which must not come from conda, each root once."""
    unwanted = _unwanted(board, solution)
    if not unwanted:
        return []
    graph = {record.name: tuple(MatchSpec.parse(text).name for text in record.depends) for record in solution.records}
    found = []
    for spec, lift, root in _candidates(board):
        for package in _reachable(graph, spec.spec.name):
            if package in unwanted:
                found.append(Dragged(spec=spec, package=package, because=unwanted[package], lift=lift, root=root))
                break
    return found


def _unwanted(board: Board, solution: Solution) -> dict[str, str]:
    found = {}
    for record in solution.records:
        reason = _reason(board, record)
        if reason:
            found[record.name] = reason
    return found


def _reason(board: Board, record: Record) -> str:
    for name in board.sides.mapper.distributions_of(record):
        if name in board.pypi_names:
            return f"{name} comes from PyPI"
        if name in board.kept_off:
            return board.kept_off[name]
        if board.tensorflow_from_pypi and name in board.family.never_lift:
            return board.family.never_lift[name]
    return forbidden(board, record)


def _candidates(board: Board) -> Iterator[tuple[RootSpec, str, str]]:
    for lift in list(board.lifts.values()):
        yield from ((spec, lift.name, "") for spec in lift.specs[:1])
    for root in board.conda_roots:
        for spec in root.mapped.specs:
            yield RootSpec(spec=spec, origin=root.wanted.requirement.origin), "", root.name
    for wanted in board.inputs.specs:
        yield wanted.root, "", ""


def _reachable(graph: dict[str, tuple[str, ...]], start: str) -> list[str]:
    """List the names that a name leads to, itself first, breadth first."""
    seen = {start: None}
    queue = [start]
    for name in queue:
        for child in graph.get(name, ()):
            if child in graph and child not in seen:
                seen[child] = None
                queue.append(child)
    return list(seen)
