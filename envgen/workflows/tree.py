"""Lay out what an environment's packages need, with their sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from envgen.errors import UsageError
from envgen.lock.graph import Graph, Link, Root, manifest_roots
from envgen.lock.model import PlatformLock
from envgen.models.requirement import Origin
from envgen.project.own_projects import with_projects
from envgen.project.services import Services
from envgen.workflows.asking import held, locked_environment, not_locked, packages_called


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """Hold one package of a tree.

    `size` is its file's, in bytes or None; `total` adds up the known sizes of all that it leads to, itself included.
    """

    name: str
    version: str
    source: str
    size: int | None
    total: int
    needs: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Hold one platform's packages by key, and the roots: what the manifest asks for, or what the call names.

    `size` adds up the known sizes of all that the roots lead to; `unknown` counts the packages that have none.
    """

    roots: tuple[Root, ...]
    packages: Mapping[str, Package]
    size: int
    unknown: int


def trees(services: Services, name: str, package: str = "", platform: str = "") -> dict[str, Tree]:
    """Lay out the lock of an environment by platform, from all roots or from one package.

    Raises:
        UsageError: the lock has no such platform. LockfileError: there is none, or it does not have the package.
    """
    environment, lock = locked_environment(services, name)
    chosen = {each.platform.subdir: each for each in lock.platforms if platform in ("", each.platform.subdir)}
    if not chosen:
        known = ", ".join(each.platform.subdir for each in lock.platforms)
        raise UsageError(f"{name} is not locked for `{platform}`", hint=f"it is locked for {known}")
    manifest = with_projects(services.root, environment.manifest)
    found = {}
    for subdir, each in chosen.items():
        roots = manifest_roots(manifest, each, held)
        if package:
            asked = {root.key: root for root in reversed(roots)}
            keys = packages_called(each, package)
            roots = tuple(asked.get(key) or _root(key) for key in keys)
        if roots:
            found[subdir] = _tree(each, roots)
    if not found:
        raise not_locked(name, package)
    return found


def _root(key: str) -> Root:
    return Root(key=key, need=key.partition(":")[2], origin=Origin(path="other packages need it"))


def _tree(lock: PlatformLock, roots: Iterable[Root]) -> Tree:
    graph = Graph.of(lock, held)
    sizes = {f"conda:{record.name}": record.size for record in lock.conda}
    sizes |= {f"pypi:{wheel.name}": wheel.wheel.size for wheel in lock.pypi}
    versions = {f"conda:{record.name}": record.version for record in lock.conda}
    versions |= {f"pypi:{wheel.name}": wheel.version for wheel in lock.pypi}
    chosen = tuple({root.key: root for root in reversed(tuple(roots))}.values())[::-1]
    reached = sorted(graph.reach(root.key for root in chosen))
    packages = {
        key: Package(
            name=key.partition(":")[2],
            version=versions[key],
            source=key.partition(":")[0],
            size=sizes[key],
            total=sum(sizes[each] or 0 for each in graph.reach([key])),
            needs=_once(graph.links[key]),
        )
        for key in reached
    }
    return Tree(
        roots=chosen,
        packages=packages,
        size=sum(package.size or 0 for package in packages.values()),
        unknown=sum(package.size is None for package in packages.values()),
    )


def _once(links: Iterable[Link]) -> tuple[Link, ...]:
    """Name each need once, sorted by name: conda writes some twice, with and without a build."""
    once = {link.key: link for link in links}
    return tuple(once[key] for key in sorted(once, key=lambda key: key.partition(":")[::-1]))
