"""The difference of two locks of one platform."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envgen.lock.graph import DistributionsOf
from envgen.lock.model import LockedWheel, Package, PlatformLock
from envgen.models.match_spec import version_key
from envgen.models.package_key import PackageKey, PackageSource
from envgen.models.record import Record

ChangeKind = Literal["added", "removed", "upgraded", "downgraded", "rebuilt", "replaced", "moved"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Change:
    """How one package changed.

    `before` and `after` are versions, "" where the package is absent; a rebuilt package has its version and build, or
    its file's name, in both. `replaced` says that the same build is another file or at another address: both are
    addresses then, or hashes where the address is the same or not known. `moved` says that conda's package became
    PyPI's or the other way round: `source` is where it comes from now, `previous` from where it came, else the same.
    Sizes are in bytes, None where not known.
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
    come = set(moved.values())
    pairs = {key: moved.get(key, key) for key in old} | {key: key for key in new if key not in old and key not in come}
    changes = [
        _change(first, last, old.get(first), new.get(last))
        for first, last in pairs.items()
        if not _is_same(old.get(first), new.get(last))
    ]
    return tuple(sorted(changes, key=lambda change: (change.name, change.source)))


def distribution_names(locks: Iterable[PlatformLock], distributions_of: DistributionsOf) -> Callable[[str], str]:
    """Return a `pypi_name` for `diff`, which knows what the records of these locks provide under another name."""
    provided = {
        record.name: names[0]
        for lock in locks
        for record in lock.conda
        if (names := distributions_of(record)) and canonicalize_name(record.name) not in names
    }
    return lambda conda: provided.get(conda, canonicalize_name(conda))


def _moves(
    gone: Iterable[PackageKey], come: Iterable[PackageKey], pypi_name: Callable[[str], str]
) -> Iterator[tuple[PackageKey, PackageKey]]:
    def distribution(key: PackageKey) -> str:
        return pypi_name(key.name) if key.source == "conda" else key.name

    by_name = {distribution(key): key for key in sorted(come)}
    for key in sorted(gone):
        other = by_name.get(distribution(key))
        if other and other.source != key.source:
            yield key, by_name.pop(distribution(key))


def replacement(before: Package, after: Package) -> str:
    """Return in words how the same build of a package was replaced; "" where it was not."""
    is_other = any(old and new and old != new for old, new in zip(_hashes(before), _hashes(after), strict=True))
    old, new = _address(before), _address(after)
    is_elsewhere = bool(old and new and old != new)
    if _build(before) != _build(after) or not (is_other or is_elsewhere):
        return ""
    file, address = ("another" if is_other else "the same"), ("another" if is_elsewhere else "the same")
    return f"{file} file at {address} address"


def _is_same(before: Package | None, after: Package | None) -> bool:
    if before is None or after is None:
        return False
    return _version(before) == _version(after) and _build(before) == _build(after) and not replacement(before, after)


def _hashes(package: Package) -> tuple[str, str]:
    return (package.sha256, package.md5) if isinstance(package, Record) else (package.wheel.sha256, "")


def _address(package: Package) -> str:
    return package.url if isinstance(package, Record) else package.wheel.url


def _change(first: PackageKey, last: PackageKey, before: Package | None, after: Package | None) -> Change:
    kind = _kind(before, after)
    texts = (_version(before), _version(after))
    if kind == "rebuilt":
        texts = (_build(before), _build(after))
    elif kind == "replaced" and before and after:
        pairs = ((_address(before), _address(after)), *zip(_hashes(before), _hashes(after), strict=True))
        texts = next((pair for pair in pairs if all(pair) and pair[0] != pair[1]), texts)
    return Change(
        name=last.name,
        change=kind,
        before=texts[0],
        after=texts[1],
        source=last.source,
        previous=first.source,
        size_before=before.size if before else None,
        size_after=after.size if after else None,
    )


def _kind(before: Package | None, after: Package | None) -> ChangeKind:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    if before.key.source != after.key.source:
        return "moved"
    if before.version == after.version:
        return "replaced" if _build(before) == _build(after) else "rebuilt"
    return "upgraded" if _is_newer(after, before) else "downgraded"


def _version(package: Package | None) -> str:
    return package.version if package else ""


def _build(package: Package | None) -> str:
    if isinstance(package, LockedWheel):
        return package.wheel.filename
    return f"{package.version}={package.build}" if package else ""


def _is_newer(after: Package, before: Package) -> bool:
    if isinstance(after, Record):
        return version_key(after.version) > version_key(before.version)
    try:
        return Version(after.version) > Version(before.version)
    except InvalidVersion:
        return after.version > before.version
