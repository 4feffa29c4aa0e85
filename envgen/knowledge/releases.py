"""Releases, and sets of them, that are known to misbehave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import islice

from packaging.requirements import Requirement as Pep508

from envgen.knowledge.installed import InstalledPackage, InstalledPackages
from envgen.knowledge.tables import lazy_table
from envgen.knowledge.tensorflow import tensorflow_of
from envgen.knowledge.version_ranges import covers, escapes
from envgen.models.findings import Severity
from envgen.models.requirement import Requirement


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

    def applies_to(self, subdir: str) -> bool:
        """Return whether it is true of a subdir."""
        return not self.subdirs or subdir in self.subdirs

    @property
    def rule(self) -> str:
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
        return f"{self.name} with TensorFlow {self.tensorflow} needs {self.needs}: {self.why}"


bad_releases = lazy_table("releases.toml", "release", BadRelease)
release_advices = lazy_table("releases.toml", "advice", ReleaseAdvice)
companion_rules = lazy_table("releases.toml", "companion", Companion)


def bad_installed(packages: InstalledPackages) -> tuple[tuple[BadRelease, InstalledPackage], ...]:
    """Return the wheels that should not have been taken."""
    return tuple(
        (row, item)
        for row in bad_releases()
        if row.applies_to(packages.platform.subdir)
        for item in packages.find(row.name, source="pypi")
        if covers(row.versions, item.version)
    )


def to_avoid(requirements: tuple[Requirement, ...]) -> tuple[BadRelease, ...]:
    """Return the releases to keep a resolver off: those that the user's own requirements do not insist on."""
    return tuple(
        row
        for row in bad_releases()
        if row.avoid and all(escapes(item.specifier, (row.versions,)) for item in requirements if item.name == row.name)
    )


def advices_for(packages: InstalledPackages) -> tuple[tuple[ReleaseAdvice, tuple[InstalledPackage, ...]], ...]:
    """Return the sets that are installed, with their packages."""
    here = (row for row in release_advices() if not row.subdirs or packages.platform.subdir in row.subdirs)
    found = ((row, _matched(row, packages)) for row in here)
    return tuple((row, matched) for row, matched in found if len(matched) == len(row.wheels))


def _matched(row: ReleaseAdvice, packages: InstalledPackages) -> tuple[InstalledPackage, ...]:
    found = []
    for wheel in map(Pep508, row.wheels):
        fitting = (item for item in packages.find(wheel.name) if covers(str(wheel.specifier), item.version))
        found += list(islice(fitting, 1))
    return tuple(found)


def lacking_companions(packages: InstalledPackages) -> tuple[Companion, ...]:
    """Return the silent needs that are not met."""
    tensorflow = tensorflow_of(packages)
    if tensorflow is None:
        return ()
    return tuple(
        row
        for row in companion_rules()
        if packages.find(row.name) and covers(row.tensorflow, tensorflow.version) and not packages.find(row.needs)
    )
