"""A lock in memory: what every writer writes and the reader reads back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from envgen.models.channel import Channel
from envgen.models.findings import Decision, Finding
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.wheel import Wheel

FORMAT_VERSION = "1"
MAIN_GROUP = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedWheel:
    """A wheel that the lock installs.

    `requires` are the requirements of its own metadata that apply to the target, extras asked for included, as PEP 508
    texts without markers, sorted; `why` is the reason that it does not come from conda.
    """

    wheel: Wheel
    requires: tuple[str, ...] = ()
    requires_python: str = ""
    why: str = ""

    @property
    def key(self) -> PackageKey:
        return self.wheel.key

    @property
    def name(self) -> str:
        return self.wheel.name

    @property
    def version(self) -> str:
        return self.wheel.version

    @property
    def size(self) -> int | None:
        return self.wheel.size


Package = Record | LockedWheel


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformLock:
    """What is installed on one target, and how it was found.

    `conda` and `pypi` are sorted by name. `repodata` says which index was solved (`conda-forge`, `starter index of
    2026-08-01`). `groups` maps a package to the sorted groups that need it; one without an entry is in `main`.
    """

    platform: Platform
    solver: str
    repodata: str
    accelerator: str = "cpu"
    conda: tuple[Record, ...] = ()
    pypi: tuple[LockedWheel, ...] = ()
    groups: Mapping[PackageKey, tuple[str, ...]] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    def packages(self) -> dict[PackageKey, Package]:
        """Return the records, then the wheels, by key."""
        packages: list[Package] = [*self.conda, *self.pypi]
        return {package.key: package for package in packages}

    def groups_of(self, key: PackageKey) -> tuple[str, ...]:
        """Return the groups that need a package."""
        return self.groups.get(key, (MAIN_GROUP,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The exact packages of an environment for each of its platforms.

    `manifest_digest` is `sha256:<hex>` of what the manifest asks for (comments and order left out); `exclude_newer`
    is an ISO date, a UTC instant or ""; `indexes` are the manifest's. `projects` are
    the user's own, which are installed last and never locked, in the words that pip takes (`-e .`).
    """

    name: str
    created_by: str
    channels: tuple[Channel, ...]
    manifest_digest: str
    platforms: tuple[PlatformLock, ...]
    exclude_newer: str = ""
    indexes: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()

    def for_subdir(self, subdir: str) -> PlatformLock | None:
        """Return the lock of one platform, or None."""
        return next((lock for lock in self.platforms if lock.platform.subdir == subdir), None)
