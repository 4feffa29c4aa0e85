"""Read the facts about extras: what conda has for them that no rule finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Literal

from envgen.knowledge.table import rows

Kind = Literal["umbrella", "partly", "package", "variant"]
_FILE = "extras.toml"
_KINDS: tuple[Kind, ...] = ("umbrella", "partly", "package", "variant")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraList:
    """Hold lines `project extra: conda names` of which one thing is true."""

    names: str
    why: str
    source: str
    verified: date
    subdirs: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return self.why

    def lines(self) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
        """Give each project and extra with the conda names or match specs."""
        for line in self.names.strip().splitlines():
            head, _, conda = line.partition(":")
            project, extra = head.split()
            yield (project, extra), tuple(conda.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraFact:
    """Hold what conda has for an extra; `conda` are names, or match specs of a variant."""

    kind: Kind
    conda: tuple[str, ...]
    why: str
    subdirs: tuple[str, ...] = field(default=())


@cache
def extra_table() -> Mapping[tuple[str, str], ExtraFact]:
    """Read the package's table of extras, once; the keys are a canonical project and a canonical extra."""
    return {
        key: ExtraFact(kind=kind, conda=conda, why=block.why, subdirs=block.subdirs)
        for kind in _KINDS
        for block in rows(_FILE, kind, ExtraList)
        for key, conda in block.lines()
    }
