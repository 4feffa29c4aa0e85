"""The groups of a lock: which of them need a package, and what is left without some."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from envgen.lock.graph import DistributionsOf, Graph
from envgen.lock.model import MAIN_GROUP, PlatformLock
from envgen.models.package_key import PackageKey


def without_groups(lock: PlatformLock, left_out: Collection[str]) -> PlatformLock:
    """Return a lock of what `main` and the other groups need; what only groups that are left out need goes."""
    if not left_out:
        return lock

    def stays(key: PackageKey) -> bool:
        return any(group not in left_out for group in lock.groups_of(key))

    return replace(
        lock,
        conda=tuple(record for record in lock.conda if stays(record.key)),
        pypi=tuple(wheel for wheel in lock.pypi if stays(wheel.key)),
        groups={key: groups for key, groups in lock.groups.items() if stays(key)},
    )


def lock_groups(lock: PlatformLock) -> frozenset[str]:
    """Return the groups besides `main` that some package is needed by."""
    return frozenset(group for groups in lock.groups.values() for group in groups) - {MAIN_GROUP}


def package_groups(
    lock: PlatformLock, roots: Mapping[PackageKey, Iterable[str]], *, distributions_of: DistributionsOf
) -> dict[PackageKey, tuple[str, ...]]:
    """Return the sorted groups of each package that main does not need.

    `roots` maps each package that the manifest asks for to the groups that name it. What main needs, and
    what no root leads to (python, pip), has no entry: that is main.
    """
    graph = Graph.of(lock, distributions_of)
    named: dict[str, list[PackageKey]] = {}
    for key, groups in roots.items():
        for group in groups:
            named.setdefault(group, []).append(key)
    main = graph.reach(named.pop(MAIN_GROUP, ()))
    reached = {group: graph.reach(keys) - main for group, keys in sorted(named.items())}
    keys = sorted(frozenset().union(*reached.values()))
    return {key: tuple(group for group in reached if key in reached[group]) for key in keys}
