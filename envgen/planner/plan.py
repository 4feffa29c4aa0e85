"""The inputs and the result of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from envgen.errors import SourceLine, UnsatisfiableError
from envgen.lock.model import LockedWheel
from envgen.mapping.extras import Metadata
from envgen.mapping.name_mapper import NameMapper
from envgen.models.findings import Decision
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.record import Record, Repodata
from envgen.models.requirement import Origin, Requirement
from envgen.models.solve import ChannelPriority, CondaResolver, RootSpec, Solution
from envgen.models.wheel import PypiResolver, Stub, WheelMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRequirement:
    """A requirement of the user's, with the groups that ask for it.

    `pypi_only` is the manifest's word; `written` is what the manifest says where the requirement is read as another.
    """

    requirement: Requirement
    groups: frozenset[str]
    pypi_only: bool = False
    written: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMatchSpec:
    """A match spec that the user wrote verbatim, with the groups that ask for it."""

    root: RootSpec
    groups: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a plan is asked for of one distribution beside what the user wrote.

    `version` is the least that is wanted, as PEP 440 writes it, or "". `from_pypi` says why PyPI is to serve it, or "".
    """

    version: str = ""
    from_pypi: str = ""

    def described(self, name: str) -> str:
        """Return in words what is wanted of a name."""
        wanted = f"{name}>={self.version}" if self.version else name
        return f"{wanted} from PyPI" if self.from_pypi else wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInputs:
    """What one target of a manifest asks for.

    `accelerator` is "metal", "cpu" or None (not said). `exclude_newer` is an aware UTC instant, already applied to the
    repodata, as are `overrides`. `python_origin` and `accelerator_origin` are where the manifest names its python and
    its accelerator; `never_conda` are the canonical names that its mapping keeps off conda. `aims` are a search's, by
    canonical name, and `brought` are requirements in whose place it puts what Metal would bring by itself.
    """

    platform: Platform
    python_origin: Origin
    accelerator_origin: Origin
    accelerator: str | None = None
    wanted: tuple[UserRequirement, ...] = ()
    specs: tuple[UserMatchSpec, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    overrides: tuple[Requirement, ...] = ()
    channel_priority: ChannelPriority = "strict"
    exclude_newer: datetime | None = None
    never_conda: frozenset[str] = frozenset()
    aims: Mapping[str, Aim] = field(default_factory=dict)
    brought: tuple[Requirement, ...] = ()

    def aiming(self, aims: Mapping[str, Aim]) -> PlanInputs:
        """Return these inputs with further aims; one of a name that has an aim already adds to it."""
        merged = dict(self.aims)
        for name, aim in aims.items():
            old = merged.get(name, Aim())
            merged[name] = Aim(version=aim.version or old.version, from_pypi=aim.from_pypi or old.from_pypi)
        return replace(self, aims=merged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something may not come from conda, with the user's lines that take part, and what would change that."""

    text: str
    lines: tuple[SourceLine, ...] = ()
    way_out: str = ""


Explanations = Literal["fully", "briefly", "not"]
"""How much is found out of a plan's failure: what would help, too; who takes part alone; nothing."""

SolveKey = tuple[frozenset[str], frozenset[str]]


@dataclass(slots=True, kw_only=True)
class PlanCache:
    """What was learnt for one target on the way, whatever was decided.

    `solved` has the solver's answers, `channel_names` the names whose records were read; `metadata` is keyed by a
    wheel's sha256. `runs` counts those of PyPI's resolver. `pins` are the versions of conda's, with the reason, that
    PyPI had to go with in a plan: the next one presumes them.
    """

    solved: dict[SolveKey, Solution | UnsatisfiableError] = field(default_factory=dict)
    channel_names: frozenset[str] = frozenset()
    runs: int = 0
    explains: Explanations = "fully"
    pins: dict[str, tuple[Stub, Reason]] = field(default_factory=dict)
    metadata: dict[str, WheelMetadata] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolvers:
    """What a plan is made with: the channels, the name map, the conda solver and the PyPI resolver.

    `pypi` is None where PyPI may not be asked (`--offline`).
    """

    repodata: Repodata
    mapper: NameMapper
    conda: CondaResolver
    pypi: PypiResolver | None
    cache: PlanCache = field(default_factory=PlanCache, repr=False, compare=False)

    def metadata_on(self, platform: Platform) -> Metadata:
        """Return the reader of a release's metadata, for the extras of what conda provides; off-line it knows none."""

        def read(name: str, version: str) -> WheelMetadata | None:
            return self.pypi.release_metadata(name, version, platform) if self.pypi else None

        return read


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is installed on one target, and why.

    `roots` maps a package to the groups that name it; packages that no root names are needed by others.
    """

    accelerator: str
    conda: tuple[Record, ...]
    pypi: tuple[LockedWheel, ...]
    roots: Mapping[PackageKey, frozenset[str]]
    solver: str
    decisions: Sequence[Decision] = ()
    notes: Sequence[str] = ()
