"""Turn a settled board into a plan with its decisions."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.models.notes import Decision
from envgen.models.solve import Solution
from envgen.plan.board import Board, Root
from envgen.plan.closure import Closure
from envgen.plan.inputs import Plan


def outcome(board: Board, solution: Solution, closure: Closure) -> Plan:
    """Give the plan of a board whose halves agree: the user's requirements first, in their order, then the lifts."""
    lifted = [
        Decision(requirement=lift.name, name=lift.conda, source="conda", why=lift.why)
        for lift in sorted(board.lifts.values(), key=lambda lift: lift.name)
        if lift.name not in {root.name for root in board.roots}
    ]
    stays = [
        Decision(requirement=wheel.name, name=wheel.name, source="pypi", why=wheel.why)
        for wheel in closure.stays
        if wheel.name not in board.pypi_names
    ]
    asked = [decision for root in board.roots for decision in _decisions(root)]
    return Plan(
        accelerator=board.family.accelerator,
        conda=solution.records,
        pypi=closure.stays,
        roots=_root_groups(board),
        solver=solution.solver,
        decisions=tuple(dict.fromkeys([*asked, *lifted, *stays])),
        notes=tuple(board.notes),
    )


def _decisions(root: Root) -> Iterator[Decision]:
    requirement = str(root.wanted.requirement)
    if root.from_pypi:
        yield Decision(requirement=requirement, name=root.name, source="pypi", why=root.why)
        return
    for spec in root.mapped.specs:
        yield Decision(requirement=requirement, name=spec.name, source="conda", why=root.why)


def _root_groups(board: Board) -> dict[str, frozenset[str]]:
    groups: dict[str, frozenset[str]] = {}

    def add(key: str, names: frozenset[str]) -> None:
        groups[key] = groups.get(key, frozenset()) | names

    for root in board.roots:
        if root.from_pypi:
            add(f"pypi:{root.name}", root.wanted.groups)
        else:
            for spec in root.mapped.specs:
                add(f"conda:{spec.name}", root.wanted.groups)
    for wanted in board.inputs.specs:
        add(f"conda:{wanted.root.spec.name}", wanted.groups)
    return groups
