"""TensorFlow on Apple silicon: which distribution has the code of which release, with what must match it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from envgen.knowledge.installed import InstalledPackage, InstalledPackages
from envgen.knowledge.tables import lazy_table
from envgen.knowledge.version_ranges import covers, minor_of, overlaps, satisfies, to_numbers, to_version
from envgen.models.platform import Platform

NAMES = ("tensorflow", "tensorflow-macos")
METAL = "tensorflow-metal"
CONDA_NAMES = ("tensorflow", "tensorflow-base", "libtensorflow_cc", "libtensorflow_framework", "libtensorflow")
Holder = Literal["tensorflow", "tensorflow-macos"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFlowRelease:
    """Which PyPI distribution has the code of some releases, for osx-arm64.

    `stub` is the distribution whose wheel only points at `code`, `empty` one whose wheel installs nothing at all;
    `known` are final releases, newest first; `closed` says that no other release in the range holds code.
    """

    versions: str
    code: Holder
    python: tuple[str, ...]
    source: str
    verified: date
    stub: str = ""
    empty: str = ""
    known: tuple[str, ...] = ()
    closed: bool = False
    note: str = ""

    def includes(self, version: str) -> bool:
        """Return whether a version of TensorFlow is one of these."""
        if not covers(self.versions, version):
            return False
        return not self.closed or any(covers(f"=={known}", version) for known in self.known)

    @property
    def rule(self) -> str:
        parts = [f"TensorFlow {self.versions}: the arm64 code is in `{self.code}`, for python {', '.join(self.python)}"]
        parts += [f"`{self.stub}` is a stub that needs it"] if self.stub else []
        parts += [f"`{self.empty}` is empty"] if self.empty else []
        parts += [f"only {', '.join(self.known)}"] if self.closed else []
        return "; ".join([*parts, self.note] if self.note else parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Satellite:
    """Which TensorFlow some releases of a distribution fit.

    `fits` is a range of TensorFlow, or `minor`: the same first two numbers. `native` says that it loads TensorFlow's
    libraries, so that both must come from PyPI. `python` lists the minors that have a wheel; () says nothing.
    """

    name: str
    versions: str
    fits: str
    why: str
    source: str
    verified: date
    native: bool = False
    python: tuple[str, ...] = ()

    def fits_tensorflow(self, version: str, tensorflow: str) -> bool:
        """Return whether one release of the distribution fits one of TensorFlow."""
        if self.fits == "minor":
            return minor_of(version) == minor_of(tensorflow)
        return covers(self.fits, tensorflow)

    def has_release(self, specifier: str, tensorflow: str, python: str) -> bool:
        """Return whether a release that a specifier admits could fit one TensorFlow on one python."""
        if self.python and python not in self.python:
            return False
        if self.fits == "minor":
            return overlaps(self.versions, specifier, f"=={minor_of(tensorflow)}.*")
        return overlaps(self.versions, specifier) and covers(self.fits, tensorflow)

    @property
    def rule(self) -> str:
        fits = "the same minor" if self.fits == "minor" else self.fits
        native = "; both from PyPI" if self.native else ""
        return f"{self.name}{self.versions} needs TensorFlow of {fits}{native}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFlow:
    """The TensorFlow that is installed: from which half, as which packages."""

    version: str
    source: Literal["conda", "pypi"]
    packages: tuple[str, ...]


tensorflow_releases = lazy_table("tensorflow.toml", "release", TensorFlowRelease)
satellites = lazy_table("tensorflow.toml", "satellite", Satellite)


def release_of(version: str) -> TensorFlowRelease | None:
    """Return the row of a release that has an arm64 macOS wheel with code, or None."""
    return next((row for row in tensorflow_releases() if row.includes(version)), None)


def known_versions() -> tuple[str, ...]:
    """Return the final releases with arm64 macOS code on PyPI, newest first."""
    return tuple(version for row in tensorflow_releases() for version in row.known)


def pypi_name(specifier: str) -> Holder:
    """Return the name to ask PyPI for, where a TensorFlow that meets a specifier is wanted on Apple silicon.

    That is `tensorflow` wherever a release under that name could serve (its stubs of 2.13 to 2.15.0 bring
    tensorflow-macos along), else `tensorflow-macos`.
    """
    admitted = [row for row in tensorflow_releases() if _admits(row, specifier)]
    if not admitted or any("tensorflow" in (row.code, row.stub) for row in admitted):
        return "tensorflow"
    return "tensorflow-macos"


def _admits(row: TensorFlowRelease, specifier: str) -> bool:
    if row.closed:
        return any(satisfies(specifier, version) for version in row.known)
    return overlaps(row.versions, specifier)


def satellites_named(name: str) -> tuple[Satellite, ...]:
    """Return the rows of one distribution."""
    return tuple(row for row in satellites() if row.name == name)


def native_satellites() -> frozenset[str]:
    """Return the names of the distributions that load TensorFlow's libraries."""
    return frozenset(row.name for row in satellites() if row.native)


def tensorflow_of(packages: InstalledPackages) -> TensorFlow | None:
    """Return the TensorFlow that is installed, or None; PyPI's wins where both halves bring one."""
    wheels = packages.find(*NAMES, source="pypi")
    if wheels:
        return TensorFlow(version=_newest(wheels), source="pypi", packages=tuple(item.package for item in wheels))
    records = packages.named("tensorflow", "tensorflow-base")
    if records:
        return TensorFlow(version=records[0].version, source="conda", packages=tuple(record.name for record in records))
    return None


def _newest(installed: tuple[InstalledPackage, ...]) -> str:
    return max((item.version for item in installed), key=to_version)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetalRelease:
    """One release of tensorflow-metal.

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
        """Return whether the release has a wheel for a target, that its macOS can load."""
        floor = max(to_numbers(self.tag), to_numbers(self.macos))
        return platform.is_apple_silicon and platform.python in self.python and platform.macos_version >= floor

    @property
    def rule(self) -> str:
        return (
            f"{METAL} {self.version} loads with TensorFlow {self.links}, python {', '.join(self.python)}, "
            f"macOS {self.floor}: {self.why}"
        )

    @property
    def floor(self) -> str:
        """Return the macOS that is needed, whatever the tag claims."""
        return max(self.tag, self.macos, key=to_numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetalChoice:
    """The release to prefer for a range of TensorFlow."""

    tensorflow: str
    metal: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        return f"for TensorFlow {self.tensorflow} take {METAL} {self.metal}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenMetal:
    """The release that goes with a TensorFlow, and why."""

    version: str
    why: str


metal_releases = lazy_table("metal.toml", "release", MetalRelease)
metal_choices = lazy_table("metal.toml", "choice", MetalChoice)


def metal_release(version: str) -> MetalRelease | None:
    """Return the row of one release, or None."""
    return next((row for row in metal_releases() if satisfies(f"=={row.version}", version)), None)


def metal_for(tensorflow: str, platform: Platform, specifier: str = "") -> ChosenMetal | None:
    """Return the tensorflow-metal to take for one TensorFlow and one target, or None where none loads.

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
