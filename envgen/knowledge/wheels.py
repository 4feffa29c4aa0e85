"""What PyPI's wheels lack on Apple silicon: the wheel itself, a library, an older macOS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from envgen.knowledge.incompatibilities import Evidence
from envgen.knowledge.installed import InstalledPackage, InstalledPackages
from envgen.knowledge.tables import lazy_table
from envgen.knowledge.version_ranges import covers, escapes
from envgen.models.platform import Platform

Verdict = Literal["MAC_X86_64_ONLY", "NO_MACOS_WHEEL", "NO_WHEEL_FOR_PYTHON", "SDIST_ONLY"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingWheel:
    """Releases without a wheel for Apple silicon.

    `python` lists the minors that the fact speaks of (() = all); `verdict` is the class that diagnose gives;
    `conda` the record that has it instead ("" = none); `fix` says what to ask for instead, `instead` says it in
    requirements, where a manifest can.
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
        below = f"older ones get {self.last}" if self.last else "older ones get none"
        return f"{self.name}{self.versions} needs macOS {self.macos}; {below}"


missing_wheels = lazy_table("wheels.toml", "missing", MissingWheel)
macos_floors = lazy_table("macos.toml", "floor", MacosFloor)


def missing_wheel(name: str, specifier: str, platform: Platform) -> MissingWheel | None:
    """Return why no release that a specifier admits has a wheel for a target, or None where one may have."""
    if not platform.is_apple_silicon:
        return None
    found = [row for row in missing_wheels() if row.name == name and (not row.python or platform.python in row.python)]
    if not found or escapes(specifier, tuple(row.versions for row in found)):
        return None
    return found[0]


def macos_floor(name: str, version: str) -> MacosFloor | None:
    """Return the floor of one release, or None where it is not known."""
    return next((row for row in macos_floors() if row.name == name and covers(row.versions, version)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildNeeds:
    """The conda packages that a project's source needs: tools, and libraries with headers.

    `pure` says that it needs no compiler; `isolated` is False where it builds only with what the environment has.
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
        needs = f"conda's {', '.join(self.conda)}" if self.conda else "no compiler" if self.pure else "a compiler alone"
        return f"to build {self.name}: {needs}: {self.why}"


all_build_needs = lazy_table("builds.toml", "build", BuildNeeds)


def build_needs(name: str) -> BuildNeeds | None:
    """Return what a project's source needs, or None where nothing is known."""
    return next((row for row in all_build_needs() if row.name == name), None)


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
        return f"PyPI's {self.distribution} needs {self.library} (conda's {self.conda} brings it): {self.why}"


hidden_libraries = lazy_table("libraries.toml", "library", HiddenLibrary)


def lacking_libraries(packages: InstalledPackages) -> tuple[tuple[HiddenLibrary, InstalledPackage], ...]:
    """Return the libraries that wheels look for and nothing brings; none but on Apple silicon.

    The cure in the data is to add the record `conda`, or to take `conda_package` in the wheel's place.
    """
    if not packages.platform.is_apple_silicon:
        return ()
    return tuple(
        (row, wheel)
        for row in hidden_libraries()
        for wheel in packages.find(row.distribution, source="pypi")
        if not packages.named(row.conda)
    )
