"""Say what conda's names stand for in PyPI's world, as far as names alone tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cache

from envgen.knowledge.table import rows

TABLE = "backwards.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeNames:
    """Hold names and patterns of conda packages that hold no distribution, but for those in `exceptions`."""

    names: str
    why: str
    source: str
    verified: date
    exceptions: str = field(default="")

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"libraries and tools: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Hold names of programs, or of projects of PyPI's, that people ask for by name."""

    names: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"asked for by name: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aliases:
    """Hold lines `conda name: requirement`."""

    names: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"aliases and umbrellas: {self.why}"


@cache
def native_names() -> tuple[NativeNames, ...]:
    """Read the libraries and tools."""
    return rows(TABLE, "native", NativeNames)


@cache
def tool_rows() -> tuple[Tools, ...]:
    """Read the programs."""
    return rows(TABLE, "tool", Tools)


@cache
def main_rows() -> tuple[Tools, ...]:
    """Read the projects."""
    return rows(TABLE, "main", Tools)


@cache
def alias_rows() -> tuple[Aliases, ...]:
    """Read the aliases."""
    return rows(TABLE, "alias", Aliases)


@cache
def aliases() -> Mapping[str, str]:
    """Give the requirement that each alias or umbrella stands for, by its conda name."""
    lines = (line for row in alias_rows() for line in row.names.strip().splitlines())
    return {name.strip(): requirement.strip() for name, _, requirement in (line.partition(":") for line in lines)}


@cache
def is_native(conda: str) -> bool:
    """Tell whether a conda package is known to be a library or a tool, or is named like one."""
    return any(
        conda not in row.exceptions.split() and any(fnmatchcase(conda, name) for name in row.names.split())
        for row in native_names()
    )


def is_tool(conda: str) -> bool:
    """Tell whether a conda package is a program that people call by name."""
    return any(conda in row.names.split() for row in tool_rows())


def is_main(project: str) -> bool:
    """Tell whether people ask for a project of PyPI's by name even where another brings it."""
    return any(project in row.names.split() for row in main_rows())
