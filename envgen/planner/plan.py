"""The inputs and the result of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from envgen.lock.model import LockedWheel
from envgen.mapping.extras import Metadata
from envgen.mapping.name_mapper import NameMapper
from envgen.models.findings import Decision
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.record import Record, Repodata
from envgen.models.requirement import Origin, Requirement
from envgen.models.solve import ChannelPriority, CondaResolver, RootSpec
from envgen.models.wheel import PypiResolver, WheelMetadata


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
class PlanInputs:
    """What one target of a manifest asks for.

    `accelerator` is "metal", "cpu" or None (not said). `exclude_newer` is an aware UTC instant, already applied to the
    repodata, as are `overrides`. `python_origin` and `accelerator_origin` are where the manifest names its python and
    its accelerator; `never_conda` are the canonical names that its mapping keeps off conda.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolvers:
    """What a plan is made with: the channels, the name map, the conda solver and the PyPI resolver.

    `pypi` is None where PyPI may not be asked (`--offline`).
    """

    repodata: Repodata
    mapper: NameMapper
    conda: CondaResolver
    pypi: PypiResolver | None

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
