"""Turn a settled board into a plan with its decisions."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.mapping.version_specs import came_true
from envgen.models.findings import Decision
from envgen.models.solve import Solution
from envgen.plan.board import Board
from envgen.plan.closure import Closure
from envgen.plan.inputs import Plan


def outcome(board: Board, solution: Solution, closure: Closure) -> Plan:
    """Give the plan of a board whose halves agree: the user's requirements first, then the lifts, then the wheels."""
    decisions = [
        *(decision for root in board.roots for decision in root.decisions()),
        *_lifted(board),
        *_staying(board, closure),
    ]
    versions = {record.version for record in solution.records}
    notes = [note for root in board.conda_roots for note in root.mapped.notes]
    notes += [note for name in sorted(board.lifts) for note in board.lifts[name].notes]
    board.note(note for note in notes if came_true(note, versions))
    board.note(_held(board))
    return Plan(
        accelerator=board.family.accelerator,
        conda=solution.records,
        pypi=closure.stays,
        roots=_root_groups(board),
        solver=solution.solver,
        decisions=tuple(dict.fromkeys(decisions)),
        notes=tuple(board.notes),
    )


def _lifted(board: Board) -> Iterator[Decision]:
    asked = {root.name for root in board.roots}
    for name in sorted(board.lifts.keys() - asked):
        lift = board.lifts[name]
        yield Decision(requirement=name, name=lift.conda, source="conda", why=lift.why)


def _staying(board: Board, closure: Closure) -> Iterator[Decision]:
    for wheel in closure.stays:
        if wheel.name not in board.pypi_names:
            yield Decision(requirement=wheel.name, name=wheel.name, source="pypi", why=wheel.why)


def _held(board: Board) -> Iterator[str]:
    """Say where PyPI's choice was bound to what conda has."""
    for name in sorted(board.held):
        here = f"conda's {name} {board.stubs[name].version}, which your other requirements bring"
        yield f"PyPI was asked for what goes with {here}: {board.held[name].text}"


def _root_groups(board: Board) -> dict[str, frozenset[str]]:
    groups: dict[str, frozenset[str]] = {}

    def add(key: str, names: frozenset[str]) -> None:
        groups[key] = groups.get(key, frozenset()) | names

    for root in board.roots:
        for decision in root.decisions():
            add(f"{decision.source}:{decision.name}", root.wanted.groups)
    for wanted in board.inputs.specs:
        add(f"conda:{wanted.root.spec.name}", wanted.groups)
    return groups
