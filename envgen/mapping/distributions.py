"""Say which distributions of PyPI's world a conda record provides."""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name

from envgen.knowledge.names import NameTable, name_table
from envgen.mapping.evidence import depends_names, is_python
from envgen.models.match_spec import version_matches
from envgen.models.record import Record

_WITH = re.compile(r"[-_]with[-_]")
_BINDINGS = ("python-{}", "{}-python", "py-{}", "{}-py", "py{}")
_DISTRIBUTION = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)


def distributions_of(record: Record, table: NameTable | None = None) -> tuple[str, ...]:
    """Give the canonical names of the distributions whose dist-info a record holds, sorted.

    A record that depends on a holder of the same distribution is an umbrella or an alias (`matplotlib` over
    `matplotlib-base`), and holds nothing itself; so do C libraries, tools and outputs for an extra (`rich-with-jupyter`
    over `rich`). What conda holds is told by the table, else a Python record holds the distribution of its own name.
    """
    known = table or name_table()
    depended = depends_names(record)
    held = contents_of(record.name, record.version, known)
    if held is None:
        held = _own_name(record, depended)
    return tuple(sorted(name for name in held if not _held_below(record.name, name, depended, known)))


def _own_name(record: Record, depended: frozenset[str]) -> tuple[str, ...]:
    base = _WITH.split(record.name, maxsplit=1)[0]
    if base in depended or not is_python(record) or _DISTRIBUTION.fullmatch(record.name) is None:
        return ()
    return (canonicalize_name(record.name),)


def contents_of(conda: str, version: str, table: NameTable) -> tuple[str, ...] | None:
    """Give the distributions that a version of a conda package is known to hold, or None where nothing is known."""
    for spec, held in table.packaged.get(conda, ()):
        if version and version_matches(spec, version):
            return held
    if conda in table.contents:
        return table.contents[conda]
    return () if conda in table.nothing else None


def _held_below(conda: str, distribution: str, depended: frozenset[str], table: NameTable) -> bool:
    """Tell whether something that a record depends on is the holder of a distribution instead."""
    if any(holder in depended for holder in table.holders.get(distribution, ()) if holder != conda):
        return True
    if _is_binding(conda, distribution):
        return False
    twins = (name for name in depended if name != conda and canonicalize_name(name) == distribution)
    return any(contents_of(twin, "", table) in (None, (distribution,)) for twin in twins)


def _is_binding(conda: str, distribution: str) -> bool:
    """Tell whether a package is named like the Python side of a library: python-xxhash depends on xxhash."""
    return canonicalize_name(conda) in {form.format(distribution) for form in _BINDINGS}
