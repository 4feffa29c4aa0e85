"""Take the groups that are not wanted out of a lock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from envgen.lock.model import PlatformLock


def without_groups(lock: PlatformLock, left_out: Collection[str]) -> PlatformLock:
    """Keep what `main` and the other groups need: a package goes when every group that needs it is left out."""
    if not left_out:
        return lock

    def stays(key: str) -> bool:
        return any(group not in left_out for group in lock.groups_of(key))

    return replace(
        lock,
        conda=tuple(record for record in lock.conda if stays(f"conda:{record.name}")),
        pypi=tuple(wheel for wheel in lock.pypi if stays(f"pypi:{wheel.name}")),
        groups={key: groups for key, groups in lock.groups.items() if stays(key)},
    )


def lock_groups(lock: PlatformLock) -> frozenset[str]:
    """Give the groups besides `main` that some package is needed by."""
    return frozenset(group for groups in lock.groups.values() for group in groups) - {"main"}
