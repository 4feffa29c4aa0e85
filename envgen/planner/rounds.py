"""Plan one target in rounds, until the conda half and the PyPI half agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from envgen.errors import PlanError, PypiUnreachableError, PypiUnsatisfiableError, UnsatisfiableError, sorted_lines
from envgen.mapping.channel_packages import newest_record
from envgen.mapping.version_specs import came_true, to_pep440
from envgen.models.findings import Decision
from envgen.models.package_key import PackageKey
from envgen.models.record import Record
from envgen.models.solve import Solution
from envgen.models.wheel import PypiResolver, Resolution, ResolveRequest, Stub
from envgen.planner.conda_request import base_request, conda_request, provided_by, solo_request, solvable, solve
from envgen.planner.explain import blamed, unreachable
from envgen.planner.known_limits import add_tensorflow_companions
from envgen.planner.lift import (
    ForbiddenDependency,
    PypiClosure,
    _undo_lifts,
    drop_stub,
    exclude_from_conda,
    forbidden_dependencies,
    lift,
    walk_closure,
    why_not_lifted,
)
from envgen.planner.overrides import removal
from envgen.planner.plan import Plan, PlanInputs, Resolvers
from envgen.planner.sources import choose_sources, refuse_offline
from envgen.planner.state import PlannedRequirement, PlanState, Reason
from envgen.planner.tensorflow_bounds import bind, pin_metal

MAX_PASSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The two halves of a plan that fit together; without a solution, PyPI's answer lacks something."""

    closure: PypiClosure
    solution: Solution | None = None


def plan(inputs: PlanInputs, resolvers: Resolvers) -> Plan:
    """Decide what is installed on one target.

    Raises:
        PlanError, MappingError: the requirements cannot be given sources that fit.
        UnsatisfiableError: no set of records meets them.
        PypiUnsatisfiableError, PypiUnreachableError: PyPI has not, or cannot be asked for, what must come from it.
    """
    state = choose_sources(inputs, resolvers)
    solution = solve_conda(state)
    if resolvers.pypi is None or not state.pypi_roots:
        return outcome(state, solution, PypiClosure())
    try:
        return _negotiate(state, resolvers.pypi)
    except PypiUnreachableError as error:
        raise unreachable(state, error) from error


def _negotiate(state: PlanState, pypi: PypiResolver) -> Plan:
    """Resolve, lift and solve until every requirement of the wheels that stay is met by one half or the other."""
    closure = PypiClosure()
    for _ in range(MAX_PASSES):
        resolution = resolve(state, pypi)
        asked = question(state)
        if pin_metal(state, resolution) or add_stubs(state, resolution.wheelless):
            continue
        agreement = _agree(state, resolution, asked)
        closure, now = agreement.closure, question(state)
        if agreement.solution and still_answers(asked, now):
            state.note(resolution.notes)
            return outcome(state, agreement.solution, closure)
        if asked == now:
            break
    raise _disagreement(state, closure)


def _agree(state: PlanState, resolution: Resolution, asked: ResolveRequest) -> Agreement:
    """Lift and solve with one answer of PyPI's, until nothing changes or PyPI must be asked again.

    What was concluded from an earlier answer's wheels is forgotten first, but for what left conda for good.
    """
    state.unmet, state.caps, state.beside = {}, {}, {}
    add_tensorflow_companions(state, state.pypi_names)
    while True:
        before = state.state()
        closure = walk_closure(state, resolution)
        if closure.missing:
            return Agreement(closure=closure)
        if add_tensorflow_companions(state, closure.names):
            continue
        lift(state, closure.needs)
        solution = solve_conda(state)
        bind(state, closure, solution)
        if state.state() == before or not still_answers(asked, question(state)):
            return Agreement(closure=closure, solution=solution)


def _disagreement(state: PlanState, closure: PypiClosure) -> PlanError:
    causes = [*state.held.values(), *state.excluded_from_conda.values(), *state.unmet.values()]
    reasons = [cause.text for cause in causes]
    reasons += [f"{need.origin.path}, which PyPI's answer lacks" for need in closure.missing]
    lines = [line for cause in causes for line in cause.lines]
    lines += [need.origin.line for need in closure.missing if need.origin.line]
    return PlanError(
        f"the conda half and the PyPI half do not agree: {'; '.join(dict.fromkeys(reasons))}",
        lines=sorted_lines([*lines, *(line for root in state.pypi_roots for line in root.lines)]),
        hint="bound one of these packages, or list it under `pypi`",
    )


# Solve the conda half, moving out what may not come from conda.


def solve_conda(state: PlanState) -> Solution:
    """Solve until no record provides what must come from PyPI.

    Lifts that make the solve fail are undone, and requirements of the user's that conda cannot serve move to PyPI. Each
    turn takes something from conda for good, so there is an end.

    Raises:
        UnsatisfiableError: the user's own requirements conflict.
        PlanError: a spec that cannot move brings what may not come from conda.
    """
    while True:
        try:
            solution = solve(state, conda_request(state))
        except UnsatisfiableError as error:
            _relieve(state, error)
            continue
        culprits = forbidden_dependencies(state, solution)
        if not culprits:
            state.provided = provided_by(state, solution.records)
            return solution
        for culprit in [each for each in culprits if each.movable] or culprits:
            _move_out(state, culprit)


def _relieve(state: PlanState, error: UnsatisfiableError) -> None:
    """Change the board so that the next solve may succeed, or raise."""
    base = base_request(state)
    if state.lifts and solvable(state, base):
        _undo_lifts(state)
        return
    lonely = _lonely(state, list(state.conda_roots))
    if not lonely:
        raise state.resolvers.conda.explain(base, error) from error
    if state.resolvers.pypi is None:
        raise state.resolvers.conda.explain(solo_request(state, lonely[0].specs), error) from error
    for root in lonely:
        specs = ", ".join(map(str, root.mapped.specs))
        state.move_to_pypi(root.name, Reason(text=f"no {specs} of the channel can be installed on {_target(state)}"))


def _lonely(state: PlanState, roots: Sequence[PlannedRequirement]) -> list[PlannedRequirement]:
    """List those that cannot be installed even on their own, by solving many at once and halves of what fails."""
    if not roots or solvable(state, solo_request(state, [spec for root in roots for spec in root.specs])):
        return []
    if len(roots) == 1:
        return list(roots)
    middle = len(roots) // 2
    return [*_lonely(state, roots[:middle]), *_lonely(state, roots[middle:])]


def _target(state: PlanState) -> str:
    platform = state.inputs.platform
    return f"python {platform.python}" + (f" and macOS {platform.macos}" if platform.is_mac else "")


def _move_out(state: PlanState, culprit: ForbiddenDependency) -> None:
    if culprit.lift:
        exclude_from_conda(state, culprit.lift, culprit.why)
    elif culprit.root:
        state.move_to_pypi(culprit.root, culprit.why)
        refuse_offline(state)
    else:
        raise PlanError(
            f"`{culprit.spec.spec}` brings {culprit.package}, but {culprit.cause.text}",
            lines=sorted_lines([culprit.spec.origin.line, *culprit.cause.lines]),
            hint=culprit.way_out,
            code="clash",
        )


# Ask PyPI for the wheels of what conda does not serve.

MAX_TRIES = 8
_LACKING = ("wheel", "was not found in")  # uv's words for a project without one, and for none at all


def resolve(state: PlanState, pypi: PypiResolver) -> Resolution:
    """Resolve the PyPI roots beside what conda provides.

    Where PyPI has no wheel of something that conda has, conda's stands in; where a stand-in or a floor is in the way,
    it is given up. A name is stood in for once and then no more, so there is an end; and there is a limit.

    Raises:
        PypiUnsatisfiableError: with the user's lines.
    """
    left = MAX_TRIES
    while True:
        try:
            return pypi.resolve(question(state))
        except PypiUnsatisfiableError as error:
            left -= 1
            if not left or not _relax(state, error):
                raise blamed(state, error) from error


def question(state: PlanState) -> ResolveRequest:
    """Build the request of what has been decided so far; what conda serves is bounded as the user bounds it."""
    inputs = state.inputs
    requirements = [*(str(root.requirement) for root in state.pypi_roots), *state.uv_extra]
    overridden = {override.name for override in state.overrides}
    bounded = [root for root in state.roots if not root.from_pypi or root.name in overridden]
    bounds = [*state.uv_constraints.values(), *filter(None, state.floors.values())]
    constraints = [
        *(f"{root.name}{root.requirement.specifier}" for root in bounded if root.requirement.specifier),
        *(str(item) for item in inputs.constraints if item.applies(inputs.platform.markers())),
        *(bound.text for bound in bounds),
    ]
    return ResolveRequest(
        platform=inputs.platform,
        requirements=tuple(sorted(set(requirements))),
        constraints=tuple(sorted(set(constraints))),
        overrides=tuple(sorted([*map(str, state.overrides), *map(removal, state.removed)])),
        stubs=tuple(sorted(state.stubs.values())),
        exclude_newer=inputs.exclude_newer,
    )


def still_answers(asked: ResolveRequest, now: ResolveRequest) -> bool:
    """Return whether the answer to one question answers another as well, as long as it lacks no wheel."""
    return (
        asked.stubs == now.stubs
        and set(now.requirements) <= set(asked.requirements)
        and set(now.constraints) <= set(asked.constraints)
    )


def _relax(state: PlanState, error: PypiUnsatisfiableError) -> bool:
    """Change the question so that PyPI may have an answer, in what the failure names; tell whether it changed."""
    named = frozenset(error.names)
    wheels_lack = any(sign in error.problem for sign in _LACKING)
    return _give_up_floors(state, named) or (wheels_lack and add_stubs(state, named)) or _give_up_stubs(state, named)


def _give_up_floors(state: PlanState, named: frozenset[str]) -> bool:
    found = [name for name in named if state.floors.get(name)]
    state.floors.update(dict.fromkeys(found))
    return bool(found)


def add_stubs(state: PlanState, named: Iterable[str]) -> bool:
    """Let conda's versions stand for names of which PyPI may have no wheel; tell whether that is new.

    That is what conda's solution holds, else the newest that the user's own lines admit.
    """
    before = len(state.stubs)
    for name in sorted(set(named) - state.loose - state.stubs.keys()):
        if not why_not_lifted(state, name):
            record = state.provided.get(name) or _newest(state, name)
            version = to_pep440(record.version) if record else None
            if version:
                state.stubs[name] = Stub(name=name, version=version)
    return len(state.stubs) > before


def _give_up_stubs(state: PlanState, named: frozenset[str]) -> bool:
    found = sorted(named & state.stubs.keys())
    for name in found:
        drop_stub(state, name)
    return bool(found)


def _newest(state: PlanState, name: str) -> Record | None:
    """Return the newest record of a distribution that the user's own lines admit."""
    conda = state.resolvers.mapper.map_names([name])[name].conda
    specs = [spec.spec for root in state.conda_roots for spec in root.specs if spec.spec.name == conda]
    records = state.resolvers.mapper.packages.records(conda) if conda else ()
    fitting = [record for record in records if all(spec.matches(record) for spec in specs)]
    return newest_record(fitting, state.inputs.platform.python)


# Turn a settled board into a plan with its decisions.


def outcome(state: PlanState, solution: Solution, closure: PypiClosure) -> Plan:
    """Return the plan of a board whose halves agree: the user's requirements first, then the lifts, then the wheels."""
    decisions = [
        *(decision for root in state.roots for decision in root.decisions()),
        *_lifted(state),
        *_staying(state, closure),
    ]
    versions = {record.version for record in solution.records}
    notes = [note for root in state.conda_roots for note in root.mapped.notes]
    notes += [note for name in sorted(state.lifts) for note in state.lifts[name].notes]
    state.note(note for note in notes if came_true(note, versions))
    state.note(_held(state))
    return Plan(
        accelerator=state.family.accelerator,
        conda=solution.records,
        pypi=closure.stays,
        roots=_root_groups(state),
        solver=solution.solver,
        decisions=tuple(dict.fromkeys(decisions)),
        notes=tuple(state.notes),
    )


def _lifted(state: PlanState) -> Iterator[Decision]:
    asked = {root.name for root in state.roots}
    for name in sorted(state.lifts.keys() - asked):
        lift = state.lifts[name]
        yield Decision(requirement=name, name=lift.conda, source="conda", why=lift.why)


def _staying(state: PlanState, closure: PypiClosure) -> Iterator[Decision]:
    for wheel in closure.stays:
        if wheel.name not in state.pypi_names:
            yield Decision(requirement=wheel.name, name=wheel.name, source="pypi", why=wheel.why)


def _held(state: PlanState) -> Iterator[str]:
    """Yield where PyPI's choice was bound to what conda has."""
    for name in sorted(state.held):
        here = f"conda's {name} {state.stubs[name].version}, which your other requirements bring"
        yield f"PyPI was asked for what goes with {here}: {state.held[name].text}"


def _root_groups(state: PlanState) -> dict[PackageKey, frozenset[str]]:
    groups: dict[PackageKey, frozenset[str]] = {}

    def add(key: PackageKey | None, names: frozenset[str]) -> None:
        if key:
            groups[key] = groups.get(key, frozenset()) | names

    for root in state.roots:
        for decision in root.decisions():
            add(decision.key, root.wanted.groups)
    for wanted in state.inputs.specs:
        add(PackageKey("conda", wanted.root.spec.name), wanted.groups)
    return groups
