"""The choice of a source for each requirement of the user's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from envgen.errors import MappingError, PlanError, PypiUnreachableError
from envgen.knowledge.tensorflow import METAL
from envgen.lock.model import MAIN_GROUP
from envgen.mapping.channel_packages import fits_target
from envgen.mapping.name_mapper import OVERRIDE
from envgen.mapping.requirements import MappedRequirement
from envgen.mapping.version_specs import to_match_specs
from envgen.models.match_spec import MatchSpec, version_key
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement, requirement_lines
from envgen.models.solve import RootSpec
from envgen.planner.known_limits import add_tensorflow_companions, refuse_contradicted, refuse_missing_wheels
from envgen.planner.overrides import providers
from envgen.planner.plan import Aim, PlanInputs, Resolvers, UserRequirement
from envgen.planner.state import PlannedRequirement, PlanState
from envgen.planner.tensorflow_family import Bound, FamilyPlan, apply_family

_AIMED = "as new as can be had"
_NO_AIM = Aim()


def choose_sources(inputs: PlanInputs, resolvers: Resolvers) -> PlanState:
    """Choose a source, with its reason, for every requirement that applies to the target.

    The order in which the user wrote them has no part in it.

    Raises:
        PlanError: what the user asks for is known not to work together, or PyPI is needed and may not be asked.
        MappingError: a name's source is not known.
    """
    applying = _applying(inputs)
    family = _family(inputs, applying)
    state = PlanState(inputs=inputs, resolvers=resolvers, family=family, roots=())
    state.roots = tuple(_roots(state, _regrouped(applying, family)))
    state.bounds = (*_user_bounds(state), *_aimed_bounds(state))
    refuse_missing_wheels([root.requirement for root in state.pypi_roots], inputs.platform)
    refuse_contradicted(family.caps, [root.requirement for root in state.roots])
    state.uv_constraints = {bound.text: bound for bound in family.uv_constraints}
    for name, aim in sorted(inputs.aims.items()):
        if aim.version:
            state.uv_constraints[f"aim {name}"] = Bound(text=f"{name}>={aim.version}", why=_AIMED)
    if family.metal:
        state.uv_constraints[METAL] = Bound(text=f"{METAL}=={family.metal.version}", why=family.metal.why)
    add_tensorflow_companions(state, state.pypi_names)
    state.note(
        f"`{wanted.requirement.text}` does not apply to this platform, by its marker"
        for wanted in _ordered(inputs)
        if wanted not in applying
    )
    state.note(family.notes)
    refuse_offline(state)
    return state


def refuse_family(inputs: PlanInputs) -> None:
    """Refuse what is known of the TensorFlow family not to work, before any index is read; raise PlanError."""
    _family(inputs, _applying(inputs))


def _ordered(inputs: PlanInputs) -> list[UserRequirement]:
    return sorted(inputs.wanted, key=lambda wanted: (wanted.requirement.name, wanted.requirement.text))


def _applying(inputs: PlanInputs) -> list[UserRequirement]:
    markers = inputs.platform.markers()
    applying = [wanted for wanted in _ordered(inputs) if wanted.requirement.applies(markers)]
    brought = [UserRequirement(requirement=item, groups=frozenset({MAIN_GROUP})) for item in inputs.brought]
    return [*applying, *brought]


def _family(inputs: PlanInputs, applying: Sequence[UserRequirement]) -> FamilyPlan:
    return apply_family(
        [wanted.requirement for wanted in applying],
        accelerator=inputs.accelerator,
        platform=inputs.platform,
        constraints=inputs.constraints,
        python_origin=inputs.python_origin,
        accelerator_origin=inputs.accelerator_origin,
    )


def _regrouped(applying: Sequence[UserRequirement], family: FamilyPlan) -> list[UserRequirement]:
    """Return the rewritten requirements with the groups of their lines; what is added is for all."""
    by_origin = {wanted.requirement.origin: wanted for wanted in applying}
    regrouped = []
    for requirement in family.requirements:
        wanted = by_origin[requirement.origin]
        regrouped.append(replace(wanted, requirement=requirement, written=str(wanted.requirement)))
    return regrouped + [UserRequirement(requirement=item, groups=frozenset({MAIN_GROUP})) for item in family.added]


def _roots(state: PlanState, wanted: Sequence[UserRequirement]) -> list[PlannedRequirement]:
    mapped = _translated(state, [item.requirement for item in wanted])
    only = {item.requirement.name for item in wanted if item.pypi_only}
    roots: list[PlannedRequirement] = []
    unknown: list[MappedRequirement] = []
    for item, answer in zip(wanted, mapped, strict=True):
        name = item.requirement.name
        reason = "the manifest lists it under `pypi`" if name in only else state.family.from_pypi.get(name, "")
        reason = reason or aimed_at(state.inputs, name).from_pypi
        if not reason and answer.source == "unknown" and not answer.lacking:
            unknown.append(answer)
        elif not reason:
            reason = answer.why if answer.source != "conda" else no_version(state, answer)
        roots.append(PlannedRequirement(wanted=item, mapped=answer, from_pypi=bool(reason), why=reason or answer.why))
    if unknown:
        raise _unknown(unknown, state.resolvers)
    return roots + _of_extras(state, roots)


def _translated(state: PlanState, requirements: Sequence[Requirement]) -> tuple[MappedRequirement, ...]:
    try:
        return state.translate(requirements)
    except PypiUnreachableError as error:
        raise PypiUnreachableError(
            f"{error.message}\nPyPI tells what an extra adds where conda has no package for it",
            hint=error.hint,
            lines=requirement_lines(item for item in requirements if item.extras),
        ) from error


def _unknown(unknown: Sequence[MappedRequirement], resolvers: Resolvers) -> MappingError:
    reasons = "; ".join(dict.fromkeys(f"`{answer.requirement.name}`: {answer.why}" for answer in unknown))
    meant = misspelling_hint([answer.requirement.name for answer in unknown], resolvers)
    own = all(answer.provenance == OVERRIDE for answer in unknown)
    way = "correct your `mapping`" if own else "solve against the channel itself (a connection, or --mirror)"
    return MappingError(
        f"cannot tell where these may come from: {reasons}",
        lines=requirement_lines(answer.requirement for answer in unknown),
        hint=f"{meant}{way}, or list it under `pypi`",
    )


def misspelling_hint(names: Iterable[str], resolvers: Resolvers) -> str:
    """Return the start of a hint with near names, if there are any: "did you mean `scikit-learn`? "."""
    near = {name: resolvers.mapper.suggestions(name)[:2] for name in names}
    meant = [f"`{name}`" for found in near.values() for name in found]
    return f"did you mean {' or '.join(dict.fromkeys(meant))}? " if meant else ""


def nowhere(roots: Iterable[PlannedRequirement]) -> list[str]:
    """Return the names that conda does not know and the user did not mean for PyPI: they may be misspelt."""
    return [root.name for root in roots if root.mapped.conda is None and not root.wanted.pypi_only]


def no_version(state: PlanState, mapped: MappedRequirement) -> str:
    """Return in words that the channel has no version which a requirement admits, or none for the target's python.

    "" where it has one. Without PyPI the solver says better why none can be installed.
    """
    for spec in mapped.specs:
        have = state.resolvers.mapper.packages.records(spec.name)
        matching = [record for record in have if spec.matches(record)]
        if matching and state.resolvers.pypi and not any(fits_target(each, state.inputs.platform) for each in matching):
            return cannot_be_installed([spec], state.inputs.platform)
        if not matching:
            versions = sorted({record.version for record in have}, key=version_key)
            ends = " to ".join(dict.fromkeys([*versions[:1], *versions[-1:]]))
            return f"the channel has no {spec}" + (f" (it has {ends})" if ends else "")
    return ""


def cannot_be_installed(specs: Iterable[MatchSpec | str], platform: Platform) -> str:
    """Return in words that nothing of the channel's goes with a target's python and macOS."""
    target = f"python {platform.python}" + (f" and macOS {platform.macos}" if platform.is_mac else "")
    return f"no {', '.join(map(str, specs))} of the channel can be installed on {target}"


def _of_extras(state: PlanState, roots: Sequence[PlannedRequirement]) -> list[PlannedRequirement]:
    """Return roots for the requirements that an extra brings and only PyPI has."""
    found = []
    for root in roots:
        for requirement in root.mapped.pypi_extra if not root.from_pypi else ():
            wanted = UserRequirement(requirement=requirement, groups=root.wanted.groups, pypi_only=True)
            absent = state.resolvers.mapper.map_names([requirement.name])[requirement.name].why
            why = f"an extra of {root.name} asks for it; {absent}"
            mapped = MappedRequirement.on_pypi(requirement, why=why)
            found.append(PlannedRequirement(wanted=wanted, mapped=mapped, from_pypi=True, why=why))
    return found


def _user_bounds(state: PlanState) -> tuple[RootSpec, ...]:
    """Translate the manifest's constraints that apply, for what conda has."""
    markers = state.inputs.platform.markers()
    return tuple(
        RootSpec(spec=to_match_specs(conda, bound.specifier).spec, origin=bound.origin)
        for bound in state.inputs.constraints
        if bound.applies(markers)
        for conda in providers(state.resolvers.mapper, bound.name)
    )


def aimed_at(inputs: PlanInputs, name: str) -> Aim:
    """Return what a search wants of a distribution, by its canonical name."""
    return inputs.aims.get(name, _NO_AIM)


def _aimed_bounds(state: PlanState) -> tuple[RootSpec, ...]:
    """Translate the versions that a search wants at least, for what conda serves."""
    return tuple(
        RootSpec(spec=to_match_specs(root.mapped.specs[0].name, f">={aim.version}").spec, origin=Origin(path=_AIMED))
        for root in state.conda_roots
        if (aim := aimed_at(state.inputs, root.name)).version
    )


def refuse_offline(state: PlanState) -> None:
    """Refuse where something must come from PyPI and PyPI may not be asked; raise PlanError with the lines."""
    if state.resolvers.pypi is not None or not state.pypi_roots:
        return
    reasons = "; ".join(dict.fromkeys(f"`{root.requirement}` ({root.why})" for root in state.pypi_roots))
    raise PlanError(
        f"these must come from PyPI, which --offline forbids: {reasons}",
        lines=requirement_lines(root.requirement for root in state.pypi_roots),
        hint=f"{misspelling_hint(nowhere(state.pypi_roots), state.resolvers)}run again without --offline",
        code="offline",
    )
