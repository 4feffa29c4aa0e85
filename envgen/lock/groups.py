"""Say which groups need each package of a lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from envgen.lock.graph import DistributionsOf, Graph
from envgen.lock.model import MAIN_GROUP, PlatformLock


def package_groups(
    lock: PlatformLock, roots: Mapping[str, Iterable[str]], *, distributions_of: DistributionsOf
) -> dict[str, tuple[str, ...]]:
    """Give the sorted groups of each package that main does not need, by key.

    `roots` maps the key of each package that the manifest asks for to the groups that name it. What main needs, and
    what no root leads to (python, pip), has no entry: that is main.
    """
    graph = Graph.of(lock, distributions_of)
    named: dict[str, list[str]] = {}
    for key, groups in roots.items():
        for group in groups:
            named.setdefault(group, []).append(key)
    main = graph.reach(named.pop(MAIN_GROUP, ()))
    reached = {group: graph.reach(keys) - main for group, keys in sorted(named.items())}
    keys = sorted(frozenset().union(*reached.values()))
    return {key: tuple(group for group in reached if key in reached[group]) for key in keys}
