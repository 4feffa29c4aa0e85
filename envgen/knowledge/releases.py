"""Describe which releases, and which sets of them, are known to misbehave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from packaging.requirements import Requirement as Pep508

from envgen.knowledge.installed import InstalledPackage, InstalledPackages
from envgen.knowledge.tables import rows
from envgen.knowledge.tensorflow import tensorflow_of
from envgen.knowledge.version_ranges import covers, escapes
from envgen.models.findings import Severity
from envgen.models.requirement import Requirement

TABLE = "releases.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRelease:
    """Releases of a distribution that should not be taken; `avoid` keeps resolvers off them.

    `instead` holds the cure as requirements, where a manifest can say it; `subdirs` are where it is true, () for all.
    """

    name: str
    versions: str
    avoid: bool
    code: str
    severity: Severity
    why: str
    cure: str
    source: str
    verified: date
    instead: tuple[str, ...] = ()
    subdirs: tuple[str, ...] = ()

    def holds_on(self, subdir: str) -> bool:
        """Return whether it is true of a subdir."""
        return not self.subdirs or subdir in self.subdirs

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        where = f" on {', '.join(self.subdirs)}" if self.subdirs else ""
        return f"{self.name}{self.versions}{where}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAdvice:
    """A set of wheels, each a name with a range, that misbehave together; `subdirs` are where, () everywhere."""

    code: str
    wheels: tuple[str, ...]
    severity: Severity
    why: str
    cure: str
    source: str
    verified: date
    subdirs: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        where = f" on {', '.join(self.subdirs)}" if self.subdirs else ""
        return f"{' with '.join(self.wheels)}{where}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A distribution that another needs beside some TensorFlow without saying so."""

    name: str
    tensorflow: str
    needs: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"{self.name} with TensorFlow {self.tensorflow} needs {self.needs}: {self.why}"


@cache
def bad_releases() -> tuple[BadRelease, ...]:
    """Read the releases that should not be taken."""
    return rows(TABLE, "release", BadRelease)


@cache
def advices() -> tuple[ReleaseAdvice, ...]:
    """Read the sets that misbehave."""
    return rows(TABLE, "advice", ReleaseAdvice)


@cache
def companions() -> tuple[Companion, ...]:
    """Read the silent needs."""
    return rows(TABLE, "companion", Companion)


def bad_installed(world: InstalledPackages) -> tuple[tuple[BadRelease, InstalledPackage], ...]:
    """List the wheels of a world that should not have been taken."""
    return tuple(
        (row, item)
        for row in bad_releases()
        if row.holds_on(world.platform.subdir)
        for item in world.find(row.name, source="pypi")
        if covers(row.versions, item.version)
    )


def to_avoid(requirements: tuple[Requirement, ...]) -> tuple[BadRelease, ...]:
    """List the releases to keep a resolver off: those that the user's own requirements do not insist on."""
    return tuple(
        row
        for row in bad_releases()
        if row.avoid and all(escapes(item.specifier, (row.versions,)) for item in requirements if item.name == row.name)
    )


def advices_for(world: InstalledPackages) -> tuple[tuple[ReleaseAdvice, tuple[InstalledPackage, ...]], ...]:
    """List the sets that a world holds, with their packages."""
    here = (row for row in advices() if not row.subdirs or world.platform.subdir in row.subdirs)
    found = ((row, _matched(row, world)) for row in here)
    return tuple((row, matched) for row, matched in found if len(matched) == len(row.wheels))


def lacking_companions(world: InstalledPackages) -> tuple[Companion, ...]:
    """List the silent needs that a world does not meet."""
    tensorflow = tensorflow_of(world)
    if tensorflow is None:
        return ()
    return tuple(
        row
        for row in companions()
        if world.find(row.name) and covers(row.tensorflow, tensorflow.version) and not world.find(row.needs)
    )


def _matched(row: ReleaseAdvice, world: InstalledPackages) -> tuple[InstalledPackage, ...]:
    wanted = [Pep508(text) for text in row.wheels]
    found = (
        next((item for item in world.find(each.name) if covers(str(each.specifier), item.version)), None)
        for each in wanted
    )
    return tuple(item for item in found if item)
