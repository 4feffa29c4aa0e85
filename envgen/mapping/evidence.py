"""Read from records what they tell of themselves."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

from envgen.models.match_spec import version_key, version_matches
from envgen.models.record import Record

_SPEC = re.compile(r"(?:[^\s\[]*::)?(?P<name>[^\s=<>!~\[]+)\s*(?P<version>[^\s\[]*)")
_PYTHON = frozenset({"python", "python_abi", "cpython"})
_LAST_PATCH = "99"


def depends_names(record: Record) -> frozenset[str]:
    """Give the names that a record depends on."""
    return frozenset(_parts(spec)[0] for spec in record.depends)


def is_python(record: Record) -> bool:
    """Tell whether a record depends on Python, or is built for every Python (`noarch: python`)."""
    return record.noarch == "python" or not _PYTHON.isdisjoint(depends_names(record))


def fits_python(record: Record, python: str) -> bool:
    """Tell whether a record can be installed beside a python minor such as "3.12", by its depends."""
    return all(_admits(*_parts(spec), python) for spec in record.depends)


def pins(record: Record, name: str, version: str) -> bool:
    """Tell whether a record depends on this very version of a package, whatever the way that is written.

    Outputs of one feedstock pin each other so: `==1.2`, `1.2 build`, `1.2.*` or `>=1.2,<1.2.1.0a0`.
    """
    specs = [wanted for depended, wanted in map(_parts, record.depends) if depended == name and wanted]
    return record.version == version and bool(specs) and all(_is_narrow(wanted, version) for wanted in specs)


def newest(records: Sequence[Record], python: str = "") -> Record | None:
    """Give the record of the highest version and build number, of those for a python minor if there are any.

    Ties go to the last build string, so that the answer does not depend on the order of the records.
    """
    by_version: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_version[record.version].append(record)
    versions = sorted(by_version, key=version_key, reverse=True)
    for version in versions if python else ():
        fitting = [record for record in by_version[version] if fits_python(record, python)]
        if fitting:
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
    return version_matches(version, probe)


@cache
def _is_narrow(wanted: str, version: str) -> bool:
    return version_matches(wanted, version) and not version_matches(wanted, f"{version}.9999")
