"""Describe why a package is in a lock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envgen.errors import LockfileError, PlanError, PypiUnsatisfiableError, UnsatisfiableError, UsageError
from envgen.knowledge.names import name_table
from envgen.lock.graph import Chain, Graph, Link, RootPackage, manifest_roots
from envgen.lock.model import Lock, PlatformLock
from envgen.locking.lock import solve_lock
from envgen.locking.updates import Updates
from envgen.manifest.edit import add_requirements
from envgen.manifest.model import Manifest, load_manifest
from envgen.mapping.channel_packages import distributions_of
from envgen.mapping.requirements import can_meet
from envgen.mapping.version_specs import to_pep440
from envgen.models.findings import Decision, Move
from envgen.models.match_spec import MatchSpec
from envgen.models.package_key import PackageKey, PackageSource
from envgen.models.record import Record
from envgen.models.requirement import Origin
from envgen.project.own_projects import with_projects
from envgen.project.project import MANIFEST, Environment, generated_texts, open_environment, read_lock, unwritten
from envgen.project.services import Services

_NEEDED = re.compile(r"the channel has it; |\S+ \S+ on PyPI requires ")


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyChain:
    """A shortest chain of needs from a line of the manifest to a package, the line's own words first."""

    origin: Origin
    chain: Chain

    @property
    def needs(self) -> str:
        """Render the chain, each link with its bounds."""
        return " → ".join(link.need for link in self.chain)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyAnswer:
    """What a lock says of one package: its key, version and source, why, and the ways that lead to it."""

    subdir: str
    key: PackageKey
    version: str
    why: str
    ways: tuple[DependencyChain, ...]


def why_package(services: Services, name: str, package: str) -> tuple[WhyAnswer, ...]:
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
    """Return that a lock has no such package."""
    hint = f"`envgen tree {name}` lists what is"
    return LockfileError(f"`{package}` is not in the lock of {name}", hint=hint, code="not-locked")


def held(record: Record) -> tuple[str, ...]:
    """Return the distributions that a record holds, by the table of names."""
    return distributions_of(record, name_table())


def _answers(manifest: Manifest, lock: PlatformLock, package: str) -> list[WhyAnswer]:
    graph = Graph.of(lock, held)
    roots = manifest_roots(manifest, lock, held)
    packages = lock.packages()
    return [
        WhyAnswer(
            subdir=lock.platform.subdir,
            key=key,
            version=packages[key].version,
            why=_why(lock, key),
            ways=dependency_chains(graph, roots, key),
        )
        for key in packages_called(lock, package)
    ]


def packages_called(lock: PlatformLock, package: str) -> list[PackageKey]:
    """Return the keys of the packages that a conda or PyPI name means."""
    canonical = canonicalize_name(package)
    conda = [
        record.key
        for record in lock.conda
        if package == record.name or canonical in (canonicalize_name(record.name), *held(record))
    ]
    return [*conda, *(wheel.key for wheel in lock.pypi if canonical == wheel.name)]


def dependency_chains(graph: Graph, roots: Iterable[RootPackage], key: PackageKey) -> tuple[DependencyChain, ...]:
    """Return a shortest way to a package from each line that leads there, shortest first."""
    found = [
        DependencyChain(origin=root.origin, chain=chain)
        for root in roots
        for chain in graph.chains(key, {root.key: root.need})
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda way: (len(way.chain), way.chain, str(way.origin))))


def _why(lock: PlatformLock, key: PackageKey) -> str:
    own = [item for item in lock.decisions if item.key == key]
    wheel = next((wheel.why for wheel in lock.pypi if wheel.key == key), "")
    return "; ".join(dict.fromkeys(_reason(item) for item in own)) or wheel or "other packages need it"


def asked_for(lock: PlatformLock) -> tuple[Decision, ...]:
    """List the decisions on what the manifest itself asks for; the others are about what its packages need."""
    return tuple(item for item in lock.decisions if not _NEEDED.match(item.why))


def _reason(decision: Decision) -> str:
    needed = _NEEDED.match(decision.why)
    return decision.why if needed else f"`{decision.requirement}` asks for it; {decision.why}"


# Say what stands against another version of a package.


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Describe who stands against a version, in which words, and which lines of the manifest lead there.

    `package` is "" where a line of the manifest itself does; `ways` are empty where no line leads there.
    """

    package: str
    need: str
    ways: tuple[DependencyChain, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRefusal:
    """What one platform's lock has of a package, and what stands against the version asked about.

    `locked` are `name version`; `met` tells that one of them is what was asked about.
    """

    locked: tuple[str, ...]
    met: bool
    obstacles: tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """What a solve says: what would move by platform, or why it cannot be."""

    moved: dict[str, tuple[Move, ...]]
    failure: str = ""
    hint: str = ""


def why_not(services: Services, name: str, text: str) -> dict[str, VersionRefusal]:
    """Return by platform what the lock of an environment has against a requirement, by the bounds that it holds.

    Raises:
        UsageError: the text is no requirement with bounds. LockfileError: there is no lock.
    """
    asked = _requirement(text)
    environment, lock = locked_environment(services, name)
    manifest = with_projects(services.root, environment.manifest)
    return {each.platform.subdir: _refusal(manifest, each, asked) for each in lock.platforms}


def try_out(services: Services, name: str, text: str) -> TrialResult:
    """Solve an environment with one more requirement, keeping to its lock; nothing is written."""
    environment, lock = locked_environment(services, name)
    edited = add_requirements(environment.text, [str(_requirement(text))])
    file = f"{environment.shown}/{MANIFEST}"
    try:
        with unwritten(file, environment.text):
            manifest = with_projects(services.root, load_manifest(edited.text, file))
            solved = solve_lock(services, manifest, lock, Updates())
    except (PlanError, PypiUnsatisfiableError, UnsatisfiableError) as error:
        return TrialResult(moved={}, failure="\n".join([error.message, *map(str, error.lines)]), hint=error.hint)
    return TrialResult(moved=dict(solved.moved))


def _requirement(text: str) -> Pep508:
    try:
        asked = Pep508(text)
    except InvalidRequirement:
        try:
            spec = MatchSpec.parse(text)
            asked = Pep508(f"{spec.name}{spec.version}")
        except (ValueError, InvalidRequirement) as error:
            raise UsageError(
                f"not a requirement: `{text}`", hint="write it as in PEP 508, such as `numpy>=2`"
            ) from error
    if not asked.specifier:
        raise UsageError(f"`{text}` has no bounds", hint=f"say which version, such as `{asked.name}>=2`")
    return asked


def _refusal(manifest: Manifest, lock: PlatformLock, asked: Pep508) -> VersionRefusal:
    keys = packages_called(lock, asked.name)
    packages = lock.packages()
    locked = [to_pep440(packages[key].version) for key in keys]
    return VersionRefusal(
        locked=tuple(f"{key.name} {packages[key].version}" for key in keys),
        met=any(version and asked.specifier.contains(version, prereleases=True) for version in locked),
        obstacles=tuple(_Obstacles(manifest, lock, asked, keys).all()),
    )


class _Obstacles:
    """Look for bounds that no version meets together with the one asked about."""

    def __init__(self, manifest: Manifest, lock: PlatformLock, asked: Pep508, keys: list[PackageKey]) -> None:
        self._manifest = manifest
        self._lock = lock
        self._name = canonicalize_name(asked.name)
        self._wanted = asked.specifier
        self._conda = {key.name for key in keys if key.source == "conda"} or {asked.name}
        self._graph = Graph.of(lock, held)
        self._roots: tuple[RootPackage, ...] = manifest_roots(manifest, lock, held)

    def all(self) -> Iterator[Obstacle]:
        yield from self._lines()
        for record in self._lock.conda:
            for text in dict.fromkeys([*record.depends, *record.constrains]):
                spec = MatchSpec.parse(text)
                if spec.name in self._conda and not can_meet(self._wanted, spec):
                    yield self._of(record.key, f"{record.name} {record.version}", text)
        for wheel in self._lock.pypi:
            for text in wheel.requires:
                need = Pep508(text)
                if canonicalize_name(need.name) == self._name and not can_meet(self._wanted, need.specifier):
                    yield self._of(wheel.key, f"{wheel.name} {wheel.version}", text)

    def _of(self, key: PackageKey, package: str, need: str) -> Obstacle:
        return Obstacle(package=package, need=need, ways=dependency_chains(self._graph, self._roots, key))

    def _lines(self) -> Iterator[Obstacle]:
        markers = self._lock.platform.markers()
        manifest = self._manifest
        for requirement in (
            *(entry.requirement for entry in manifest.requirements()),
            *manifest.pypi_requirements(),
            *manifest.constraint_requirements(),
            *manifest.override_requirements(),
        ):
            bounds = SpecifierSet(requirement.specifier)
            if requirement.name == self._name and requirement.applies(markers) and not can_meet(self._wanted, bounds):
                yield Obstacle(package="", need=str(requirement.origin), ways=())
        for root in manifest.conda_specs():
            if root.spec.name in self._conda and not can_meet(self._wanted, root.spec):
                yield Obstacle(package="", need=str(root.origin), ways=())


# Lay out what an environment's packages need, with their sizes.


@dataclass(frozen=True, slots=True, kw_only=True)
class TreePackage:
    """One package of a tree.

    `size` is its file's, in bytes or None; `total` adds up the known sizes of all that it leads to, itself included.
    """

    name: str
    version: str
    source: PackageSource
    size: int | None
    total: int
    needs: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageTree:
    """One platform's packages by key, and the roots: what the manifest asks for, or what the call names.

    `size` adds up the known sizes of all that the roots lead to; `unknown` counts the packages that have none.
    """

    roots: tuple[RootPackage, ...]
    packages: Mapping[PackageKey, TreePackage]
    size: int
    unknown: int


def trees(services: Services, name: str, package: str = "", platform: str = "") -> dict[str, PackageTree]:
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


def _root(key: PackageKey) -> RootPackage:
    return RootPackage(key=key, need=key.name, origin=Origin(path="other packages need it"))


def _tree(lock: PlatformLock, roots: Iterable[RootPackage]) -> PackageTree:
    graph = Graph.of(lock, held)
    locked = lock.packages()
    chosen = tuple({root.key: root for root in reversed(tuple(roots))}.values())[::-1]
    reached = sorted(graph.reach(root.key for root in chosen))
    packages = {
        key: TreePackage(
            name=key.name,
            version=locked[key].version,
            source=key.source,
            size=locked[key].size,
            total=sum(locked[each].size or 0 for each in graph.reach([key])),
            needs=_once(graph.links[key]),
        )
        for key in reached
    }
    return PackageTree(
        roots=chosen,
        packages=packages,
        size=sum(package.size or 0 for package in packages.values()),
        unknown=sum(package.size is None for package in packages.values()),
    )


def _once(links: Iterable[Link]) -> tuple[Link, ...]:
    """Name each need once, sorted by name: conda writes some twice, with and without a build."""
    once = {link.key: link for link in links}
    return tuple(once[key] for key in sorted(once, key=lambda key: (key.name, key.source)))
