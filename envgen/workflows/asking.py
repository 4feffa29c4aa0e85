"""Say why a package is in a lock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from envgen.errors import LockfileError
from envgen.knowledge.names import name_table
from envgen.lock.graph import Chain, Graph, Root, manifest_roots
from envgen.lock.model import Lock, PlatformLock
from envgen.manifest.model import Manifest
from envgen.mapping.channel_packages import distributions_of
from envgen.models.findings import Decision
from envgen.models.record import Record
from envgen.models.requirement import Origin
from envgen.project.own_projects import with_projects
from envgen.project.project import Environment, generated_texts, open_environment, read_lock
from envgen.project.services import Services

_NEEDED = re.compile(r"the channel has it; |\S+ \S+ on PyPI requires ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Hold a shortest chain of needs from a line of the manifest to a package, the line's own words first."""

    origin: Origin
    chain: Chain

    @property
    def needs(self) -> str:
        """Render the chain, each link with its bounds."""
        return " → ".join(link.need for link in self.chain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold what a lock says of one package: its key, version and source, why, and the ways that lead to it."""

    subdir: str
    key: str
    version: str
    why: str
    ways: tuple[Way, ...]


def why_package(services: Services, name: str, package: str) -> tuple[Answer, ...]:
    """Explain a package of a lock, on each platform that has it.

    Raises:
        LockfileError: there is no lock, or no platform of it has the package.
    """
    environment, lock = locked_environment(services, name)
    manifest = with_projects(services.root, environment.manifest)
    answers = tuple(answer for platform in lock.platforms for answer in _answers(manifest, platform, package))
    if not answers:
        raise not_locked(name, package)
    return answers


def locked_environment(services: Services, name: str) -> tuple[Environment, Lock]:
    """Open an environment that has a lock; raise LockfileError for one that has none."""
    environment = open_environment(services.root, name)
    lock = read_lock(environment.shown, environment.manifest, generated_texts(environment.folder))
    if lock is None:
        raise LockfileError(f"{environment.shown} has no lock yet", hint=f"make it with `envgen lock {name}`")
    return environment, lock


def not_locked(name: str, package: str) -> LockfileError:
    """Say that a lock has no such package."""
    hint = f"`envgen tree {name}` lists what is"
    return LockfileError(f"`{package}` is not in the lock of {name}", hint=hint, code="not-locked")


def held(record: Record) -> tuple[str, ...]:
    """Give the distributions that a record holds, by the table of names."""
    return distributions_of(record, name_table())


def _answers(manifest: Manifest, lock: PlatformLock, package: str) -> list[Answer]:
    graph = Graph.of(lock, held)
    roots = manifest_roots(manifest, lock, held)
    versions = {f"conda:{record.name}": record.version for record in lock.conda}
    versions |= {f"pypi:{wheel.name}": wheel.version for wheel in lock.pypi}
    return [
        Answer(
            subdir=lock.platform.subdir,
            key=key,
            version=versions[key],
            why=_why(lock, key),
            ways=ways(graph, roots, key),
        )
        for key in packages_called(lock, package)
    ]


def packages_called(lock: PlatformLock, package: str) -> list[str]:
    """Give the keys of the packages that a conda or PyPI name means."""
    canonical = canonicalize_name(package)
    conda = [
        f"conda:{record.name}"
        for record in lock.conda
        if package == record.name or canonical in (canonicalize_name(record.name), *held(record))
    ]
    return [*conda, *(f"pypi:{wheel.name}" for wheel in lock.pypi if canonical == wheel.name)]


def ways(graph: Graph, roots: Iterable[Root], key: str) -> tuple[Way, ...]:
    """Give a shortest way to a package from each line that leads there, shortest first."""
    found = [
        Way(origin=root.origin, chain=chain) for root in roots for chain in graph.chains(key, {root.key: root.need})
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda way: (len(way.chain), way.chain, str(way.origin))))


def _why(lock: PlatformLock, key: str) -> str:
    half, _, name = key.partition(":")
    own = [item for item in lock.decisions if item.source == half and item.name == name]
    wheel = next((wheel.why for wheel in lock.pypi if key == f"pypi:{wheel.name}"), "")
    return "; ".join(dict.fromkeys(_reason(item) for item in own)) or wheel or "other packages need it"


def asked_for(lock: PlatformLock) -> tuple[Decision, ...]:
    """List the decisions on what the manifest itself asks for; the others are about what its packages need."""
    return tuple(item for item in lock.decisions if not _NEEDED.match(item.why))


def _reason(decision: Decision) -> str:
    needed = _NEEDED.match(decision.why)
    return decision.why if needed else f"`{decision.requirement}` asks for it; {decision.why}"
