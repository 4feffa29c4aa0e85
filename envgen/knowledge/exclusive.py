"""Say which distributions own the same files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cache

from envgen.knowledge.table import rows
from envgen.knowledge.world import World

TABLE = "exclusive.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusiveGroup:
    """Hold distributions of PyPI, and conda records, that install the module `owns`: one of them may be there."""

    name: str
    distributions: tuple[str, ...]
    conda: tuple[str, ...]
    owns: str
    why: str
    source: str
    verified: date

    def owners(self, world: World) -> tuple[str, ...]:
        """List what brings the module in a world; more than one is a fault."""
        wheels = world.find(*self.distributions, source="pypi")
        return (*(f"conda's {record.name}" for record in world.named(*self.conda)), *(item.package for item in wheels))

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"one of {', '.join(self.distributions)} and conda's {', '.join(self.conda)}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """Hold the members of a group whose modules another member has too."""

    group: str
    distribution: str
    holds: tuple[str, ...]
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"{self.distribution} does for {', '.join(self.holds)}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unnamed:
    """Hold distributions whose modules a conda record holds without their metadata."""

    conda: str
    distributions: tuple[str, ...]
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"conda's {self.conda} stands in for {', '.join(self.distributions)}: {self.why}"


@cache
def unnamed_contents() -> tuple[Unnamed, ...]:
    """Read which records stand in for distributions that they do not name."""
    return rows(TABLE, "unnamed", Unnamed)


@cache
def exclusive_groups() -> tuple[ExclusiveGroup, ...]:
    """Read the groups."""
    return rows(TABLE, "group", ExclusiveGroup)


@cache
def group_members() -> tuple[GroupMember, ...]:
    """Read which members do for others."""
    return rows(TABLE, "member", GroupMember)


def group_of(distribution: str) -> ExclusiveGroup | None:
    """Find the group of a distribution, or None."""
    return next((group for group in exclusive_groups() if distribution in group.distributions), None)


def stand_ins(conda_name: str) -> tuple[str, ...]:
    """List the distributions whose place a conda record takes, though it may not be called so: all of its group."""
    return tuple(name for group in exclusive_groups() if conda_name in group.conda for name in group.distributions)


def one_for(distributions: Collection[str]) -> str | None:
    """Choose the one member of a group that does for all of those asked for, preferring one that is asked for.

    None where no member does, or where they are not of one group.
    """
    asked = frozenset(distributions)
    if len(asked) == 1:
        return next(iter(asked))
    complete = [row.distribution for row in group_members() if asked <= {row.distribution, *row.holds}]
    return next((name for name in complete if name in asked), next(iter(complete), None))
