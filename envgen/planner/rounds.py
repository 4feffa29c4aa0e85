"""The plan of one target, made in rounds until its conda half and its PyPI half agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from envgen.errors import PlanError, PypiUnreachableError, PypiUnsatisfiableError, UnsatisfiableError, sorted_lines
from envgen.mapping.channel_packages import fits_target, newest_record
from envgen.mapping.version_specs import came_true, to_pep440
from envgen.models.findings import Decision
from envgen.models.package_key import PackageKey
from envgen.models.record import Record
from envgen.models.solve import Solution
from envgen.models.wheel import PypiResolver, Resolution, ResolveRequest, Stub
from envgen.planner.conda_request import (
    base_request,
    conda_request,
    explained,
    problem_of,
    provided_by,
    solo_request,
    solvable,
    solve,
    spoken_of,
)
from envgen.planner.explain import blamed, unreachable
from envgen.planner.forbidden_dependencies import ForbiddenDependency, forbidden_dependencies, surely_forbidden
from envgen.planner.known_limits import add_tensorflow_companions
from envgen.planner.lift import (
    PypiClosure,
    drop_stub,
    exclude_from_conda,
    lift,
    presume_pins,
    replace_doubles,
    undo_lifts,
    walk_closure,
    why_not_lifted,
)
from envgen.planner.overrides import removal
from envgen.planner.plan import Plan, PlanInputs, Reason, Resolvers
from envgen.planner.sources import cannot_be_installed, choose_sources, refuse_offline
from envgen.planner.state import PlannedRequirement, PlanState
from envgen.planner.tensorflow_bounds import bind, pin_metal

MAX_ROUNDS = 5
MAX_TRIES = 8


def plan(inputs: PlanInputs, resolvers: Resolvers) -> Plan:
    """Decide what is installed on one target.

    Each round asks PyPI for wheels, takes from conda what it can provide of their needs, and solves the conda half with
    that. The halves agree once nothing that was decided on the way changes the request to PyPI.

    Raises:
        PlanError, MappingError: the requirements cannot be given sources that fit.
        UnsatisfiableError: no set of records meets them.
        PypiUnsatisfiableError, PypiUnreachableError: PyPI has not, or cannot be asked for, what must come from it.
    """
    state = choose_sources(inputs, resolvers)
    for dependency in surely_forbidden(state):
        _move_out(state, dependency)
    solution = solve_conda(state)
    if resolvers.pypi is None or not state.pypi_roots:
        return _outcome(state, solution, PypiClosure())
    closure = PypiClosure()
    presume_pins(state)
    try:
        for _ in range(MAX_ROUNDS):
            resolution = _resolve(state, resolvers.pypi)
            before = _pypi_request(state)
            if pin_metal(state, resolution) or _add_stubs(state, resolution.wheelless):
                continue
            closure, agreed = _fit_conda(state, resolution, before)
            after = _pypi_request(state)
            if agreed and _answers_too(before, after):
                state.note(resolution.notes)
                return _outcome(state, agreed, closure)
            if before == after:
                break  # the same question would get the same answer
    except PypiUnreachableError as error:
        raise unreachable(state, error) from error
    raise _disagreement(state, closure)


def _fit_conda(
    state: PlanState, resolution: Resolution, request: ResolveRequest
) -> tuple[PypiClosure, Solution | None]:
    """Lift and solve with one answer of PyPI's, until nothing changes or PyPI must be asked again.

    What was concluded from an earlier answer's wheels is forgotten first, but for what left conda for good. There is no
    solution where the answer lacks something.
    """
    state.unmet, state.caps, state.tensorflow_companions, state.replaced = {}, {}, {}, {}
    add_tensorflow_companions(state, state.pypi_names)
    while True:
        before = state.snapshot()
        closure = walk_closure(state, resolution)
        if closure.missing:
            return closure, None
        replace_doubles(state, closure)
        if add_tensorflow_companions(state, closure.names) or state.snapshot() != before:
            continue
        lift(state, closure.needs)
        solution = solve_conda(state)
        bind(state, closure, solution)
        if state.snapshot() == before or not _answers_too(request, _pypi_request(state)):
            return closure, solution


def _disagreement(state: PlanState, closure: PypiClosure) -> PlanError:
    causes = [*state.pinned.values(), *state.excluded_from_conda.values(), *state.unmet.values()]
    reasons = [cause.text for cause in causes]
    reasons += [f"{need.origin.path}, which PyPI's answer lacks" for need in closure.missing]
    lines = [line for cause in causes for line in cause.lines]
    lines += [need.origin.line for need in closure.missing if need.origin.line]
    return PlanError(
        f"the conda half and the PyPI half do not agree: {'; '.join(dict.fromkeys(reasons))}",
        lines=sorted_lines([*lines, *(line for root in state.pypi_roots for line in root.lines)]),
        hint="bound one of these packages, or list it under `pypi`",
    )


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
            _relax_conda(state, error)
            continue
        found = forbidden_dependencies(state, solution)
        if not found:
            state.provided = provided_by(state, solution.records)
            return solution
        # One that cannot move may be gone once the others have moved: it is refused when nothing else is left.
        for dependency in [each for each in found if each.movable] or found:
            _move_out(state, dependency)


def _relax_conda(state: PlanState, error: UnsatisfiableError) -> None:
    """Undo or move something so that the next solve may succeed; raise where nothing can be."""
    base = base_request(state)
    if solvable(state, base):  # then the lifts are in the way: without any, the request is the base itself
        undo_lifts(state)
        return
    alone = _uninstallable(state, list(state.conda_roots))
    if not alone:
        raise explained(state, base, error) from error
    if state.resolvers.pypi is None:
        raise explained(state, solo_request(state, alone[0].specs), error) from error
    for root in alone:
        text = cannot_be_installed(root.mapped.specs, state.inputs.platform)
        state.move_to_pypi(root.name, Reason(text=text))


def _uninstallable(state: PlanState, roots: Sequence[PlannedRequirement]) -> list[PlannedRequirement]:
    """Return those that cannot be installed even on their own.

    They are found by solving many at once, then those that the solver speaks of one by one, or the halves of what fails
    where it speaks of all: most plans have one or none.
    """
    problem = problem_of(state, solo_request(state, [spec for root in roots for spec in root.specs])) if roots else ""
    if not problem:
        return []
    if len(roots) == 1:
        return list(roots)
    names = spoken_of(problem)
    named = [root for root in roots if any(spec.spec.name in names for spec in root.specs)]
    if 0 < len(named) < len(roots):
        others = _uninstallable(state, [root for root in roots if root not in named])
        return [*others, *(root for root in named if _uninstallable(state, [root]))]
    middle = len(roots) // 2
    return [*_uninstallable(state, roots[:middle]), *_uninstallable(state, roots[middle:])]


def _move_out(state: PlanState, dependency: ForbiddenDependency) -> None:
    if dependency.lift:
        exclude_from_conda(state, dependency.lift, dependency.reason_to_move)
    elif dependency.root:
        state.move_to_pypi(dependency.root, dependency.reason_to_move)
        refuse_offline(state)
    else:
        raise PlanError(
            f"`{dependency.spec.spec}` brings {dependency.package}, but {dependency.reason.text}",
            lines=sorted_lines([dependency.spec.origin.line, *dependency.reason.lines]),
            hint=dependency.way_out,
            code="clash",
        )


def _resolve(state: PlanState, pypi: PypiResolver) -> Resolution:
    """Resolve the PyPI roots beside what conda provides.

    Where PyPI has no wheel of something that conda has, a stub of conda's version takes its place; where a stub or a
    floor is in the way, it is given up. A name gets a stub once and then no more, so there is an end; and there is a
    limit.

    Raises:
        PypiUnsatisfiableError: with the user's lines.
    """
    left = MAX_TRIES
    while True:
        try:
            resolution = pypi.resolve(_pypi_request(state))
        except PypiUnsatisfiableError as error:
            state.resolvers.cache.runs += 1
            left -= 1
            if not left or not _relax_pypi(state, error):
                raise blamed(state, error) from error
        else:
            state.resolvers.cache.runs += resolution.runs
            return resolution


def _pypi_request(state: PlanState) -> ResolveRequest:
    """Build the request of what has been decided so far; what conda serves is bounded as the user bounds it."""
    inputs = state.inputs
    requirements = [*(str(root.requirement) for root in state.pypi_roots), *state.uv_extra]
    # uv puts an override in the place of the user's own line too; as a constraint, the line counts for all that.
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


def _answers_too(request: ResolveRequest, other: ResolveRequest) -> bool:
    """Return whether the answer to one request answers another as well, as long as it lacks no wheel."""
    return (
        request.stubs == other.stubs
        and set(other.requirements) <= set(request.requirements)
        and set(other.constraints) <= set(request.constraints)
    )


def _relax_pypi(state: PlanState, error: PypiUnsatisfiableError) -> bool:
    """Change the request in what a failure names, so that PyPI may have an answer; return whether it changed."""
    named = sorted(set(error.names))
    floors = [name for name in named if state.floors.get(name)]
    if floors:
        state.floors.update(dict.fromkeys(floors))
        return True
    if error.failure.kind == "wheels" and _add_stubs(state, named):
        return True
    stubs = [name for name in named if name in state.stubs]
    for name in stubs:
        drop_stub(state, name)
    return bool(stubs)


def _add_stubs(state: PlanState, names: Iterable[str]) -> bool:
    """Let conda's versions stand for names of which PyPI may have no wheel; return whether that is new.

    That is what conda's solution has, else the newest that the user's own lines admit.
    """
    before = len(state.stubs)
    for name in sorted(set(names) - state.never_stubbed - state.stubs.keys()):
        if not why_not_lifted(state, name):
            record = state.provided.get(name) or _newest_admitted(state, name)
            version = to_pep440(record.version) if record else None
            if version:
                state.stubs[name] = Stub(name=name, version=version)
    return len(state.stubs) > before


def _newest_admitted(state: PlanState, name: str) -> Record | None:
    conda = state.resolvers.mapper.map_names([name])[name].conda
    specs = [spec.spec for root in state.conda_roots for spec in root.specs if spec.spec.name == conda]
    records = state.resolvers.mapper.packages.records(conda) if conda else ()
    platform = state.inputs.platform
    fitting = [each for each in records if fits_target(each, platform) and all(spec.matches(each) for spec in specs)]
    return newest_record(fitting, platform.python)


def _outcome(state: PlanState, solution: Solution, closure: PypiClosure) -> Plan:
    """Return the plan of halves that agree; its decisions are the user's requirements, then the lifts, then wheels."""
    decisions = [decision for root in state.roots for decision in root.decisions()]
    lifts = [state.lifts[name] for name in sorted(state.lifts)]
    written = {root.name for root in state.roots}
    decisions += [
        Decision(requirement=lift.name, name=lift.conda, source="conda", why=lift.why)
        for lift in lifts
        if lift.name not in written
    ]
    decisions += [
        Decision(requirement=wheel.name, name=wheel.name, source="pypi", why=wheel.why)
        for wheel in closure.stays
        if wheel.name not in state.pypi_names
    ]
    versions = {record.version for record in solution.records}
    notes = [note for root in state.conda_roots for note in root.mapped.notes]
    notes += [note for lift in lifts for note in lift.notes]
    state.note(note for note in notes if came_true(note, versions))
    state.note(closure.notes)
    pins = {name: (state.stubs[name], state.pinned[name]) for name in sorted(state.pinned) if name in state.lifts}
    state.resolvers.cache.pins.update(pins)
    state.note(
        f"PyPI was asked for what goes with conda's {name} {stub.version}, "
        f"which your other requirements bring: {reason.text}"
        for name, (stub, reason) in pins.items()
    )
    return Plan(
        accelerator=state.family.accelerator,
        conda=solution.records,
        pypi=closure.stays,
        roots=_root_groups(state),
        solver=solution.solver,
        decisions=tuple(dict.fromkeys(decisions)),
        notes=tuple(state.notes),
    )


def _root_groups(state: PlanState) -> dict[PackageKey, frozenset[str]]:
    groups: dict[PackageKey, frozenset[str]] = defaultdict(frozenset)
    for root in state.roots:
        for decision in root.decisions():
            if key := decision.key:
                groups[key] |= root.wanted.groups
    for wanted in state.inputs.specs:
        groups[PackageKey("conda", wanted.root.spec.name)] |= wanted.groups
    return dict(groups)
