"""The join of two locks of one environment that were made apart, for keeping to both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from packaging.version import Version

from envgen.lock.model import Lock, LockedWheel, PlatformLock
from envgen.models.match_spec import newer
from envgen.models.record import Record

_Package = TypeVar("_Package", Record, LockedWheel)


def merged(ours: Lock, theirs: Lock) -> Lock:
    """Return what either lock has: of a package in both, the same, or the newer one where they differ.

    The result is something to keep to while solving: its packages need not fit together.
    """
    other = {platform.platform.subdir: platform for platform in theirs.platforms}
    own = {platform.platform.subdir: platform for platform in ours.platforms}
    both = [_platform(own[subdir], other[subdir]) for subdir in own if subdir in other]
    alone = [(own | other)[subdir] for subdir in sorted(own.keys() ^ other.keys())]
    return replace(ours, platforms=tuple(sorted([*both, *alone], key=lambda platform: platform.platform.subdir)))


def _platform(ours: PlatformLock, theirs: PlatformLock) -> PlatformLock:
    return replace(
        ours,
        conda=_joined(ours.conda, theirs.conda, _newer_record),
        pypi=_joined(ours.pypi, theirs.pypi, _newer_wheel),
        decisions=tuple(dict.fromkeys([*ours.decisions, *theirs.decisions])),
    )


def _joined(
    ours: Iterable[_Package], theirs: Iterable[_Package], is_newer: Callable[[_Package, _Package], bool]
) -> tuple[_Package, ...]:
    joined = {package.name: package for package in ours}
    for package in theirs:
        own = joined.get(package.name)
        if own is None or is_newer(package, own):
            joined[package.name] = package
    return tuple(joined[name] for name in sorted(joined))


def _newer_record(first: Record, second: Record) -> bool:
    if first.version == second.version:
        return first.build_number > second.build_number
    return newer(first.version, second.version)


def _newer_wheel(first: LockedWheel, second: LockedWheel) -> bool:
    return Version(first.version) > Version(second.version)
