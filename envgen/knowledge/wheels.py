"""Say which releases have no wheel for osx-arm64, or need a newer macOS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

from envgen.knowledge.ranges import covers, escapes, overlaps, to_numbers
from envgen.knowledge.table import rows
from envgen.models.platform import Platform

MISSING_TABLE = "wheels.toml"
MACOS_TABLE = "macos.toml"
Verdict = Literal["MAC_X86_64_ONLY", "NO_MACOS_WHEEL", "NO_WHEEL_FOR_PYTHON", "SDIST_ONLY"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingWheel:
    """Hold releases without a wheel for osx-arm64.

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
    """Hold the macOS that some releases need; `last` is the newest release for an older one ("" = none)."""

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
