"""Turn a manifest into what a plan starts from."""

from __future__ import annotations

from packaging.utils import canonicalize_name

from envgen.manifest.model import Manifest
from envgen.models.platform import Platform
from envgen.planner.plan import PlanInputs, Wanted, WantedSpec

MAIN = frozenset({"main"})


def plan_inputs(manifest: Manifest, platform: Platform) -> PlanInputs:
    """Gather what one target of a manifest asks for, the needs of the user's own projects included."""
    wanted = [Wanted(requirement=item.requirement, groups=item.groups) for item in manifest.requirements()]
    wanted += [Wanted(requirement=item, groups=MAIN, pypi_only=True) for item in manifest.pypi_requirements()]
    return PlanInputs(
        platform=platform,
        python_origin=manifest.origin("python"),
        accelerator_origin=manifest.origin("accelerator"),
        accelerator=manifest.accelerator,
        wanted=tuple(wanted),
        specs=tuple(WantedSpec(root=root, groups=MAIN) for root in manifest.conda_specs()),
        constraints=manifest.constraint_requirements(),
        overrides=manifest.override_requirements(),
        exclude_newer=manifest.exclude_newer,
        never_conda=frozenset(canonicalize_name(name) for name, conda in manifest.mapping.items() if conda is None),
    )
