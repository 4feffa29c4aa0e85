"""Lifts: distributions of the PyPI closure that conda provides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from envgen.errors import PlanError
from envgen.lock.model import LockedWheel
from envgen.mapping.channel_packages import depends_names
from envgen.mapping.requirements import MappedRequirement
from envgen.mapping.version_specs import to_pep440
from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record
from envgen.models.requirement import Origin, Requirement, requirement_lines
from envgen.models.secrets import lockable
from envgen.models.solve import RootSpec, Solution
from envgen.models.wheel import Resolution, Stub, Wheel, WheelMetadata
from envgen.planner.conda_request import (
    base_request,
    conda_request,
    own_specs,
    problem_of,
    provided_by,
    solvable,
    solve,
    spoken_of,
)
from envgen.planner.known_limits import forbidden_beside_tensorflow
from envgen.planner.plan import Reason
from envgen.planner.sources import no_version
from envgen.planner.state import BOOTSTRAP, LiftedRequirement, PlanState


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiClosure:
    """The wheels that stay on PyPI, what they need of conda, and what the resolution lacks, with who needs it.

    `notes` say what the wheels would need on a newer macOS.
    """

    stays: tuple[LockedWheel, ...] = ()
    needs: tuple[Requirement, ...] = ()
    missing: tuple[Requirement, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(wheel.name for wheel in self.stays)


@dataclass(slots=True, kw_only=True)
class _Visit:
    """What is known of one distribution on the way: the first to need it, the extras, what it requires itself."""

    needed_by: Requirement
    extras: set[str]
    requires: tuple[Requirement, ...] = ()


def walk_closure(state: PlanState, resolution: Resolution) -> PypiClosure:
    """Follow the requirements of the PyPI roots through the wheels, stopping at whatever conda provides.

    Only metadata of wheels that stay is read, a level at a time so that it is fetched side by side. Each need bears the
    user's line that leads to it.
    """
    wheels = {wheel.name: wheel for wheel in resolution.wheels}
    visits: dict[str, _Visit] = {}
    level = [root.requirement for root in state.pypi_roots] + [state.uv_extra[key] for key in sorted(state.uv_extra)]
    while level:
        fresh = _visit(level, visits)
        metadata = _read(state, [wheels[name] for name in fresh if name in wheels])
        for name in metadata:
            visits[name].requires = tuple(_requires(state, metadata[name], visits[name]))
        level = [need for name in metadata for need in visits[name].requires if not liftable(state, need)]
    here = sorted(visits.keys() & wheels.keys())
    needs = (need for name in here for need in visits[name].requires if liftable(state, need))
    missing = (visits[name].needed_by for name in sorted(visits.keys() - wheels.keys()))
    stays = tuple(_locked(state, wheels[name], visits[name]) for name in here)
    notes = (
        _on_newer_macos(state, state.resolvers.cache.metadata[wheels[name].sha256], visits[name].extras)
        for name in here
    )
    return PypiClosure(stays=stays, needs=tuple(needs), missing=tuple(missing), notes=tuple(filter(None, notes)))


def _visit(level: Iterable[Requirement], visits: dict[str, _Visit]) -> list[str]:
    """Note who needs what; return the names that are new, or needed with further extras, sorted."""
    fresh = set()
    for need in level:
        visit = visits.get(need.name)
        if visit is None:
            visits[need.name] = _Visit(needed_by=need, extras=set(need.extras))
            fresh.add(need.name)
        elif not visit.extras.issuperset(need.extras):
            visit.extras.update(need.extras)
            fresh.add(need.name)
    return sorted(fresh)


def _read(state: PlanState, wheels: Sequence[Wheel]) -> dict[str, WheelMetadata]:
    unread = [wheel for wheel in wheels if wheel.sha256 not in state.resolvers.cache.metadata]
    if unread and state.resolvers.pypi is not None:
        answers = state.resolvers.pypi.metadata_many(unread)
        state.resolvers.cache.metadata.update(
            {wheel.sha256: answer for wheel, answer in zip(unread, answers, strict=True)}
        )
    return {wheel.name: state.resolvers.cache.metadata[wheel.sha256] for wheel in wheels}


def _requires(state: PlanState, metadata: WheelMetadata, visit: _Visit) -> Iterator[Requirement]:
    """Yield the requirements that apply to the target, without markers, the manifest's overrides put in place."""
    overrides: dict[str, list[Requirement]] = defaultdict(list)
    for override in state.overrides:
        overrides[override.name].append(override)
    markers = state.inputs.platform.markers()
    label = f"{metadata.name} {metadata.version}"
    seen = set()
    for plain in _readable(state, metadata, label):
        if not any(plain.applies(markers, extra) for extra in ("", *sorted(visit.extras))):
            continue
        if plain.name in state.removed:
            state.note([f"`{plain}`, which {label} requires, is left out, as your overrides say"])
            continue
        for need in overrides.get(plain.name, (plain,)):
            text = str(need)
            if text not in seen:
                seen.add(text)
                origin = Origin(path=f"{label} on PyPI requires {text}", line=visit.needed_by.origin.line)
                yield replace(need, text=text, marker="", origin=origin)


def _on_newer_macos(state: PlanState, metadata: WheelMetadata, extras: Iterable[str]) -> str:
    """Return what a wheel requires from which macOS on, or no longer; "" where that is the same on each.

    A lock is made for its floor, and pip would follow these markers on the Mac at hand.
    """
    label, platform, names = f"{metadata.name} {metadata.version}", state.inputs.platform, ("", *sorted(extras))
    undecided = [
        need for need in _readable(state, metadata, label) if need.names_kernel and need.name not in state.removed
    ]

    def applies(need: Requirement, markers: Mapping[str, str]) -> bool:
        return any(need.applies(markers, extra) for extra in names)

    changes = []
    for macos, there in platform.later_markers() if undecided else ():
        for verb, before, after in (
            ("also requires", platform.markers(), there),
            ("no longer requires", there, platform.markers()),
        ):
            found = [need for need in undecided if applies(need, after) and not applies(need, before)]
            undecided = [need for need in undecided if need not in found]
            if found:
                named = ", ".join(dict.fromkeys(f"`{need}`" for need in found))
                changes.append(f"from macOS {macos} on it {verb} {named}")
    return f"the lock holds what {label} requires on macOS {platform.macos}; {'; '.join(changes)}" if changes else ""


def _readable(state: PlanState, metadata: WheelMetadata, label: str) -> Iterator[Requirement]:
    for text in metadata.requires_dist:
        try:
            yield Requirement.parse(text, Origin(path=label))
        except ValueError as error:
            state.note([f"a line of the metadata of {label} is left out: {error}"])


def _locked(state: PlanState, wheel: Wheel, visit: _Visit) -> LockedWheel:
    root = next((root for root in state.pypi_roots if root.name == wheel.name), None)
    need = visit.needed_by.origin.path
    reason = "it names a URL" if visit.needed_by.url else why_not_lifted(state, wheel.name)
    why = root.why if root else reason if need in reason else f"{need}; {reason}"
    return LockedWheel(
        wheel=replace(wheel, url=lockable(wheel.url)),
        requires=tuple(sorted(str(need) for need in visit.requires)),
        requires_python=state.resolvers.cache.metadata[wheel.sha256].requires_python,
        why=why,
    )


def liftable(state: PlanState, need: Requirement) -> bool:
    """Return whether conda may and can provide what a wheel needs; no record is what a URL names."""
    return not need.url and not why_not_lifted(state, need.name)


def why_not_lifted(state: PlanState, name: str) -> str:
    """Return why a distribution of the closure is not taken from conda; "" where it may be."""
    reason = state.why_pypi(name)
    if reason:
        return reason.text
    if name not in state.absent:
        answer = state.resolvers.mapper.map_names([name])[name]
        why = answer.why
        if answer.source == "conda":
            record = state.resolvers.mapper.packages.newest(answer.conda) if answer.conda else None
            provides = record is not None and state.resolvers.mapper.provides(record, name)
            why = "" if provides else f"conda's {answer.conda} does not hold the distribution {name}"
        state.absent[name] = why
    return state.absent[name]


def lift(state: PlanState, needs: Iterable[Requirement]) -> None:
    """Make lifts of what the wheels that stay need, in place of the lifts before.

    A need that no record meets keeps its distribution on PyPI, unless the user's other requirements bring conda's.
    """
    grouped: dict[str, list[Requirement]] = defaultdict(list)
    for need in needs:
        grouped[need.name].append(need)
    state.lifts = {}
    for name in sorted(grouped):
        mapped = state.translate(grouped[name])
        unmet = _unmet(state, mapped)
        if unmet is None:
            state.lifts[name] = _lifted(name, mapped)
            state.uv_extra.update({str(extra): _of_extra(extra) for answer in mapped for extra in answer.pypi_extra})
        elif not pin_to_conda(state, name, unmet):
            _refuse_bootstrap(name, unmet)
            state.unmet[name] = unmet


def _unmet(state: PlanState, mapped: Sequence[MappedRequirement]) -> Reason | None:
    for answer in mapped:
        why = no_version(state, answer) if answer.source == "conda" else answer.why
        if why:
            lines = tuple(requirement_lines(each.requirement for each in mapped))
            return Reason(text=f"{answer.requirement.origin.path}, and {why}", lines=lines)
    return None


def _lifted(name: str, mapped: Sequence[MappedRequirement]) -> LiftedRequirement:
    specs = dict.fromkeys(
        RootSpec(spec=spec, origin=Origin(path=answer.requirement.origin.path))
        for answer in mapped
        for spec in answer.specs
    )
    return LiftedRequirement(
        name=name,
        conda=mapped[0].specs[0].name,
        specs=tuple(specs),
        why=f"the channel has it; {mapped[0].requirement.origin.path}",
        lines=tuple(requirement_lines(answer.requirement for answer in mapped)),
        notes=tuple(dict.fromkeys(note for answer in mapped for note in answer.notes)),
    )


def _of_extra(extra: Requirement) -> Requirement:
    return replace(extra, origin=replace(extra.origin, path=f"{extra.origin.path} adds {extra}"))


def pin_to_conda(state: PlanState, name: str, reason: Reason) -> bool:
    """Let PyPI choose what goes with conda's version of what the user's other requirements bring anyway.

    Else these would have to leave conda as well. False where nothing else brings it, or PyPI had that choice before.
    """
    base = base_request(state)
    asked = name in state.stubs and name not in state.presumed
    if name in state.never_stubbed or asked or not solvable(state, base):
        return False
    record = provided_by(state, solve(state, base).records).get(name)
    version = to_pep440(record.version) if record else None
    if version is None:
        return False
    state.stubs[name] = Stub(name=name, version=version)
    state.pinned[name] = reason
    state.presumed.discard(name)
    return True


def presume_pins(state: PlanState) -> None:
    """Let PyPI go with what of conda's an earlier plan found to be needed, so that it need not be asked twice."""
    for name, (stub, reason) in state.resolvers.cache.pins.items():
        record = state.provided.get(name)
        if record and to_pep440(record.version) == stub.version and not why_not_lifted(state, name):
            state.stubs[name], state.pinned[name] = stub, reason
            state.presumed.add(name)


def exclude_from_conda(state: PlanState, name: str, reason: Reason) -> None:
    """Never take a distribution from conda in this plan; raise PlanError for what conda must provide."""
    _refuse_bootstrap(name, reason)
    state.excluded_from_conda.setdefault(name, reason)
    state.lifts.pop(name, None)
    drop_stub(state, name)


def drop_stub(state: PlanState, name: str) -> None:
    """Let PyPI choose a distribution's version itself, from now on."""
    state.stubs.pop(name, None)
    state.pinned.pop(name, None)
    if name in state.presumed:
        state.presumed.discard(name)  # what this plan has of conda's may do
    else:
        state.never_stubbed.add(name)


def _refuse_bootstrap(name: str, reason: Reason) -> None:
    if name in BOOTSTRAP:
        raise PlanError(
            f"{name} must come from conda, where packages from PyPI are installed; but {reason.text}",
            lines=reason.lines,
            hint=f"ask for another version of what needs this {name}",
        )


def undo_lifts(state: PlanState) -> None:
    """Keep as many lifts as have a solution together; of the others PyPI must go with conda's version, or serve them.

    The most needed are tried first: undoing those would undo what depends on them as well.
    """
    conda_names = {lift.conda for lift in state.lifts.values()}  # one package may provide several distributions
    newest = [state.resolvers.mapper.packages.newest(name) for name in conda_names]
    needed = [name for record in newest if record for name in depends_names(record)]
    ordered = sorted(state.lifts.values(), key=lambda lift: (-needed.count(lift.conda), lift.name))
    kept = _fitting(state, [], ordered)
    refused = [lift for lift in ordered if lift not in kept]
    state.lifts = {lift.name: lift for lift in kept}
    pinned = [lift for lift in refused if pin_to_conda(state, lift.name, lift.misfit)]
    if pinned:
        return  # PyPI is asked again, and what else is refused may be needed no more
    for lift in refused:
        exclude_from_conda(state, lift.name, lift.misfit)


def _fitting(
    state: PlanState, kept: list[LiftedRequirement], more: Sequence[LiftedRequirement]
) -> list[LiftedRequirement]:
    """Add lifts in their order, leaving out each that has no solution with those before it.

    Those that the solver's explanation does not speak of come first: as a rule they are not in the way.
    """
    problem = problem_of(state, conda_request(state, [*kept, *more])) if more else ""
    if not problem:
        return [*kept, *more]
    if len(more) == 1:
        return kept
    names = spoken_of(problem)
    suspects = [lift for lift in more if lift.conda in names]
    if 0 < len(suspects) < len(more):
        return _fitting(state, _fitting(state, kept, [lift for lift in more if lift not in suspects]), suspects)
    half = len(more) // 2
    return _fitting(state, _fitting(state, kept, more[:half]), more[half:])


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenDependency:
    """A spec that brings a package which may not come from conda.

    One of `lift` (a distribution's name) and `root` (a requirement of the user's) is set, or neither where the spec
    cannot move: it was written verbatim, or everything needs it. `provides` are the distributions of its own package.
    """

    spec: RootSpec
    package: str
    reason: Reason
    lift: str = ""
    root: str = ""
    provides: tuple[str, ...] = ()

    @property
    def movable(self) -> bool:
        """Return whether PyPI may serve what the spec is for instead."""
        return bool(self.lift or self.root)

    @property
    def reason_to_move(self) -> Reason:
        if self.spec.spec.name == self.package:
            return self.reason
        return replace(self.reason, text=f"conda's {self.spec.spec.name} brings {self.package}, and {self.reason.text}")

    @property
    def way_out(self) -> str:
        """Return what the user may do where the spec cannot move."""
        if self.spec.spec.name in ("pip", "python"):
            return f"let conda provide {self.package}: list it under `dependencies` alone"
        moved = [f"write `{name}` under `dependencies`, so that PyPI may serve it" for name in self.provides[:1]]
        ways = [f"leave `{self.spec.spec}` out", *moved, *filter(None, [self.reason.way_out])]
        return ", or ".join(ways)


def forbidden_dependencies(state: PlanState, solution: Solution) -> list[ForbiddenDependency]:
    """Return the specs that bring records which must not come from conda, each lift and requirement once."""
    reasons = {record.name: _why_forbidden(state, record) for record in solution.records}
    forbidden = {name: reason for name, reason in reasons.items() if reason}
    if not forbidden:
        return []
    records = {record.name: record for record in solution.records}
    graph = {name: [MatchSpec.name_of(text) for text in record.depends] for name, record in records.items()}
    found: dict[tuple[str, str, str], ForbiddenDependency] = {}
    for spec, lift, root in _candidates(state):
        package = next((name for name in _reachable(graph, spec.spec.name) if name in forbidden), None)
        if package:
            dependency = ForbiddenDependency(
                spec=spec,
                package=package,
                reason=forbidden[package],
                lift=lift,
                root=root,
                provides=_provides(state, records[spec.spec.name]),
            )
            found.setdefault((lift, root, "" if lift or root else spec.spec.text), dependency)
    return list(found.values())


def _why_forbidden(state: PlanState, record: Record) -> Reason | None:
    found = (state.why_pypi(name) for name in state.resolvers.mapper.distributions_of(record))
    return next((reason for reason in found if reason), None) or forbidden_beside_tensorflow(state, record)


def _candidates(state: PlanState) -> Iterator[tuple[RootSpec, str, str]]:
    """Yield each spec with the lift or the requirement that needs it; those that cannot move come last."""
    for lift in state.lifts.values():
        for spec in lift.specs:  # the first is the package itself, the others are what its extras are on conda
            yield spec, lift.name, ""
    for root in state.conda_roots:
        for spec in root.specs:
            yield spec, "", root.name
    for spec in own_specs(state):
        yield spec, "", ""


def _reachable(graph: Mapping[str, Sequence[str]], start: str) -> list[str]:
    """Return the names that a name leads to, itself first, breadth first."""
    seen = {start}
    queue = [start]
    for name in queue:  # grows on the way
        for child in graph.get(name, ()):
            if child in graph and child not in seen:
                seen.add(child)
                queue.append(child)
    return queue


def _provides(state: PlanState, record: Record) -> tuple[str, ...]:
    """Return the distributions that a record provides, itself or as the umbrella over those that do."""
    own = canonicalize_name(record.name)
    return state.resolvers.mapper.distributions_of(record) or (own,) * state.resolvers.mapper.provides(record, own)
