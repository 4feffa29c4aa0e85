"""Plan one target in rounds, until the conda half and the PyPI half agree."""

from __future__ import annotations

from dataclasses import dataclass

from envgen.errors import PlanError, PypiUnreachableError
from envgen.mapping.specs import to_pep440
from envgen.models.solve import Solution
from envgen.models.wheel import Resolution, Stub
from envgen.plan.board import Board
from envgen.plan.closure import Closure, walk
from envgen.plan.conda_half import provided_by, settle
from envgen.plan.inputs import Plan, PlanInputs, Sides
from envgen.plan.lifting import lift
from envgen.plan.outcome import outcome
from envgen.plan.resolving import resolve
from envgen.plan.sources import choose_sources, did_you_mean, lines_of
from envgen.plan.tensorflow import bind, pin_metal

MAX_PASSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Hold the two halves of a plan that fit together."""

    solution: Solution
    closure: Closure


def plan(inputs: PlanInputs, sides: Sides) -> Plan:
    """Decide what is installed on one target.

    Raises:
        PlanError, MappingError: the requirements cannot be given sources that fit.
        UnsatisfiableError: no set of records meets them.
        PypiUnsatisfiableError, PypiUnreachableError: PyPI has not, or cannot be asked for, what must come from it.
    """
    board = choose_sources(inputs, sides)
    solution = settle(board)
    if not board.has_pypi:
        return outcome(board, solution, Closure(stays=(), needs=(), missing=()))
    try:
        agreement = _negotiate(board, solution)
    except PypiUnreachableError as error:
        raise _asked_for(board, error) from error
    return outcome(board, agreement.solution, agreement.closure)


def _asked_for(board: Board, error: PypiUnreachableError) -> PypiUnreachableError:
    """Put on a failure to reach PyPI which of the user's lines need it, and what may have been meant instead."""
    roots = board.pypi_roots
    reasons = dict.fromkeys(f"{root.name} is asked of PyPI because {root.why}" for root in roots)
    meant = did_you_mean([root.name for root in roots if root.mapped.conda is None], board.sides)
    return PypiUnreachableError(
        "\n".join([error.message, *reasons]),
        hint=f"{meant}{error.hint}",
        lines=lines_of(root.wanted.requirement for root in roots),
    )


def _negotiate(board: Board, solution: Solution) -> Agreement:
    """Resolve, lift and solve until every requirement of the wheels that stay is met by one half or the other."""
    stubs: dict[str, Stub] = {}
    for _ in range(MAX_PASSES):
        resolution = resolve(board, stubs)
        board.note(resolution.notes)
        if pin_metal(board, resolution):
            continue
        closure, solution = _agree(board, resolution, solution)
        if not closure.missing and not board.stale:
            return Agreement(solution=solution, closure=closure)
        stubs = _stubs(board, solution)
    names = ", ".join(sorted(board.kept_off))
    raise PlanError(
        f"the conda half and the PyPI half did not agree in {MAX_PASSES} rounds (they differ over {names})",
        lines=lines_of(root.wanted.requirement for root in board.pypi_roots),
        hint="pin one of these packages, or list it under `pypi:`",
    )


def _agree(board: Board, resolution: Resolution, solution: Solution) -> tuple[Closure, Solution]:
    """Lift and solve with one answer of PyPI's, until nothing changes; a closure that misses wheels ends it."""
    board.settled = board.stale = False
    while True:
        closure = walk(board, resolution)
        if closure.missing:
            return closure, solution
        changed = lift(board, closure.needs)
        if not changed and board.settled:
            return closure, solution
        solution = settle(board)
        while bind(board, closure, solution) and not board.stale:
            solution = settle(board)
        board.settled = True
        if board.stale:
            return closure, solution


def _stubs(board: Board, solution: Solution) -> dict[str, Stub]:
    """Stand in for what conda provides, at conda's versions."""
    stubs = {}
    for name, record in provided_by(board, solution.records).items():
        version = to_pep440(record.version)
        if version and name not in board.loose:
            stubs[name] = Stub(name=name, version=version)
    return stubs
