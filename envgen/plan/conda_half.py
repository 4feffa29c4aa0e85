"""Solve the conda half, moving out what may not come from conda."""

from __future__ import annotations

from collections.abc import Iterable

from envgen.errors import PlanError, UnsatisfiableError
from envgen.mapping.requirements import map_requirements
from envgen.models.matchspec import MatchSpec
from envgen.models.record import Record
from envgen.models.requirement import Origin
from envgen.models.solve import RootSpec, Solution, SolveRequest
from envgen.plan.board import BOOTSTRAP, Board, Lift, Root
from envgen.plan.drag import Dragged, dragged
from envgen.plan.sources import refuse_offline


def settle(board: Board) -> Solution:
    """Solve until no record provides what must come from PyPI.

    Lifts that make the solve fail are undone, and requirements of the user's that conda cannot serve move to PyPI.

    Raises:
        UnsatisfiableError: the user's own requirements conflict.
        PlanError: a spec of the user's brings what may not stand beside PyPI's TensorFlow.
    """
    while True:
        request = conda_request(board)
        try:
            solution = board.sides.conda.solve(request)
        except UnsatisfiableError as error:
            _relieve(board, request, error)
            continue
        culprits = dragged(board, solution)
        if not culprits:
            return solution
        for culprit in culprits:
            _move_out(board, culprit)


def conda_request(board: Board, lifts: Iterable[Lift] | None = None) -> SolveRequest:
    """Build the solve request of what has been decided so far, with all lifts or with those given."""
    chosen = board.lifts.values() if lifts is None else lifts
    specs = [
        _python_root(board),
        *root_specs(board.conda_roots),
        *(wanted.root for wanted in board.inputs.specs),
        *(spec for lift in chosen for spec in lift.specs),
    ]
    if board.has_pypi:
        specs.append(RootSpec(spec=MatchSpec.parse("pip"), origin=Origin(path="packages from PyPI need it")))
    unique = tuple(dict.fromkeys(specs))
    names = sorted({spec.spec.name for spec in unique})
    return SolveRequest(
        channels=board.sides.repodata.closure(names),
        specs=unique,
        virtual_packages=board.inputs.platform.virtual_packages(),
        constraints=(*_user_constraints(board), *(board.caps[name] for name in sorted(board.caps))),
        channel_priority=board.inputs.channel_priority,
    )


def _python_root(board: Board) -> RootSpec:
    spec = MatchSpec.parse(f"python {board.inputs.platform.python}.*")
    return RootSpec(spec=spec, origin=board.inputs.python_origin)


def _user_constraints(board: Board) -> list[RootSpec]:
    constraints = board.inputs.constraints
    if not constraints:
        return []
    mapped = map_requirements(constraints, board.sides.mapper, board.inputs.platform, board.sides.metadata)
    return [
        RootSpec(spec=spec, origin=answer.requirement.origin)
        for answer in mapped
        if answer.applies and answer.source == "conda"
        for spec in answer.specs
    ]


def _relieve(board: Board, request: SolveRequest, error: UnsatisfiableError) -> None:
    """Change the board so that the next solve may succeed, or raise."""
    if board.lifts and _solvable(board, conda_request(board, [])):
        _undo_lifts(board, error)
        return
    lonely = _lonely_roots(board)
    if not lonely or board.sides.pypi is None:
        raise board.sides.conda.explain(conda_request(board, []), error) from error
    target = board.inputs.platform
    system = f" and macOS {target.macos}" if target.is_mac else ""
    for name in lonely:
        board.blame[name] = board.sides.conda.explain(request, error)
        board.move_to_pypi(name, f"no record of the channel that meets it fits python {target.python}{system}")


def _undo_lifts(board: Board, error: UnsatisfiableError) -> None:
    """Keep the largest run of lifts that solves, the most needed first, and take the others from PyPI."""
    kept: list[Lift] = []
    for lift in sorted(board.lifts.values(), key=lambda lift: (-len(lift.specs), lift.name)):
        if _solvable(board, conda_request(board, [*kept, lift])):
            kept.append(lift)
            continue
        if lift.name in BOOTSTRAP or lift.name in {root.name for root in board.conda_roots}:
            raise board.sides.conda.explain(conda_request(board, [*kept, lift]), error) from error
        board.keep_off(lift.name, f"the channel has no {lift.conda} that fits: {_bounds(lift)}")


def _bounds(lift: Lift) -> str:
    return ", ".join(f"`{spec.spec}` ({spec.origin.path})" for spec in lift.specs)


def _solvable(board: Board, request: SolveRequest) -> bool:
    try:
        board.sides.conda.solve(request)
    except UnsatisfiableError:
        return False
    return True


def _lonely_roots(board: Board) -> list[str]:
    """List the user's requirements that cannot be had from conda even alone, with this python."""
    lonely = []
    for root in board.conda_roots:
        if not _solvable(board, solo_request(board, root_specs([root]))):
            lonely.append(root.name)
    return lonely


def solo_request(board: Board, specs: tuple[RootSpec, ...]) -> SolveRequest:
    """Build the request of some specs with the target's python, and nothing else of the board."""
    names = sorted({"python", *(spec.spec.name for spec in specs)})
    return SolveRequest(
        channels=board.sides.repodata.closure(names),
        specs=(_python_root(board), *specs),
        virtual_packages=board.inputs.platform.virtual_packages(),
        channel_priority=board.inputs.channel_priority,
    )


def root_specs(roots: Iterable[Root]) -> tuple[RootSpec, ...]:
    """List the match specs of requirements, each with the line that asks for it."""
    return tuple(
        RootSpec(spec=spec, origin=root.wanted.requirement.origin) for root in roots for spec in root.mapped.specs
    )


def _move_out(board: Board, culprit: Dragged) -> None:
    if culprit.lift:
        board.keep_off(culprit.lift, culprit.why)
    elif culprit.root:
        board.move_to_pypi(culprit.root, culprit.why)
        refuse_offline(board)
    else:
        raise PlanError(
            f"`{culprit.spec.spec}` brings {culprit.package}, but {culprit.because}",
            lines=[culprit.spec.origin.line] if culprit.spec.origin.line else [],
            hint="name the package under `dependencies` or `pypi`, so that its PyPI wheel can be taken, "
            "or use `accelerator: cpu` with conda's TensorFlow",
            code="clash",
        )


def provided_by(board: Board, records: Iterable[Record]) -> dict[str, Record]:
    """Map each PyPI distribution to the record that provides it."""
    return {name: record for record in records for name in board.sides.mapper.distributions_of(record)}
