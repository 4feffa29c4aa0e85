"""Say which tensorflow-metal loads with which TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from envgen.knowledge.ranges import covers, satisfies, to_numbers
from envgen.knowledge.table import rows
from envgen.models.platform import Platform

TABLE = "metal.toml"
METAL = "tensorflow-metal"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetalRelease:
    """Hold one release of tensorflow-metal.

    `links` is the range of TensorFlow whose symbols it finds; `tag` the macOS that its wheel's tag claims, `macos` the
    one that its library needs; `python` lists the minors that have a wheel.
    """

    version: str
    links: str
    python: tuple[str, ...]
    tag: str
    macos: str
    why: str
    source: str
    verified: date

    def serves(self, platform: Platform) -> bool:
        """Tell whether the release has a wheel for a target, that its macOS can load."""
        floor = max(to_numbers(self.tag), to_numbers(self.macos))
        return platform.subdir == "osx-arm64" and platform.python in self.python and platform.macos_version >= floor

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return (
            f"{METAL} {self.version} loads with TensorFlow {self.links}, python {', '.join(self.python)}, "
            f"macOS {self.floor}: {self.why}"
        )

    @property
    def floor(self) -> str:
        """Give the macOS that is needed, whatever the tag claims."""
        return max(self.tag, self.macos, key=to_numbers)

    @property
    def tag_misleads(self) -> bool:
        """Tell whether the wheel's tag admits a macOS that the library does not."""
        return to_numbers(self.tag) < to_numbers(self.macos)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetalChoice:
    """Hold the release to prefer for a range of TensorFlow."""

    tensorflow: str
    metal: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"for TensorFlow {self.tensorflow} take {METAL} {self.metal}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenMetal:
    """Say which release goes with a TensorFlow, and why."""

    version: str
    why: str


@cache
def metal_releases() -> tuple[MetalRelease, ...]:
    """Read the releases of tensorflow-metal, newest first."""
    return rows(TABLE, "release", MetalRelease)


@cache
def metal_choices() -> tuple[MetalChoice, ...]:
    """Read which release to prefer, in order."""
    return rows(TABLE, "choice", MetalChoice)


def metal_release(version: str) -> MetalRelease | None:
    """Find the row of one release, or None."""
    return next((row for row in metal_releases() if satisfies(f"=={row.version}", version)), None)


def metal_for(tensorflow: str, platform: Platform, specifier: str = "") -> ChosenMetal | None:
    """Choose the tensorflow-metal for one TensorFlow and one target, or None where none loads.

    `specifier` is the user's own bound on tensorflow-metal.
    """
    fitting = [
        row
        for row in metal_releases()
        if row.serves(platform) and covers(row.links, tensorflow) and satisfies(specifier, row.version)
    ]
    for choice in metal_choices():
        if covers(choice.tensorflow, tensorflow) and choice.metal in {row.version for row in fitting}:
            return ChosenMetal(version=choice.metal, why=choice.why)
    if not fitting:
        return None
    row = fitting[0]
    return ChosenMetal(version=row.version, why=f"the newest that this target can load with TensorFlow {row.links}")
