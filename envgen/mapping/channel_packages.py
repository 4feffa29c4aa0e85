"""The packages of the channels that are being solved, as their records describe them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from packaging.utils import canonicalize_name

from envgen.knowledge.names import NameTable, name_table
from envgen.models.match_spec import MatchSpec, version_key, version_matches
from envgen.models.platform import Platform
from envgen.models.record import Record, Repodata

_CANONICAL = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")  # nearly all names; to look takes a quarter of the time to make one
_SPEC = re.compile(r"(?:[^\s\[]*::)?(?P<name>[^\s=<>!~\[]+)\s*(?P<version>[^\s\[]*)")
_PYTHON = frozenset({"python", "python_abi", "cpython"})
_LAST_PATCH = "99"
_WITH = re.compile(r"[-_]with[-_]")
_BINDINGS = ("python-{}", "{}-python", "py-{}", "{}-py", "py{}")
_DISTRIBUTION = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)


@dataclass(kw_only=True)
class ChannelPackages:
    """The packages of some channels for one target; each name is read once, and many in one go.

    `python` is the minor that records should fit; it never hides a record.
    """

    repodata: Repodata
    python: str
    _names: frozenset[str] | None = None
    _twins: dict[str, tuple[str, ...]] | None = None
    _records: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    _newest: dict[str, Record | None] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        if self._names is None:
            self._names = self.repodata.names()
        return self._names

    @property
    def origin(self) -> str:
        """Return what is being read, for messages: `conda-forge`, or `the starter index of …`."""
        return self.repodata.origin if self.repodata.complete else f"the {self.repodata.origin}"

    @property
    def complete(self) -> bool:
        """Return whether an absent name means that the channels lack it."""
        return self.repodata.complete

    def twins(self, name: str) -> tuple[str, ...]:
        """Return the channels' names that differ from a canonical name in `-`, `_` and `.` alone, sorted."""
        if self._twins is None:
            found: dict[str, list[str]] = defaultdict(list)
            for conda in sorted(self.names):
                found[conda if _CANONICAL.fullmatch(conda) else canonicalize_name(conda)].append(conda)
            self._twins = {key: tuple(values) for key, values in found.items()}
        return self._twins.get(name, ())

    def read(self, names: Iterable[str]) -> None:
        """Read the records of some names, all that are not read yet in one go."""
        missing = sorted({name for name in names if name not in self._records} & self.names)
        if missing:
            self._records.update(self.repodata.records(missing))

    def records(self, name: str) -> tuple[Record, ...]:
        """Return the records of a name; () where the channels have none."""
        self.read([name])
        return self._records.get(name, ())

    def newest(self, name: str) -> Record | None:
        """Return the newest record of a name, of those for the target's python if there are any."""
        if name not in self._newest:
            self._newest[name] = newest_record(self.records(name), self.python)
        return self._newest[name]

    def fits(self, name: str) -> bool:
        """Return whether some record of a name can be installed beside the target's python."""
        record = self.newest(name)
        return record is not None and fits_python(record, self.python)


def depends_names(record: Record) -> frozenset[str]:
    """Return the names that a record depends on."""
    return frozenset(filter(None, map(MatchSpec.name_of, record.depends)))


def is_python(record: Record) -> bool:
    """Return whether a record depends on Python, or is built for every Python (`noarch: python`)."""
    return record.noarch == "python" or not _PYTHON.isdisjoint(depends_names(record))


def fits_python(record: Record, python: str) -> bool:
    """Return whether a record can be installed beside a python minor such as "3.12", by its depends."""
    return all(_admits(*_parts(spec), python) for spec in record.depends)


def fits_target(record: Record, platform: Platform) -> bool:
    """Return whether the python and the virtual packages that a record depends on are those of a target."""
    if not fits_python(record, platform.python):
        return False
    needs = [text for text in record.depends if text.startswith("__")]
    have = {package.name: package for package in platform.virtual_packages()} if needs else {}
    return all((there := have.get(spec.name)) and spec.matches(there) for spec in MatchSpec.readable(needs))


def pins(record: Record, name: str, version: str) -> bool:
    """Return whether a record depends on this very version of a package, whatever the way that is written.

    Outputs of one feedstock pin each other so: `==1.2`, `1.2 build`, `1.2.*` or `>=1.2,<1.2.1.0a0`.
    """
    specs = [wanted for depended, wanted in map(_parts, record.depends) if depended == name and wanted]
    narrow = (_meets(version, each) and not _meets(f"{version}.9999", each) for each in specs)
    return record.version == version and bool(specs) and all(narrow)


def newest_record(records: Sequence[Record], python: str = "") -> Record | None:
    """Return the record of the highest version and build number, of those for a python minor if there are any.

    Ties go to the last build string, so that the answer does not depend on the order of the records.
    """
    by_version: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_version[record.version].append(record)
    versions = sorted(by_version, key=version_key, reverse=True)
    for version in versions if python else ():
        if fitting := [record for record in by_version[version] if fits_python(record, python)]:
            return _last(fitting)
    return _last(by_version[versions[0]]) if versions else None


def _last(records: Iterable[Record]) -> Record:
    return max(records, key=lambda record: (record.build_number, record.build, record.subdir))


@cache
def _parts(spec: str) -> tuple[str, str]:
    match = _SPEC.match(spec)
    return (match["name"], match["version"]) if match else (spec, "")


@cache
def _admits(name: str, version: str, python: str) -> bool:
    if not version or name not in _PYTHON:
        return True
    probe = python if name == "python_abi" else f"{python}.{_LAST_PATCH}"
    return _meets(probe, version)


def _meets(version: str, spec: str) -> bool:
    """Return whether a version meets a record's spec; none meets a malformed one."""
    try:
        return version_matches(spec, version)
    except ValueError:
        return False


def distributions_of(record: Record, table: NameTable | None = None) -> tuple[str, ...]:
    """Return the canonical names of the distributions whose dist-info a record holds, sorted.

    A record that depends on a holder of the same distribution is an umbrella or an alias (`matplotlib` over
    `matplotlib-base`), and holds nothing itself; so do C libraries, tools and outputs for an extra (`rich-with-jupyter`
    over `rich`). The table says what a package holds; a Python record that it lacks holds the one of its own name.
    """
    known = table or name_table()
    depended = depends_names(record) - {record.name}
    contents = contents_of(record.name, record.version, known)
    if contents is None:
        for_an_extra = _WITH.split(record.name, maxsplit=1)[0] in depended
        own = not for_an_extra and is_python(record) and _DISTRIBUTION.fullmatch(record.name)
        contents = (canonicalize_name(record.name),) if own else ()
    return tuple(sorted(name for name in contents if not _held_by_dependency(record.name, name, depended, known)))


def contents_of(conda: str, version: str, table: NameTable) -> tuple[str, ...] | None:
    """Return the distributions that a version of a conda package is known to hold, or None where nothing is known."""
    for spec, contents in table.packaged.get(conda, ()):
        if version and version_matches(spec, version):
            return contents
    if conda in table.contents:
        return table.contents[conda]
    return () if conda in table.nothing else None


def _held_by_dependency(conda: str, distribution: str, depended: frozenset[str], table: NameTable) -> bool:
    """Return whether something that a record depends on is the holder of a distribution instead."""
    if not depended.isdisjoint(table.holders.get(distribution, ())):
        return True
    if canonicalize_name(conda) in {form.format(distribution) for form in _BINDINGS}:
        return False  # the Python side of a library depends on it: python-xxhash on xxhash
    twins = (name for name in depended if canonicalize_name(name) == distribution)
    return any(contents_of(twin, "", table) in (None, (distribution,)) for twin in twins)
