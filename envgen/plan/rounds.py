"""Plan one target in rounds, until the conda half and the PyPI half agree."""

from __future__ import annotations

from dataclasses import dataclass

from envgen.errors import PlanError, PypiUnreachableError
from envgen.models.requirement import in_order
from envgen.models.solve import Solution
from envgen.models.wheel import PypiSide, Resolution, ResolveRequest
from envgen.plan.beside import accompany
from envgen.plan.blame import unreachable
from envgen.plan.board import Board
from envgen.plan.closure import Closure, walk
from envgen.plan.conda_half import settle
from envgen.plan.inputs import Plan, PlanInputs, Sides
from envgen.plan.lifting import lift
from envgen.plan.outcome import outcome
from envgen.plan.resolving import question, resolve, stand_in, still_answers
from envgen.plan.sources import choose_sources
from envgen.plan.tensorflow import bind, pin_metal

MAX_PASSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Hold the two halves of a plan that fit together; without a solution, PyPI's answer lacks something."""

    closure: Closure
    solution: Solution | None = None


def plan(inputs: PlanInputs, sides: Sides) -> Plan:
    """Decide what is installed on one target.

    Raises:
        PlanError, MappingError: the requirements cannot be given sources that fit.
        UnsatisfiableError: no set of records meets them.
        PypiUnsatisfiableError, PypiUnreachableError: PyPI has not, or cannot be asked for, what must come from it.
    """
    board = choose_sources(inputs, sides)
    solution = settle(board)
    if sides.pypi is None or not board.pypi_roots:
        return outcome(board, solution, Closure())
    try:
        return _negotiate(board, sides.pypi)
    except PypiUnreachableError as error:
        raise unreachable(board, error) from error


def _negotiate(board: Board, pypi: PypiSide) -> Plan:
    """Resolve, lift and solve until every requirement of the wheels that stay is met by one half or the other."""
    closure = Closure()
    for _ in range(MAX_PASSES):
        resolution = resolve(board, pypi)
        asked = question(board)
        if pin_metal(board, resolution) or stand_in(board, resolution.wheelless):
            continue
        agreement = _agree(board, resolution, asked)
        closure, now = agreement.closure, question(board)
        if agreement.solution and still_answers(asked, now):
            board.note(resolution.notes)
            return outcome(board, agreement.solution, closure)
        if asked == now:
            break
    raise _disagreement(board, closure)


def _agree(board: Board, resolution: Resolution, asked: ResolveRequest) -> Agreement:
    """Lift and solve with one answer of PyPI's, until nothing changes or PyPI must be asked again.

    What was concluded from an earlier answer's wheels is forgotten first, but for what left conda for good.
    """
    board.unmet, board.caps, board.beside = {}, {}, {}
    accompany(board, board.pypi_names)
    while True:
        before = board.state()
        closure = walk(board, resolution)
        if closure.missing:
            return Agreement(closure=closure)
        if accompany(board, closure.names):
            continue
        lift(board, closure.needs)
        solution = settle(board)
        bind(board, closure, solution)
        if board.state() == before or not still_answers(asked, question(board)):
            return Agreement(closure=closure, solution=solution)


def _disagreement(board: Board, closure: Closure) -> PlanError:
    causes = [*board.held.values(), *board.kept_off.values(), *board.unmet.values()]
    reasons = [cause.text for cause in causes]
    reasons += [f"{need.origin.path}, which PyPI's answer lacks" for need in closure.missing]
    lines = [line for cause in causes for line in cause.lines]
    lines += [need.origin.line for need in closure.missing if need.origin.line]
    return PlanError(
        f"the conda half and the PyPI half do not agree: {'; '.join(dict.fromkeys(reasons))}",
        lines=in_order([*lines, *(line for root in board.pypi_roots for line in root.lines)]),
        hint="bound one of these packages, or list it under `pypi`",
    )
