"""Solve the conda half, moving out what may not come from conda."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.errors import PlanError, UnsatisfiableError
from envgen.mapping.channel_packages import depends_names
from envgen.models.requirement import in_order
from envgen.models.solve import Solution
from envgen.plan.board import Board, Cause, Lift, Root
from envgen.plan.conda_request import base_request, conda_request, provided_by, solo_request, solvable, solve
from envgen.plan.drag import Dragged, dragged
from envgen.plan.lifting import hold, keep_off, newest
from envgen.plan.sources import refuse_offline


def settle(board: Board) -> Solution:
    """Solve until no record provides what must come from PyPI.

    Lifts that make the solve fail are undone, and requirements of the user's that conda cannot serve move to PyPI. Each
    turn takes something from conda for good, so there is an end.

    Raises:
        UnsatisfiableError: the user's own requirements conflict.
        PlanError: a spec that cannot move brings what may not come from conda.
    """
    while True:
        try:
            solution = solve(board, conda_request(board))
        except UnsatisfiableError as error:
            _relieve(board, error)
            continue
        culprits = dragged(board, solution)
        if not culprits:
            board.provided = provided_by(board, solution.records)
            return solution
        for culprit in [each for each in culprits if each.movable] or culprits:
            _move_out(board, culprit)


def _relieve(board: Board, error: UnsatisfiableError) -> None:
    """Change the board so that the next solve may succeed, or raise."""
    base = base_request(board)
    if board.lifts and solvable(board, base):
        _undo_lifts(board)
        return
    lonely = _lonely(board, list(board.conda_roots))
    if not lonely:
        raise board.sides.conda.explain(base, error) from error
    if board.sides.pypi is None:
        raise board.sides.conda.explain(solo_request(board, lonely[0].specs), error) from error
    for root in lonely:
        specs = ", ".join(map(str, root.mapped.specs))
        board.move_to_pypi(root.name, Cause(text=f"no {specs} of the channel can be installed on {_target(board)}"))


def _lonely(board: Board, roots: Sequence[Root]) -> list[Root]:
    """List those that cannot be installed even on their own, by solving many at once and halves of what fails."""
    if not roots or solvable(board, solo_request(board, [spec for root in roots for spec in root.specs])):
        return []
    if len(roots) == 1:
        return list(roots)
    middle = len(roots) // 2
    return [*_lonely(board, roots[:middle]), *_lonely(board, roots[middle:])]


def _target(board: Board) -> str:
    platform = board.inputs.platform
    return f"python {platform.python}" + (f" and macOS {platform.macos}" if platform.is_mac else "")


def _undo_lifts(board: Board) -> None:
    """Keep as many lifts as can be, the most needed first; PyPI must go with conda's, or serve the others."""
    ordered = _most_needed_first(board)
    kept = _fitting(board, [], ordered)
    refused = [lift for lift in ordered if lift not in kept]
    board.lifts = {lift.name: lift for lift in kept}
    held = [lift for lift in refused if hold(board, lift.name, lift.cause)]
    if held:
        return  # PyPI is asked again, and what else is refused may be asked for no more
    for lift in refused:
        keep_off(board, lift.name, lift.cause)


def _fitting(board: Board, kept: list[Lift], more: Sequence[Lift]) -> list[Lift]:
    """Add lifts in their order, leaving out each that has no solution with those before it."""
    if not more or solvable(board, conda_request(board, [*kept, *more])):
        return [*kept, *more]
    if len(more) == 1:
        return kept
    half = len(more) // 2
    return _fitting(board, _fitting(board, kept, more[:half]), more[half:])


def _most_needed_first(board: Board) -> list[Lift]:
    """Sort lifts by how many others depend on them, since undoing those would undo the others as well."""
    found = {lift.conda: newest(board, lift.conda) for lift in board.lifts.values()}
    needed = [name for record in found.values() if record for name in depends_names(record)]
    return sorted(board.lifts.values(), key=lambda lift: (-needed.count(lift.conda), lift.name))


def _move_out(board: Board, culprit: Dragged) -> None:
    if culprit.lift:
        keep_off(board, culprit.lift, culprit.why)
    elif culprit.root:
        board.move_to_pypi(culprit.root, culprit.why)
        refuse_offline(board)
    else:
        raise PlanError(
            f"`{culprit.spec.spec}` brings {culprit.package}, but {culprit.cause.text}",
            lines=in_order([culprit.spec.origin.line, *culprit.cause.lines]),
            hint=culprit.way_out,
            code="clash",
        )
