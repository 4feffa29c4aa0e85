"""Say which packages and channels of other people's files a Mac has no use for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

from envgen.knowledge.table import rows

TABLE = "unwanted.toml"
World = Literal["conda", "pypi"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwantedPackages:
    """Hold names and patterns of packages, of one world or both."""

    world: Literal["conda", "pypi", "both"]
    names: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"{len(self.names.split())} names of {self.world} are left out: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwantedChannels:
    """Hold names and patterns of channels."""

    names: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"the channels {', '.join(self.names.split())} are left out: {self.why}"


@cache
def unwanted_packages() -> tuple[UnwantedPackages, ...]:
    """Read the packages."""
    return rows(TABLE, "package", UnwantedPackages)


@cache
def unwanted_channels() -> tuple[UnwantedChannels, ...]:
    """Read the channels."""
    return rows(TABLE, "channel", UnwantedChannels)


def unwanted_package(name: str, world: World) -> str:
    """Say why a Mac has no use for a package of one world, or nothing where it has."""
    found = (row.why for row in unwanted_packages() if row.world in (world, "both") and _matches(name, row.names))
    return next(found, "")


def unwanted_channel(channel: str) -> str:
    """Say why a channel is left out, or nothing where it is not."""
    return next((row.why for row in unwanted_channels() if _matches(channel.rstrip("/"), row.names)), "")


def _matches(text: str, names: str) -> bool:
    return any(fnmatchcase(text, name) for name in names.split())
