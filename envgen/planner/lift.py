"""Decide which distributions of the PyPI closure conda provides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from envgen.errors import PlanError, SourceLine
from envgen.lock.model import LockedWheel
from envgen.mapping.channel_packages import depends_names
from envgen.mapping.requirements import MappedRequirement
from envgen.mapping.version_specs import to_pep440
from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record
from envgen.models.requirement import Origin, Requirement, requirement_lines
from envgen.models.solve import RootSpec, Solution
from envgen.models.wheel import Resolution, Stub, Wheel, WheelMetadata
from envgen.planner.conda_request import base_request, conda_request, own_specs, provided_by, solvable, solve
from envgen.planner.known_limits import forbidden
from envgen.planner.sources import no_version
from envgen.planner.state import BOOTSTRAP, LiftedRequirement, PlanState, Reason


def liftable(state: PlanState, need: Requirement) -> bool:
    """Return whether conda may and can provide what a wheel needs."""
    return not need.url and not why_not_lifted(state, need.name)


def why_not_lifted(state: PlanState, name: str) -> str:
    """Return why a distribution of the closure is not taken from conda; nothing where it may be."""
    cause = state.why_pypi(name)
    return cause.text if cause else _why_absent(state, name)


def _why_absent(state: PlanState, name: str) -> str:
    if name not in state.absent:
        answer = state.resolvers.mapper.map_names([name])[name]
        record = newest(state, answer.conda) if answer.conda else None
        if answer.source != "conda":
            state.absent[name] = answer.why
        else:
            holds = record is not None and state.resolvers.mapper.provides(record, name)
            state.absent[name] = "" if holds else f"conda's {answer.conda} does not hold the distribution {name}"
    return state.absent[name]


def newest(state: PlanState, conda: str) -> Record | None:
    """Return the newest record of a conda name, of those for the target's python if there are any."""
    return state.resolvers.mapper.packages.newest(conda)


def lift(state: PlanState, needs: Iterable[Requirement]) -> None:
    """Put the needs of the wheels that stay on the board as lifts, in place of those before.

    A need that no record meets keeps its distribution on PyPI, unless the user's other requirements bring conda's.
    """
    grouped: dict[str, list[Requirement]] = defaultdict(list)
    for need in needs:
        grouped[need.name].append(need)
    state.lifts = {}
    for name in sorted(grouped):
        _lift_one(state, name, grouped[name])


def _lift_one(state: PlanState, name: str, needs: Sequence[Requirement]) -> None:
    mapped = state.translate(needs)
    for answer in mapped:
        reason = no_version(state, answer) if answer.source == "conda" else answer.why
        if reason:
            cause = Reason(
                text=f"{answer.requirement.origin.path}, and {reason}", lines=tuple(requirement_lines(needs))
            )
            if not pin_to_conda(state, name, cause):
                _refuse_bootstrap(name, cause)
                state.unmet[name] = cause
            return
    state.uv_extra.update({str(extra): _added(extra) for answer in mapped for extra in answer.pypi_extra})
    state.lifts[name] = _lift(name, mapped)


def _added(extra: Requirement) -> Requirement:
    """Return of a requirement what adds it."""
    return replace(extra, origin=replace(extra.origin, path=f"{extra.origin.path} adds {extra}"))


def _lift(name: str, mapped: Sequence[MappedRequirement]) -> LiftedRequirement:
    specs = dict.fromkeys(
        RootSpec(spec=spec, origin=Origin(path=answer.requirement.origin.path))
        for answer in mapped
        for spec in answer.specs
    )
    why = f"the channel has it; {mapped[0].requirement.origin.path}"
    return LiftedRequirement(
        name=name,
        conda=mapped[0].conda or name,
        specs=tuple(specs),
        why=why,
        lines=tuple(requirement_lines(answer.requirement for answer in mapped)),
        notes=tuple(dict.fromkeys(note for answer in mapped for note in answer.notes)),
    )


def pin_to_conda(state: PlanState, name: str, cause: Reason) -> bool:
    """Let PyPI choose what goes with conda's version of what the user's other requirements bring anyway.

    Else these would have to leave conda as well. False where nothing else brings it, or PyPI had that choice before.
    """
    base = base_request(state)
    if name in state.loose or name in state.stubs or not solvable(state, base):
        return False
    record = provided_by(state, solve(state, base).records).get(name)
    version = to_pep440(record.version) if record else None
    if version is None:
        return False
    state.stubs[name] = Stub(name=name, version=version)
    state.held[name] = cause
    return True


def exclude_from_conda(state: PlanState, name: str, cause: Reason) -> None:
    """Never take a distribution from conda in this plan; raise PlanError for what conda must provide."""
    _refuse_bootstrap(name, cause)
    state.excluded_from_conda.setdefault(name, cause)
    state.lifts.pop(name, None)
    drop_stub(state, name)


def drop_stub(state: PlanState, name: str) -> None:
    """Let nothing stand in for a distribution any more."""
    state.stubs.pop(name, None)
    state.held.pop(name, None)
    state.loose.add(name)


def _refuse_bootstrap(name: str, cause: Reason) -> None:
    if name in BOOTSTRAP:
        raise PlanError(
            f"{name} must come from conda, where packages from PyPI are installed; but {cause.text}",
            lines=cause.lines,
            hint=f"ask for another version of what needs this {name}",
        )


def _undo_lifts(state: PlanState) -> None:
    """Keep as many lifts as can be, the most needed first; PyPI must go with conda's, or serve the others."""
    ordered = _most_needed_first(state)
    kept = _fitting(state, [], ordered)
    refused = [lift for lift in ordered if lift not in kept]
    state.lifts = {lift.name: lift for lift in kept}
    held = [lift for lift in refused if pin_to_conda(state, lift.name, lift.cause)]
    if held:
        return  # PyPI is asked again, and what else is refused may be asked for no more
    for lift in refused:
        exclude_from_conda(state, lift.name, lift.cause)


def _fitting(
    state: PlanState, kept: list[LiftedRequirement], more: Sequence[LiftedRequirement]
) -> list[LiftedRequirement]:
    """Add lifts in their order, leaving out each that has no solution with those before it."""
    if not more or solvable(state, conda_request(state, [*kept, *more])):
        return [*kept, *more]
    if len(more) == 1:
        return kept
    half = len(more) // 2
    return _fitting(state, _fitting(state, kept, more[:half]), more[half:])


def _most_needed_first(state: PlanState) -> list[LiftedRequirement]:
    """Sort lifts by how many others depend on them, since undoing those would undo the others as well."""
    found = {lift.conda: newest(state, lift.conda) for lift in state.lifts.values()}
    needed = [name for record in found.values() if record for name in depends_names(record)]
    return sorted(state.lifts.values(), key=lambda lift: (-needed.count(lift.conda), lift.name))


# Walk the wheels that stay on PyPI, and collect what they need of conda.


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiClosure:
    """The wheels that stay on PyPI, what they need of conda, and what the resolution lacks, with who needs it."""

    stays: tuple[LockedWheel, ...] = ()
    needs: tuple[Requirement, ...] = ()
    missing: tuple[Requirement, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Return the names of the wheels that stay."""
        return frozenset(wheel.name for wheel in self.stays)


@dataclass(slots=True, kw_only=True)
class _Visit:
    """What is known of one distribution on the way: the first to need it, the extras, what it requires itself."""

    asker: Requirement
    extras: set[str]
    requires: tuple[Requirement, ...] = ()


def walk_closure(state: PlanState, resolution: Resolution) -> PypiClosure:
    """Follow the requirements of the PyPI roots through the wheels, stopping at whatever conda provides.

    Only metadata of wheels that stay is read, a level at a time. Each need bears the user's line that leads to it.
    """
    wheels = {wheel.name: wheel for wheel in resolution.wheels}
    visits: dict[str, _Visit] = {}
    level = _pypi_requirements(state)
    while level:
        fresh = _admit(level, visits)
        metadata = _read(state, [wheels[name] for name in fresh if name in wheels])
        for name in metadata:
            visits[name].requires = tuple(_requires(state, metadata[name], visits[name]))
        level = [need for name in metadata for need in visits[name].requires if not liftable(state, need)]
    here = sorted(visits.keys() & wheels.keys())
    needs = (need for name in here for need in visits[name].requires if liftable(state, need))
    missing = (visits[name].asker for name in sorted(visits.keys() - wheels.keys()))
    stays = tuple(_locked(state, wheels[name], visits[name]) for name in here)
    return PypiClosure(stays=stays, needs=tuple(needs), missing=tuple(missing))


def _pypi_requirements(state: PlanState) -> list[Requirement]:
    return [*(root.requirement for root in state.pypi_roots), *(state.uv_extra[key] for key in sorted(state.uv_extra))]


def _admit(level: Iterable[Requirement], visits: dict[str, _Visit]) -> list[str]:
    """Note what is asked for; give the names that are new, or asked for with further extras, sorted."""
    fresh = set()
    for asked in level:
        visit = visits.get(asked.name)
        if visit is None:
            visits[asked.name] = _Visit(asker=asked, extras=set(asked.extras))
            fresh.add(asked.name)
        elif not visit.extras.issuperset(asked.extras):
            visit.extras.update(asked.extras)
            fresh.add(asked.name)
    return sorted(fresh)


def _read(state: PlanState, wheels: Sequence[Wheel]) -> dict[str, WheelMetadata]:
    unread = [wheel for wheel in wheels if wheel.sha256 not in state.metadata]
    if unread and state.resolvers.pypi is not None:
        answers = state.resolvers.pypi.metadata_many(unread)
        state.metadata.update({wheel.sha256: answer for wheel, answer in zip(unread, answers, strict=True)})
    return {wheel.name: state.metadata[wheel.sha256] for wheel in wheels}


def _requires(state: PlanState, metadata: WheelMetadata, visit: _Visit) -> Iterator[Requirement]:
    """List the requirements that apply to the target, without markers, the manifest's overrides put in place."""
    overrides = _overrides(state)
    markers = state.inputs.platform.markers()
    label, line = f"{metadata.name} {metadata.version}", visit.asker.origin.line
    seen = set()
    for plain in _readable(state, metadata, label):
        if not any(plain.applies(markers, extra) for extra in ("", *sorted(visit.extras))):
            continue
        if plain.name in state.removed:
            state.note([f"`{plain}`, which {label} requires, is left out, as your overrides say"])
            continue
        for need in overrides.get(plain.name, (plain,)):
            if str(need) not in seen:
                seen.add(str(need))
                yield _told(need, label, line)


def _readable(state: PlanState, metadata: WheelMetadata, label: str) -> Iterator[Requirement]:
    for text in metadata.requires_dist:
        try:
            yield Requirement.parse(text, Origin(path=label))
        except ValueError as error:
            state.note([f"a line of the metadata of {label} is left out: {error}"])


def _overrides(state: PlanState) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = defaultdict(list)
    for override in state.overrides:
        found[override.name].append(override)
    return found


def _told(need: Requirement, label: str, line: SourceLine | None) -> Requirement:
    origin = Origin(path=f"{label} on PyPI requires {need}", line=line)
    return replace(need, text=str(need), marker="", origin=origin)


def _locked(state: PlanState, wheel: Wheel, visit: _Visit) -> LockedWheel:
    root = next((root for root in state.pypi_roots if root.name == wheel.name), None)
    asked = visit.asker.origin.path
    reason = "it names a URL" if visit.asker.url else why_not_lifted(state, wheel.name)
    why = root.why if root else reason if asked in reason else f"{asked}; {reason}"
    return LockedWheel(
        wheel=wheel,
        requires=tuple(sorted(str(need) for need in visit.requires)),
        requires_python=state.metadata[wheel.sha256].requires_python,
        why=why,
    )


# Find what drags records into a solution that may not be there.


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenDependency:
    """Describe that a spec brings a package that may not come from conda.

    One of `lift` (a distribution's name) and `root` (a requirement of the user's) is set, or neither where the spec
    cannot move: it was written verbatim, or everything needs it. `held` are the distributions that its package holds.
    """

    spec: RootSpec
    package: str
    cause: Reason
    lift: str = ""
    root: str = ""
    held: tuple[str, ...] = ()

    @property
    def movable(self) -> bool:
        """Return whether PyPI may serve what the spec is for instead."""
        return bool(self.lift or self.root)

    @property
    def why(self) -> Reason:
        """Return the reason to leave conda."""
        if self.spec.spec.name == self.package:
            return self.cause
        return replace(self.cause, text=f"conda's {self.spec.spec.name} brings {self.package}, and {self.cause.text}")

    @property
    def way_out(self) -> str:
        """Return what the user may do where the spec cannot move."""
        if self.spec.spec.name in ("pip", "python"):
            return f"let conda provide {self.package}: list it under `dependencies` alone"
        moved = [f"write `{name}` under `dependencies`, so that PyPI may serve it" for name in self.held[:1]]
        ways = [f"leave `{self.spec.spec}` out", *moved, *filter(None, [self.cause.way_out])]
        return ", or ".join(ways)


def forbidden_dependencies(state: PlanState, solution: Solution) -> list[ForbiddenDependency]:
    """List the specs that bring records which must not come from conda, each lift and requirement once."""
    unwanted = _unwanted(state, solution)
    if not unwanted:
        return []
    records = {record.name: record for record in solution.records}
    graph = {name: tuple(MatchSpec.parse(text).name for text in record.depends) for name, record in records.items()}
    found: dict[tuple[str, str, str], ForbiddenDependency] = {}
    for spec, lift, root in _candidates(state):
        package = next((name for name in _reachable(graph, spec.spec.name) if name in unwanted), None)
        if package:
            key = (lift, root, "" if lift or root else spec.spec.text)
            held = _held(state, records[spec.spec.name])
            brought = ForbiddenDependency(
                spec=spec, package=package, cause=unwanted[package], lift=lift, root=root, held=held
            )
            found.setdefault(key, brought)
    return list(found.values())


def _held(state: PlanState, record: Record) -> tuple[str, ...]:
    """Return the distributions that a record provides, itself or as the umbrella over those that do."""
    own = canonicalize_name(record.name)
    return state.resolvers.mapper.distributions_of(record) or (own,) * state.resolvers.mapper.provides(record, own)


def _unwanted(state: PlanState, solution: Solution) -> dict[str, Reason]:
    causes = {record.name: _cause(state, record) for record in solution.records}
    return {name: cause for name, cause in causes.items() if cause}


def _cause(state: PlanState, record: Record) -> Reason | None:
    found = (state.why_pypi(name) for name in state.resolvers.mapper.distributions_of(record))
    return next((cause for cause in found if cause), None) or forbidden(state, record)


def _candidates(state: PlanState) -> Iterator[tuple[RootSpec, str, str]]:
    """Yield each spec with the lift or the requirement that asks for it; those that cannot move come last."""
    for lift in state.lifts.values():
        yield lift.specs[0], lift.name, ""
    for root in state.conda_roots:
        for spec in root.specs:
            yield spec, "", root.name
    for spec in own_specs(state):
        yield spec, "", ""


def _reachable(graph: Mapping[str, tuple[str, ...]], start: str) -> list[str]:
    """List the names that a name leads to, itself first, breadth first."""
    seen = {start: None}
    queue = [start]
    for name in queue:
        for child in graph.get(name, ()):
            if child in graph and child not in seen:
                seen[child] = None
                queue.append(child)
    return list(seen)
