"""Hold the state of a plan between its rounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from envgen.errors import UnsatisfiableError
from envgen.mapping.requirements import MappedRequirement
from envgen.models.notes import Decision
from envgen.models.solve import RootSpec
from envgen.models.wheel import WheelMetadata
from envgen.plan.family import FamilyPlan
from envgen.plan.inputs import PlanInputs, Sides, Wanted

BOOTSTRAP = frozenset({"pip", "setuptools", "wheel"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """Hold one requirement of the user's with the source that was chosen for it, and why."""

    wanted: Wanted
    mapped: MappedRequirement
    from_pypi: bool
    why: str

    @property
    def name(self) -> str:
        """Give the requirement's canonical PyPI name."""
        return self.wanted.requirement.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """Hold a distribution of the PyPI closure that conda provides, as the specs that its needers put on it."""

    name: str
    conda: str
    specs: tuple[RootSpec, ...]
    why: str


@dataclass(slots=True, kw_only=True)
class Board:
    """Hold what has been decided so far; only the plan package changes it.

    `kept_off` says why a distribution is not taken from conda though conda has it. `caps` are bounds that upstream
    metadata lacks, for conda; `uv_constraints` the same for PyPI, and `uv_extra` requirements beyond the user's own.
    `metadata` is keyed by a wheel's sha256; `absent` says why conda cannot provide a distribution ("" where it can);
    `blame` keeps why conda could not serve a requirement that moved; `loose` names must not be stood in for.
    `settled` tells that the conda half was solved with these lifts, `stale` that PyPI's answer is out of date.
    """

    inputs: PlanInputs
    sides: Sides
    family: FamilyPlan
    roots: list[Root]
    lifts: dict[str, Lift] = field(default_factory=dict)
    kept_off: dict[str, str] = field(default_factory=dict)
    caps: dict[str, RootSpec] = field(default_factory=dict)
    uv_constraints: dict[str, str] = field(default_factory=dict)
    uv_extra: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, WheelMetadata] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    blame: dict[str, UnsatisfiableError] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)
    tensorflow_from_pypi: bool = False
    settled: bool = False
    stale: bool = False
    decisions: list[Decision] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def conda_roots(self) -> list[Root]:
        """List the user's requirements that conda serves."""
        return [root for root in self.roots if not root.from_pypi]

    @property
    def pypi_roots(self) -> list[Root]:
        """List the user's requirements that PyPI serves."""
        return [root for root in self.roots if root.from_pypi]

    @property
    def pypi_names(self) -> frozenset[str]:
        """Give the names that the user's requirements take from PyPI."""
        return frozenset(root.name for root in self.pypi_roots)

    @property
    def has_pypi(self) -> bool:
        """Tell whether anything comes from PyPI."""
        return bool(self.pypi_roots) or bool(self.uv_extra)

    def move_to_pypi(self, name: str, why: str) -> None:
        """Take a requirement of the user's from PyPI instead, for a reason."""
        self.roots = [
            Root(wanted=root.wanted, mapped=root.mapped, from_pypi=True, why=why) if root.name == name else root
            for root in self.roots
        ]
        self.keep_off(name, why)

    def keep_off(self, name: str, why: str) -> None:
        """Never take a distribution from conda in this plan, for the first reason given."""
        self.kept_off.setdefault(name, why)
        self.lifts.pop(name, None)

    def note(self, texts: Iterable[str]) -> None:
        """Add notes for the user, each once."""
        self.notes.extend(text for text in texts if text not in self.notes)
