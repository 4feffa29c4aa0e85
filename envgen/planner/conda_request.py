"""The requests to the conda solver, each solved once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from envgen.errors import UnsatisfiableError
from envgen.lock.graph import WHY_PIP, WHY_PIP_ANYWAY
from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record
from envgen.models.requirement import Origin
from envgen.models.solve import RootSpec, Solution, SolveRequest
from envgen.planner.state import BOOTSTRAP, LiftedRequirement, PlanState

_PIP = MatchSpec.parse("pip")
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def conda_request(state: PlanState, lifts: Iterable[LiftedRequirement] | None = None) -> SolveRequest:
    """Build the solve request of what has been decided so far, with all lifts or with those given."""
    chosen = state.lifts.values() if lifts is None else lifts
    specs = (
        *own_specs(state),
        *(spec for root in state.conda_roots for spec in root.specs),
        *(spec for lift in chosen for spec in lift.specs),
    )
    constraints = (*state.bounds, *(state.caps[name] for name in sorted(state.caps)))
    return _request(state, specs, constraints)


def base_request(state: PlanState) -> SolveRequest:
    """Build the solve request of what the user asks for alone."""
    return conda_request(state, ())


def solo_request(state: PlanState, specs: Iterable[RootSpec], constraints: tuple[RootSpec, ...] = ()) -> SolveRequest:
    """Build the request of some specs with the target's python, and of nothing else that was decided."""
    return _request(state, (_python(state), *specs), constraints)


def own_specs(state: PlanState) -> tuple[RootSpec, ...]:
    """Return the specs that stand whatever the requirements' sources: python, the verbatim ones, and pip."""
    return (_python(state), *(wanted.root for wanted in state.inputs.specs), *_pip(state))


def _pip(state: PlanState) -> Iterator[RootSpec]:
    """Yield pip where packages from PyPI need it, and else where it may be had.

    conda and mamba add it to python by themselves, unlocked; a solve of environment.yml then has more than the lock.
    """
    if state.pypi_roots or state.uv_extra:
        yield RootSpec(spec=_PIP, origin=Origin(path=WHY_PIP))
    elif state.resolvers.mapper.packages.fits("pip") and BOOTSTRAP.isdisjoint(state.inputs.never_conda):
        yield RootSpec(spec=_PIP, origin=Origin(path=WHY_PIP_ANYWAY))


def _python(state: PlanState) -> RootSpec:
    spec = MatchSpec.parse(f"python {state.inputs.platform.python}.*")
    return RootSpec(spec=spec, origin=state.inputs.python_origin)


def _request(state: PlanState, specs: Iterable[RootSpec], constraints: tuple[RootSpec, ...]) -> SolveRequest:
    unique = tuple(dict.fromkeys(specs))
    # The records of every name so far: more than one request needs, but the channel's index is read once.
    cache = state.resolvers.cache
    cache.channel_names |= {spec.spec.name for spec in unique}
    return SolveRequest(
        channels=state.resolvers.repodata.closure(cache.channel_names),
        specs=unique,
        virtual_packages=state.inputs.platform.virtual_packages(),
        constraints=constraints,
        channel_priority=state.inputs.channel_priority,
    )


def solve(state: PlanState, request: SolveRequest) -> Solution:
    """Solve a request, unless the same was solved before; raise UnsatisfiableError when no records meet it."""
    answer = _answer(state, request)
    if isinstance(answer, UnsatisfiableError):
        raise UnsatisfiableError(answer.message, problem=answer.problem, hint=answer.hint)
    return answer


def _answer(state: PlanState, request: SolveRequest) -> Solution | UnsatisfiableError:
    # Neither the order of the specs nor who asks for them has a part in the answer; the rest is the same for a target.
    key = (
        frozenset(spec.spec.text for spec in request.specs),
        frozenset(spec.spec.text for spec in request.constraints),
    )
    solved = state.resolvers.cache.solved
    if key not in solved:
        try:
            solved[key] = state.resolvers.conda.solve(request)
        except UnsatisfiableError as error:
            # anew, since what was raised holds on to all that was in sight: a request with its thousands of records
            solved[key] = UnsatisfiableError(error.message, problem=error.problem, hint=error.hint)
    return solved[key]


def solvable(state: PlanState, request: SolveRequest) -> bool:
    """Return whether some records meet a request."""
    return not problem_of(state, request)


def problem_of(state: PlanState, request: SolveRequest) -> str:
    """Return the solver's explanation of why no records meet a request; "" where some do."""
    answer = _answer(state, request)
    return (answer.problem or answer.message) if isinstance(answer, UnsatisfiableError) else ""


def spoken_of(problem: str) -> frozenset[str]:
    """Return the words of a solver's explanation, among which are the names of the packages that take part."""
    return frozenset(_WORD.findall(problem))


def explained(state: PlanState, request: SolveRequest, error: UnsatisfiableError) -> UnsatisfiableError:
    """Return in the user's words why no records meet a request, as fully as the plan's reader wants it."""
    explains = state.resolvers.cache.explains
    return error if explains == "not" else state.resolvers.conda.explain(request, error, brief=explains == "briefly")


def provided_by(state: PlanState, records: Iterable[Record]) -> dict[str, Record]:
    """Map each PyPI distribution to the record that provides it."""
    return {name: record for record in records for name in state.resolvers.mapper.distributions_of(record)}
