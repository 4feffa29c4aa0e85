"""Ask conda, each question once."""

from __future__ import annotations

from collections.abc import Iterable

from envgen.errors import UnsatisfiableError
from envgen.models.match_spec import MatchSpec
from envgen.models.record import ChannelRecords, Record
from envgen.models.requirement import Origin
from envgen.models.solve import RootSpec, Solution, SolveRequest
from envgen.planner.state import LiftedRequirement, PlanState

PIP = RootSpec(spec=MatchSpec.parse("pip"), origin=Origin(path="packages from PyPI need it"))


def conda_request(board: PlanState, lifts: Iterable[LiftedRequirement] | None = None) -> SolveRequest:
    """Build the solve request of what has been decided so far, with all lifts or with those given."""
    chosen = board.lifts.values() if lifts is None else lifts
    specs = (
        *own_specs(board),
        *(spec for root in board.conda_roots for spec in root.specs),
        *(spec for lift in chosen for spec in lift.specs),
    )
    constraints = (*board.bounds, *(board.caps[name] for name in sorted(board.caps)))
    return _request(board, specs, constraints)


def base_request(board: PlanState) -> SolveRequest:
    """Build the solve request of what the user asks for alone."""
    return conda_request(board, ())


def solo_request(board: PlanState, specs: Iterable[RootSpec], constraints: tuple[RootSpec, ...] = ()) -> SolveRequest:
    """Build the request of some specs with the target's python, and nothing else of the board."""
    return _request(board, (_python(board), *specs), constraints)


def own_specs(board: PlanState) -> tuple[RootSpec, ...]:
    """List the specs that stand whatever the requirements' sources: python, the verbatim ones, and pip if needed."""
    pip = (PIP,) if board.pypi_roots or board.uv_extra else ()
    return (_python(board), *(wanted.root for wanted in board.inputs.specs), *pip)


def _python(board: PlanState) -> RootSpec:
    spec = MatchSpec.parse(f"python {board.inputs.platform.python}.*")
    return RootSpec(spec=spec, origin=board.inputs.python_origin)


def _request(board: PlanState, specs: Iterable[RootSpec], constraints: tuple[RootSpec, ...]) -> SolveRequest:
    unique = tuple(dict.fromkeys(specs))
    return SolveRequest(
        channels=_channels(board, {spec.spec.name for spec in unique}),
        specs=unique,
        virtual_packages=board.inputs.platform.virtual_packages(),
        constraints=constraints,
        channel_priority=board.inputs.channel_priority,
    )


def _channels(board: PlanState, names: set[str]) -> tuple[ChannelRecords, ...]:
    """Give the records of every name asked for so far: more than a request needs, and read once."""
    board.names |= names
    return board.sides.repodata.closure(board.names)


def solve(board: PlanState, request: SolveRequest) -> Solution:
    """Solve a request, unless the same was solved before; raise UnsatisfiableError when no records meet it."""
    key = (
        frozenset(spec.spec.text for spec in request.specs),
        frozenset(spec.spec.text for spec in request.constraints),
    )
    if key not in board.solved:
        try:
            board.solved[key] = board.sides.conda.solve(request)
        except UnsatisfiableError as error:
            board.solved[key] = error
    answer = board.solved[key]
    if isinstance(answer, UnsatisfiableError):
        raise answer
    return answer


def solvable(board: PlanState, request: SolveRequest) -> bool:
    """Tell whether some records meet a request."""
    try:
        solve(board, request)
    except UnsatisfiableError:
        return False
    return True


def provided_by(board: PlanState, records: Iterable[Record]) -> dict[str, Record]:
    """Map each PyPI distribution to the record that provides it."""
    return {name: record for record in records for name in board.sides.mapper.distributions_of(record)}
