"""The state of a plan between its rounds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from envgen.errors import SourceLine
from envgen.knowledge.tensorflow import METAL, NAMES
from envgen.mapping.requirements import MappedRequirement, map_requirements
from envgen.models.findings import Decision
from envgen.models.record import Record
from envgen.models.requirement import Requirement
from envgen.models.solve import RootSpec
from envgen.models.wheel import Stub
from envgen.planner.overrides import removed_names
from envgen.planner.plan import PlanInputs, Reason, Resolvers, UserRequirement
from envgen.planner.tensorflow_family import Bound, FamilyPlan

BOOTSTRAP = frozenset({"pip", "setuptools", "wheel"})
"""What conda always provides: pip installs the wheels, and brings the others where python has no newer way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRequirement:
    """A requirement of the user's with the source that was chosen for it, and why.

    `because` are the user's further lines for whose sake it does not come from conda.
    """

    wanted: UserRequirement
    mapped: MappedRequirement
    from_pypi: bool
    why: str
    because: tuple[SourceLine, ...] = ()

    @property
    def requirement(self) -> Requirement:
        return self.wanted.requirement

    @property
    def name(self) -> str:
        """Return the requirement's canonical PyPI name."""
        return self.requirement.name

    @property
    def specs(self) -> tuple[RootSpec, ...]:
        """Return the match specs that it is on conda, with the line that asks for it."""
        return tuple(RootSpec(spec=spec, origin=self.requirement.origin) for spec in self.mapped.specs)

    @property
    def lines(self) -> tuple[SourceLine, ...]:
        """Return the line that asks for it, if there is one."""
        return (self.requirement.origin.line,) if self.requirement.origin.line else ()

    def decisions(self) -> Iterable[Decision]:
        """Yield where its packages come from, under the words that the user wrote."""
        written = self.wanted.written or str(self.requirement)
        if self.from_pypi:
            yield Decision(requirement=written, name=self.name, source="pypi", why=self.why)
            return
        for number, spec in enumerate(self.mapped.specs):
            why = f"an extra of {self.name} asks for it" if number else self.why
            yield Decision(requirement=written, name=spec.name, source="conda", why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftedRequirement:
    """A distribution of the PyPI closure that conda provides, as the specs that the wheels put on it.

    The specs name the wheels as their origin; `lines` are the user's that lead to these.
    """

    name: str
    conda: str
    specs: tuple[RootSpec, ...]
    why: str
    lines: tuple[SourceLine, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def misfit(self) -> Reason:
        """Return the reason to undo the lift: conda has nothing that meets the specs beside the rest."""
        bounds = ", ".join(f"`{spec.spec}` ({spec.origin.path})" for spec in self.specs)
        return Reason(text=f"the channel has no {self.conda} that fits beside the rest: {bounds}", lines=self.lines)


@dataclass(slots=True, kw_only=True)
class PlanState:
    """What has been decided so far; only the planner changes it.

    For conda: `bounds` are the user's constraints, `caps` bounds that upstream metadata lacks, `lifts` what conda
    provides of the PyPI closure. For PyPI: `uv_constraints` are bounds by a key of their own, `floors` those that may
    be given up, by distribution (None once they were); `uv_extra` are requirements that the extras of lifted packages
    add; `stubs` are the versions of what conda provides, and `never_stubbed` names whose version PyPI chooses.

    `excluded_from_conda` says why a distribution is not taken from conda though conda has it; `unmet` the same for as
    long as the wheels of one answer of PyPI's need it; `tensorflow_companions` what PyPI's TensorFlow keeps on PyPI.
    `absent` says why conda cannot provide a distribution ("" where it can), `pinned` why PyPI must choose what goes
    with conda's; `presumed` names those of which that was found by an earlier plan.

    `provided` maps distributions to the records of the last solution; `replaced` maps those that a wheel with the same
    files stands for to that wheel's distribution.
    """

    inputs: PlanInputs
    resolvers: Resolvers
    family: FamilyPlan
    roots: tuple[PlannedRequirement, ...]
    bounds: tuple[RootSpec, ...] = ()
    lifts: dict[str, LiftedRequirement] = field(default_factory=dict)
    excluded_from_conda: dict[str, Reason] = field(default_factory=dict)
    unmet: dict[str, Reason] = field(default_factory=dict)
    tensorflow_companions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    pinned: dict[str, Reason] = field(default_factory=dict)
    presumed: set[str] = field(default_factory=set)
    caps: dict[str, RootSpec] = field(default_factory=dict)
    uv_constraints: dict[str, Bound] = field(default_factory=dict)
    uv_extra: dict[str, Requirement] = field(default_factory=dict)
    floors: dict[str, Bound | None] = field(default_factory=dict)
    stubs: dict[str, Stub] = field(default_factory=dict)
    never_stubbed: set[str] = field(default_factory=set)
    tensorflow_from_pypi: bool = False
    provided: dict[str, Record] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def conda_roots(self) -> tuple[PlannedRequirement, ...]:
        """Return the user's requirements that conda serves."""
        return tuple(root for root in self.roots if not root.from_pypi)

    @property
    def pypi_roots(self) -> tuple[PlannedRequirement, ...]:
        """Return the user's requirements that PyPI serves."""
        return tuple(root for root in self.roots if root.from_pypi)

    @property
    def pypi_names(self) -> frozenset[str]:
        """Return the names that the user's requirements take from PyPI."""
        return frozenset(root.name for root in self.pypi_roots)

    @property
    def overrides(self) -> tuple[Requirement, ...]:
        """Return the manifest's overrides that apply to the target."""
        markers = self.inputs.platform.markers()
        return tuple(override for override in self.inputs.overrides if override.applies(markers))

    @property
    def removed(self) -> frozenset[str]:
        """Return what the manifest's overrides take away, so that no wheel needs it."""
        return removed_names(self.inputs.overrides, self.inputs.platform)

    def snapshot(self) -> tuple[object, ...]:
        """Return a copy of what a solve of the conda half depends on, to compare with a later one."""
        tables = (
            self.lifts,
            self.excluded_from_conda,
            self.unmet,
            self.tensorflow_companions,
            self.caps,
            self.replaced,
        )
        return (self.roots, *(dict(table) for table in tables))

    def why_pypi(self, name: str) -> Reason | None:
        """Return why a distribution may not come from conda; None where it may, if conda has it."""
        root = next((root for root in self.pypi_roots if root.name == name), None)
        if root:
            return Reason(text=f"{name} comes from PyPI: {root.why}", lines=(*root.lines, *root.because))
        if name in self.inputs.never_conda:
            return Reason(text=f"your manifest says that {name} never comes from conda")
        aim = self.inputs.aims.get(name)
        if aim and aim.from_pypi:
            return Reason(text=aim.from_pypi)
        known = self.excluded_from_conda.get(name) or self.unmet.get(name)
        text = self.family.from_pypi.get(name) or self.tensorflow_companions.get(name)
        return known or (self.tensorflow_reason(text) if text else None)

    def tensorflow_reason(self, text: str) -> Reason:
        """Return a reason that lies in PyPI's TensorFlow, with the lines that ask for it."""
        lines = [line for root in self.pypi_roots if root.name in (*NAMES, METAL) for line in root.lines]
        way_out = "use conda's TensorFlow (`accelerator: cpu`, without tensorflow-metal)"
        return Reason(text=text, lines=tuple(dict.fromkeys(lines)), way_out=way_out)

    def move_to_pypi(self, name: str, reason: Reason) -> None:
        """Take a requirement of the user's from PyPI instead."""
        self.roots = tuple(
            replace(root, from_pypi=True, why=reason.text, because=reason.lines)
            if root.name == name and not root.from_pypi
            else root
            for root in self.roots
        )
        self.lifts.pop(name, None)

    def translate(self, requirements: Sequence[Requirement]) -> tuple[MappedRequirement, ...]:
        """Map requirements to conda's packages."""
        platform = self.inputs.platform
        return map_requirements(requirements, self.resolvers.mapper, platform, self.resolvers.metadata_on(platform))

    def note(self, texts: Iterable[str]) -> None:
        """Add notes for the user, each once."""
        self.notes.extend(text for text in dict.fromkeys(texts) if text not in self.notes)
