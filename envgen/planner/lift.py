"""Lifts: distributions of the PyPI closure that conda provides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet

from envgen.errors import PlanError
from envgen.knowledge.incompatibilities import exclusive_groups, one_for
from envgen.lock.model import LockedWheel
from envgen.mapping.channel_packages import depends_names, fits_target
from envgen.mapping.requirements import MappedRequirement
from envgen.mapping.version_specs import to_pep440
from envgen.models.requirement import Origin, Requirement, requirement_lines
from envgen.models.secrets import lockable
from envgen.models.solve import RootSpec
from envgen.models.wheel import Resolution, Stub, Wheel, WheelMetadata
from envgen.planner.conda_request import (
    base_request,
    conda_request,
    problem_of,
    provided_by,
    solvable,
    solve,
    spoken_of,
)
from envgen.planner.plan import Reason
from envgen.planner.sources import cannot_be_installed, no_version
from envgen.planner.state import BOOTSTRAP, LiftedRequirement, PlanState
from envgen.planner.tensorflow_family import Bound


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
        for need in overrides.get(plain.name, (_from_replacement(state, plain, label),)):
            text = str(need)
            if text not in seen:
                seen.add(text)
                path, line = f"{label} on PyPI requires {text}", visit.needed_by.origin.line
                origin = Origin(path=path, line=line, wheel=metadata.name)
                yield replace(need, text=text, marker="", origin=origin)


def _from_replacement(state: PlanState, need: Requirement, label: str) -> Requirement:
    """Return what a wheel needs, of the distribution that stands for another with the same files."""
    if need.name not in state.replaced:
        return need
    name = state.replaced[need.name]
    state.note(
        [
            f"{name} takes the place of `{need}`, which {label} requires: both install the same files. "
            "Install the lock with envgen or conda-lock, since pip by itself asks for the other one"
        ]
    )
    return replace(need, name=name, text=f"{name}{need.specifier}", extras=())


def replace_doubles(state: PlanState, closure: PypiClosure) -> None:
    """Let one wheel stand for the others of its group that install the same files; what the user names stays.

    What the others are needed at, it must be at, too: their versions are the same.
    """
    needed = closure.names | {need.name for need in closure.needs}
    for group in exclusive_groups():
        members = needed.intersection(group.distributions)
        one = one_for(members) if len(members) > 1 else None
        others = members - {one}
        if one in closure.names:
            state.replaced |= dict.fromkeys(sorted(others), one)
    versions = {wheel.name: wheel.version for wheel in closure.stays if wheel.name in state.replaced.values()}
    for wheel in closure.stays if versions else ():
        for need in (Requirement.parse(text, Origin(path=wheel.name)) for text in wheel.requires):
            have = versions.get(need.name)
            if have and not SpecifierSet(need.specifier).contains(have, prereleases=True):
                why = f"{wheel.name} {wheel.version} requires it"
                state.uv_constraints[need.text] = Bound(text=need.text, why=why)


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
            platform, records = state.inputs.platform, state.resolvers.mapper.packages.records(answer.conda or name)
            if provides and not any(fits_target(each, platform) for each in reversed(records)):
                why = cannot_be_installed([answer.conda or name], platform)
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
        RootSpec(spec=spec, origin=replace(answer.requirement.origin, line=None))
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
