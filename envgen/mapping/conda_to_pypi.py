"""Conda's names and version specs in the words of PyPI."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envgen.knowledge.names import NameTable, aliases, is_native, name_table
from envgen.mapping.channel_packages import contents_of, depends_names, distributions_of, fits_python, is_python, pins
from envgen.mapping.name_mapper import NameMapper
from envgen.models.record import Record

_PROJECT = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)
_CLAUSE = re.compile(r"(~=|===?|!=|>=|<=|>|<|=)?(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiName:
    """The requirement that a conda package stands for, without a version, or "" where it holds no distribution.

    `certain` is False where it is guessed from the name; `known` says that a channel that was read has the package.
    """

    requirement: str
    why: str
    certain: bool = True
    known: bool = False


class CondaToPypi:
    """What conda packages stand for: by a channel's records where `mapper` reads one, else by the tables."""

    def __init__(self, mapper: NameMapper | None = None, table: NameTable | None = None) -> None:
        self._mapper = mapper
        self._table = table or name_table()

    @property
    def complete(self) -> bool:
        """Return whether a channel is read, and whole: what it lacks is not there."""
        return self._mapper is not None and self._mapper.packages.complete

    def read(self, names: Iterable[str]) -> None:
        """Read the records of many packages in one go."""
        if self._mapper:
            self._mapper.packages.read(names)

    def has(self, conda: str) -> bool:
        """Return whether the channel has a package for the target."""
        return bool(self._mapper and self._mapper.packages.newest(conda))

    def depends_of(self, conda: str, version: str = "") -> frozenset[str]:
        """Return the names that a version of a package depends on; of all its versions where it lacks that one."""
        records = self._mapper.packages.records(conda) if self._mapper else ()
        chosen = [record for record in records if record.version == version] or records
        return frozenset[str]().union(*(depends_names(record) for record in chosen))

    def versions(self, conda: str) -> frozenset[str]:
        """Return the versions of a package that the channel has for the target's python."""
        if self._mapper is None:
            return frozenset()
        packages = self._mapper.packages
        return frozenset(record.version for record in packages.records(conda) if fits_python(record, packages.python))

    def conda_of(self, project: str) -> str:
        """Return the conda package that serves for a project of PyPI's, or "" where the channel has none."""
        answer = self._mapper.map_names([project])[project] if self._mapper else None
        return (answer.conda or "") if answer and answer.source == "conda" else ""

    def of(self, conda: str) -> PypiName:
        """Return what a conda package stands for: by the tables, else by its newest record, else by its name."""
        known = self.has(conda)
        if conda in aliases():
            return PypiName(requirement=aliases()[conda], why=f"conda's `{conda}` brings it", known=known)
        contents = contents_of(conda, "", self._table)
        if contents:
            name = self._best(conda, contents)
            return PypiName(requirement=name, why=f"conda's `{conda}` holds it", known=known)
        if known:
            return self._by_record(conda)
        if contents is not None or is_native(conda) or not _PROJECT.fullmatch(conda):
            return PypiName(requirement="", why="it holds no Python distribution")
        name = canonicalize_name(conda)
        return PypiName(requirement=name, why="PyPI's project of the same name is taken for it", certain=False)

    def _by_record(self, conda: str) -> PypiName:
        record = self._mapper.packages.newest(conda) if self._mapper else None
        if record and (contents := distributions_of(record, self._table)):
            name = self._best(conda, contents)
            return PypiName(requirement=name, why=f"conda's `{conda}` holds it", known=True)
        if record and (below := self._below(record)):
            return PypiName(requirement=below, why=f"conda's `{conda}` brings it", known=True)
        return PypiName(requirement="", why="it holds no Python distribution", known=True)

    def _below(self, record: Record) -> str:
        """Return the distribution that an alias or umbrella depends on: of its own name, or pinned to its version."""
        own = canonicalize_name(record.name)
        for name in sorted(depends_names(record) - {record.name}):
            part = self._mapper.packages.newest(name) if self._mapper else None
            if part is None or not is_python(part):
                continue
            contents = distributions_of(part, self._table)
            if own in contents:
                return own
            if contents and pins(record, name, part.version):
                return self._best(name, contents)
        return ""

    def _best(self, conda: str, contents: Iterable[str]) -> str:
        """Return one of the distributions that a package holds: its namesake, else one that it is best for."""
        names = list(contents)
        own = canonicalize_name(conda)
        firsts = [name for name in names if self._table.holders.get(name, ("",))[0] == conda]
        return own if own in names else (firsts or names)[0]


def to_specifier(version: str) -> str | None:
    """Return conda's version spec as a PEP 440 specifier, or None where PEP 440 cannot say it.

    `=1.2` and `1.2.*` become `==1.2.*`; a bare `1.2` and `==1.2` become `==1.2`, as PEP 440 and CEP 29 have them.
    """
    clauses = [_specifier_clause(part.strip()) for part in version.split(",") if part.strip()]
    if any(clause is None for clause in clauses):
        return None
    text = ",".join(clause for clause in clauses if clause)
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return None
    return text


def _specifier_clause(text: str) -> str | None:
    found = _CLAUSE.fullmatch(text)
    operator, version = (found[1] or "", found[2].strip()) if found else ("", text)
    if version == "*":
        return ""
    starred = version.endswith("*")
    bare = version.rstrip("*").rstrip(".")
    try:
        parsed = Version(bare)
    except InvalidVersion:
        return None
    if operator in ("", "=", "=="):
        fuzzy = starred or operator == "="
        return f"=={bare}.*" if fuzzy and str(parsed) == parsed.base_version else f"=={bare}"
    if starred:
        return f"!={bare}.*" if operator == "!=" else f"{operator}{bare}"
    if operator == "~=" and len(parsed.release) < 2:
        return f">={bare}"
    return f"{operator}{bare}"
