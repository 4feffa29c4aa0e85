"""Bounds that the facts put on a plan once PyPI has answered."""

from __future__ import annotations

from envgen.knowledge.caps import Cap, caps_for
from envgen.knowledge.incompatibilities import clash_cures
from envgen.knowledge.installed import InstalledPackages
from envgen.knowledge.tensorflow import METAL, NAMES, metal_for, release_of
from envgen.knowledge.version_ranges import covers, joined, overlaps
from envgen.mapping.version_specs import to_match_specs
from envgen.models.requirement import Origin
from envgen.models.solve import RootSpec, Solution
from envgen.models.wheel import Resolution
from envgen.planner.known_limits import refuse_contradicted
from envgen.planner.lift import PypiClosure
from envgen.planner.overrides import providers
from envgen.planner.state import PlanState
from envgen.planner.tensorflow_family import Bound


def pin_metal(state: PlanState, resolution: Resolution) -> bool:
    """Pin the tensorflow-metal that goes with PyPI's choice of TensorFlow; return whether PyPI must be asked again.

    The plug-in's own metadata does not say which TensorFlow it loads with.
    """
    versions = {wheel.name: wheel.version for wheel in resolution.wheels}
    if METAL not in versions or state.family.accelerator != "metal":
        return False
    code = next((name for name in NAMES if name in versions and _holds_code(name, versions[name])), None)
    specifier = joined(*(root.requirement.specifier for root in state.roots if root.name == METAL))
    chosen = metal_for(versions[code], state.inputs.platform, specifier) if code else None
    if code is None or chosen is None or versions[METAL] == chosen.version:
        return False
    state.uv_constraints[METAL] = Bound(text=f"{METAL}=={chosen.version}", why=chosen.why)
    why = f"{METAL} {chosen.version} is chosen for it"
    state.uv_constraints[code] = Bound(text=f"{code}=={versions[code]}", why=why)
    return True


def _holds_code(name: str, version: str) -> bool:
    row = release_of(version)
    return row is not None and row.code == name


def bind(state: PlanState, closure: PypiClosure, solution: Solution) -> None:
    """Add the bounds that the facts put on what is about to be installed.

    The floor of a wheel that ends a clash is added where the user's own bounds leave room for it.

    Raises:
        PlanError: the user's own bounds contradict one.
    """
    packages = InstalledPackages.of(
        state.inputs.platform,
        records=solution.records,
        wheels=[stay.wheel for stay in closure.stays],
        distributions_of=state.resolvers.mapper.distributions_of,
    )
    caps = (*state.family.caps, *caps_for(packages))
    refuse_contradicted(caps, [*(root.requirement for root in state.roots), *state.inputs.constraints])
    for cap in caps:
        _cap(state, cap, packages)
    for cure in clash_cures(packages):
        if cure.conda or not cure.specifier:
            continue  # what conda brings is moved to PyPI elsewhere
        own = [root.requirement.specifier for root in state.roots if root.name == cure.distribution]
        if overlaps(cure.specifier, *own):
            state.floors.setdefault(cure.distribution, Bound(text=cure.text, why=cure.why))


def _cap(state: PlanState, cap: Cap, packages: InstalledPackages) -> None:
    """Bound conda's package, and PyPI's where its wheel breaks the bound."""
    for conda in providers(state.resolvers.mapper, cap.distribution):
        spec = to_match_specs(conda, cap.specifier).spec
        state.caps.setdefault(str(spec), RootSpec(spec=spec, origin=Origin(path=cap.because)))
    for installed in packages.find(cap.distribution, source="pypi"):
        if not covers(cap.specifier, installed.version):
            key = f"{cap.distribution} {cap.specifier}"
            state.uv_constraints.setdefault(key, Bound(text=cap.text, why=cap.because))
