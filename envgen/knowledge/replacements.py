"""Names that do not serve on a Mac, with what does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Literal

from envgen.knowledge.tables import lazy_table
from envgen.knowledge.version_ranges import overlaps


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacedName:
    """What to ask for in place of releases of a name ("" = nothing) on some subdirs.

    `keep_specifier` says that the two share their version numbers.
    """

    name: str
    replacement: str
    keep_specifier: bool
    subdirs: tuple[str, ...]
    why: str
    source: str
    verified: date
    versions: str = ">=0"

    @property
    def rule(self) -> str:
        instead = f"ask for {self.replacement}" if self.replacement else "leave it out"
        versions = "" if self.versions == ">=0" else self.versions
        return f"{self.name}{versions} on {', '.join(self.subdirs)}: {instead}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedlessExtra:
    """An extra, or a pattern of extras, that brings nothing of use on some subdirs."""

    name: str
    extra: str
    subdirs: tuple[str, ...]
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        return f"{self.name}[{self.extra}] on {', '.join(self.subdirs)}: leave the extra out: {self.why}"


replaced_names = lazy_table("replaced.toml", "name", ReplacedName)
needless_extras = lazy_table("replaced.toml", "extra", NeedlessExtra)


def replacement_of(name: str, subdir: str, specifier: str = "") -> ReplacedName | None:
    """Return what takes a name's place on a subdir, or None where the name serves for some release that is admitted."""
    return next(
        (
            row
            for row in replaced_names()
            if row.name == name and subdir in row.subdirs and overlaps(specifier, row.versions)
        ),
        None,
    )


def needless_extra(name: str, extra: str, subdir: str) -> NeedlessExtra | None:
    """Return why an extra brings nothing on a subdir, or None where it does."""
    return next(
        (
            row
            for row in needless_extras()
            if row.name == name and fnmatchcase(extra, row.extra) and subdir in row.subdirs
        ),
        None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwantedPackages:
    """Names and patterns of packages that a Mac has no use for, of conda's or PyPI's or both."""

    half: Literal["conda", "pypi", "both"]
    names: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        return f"{len(self.names.split())} names of {self.half} are left out: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwantedChannels:
    """Names and patterns of channels that a Mac has no use for."""

    names: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        return f"the channels {', '.join(self.names.split())} are left out: {self.why}"


unwanted_packages = lazy_table("unwanted.toml", "package", UnwantedPackages)
unwanted_channels = lazy_table("unwanted.toml", "channel", UnwantedChannels)


def unwanted_package(name: str, half: Literal["conda", "pypi"]) -> str:
    """Return why a Mac has no use for a package of conda's or PyPI's; "" where it has."""
    found = (row.why for row in unwanted_packages() if row.half in (half, "both") and _matches(name, row.names))
    return next(found, "")


def unwanted_channel(channel: str) -> str:
    """Return why a channel is left out; "" where it is not."""
    return next((row.why for row in unwanted_channels() if _matches(channel.rstrip("/"), row.names)), "")


def _matches(text: str, names: str) -> bool:
    return any(fnmatchcase(text, name) for name in names.split())
