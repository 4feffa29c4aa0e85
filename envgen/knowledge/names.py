"""Names: which distributions conda's packages have inside, and which packages serve for a project of PyPI."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal, get_args

from envgen.knowledge.tables import lazy_table, load_table

_CONTENTS = "contents.toml"
_NAMES = "names.toml"
_EXTRAS = "extras.toml"
ExtraKind = Literal["umbrella", "partly", "package", "variant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Conda packages that are named after their distribution by a form such as `python-{}`."""

    conda: str
    distributions: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
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
        return self.why

    def words(self) -> list[str]:
        return self.names.split()

    def lines(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each line's name with the words after the colon."""
        for line in self.names.strip().splitlines():
            name, _, rest = line.partition(":")
            yield name.strip(), rest.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """Conda packages, best first, that serve for a project although none has a distribution of its name."""

    conda: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameTable:
    """What is known of names; PyPI's names are canonical (PEP 503), conda's as the channel writes them.

    `contents` maps a conda package to the distributions inside, where that is not the one of its own name; `holders` is
    the same backwards, best first. `nothing` are packages that have none although they look like it, `own` those that
    are their own project though the name suggests another. `never` maps a project to the reason that no package of
    conda-forge is it; `whole` are projects for which conda's umbrella package is right. `bounds` maps a project and a
    conda package to what its version must meet; `packaged` lists exceptions to `contents` by version.
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
    """Return the package's table of names, read once."""
    contents = dict(_contents())
    return NameTable(
        contents=contents,
        holders=_reversed(contents),
        nothing=_words(_CONTENTS, "nothing"),
        own=_words(_CONTENTS, "own"),
        stand_ins=dict(_stand_ins()),
        never={name: block.why for block in load_table(_NAMES, "never", NameList) for name in block.words()},
        whole=_words(_NAMES, "whole"),
        bounds={
            (name, words[0]): words[1]
            for block in load_table(_NAMES, "bound", NameList)
            for name, words in block.lines()
        },
        packaged=_packaged(),
    )


def _contents() -> Iterator[tuple[str, tuple[str, ...]]]:
    for form in load_table(_CONTENTS, "form", Form):
        for conda, distribution in form.packages():
            yield conda, (distribution,)
    for block in load_table(_CONTENTS, "pair", NameList):
        for conda, held in block.lines():
            yield conda, tuple(held)


def _reversed(contents: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the holders of each distribution: packages made for it before those that also carry others."""
    found: dict[str, list[str]] = defaultdict(list)
    for conda, held in sorted(contents.items(), key=lambda item: len(item[1]) > 1):
        for distribution in held:
            found[distribution].append(conda)
    return {name: tuple(condas) for name, condas in found.items()}


def _words(file: str, key: str) -> frozenset[str]:
    return frozenset(name for block in load_table(file, key, NameList) for name in block.words())


def _stand_ins() -> Iterator[tuple[str, StandIn]]:
    for block in load_table(_NAMES, "stand_in", NameList):
        for name, condas in block.lines():
            yield name, StandIn(conda=tuple(condas), why=block.why)
        for name in block.tools.split():
            yield name, StandIn(conda=(name,), why=block.why)


def _packaged() -> dict[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    found: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {}
    for block in load_table(_NAMES, "packaged", NameList):
        for head, held in block.lines():
            conda, spec = head.split()
            found[conda] = (*found.get(conda, ()), (spec, tuple(held)))
    return found


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

    kind: ExtraKind
    conda: tuple[str, ...]
    why: str
    subdirs: tuple[str, ...] = ()


@cache
def extra_table() -> Mapping[tuple[str, str], ExtraFact]:
    """Return the package's table of extras, read once; the keys are a canonical project and a canonical extra."""
    return {
        key: ExtraFact(kind=kind, conda=conda, why=block.why, subdirs=block.subdirs)
        for kind in get_args(ExtraKind)
        for block in load_table(_EXTRAS, kind, ExtraList)
        for key, conda in block.lines()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeNames:
    """Names and patterns of conda packages without a distribution, but for those in `exceptions`."""

    names: str
    why: str
    source: str
    verified: date
    exceptions: str = ""

    @property
    def rule(self) -> str:
        return f"libraries and tools: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedNames:
    """Names of programs, or of projects of PyPI's, that people install by name."""

    names: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        return f"asked for by name: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasList:
    """Lines `conda name: requirement`."""

    names: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        return f"aliases and umbrellas: {self.why}"


native_names = lazy_table("backwards.toml", "native", NativeNames)
requested_programs = lazy_table("backwards.toml", "tool", RequestedNames)
requested_projects = lazy_table("backwards.toml", "main", RequestedNames)
alias_lists = lazy_table("backwards.toml", "alias", AliasList)


@cache
def aliases() -> Mapping[str, str]:
    """Map the conda names of aliases and umbrellas to the requirement that each means."""
    lines = (line for row in alias_lists() for line in row.names.strip().splitlines())
    return {name.strip(): requirement.strip() for name, _, requirement in (line.partition(":") for line in lines)}


@cache
def is_native(conda: str) -> bool:
    """Return whether a conda package is known to be a library or a tool, or is named like one."""
    return any(
        conda not in row.exceptions.split() and any(fnmatchcase(conda, name) for name in row.names.split())
        for row in native_names()
    )


def is_tool(conda: str) -> bool:
    """Return whether a conda package is a program that people install by name."""
    return any(conda in row.names.split() for row in requested_programs())


def is_main(project: str) -> bool:
    """Return whether people install a project of PyPI's by name even where another brings it."""
    return any(project in row.names.split() for row in requested_projects())
