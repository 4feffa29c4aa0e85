"""Read the facts about names: what conda's packages hold, and what serves for which project of PyPI."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

from envgen.knowledge.tables import rows

_CONTENTS = "contents.toml"
_NAMES = "names.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Conda packages that are named after their distribution by a form such as `python-{}`."""

    conda: str
    distributions: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"conda packages of the form `{self.conda}` hold the distribution they are named after"

    def packages(self) -> Iterator[tuple[str, str]]:
        """Yield each conda name with its distribution."""
        for name in self.distributions.split():
            yield self.conda.replace("{_}", name.replace("-", "_")).replace("{}", name), name


@dataclass(frozen=True, slots=True, kw_only=True)
class NameList:
    """Names of which one thing is true; `names` has words, or a line `name: words` each; `tools` has words."""

    source: str
    verified: date
    names: str = ""
    tools: str = ""
    why: str = "read from the packages themselves"

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return self.why

    def words(self) -> list[str]:
        """List the names."""
        return self.names.split()

    def lines(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each line's name with the words after the colon."""
        for line in self.names.strip().splitlines():
            name, _, rest = line.partition(":")
            yield name.strip(), rest.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """Conda packages, best first, that serve for a project although none holds a distribution of its name."""

    conda: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameTable:
    """What is known of names; PyPI's names are canonical (PEP 503), conda's as the channel writes them.

    `contents` maps a conda package to the distributions that it holds, where that is not the one of its own name;
    `holders` is the same backwards, best first. `nothing` are packages that hold none although they look like it,
    `own` those that are their own project though the name suggests another. `never` maps a project to the reason that
    no package of conda-forge is it; `whole` are projects for which conda's umbrella package is right. `bounds` maps a
    project and a conda package to what its version must meet; `packaged` lists exceptions to `contents` by version.
    """

    contents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nothing: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    stand_ins: Mapping[str, StandIn] = field(default_factory=dict)
    never: Mapping[str, str] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    bounds: Mapping[tuple[str, str], str] = field(default_factory=dict)
    packaged: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = field(default_factory=dict)

    def known(self) -> frozenset[str]:
        """Return the projects of PyPI for which the table has a conda name."""
        return frozenset(self.holders) | frozenset(self.stand_ins)


@cache
def name_table() -> NameTable:
    """Read the package's table of names, once."""
    contents = dict(_contents())
    return NameTable(
        contents=contents,
        holders=_reversed(contents),
        nothing=frozenset(_words(_CONTENTS, "nothing")),
        own=frozenset(_words(_CONTENTS, "own")),
        stand_ins=dict(_stand_ins()),
        never={name: block.why for block in rows(_NAMES, "never", NameList) for name in block.words()},
        whole=frozenset(_words(_NAMES, "whole")),
        bounds={
            (name, words[0]): words[1] for block in rows(_NAMES, "bound", NameList) for name, words in block.lines()
        },
        packaged=_packaged(),
    )


def _contents() -> Iterator[tuple[str, tuple[str, ...]]]:
    for form in rows(_CONTENTS, "form", Form):
        for conda, distribution in form.packages():
            yield conda, (distribution,)
    for block in rows(_CONTENTS, "pair", NameList):
        for conda, held in block.lines():
            yield conda, tuple(held)


def _reversed(contents: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the holders of each distribution: packages made for it before those that also carry others."""
    found: dict[str, list[str]] = defaultdict(list)
    for conda, held in sorted(contents.items(), key=lambda item: len(item[1]) > 1):
        for distribution in held:
            found[distribution].append(conda)
    return {name: tuple(condas) for name, condas in found.items()}


def _words(file: str, key: str) -> Iterator[str]:
    for block in rows(file, key, NameList):
        yield from block.words()


def _stand_ins() -> Iterator[tuple[str, StandIn]]:
    for block in rows(_NAMES, "stand_in", NameList):
        for name, condas in block.lines():
            yield name, StandIn(conda=tuple(condas), why=block.why)
        for name in block.tools.split():
            yield name, StandIn(conda=(name,), why=block.why)


def _packaged() -> dict[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    found: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {}
    for block in rows(_NAMES, "packaged", NameList):
        for head, held in block.lines():
            conda, spec = head.split()
            found[conda] = (*found.get(conda, ()), (spec, tuple(held)))
    return found


# Read the facts about extras: what conda has for them that no rule finds.

Kind = Literal["umbrella", "partly", "package", "variant"]
_FILE = "extras.toml"
_KINDS: tuple[Kind, ...] = ("umbrella", "partly", "package", "variant")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraList:
    """Lines `project extra: conda names` of which one thing is true."""

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
        """Yield each project and extra with the conda names or match specs."""
        for line in self.names.strip().splitlines():
            head, _, conda = line.partition(":")
            project, extra = head.split()
            yield (project, extra), tuple(conda.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraFact:
    """What conda has for an extra; `conda` are names, or match specs of a variant."""

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


# Say what conda's names stand for in PyPI's world, as far as names alone tell.

TABLE = "backwards.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeNames:
    """Names and patterns of conda packages that hold no distribution, but for those in `exceptions`."""

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
    """Names of programs, or of projects of PyPI's, that people ask for by name."""

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
    """Lines `conda name: requirement`."""

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
    """Return the requirement that each alias or umbrella stands for, by its conda name."""
    lines = (line for row in alias_rows() for line in row.names.strip().splitlines())
    return {name.strip(): requirement.strip() for name, _, requirement in (line.partition(":") for line in lines)}


@cache
def is_native(conda: str) -> bool:
    """Return whether a conda package is known to be a library or a tool, or is named like one."""
    return any(
        conda not in row.exceptions.split() and any(fnmatchcase(conda, name) for name in row.names.split())
        for row in native_names()
    )


def is_tool(conda: str) -> bool:
    """Return whether a conda package is a program that people call by name."""
    return any(conda in row.names.split() for row in tool_rows())


def is_main(project: str) -> bool:
    """Return whether people ask for a project of PyPI's by name even where another brings it."""
    return any(project in row.names.split() for row in main_rows())
