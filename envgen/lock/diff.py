"""Compare two locks of one platform."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envgen.lock.graph import DistributionsOf
from envgen.lock.model import Package, PlatformLock
from envgen.models.match_spec import version_key
from envgen.models.package_key import PackageKey, PackageSource
from envgen.models.record import Record

ChangeKind = Literal["added", "removed", "upgraded", "downgraded", "rebuilt", "moved"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Change:
    """Describe how one package changed.

    `before` and `after` are versions, "" where the package is absent; a rebuilt package has its version and build, or
    its file's name, in both. `moved` says that conda's package became PyPI's or the other way round: `source` is where
    it comes from now, `previous` from where it came, else the same. Sizes are in bytes, None where not known.
    """

    name: str
    change: ChangeKind
    before: str
    after: str
    source: PackageSource
    previous: PackageSource
    size_before: int | None = None
    size_after: int | None = None


def diff(
    before: PlatformLock, after: PlatformLock, *, pypi_name: Callable[[str], str] = canonicalize_name
) -> tuple[Change, ...]:
    """List the changes from one lock to the other, sorted by name; equal packages are left out.

    `pypi_name` gives the distribution that a conda package of some name provides, by which a move is seen.
    """
    old, new = before.packages(), after.packages()
    moved = dict(_moves(old.keys() - new.keys(), new.keys() - old.keys(), pypi_name))
    changes = [_moved(old[gone], new[come]) for gone, come in moved.items()]
    gone, come = set(moved), set(moved.values())
    changes += [_removed(package) for key, package in old.items() if key not in new and key not in gone]
    changes += [_added(package) for key, package in new.items() if key not in old and key not in come]
    changes += [_changed(old[key], new[key]) for key in old.keys() & new.keys() if _file(old[key]) != _file(new[key])]
    return tuple(sorted(changes, key=lambda change: (change.name, change.source)))


def distribution_names(locks: Iterable[PlatformLock], distributions_of: DistributionsOf) -> Callable[[str], str]:
    """Return a `pypi_name` for `diff`, which knows what the records of these locks hold under another name."""
    held = {
        record.name: names[0]
        for lock in locks
        for record in lock.conda
        if (names := distributions_of(record)) and canonicalize_name(record.name) not in names
    }
    return lambda conda: held.get(conda, canonicalize_name(conda))


def _moves(
    gone: Iterable[PackageKey], come: Iterable[PackageKey], pypi_name: Callable[[str], str]
) -> Iterator[tuple[PackageKey, PackageKey]]:
    by_name = {_distribution(key, pypi_name): key for key in sorted(come)}
    for key in sorted(gone):
        other = by_name.get(_distribution(key, pypi_name))
        if other and other.source != key.source:
            yield key, by_name.pop(_distribution(key, pypi_name))


def _distribution(key: PackageKey, pypi_name: Callable[[str], str]) -> str:
    return pypi_name(key.name) if key.source == "conda" else key.name


def _file(package: Package) -> tuple[str, ...]:
    """Return what makes the file that is installed another one; a hash that is not known says nothing."""
    if isinstance(package, Record):
        return (package.version, package.build, package.channel, package.md5)
    return (package.version, package.wheel.filename, package.wheel.sha256)


def _removed(package: Package) -> Change:
    return Change(
        name=package.name,
        change="removed",
        before=package.version,
        after="",
        source=package.key.source,
        previous=package.key.source,
        size_before=package.size,
    )


def _added(package: Package) -> Change:
    return Change(
        name=package.name,
        change="added",
        before="",
        after=package.version,
        source=package.key.source,
        previous=package.key.source,
        size_after=package.size,
    )


def _moved(before: Package, after: Package) -> Change:
    return _between(before, after, "moved", (before.version, after.version))


def _changed(before: Package, after: Package) -> Change:
    if before.version == after.version:
        return _between(before, after, "rebuilt", (_build(before), _build(after)))
    kind: ChangeKind = "upgraded" if _is_newer(after, before) else "downgraded"
    return _between(before, after, kind, (before.version, after.version))


def _between(before: Package, after: Package, kind: ChangeKind, texts: tuple[str, str]) -> Change:
    return Change(
        name=after.name,
        change=kind,
        before=texts[0],
        after=texts[1],
        source=after.key.source,
        previous=before.key.source,
        size_before=before.size,
        size_after=after.size,
    )


def _build(package: Package) -> str:
    return f"{package.version}={package.build}" if isinstance(package, Record) else package.wheel.filename


def _is_newer(after: Package, before: Package) -> bool:
    if isinstance(after, Record):
        return version_key(after.version) > version_key(before.version)
    try:
        return Version(after.version) > Version(before.version)
    except InvalidVersion:
        return after.version > before.version
