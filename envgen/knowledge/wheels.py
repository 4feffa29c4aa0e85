"""Describe which releases have no wheel for osx-arm64, or need a newer macOS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

from envgen.knowledge.incompatibilities import Evidence
from envgen.knowledge.installed import InstalledPackage, InstalledPackages
from envgen.knowledge.tables import rows
from envgen.knowledge.version_ranges import covers, escapes, overlaps, to_numbers
from envgen.models.platform import Platform

MISSING_TABLE = "wheels.toml"
MACOS_TABLE = "macos.toml"
Verdict = Literal["MAC_X86_64_ONLY", "NO_MACOS_WHEEL", "NO_WHEEL_FOR_PYTHON", "SDIST_ONLY"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingWheel:
    """Releases without a wheel for osx-arm64.

    `python` lists the minors that the fact speaks of (() = all); `verdict` is the class that diagnose gives;
    `conda` the record that has it instead ("" = none); `fix` says what to ask for instead, and `instead` holds it as
    requirements where a manifest can.
    """

    name: str
    versions: str
    verdict: Verdict
    why: str
    fix: str
    source: str
    verified: date
    python: tuple[str, ...] = ()
    conda: str = ""
    instead: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        python = f" on python {', '.join(self.python)}" if self.python else ""
        return f"{self.name}{self.versions}{python}: {self.verdict}: {self.why}; instead: {self.fix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MacosFloor:
    """The macOS that some releases need; `last` is the newest release for an older one ("" = none)."""

    name: str
    versions: str
    macos: str
    last: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        below = f"older ones get {self.last}" if self.last else "older ones get none"
        return f"{self.name}{self.versions} needs macOS {self.macos}; {below}"


@cache
def missing_wheels() -> tuple[MissingWheel, ...]:
    """Read the releases without a wheel."""
    return rows(MISSING_TABLE, "missing", MissingWheel)


@cache
def macos_floors() -> tuple[MacosFloor, ...]:
    """Read the macOS floors."""
    return rows(MACOS_TABLE, "floor", MacosFloor)


def missing_wheel(name: str, specifier: str, platform: Platform) -> MissingWheel | None:
    """Find why no release that a specifier admits has a wheel for a target, or None where one may have."""
    if platform.subdir != "osx-arm64":
        return None
    found = [row for row in missing_wheels() if row.name == name and (not row.python or platform.python in row.python)]
    if not found or escapes(specifier, tuple(row.versions for row in found)):
        return None
    return found[0]


def held_back(name: str, version: str, platform: Platform, specifier: str = "") -> MacosFloor | None:
    """Find the macOS floor that keeps a target from newer releases than the one it got, or None.

    `specifier` is what the user admits. The answer is the floor that the smallest step of macOS would lift.
    """
    if platform.subdir != "osx-arm64":
        return None
    floors = [
        row
        for row in macos_floors()
        if row.name == name
        and to_numbers(row.macos) > platform.macos_version
        and overlaps(row.versions, f">{version}", specifier)
    ]
    return min(floors, key=lambda row: to_numbers(row.macos), default=None)


def macos_floor(name: str, version: str) -> MacosFloor | None:
    """Find the floor of one release, or None where it is not known."""
    return next((row for row in macos_floors() if row.name == name and covers(row.versions, version)), None)


# Say what must be there to build a project from its source.

TABLE = "builds.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildNeeds:
    """The conda packages that a project's source needs: tools, and libraries with headers.

    `pure` says that it needs no compiler; `isolated` is False where it needs what the environment holds to build.
    """

    name: str
    conda: tuple[str, ...]
    why: str
    source: str
    verified: date
    pure: bool = False
    isolated: bool = True

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        needs = f"conda's {', '.join(self.conda)}" if self.conda else "no compiler" if self.pure else "a compiler alone"
        return f"to build {self.name}: {needs}: {self.why}"


@cache
def builds() -> tuple[BuildNeeds, ...]:
    """Read what sources need."""
    return rows(TABLE, "build", BuildNeeds)


def build_needs(name: str) -> BuildNeeds | None:
    """Find what a project's source needs, or None where nothing is known."""
    return next((row for row in builds() if row.name == name), None)


# Say which libraries a wheel loads that nobody ships with it.

LIBRARIES_TABLE = "libraries.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenLibrary:
    """A library that the wheels of a distribution look for outside; `conda` is the record that brings it.

    `conda_package` takes the wheel's place and brings all that it needs.
    """

    distribution: str
    library: str
    conda: str
    conda_package: str
    evidence: Evidence
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"PyPI's {self.distribution} needs {self.library} (conda's {self.conda} brings it): {self.why}"


@cache
def hidden_libraries() -> tuple[HiddenLibrary, ...]:
    """Read the libraries."""
    return rows(LIBRARIES_TABLE, "library", HiddenLibrary)


def lacking_libraries(world: InstalledPackages) -> tuple[tuple[HiddenLibrary, InstalledPackage], ...]:
    """List the libraries that wheels of a world look for and nothing in it brings; none but on osx-arm64.

    The cure in the data is to add the record `conda`, or to take `conda_package` in the wheel's place.
    """
    if not world.is_apple_silicon:
        return ()
    return tuple(
        (row, wheel)
        for row in hidden_libraries()
        for wheel in world.find(row.distribution, source="pypi")
        if not world.named(row.conda)
    )
