"""Questions about a lock: why a package is in it, what stands against another version, and what needs what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envgen.errors import LockfileError, PlanError, PypiUnsatisfiableError, UnsatisfiableError, UsageError
from envgen.lock.graph import Chain, Graph, Link, RootPackage, manifest_roots
from envgen.lock.model import Lock, PlatformLock
from envgen.locking.moves import stated_requirements
from envgen.manifest.edit import add_requirements
from envgen.manifest.model import Manifest, load_manifest
from envgen.mapping.channel_packages import distributions_of
from envgen.mapping.requirements import can_meet
from envgen.mapping.version_specs import to_pep440
from envgen.models.findings import Decision, Move
from envgen.models.match_spec import MatchSpec
from envgen.models.package_key import PackageKey, PackageSource
from envgen.models.requirement import Origin
from envgen.project.own_projects import with_projects
from envgen.project.project import MANIFEST, locked_environment, unwritten
from envgen.project.services import Services

# Reasons that the planner gives for what no line of the manifest asks for.
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
    """What a lock says of one package: its version, why it is there, and a chain from each line that leads to it."""

    subdir: str
    key: PackageKey
    version: str
    why: str
    chains: tuple[DependencyChain, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What stands against a version, in which words, with a chain from each line of the manifest that leads there.

    `package` is "" where a line of the manifest itself does; `chains` are empty where no line leads there.
    """

    package: str
    need: str
    chains: tuple[DependencyChain, ...] = ()


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

    moved: Mapping[str, tuple[Move, ...]]
    failure: str = ""
    hint: str = ""


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


def why_package(services: Services, name: str, package: str) -> tuple[WhyAnswer, ...]:
    """Explain a package of a lock, on each platform that has it.

    Raises:
        LockfileError: there is no lock, or no platform of it has the package.
    """
    manifest, lock = _opened(services, name)
    answers = [
        WhyAnswer(
            subdir=platform.platform.subdir,
            key=key,
            version=platform.packages()[key].version,
            why=_why(platform, key),
            chains=_chains_to(key, Graph.of(platform, distributions_of), _roots(manifest, platform)),
        )
        for platform in lock.platforms
        for key in _packages_called(platform, package)
    ]
    if not answers:
        raise _not_locked(name, package)
    return tuple(answers)


def why_not(services: Services, name: str, text: str) -> dict[str, VersionRefusal]:
    """Return by platform what the lock of an environment has against a requirement, by the bounds in it.

    Raises:
        UsageError: the text is no requirement with bounds. LockfileError: there is no lock.
    """
    wanted = _requirement(text)
    manifest, lock = _opened(services, name)
    return {each.platform.subdir: _refusal(manifest, each, wanted) for each in lock.platforms}


def try_out(services: Services, name: str, text: str) -> TrialResult:
    """Solve an environment with one more requirement, keeping to its lock; nothing is written."""
    # here, as it loads the planner and the solvers, which no other question needs
    from envgen.locking.lock import solve_lock
    from envgen.locking.updates import Updates

    environment, lock = locked_environment(services.root, name)
    edited = add_requirements(environment.text, [str(_requirement(text))])
    file = f"{environment.shown}/{MANIFEST}"
    try:
        with unwritten(file, environment.text):
            manifest = with_projects(services.root, load_manifest(edited.text, file))
            solved = solve_lock(services, manifest, lock, Updates())
    except (PlanError, PypiUnsatisfiableError, UnsatisfiableError) as error:
        return TrialResult(moved={}, failure="\n".join([error.message, *map(str, error.lines)]), hint=error.hint)
    return TrialResult(moved=solved.moved)


def trees(services: Services, name: str, package: str = "", platform: str = "") -> dict[str, PackageTree]:
    """Lay out the lock of an environment by platform, from all roots or from one package.

    Raises:
        UsageError: the lock has no such platform. LockfileError: there is none, or it does not have the package.
    """
    environment, lock = locked_environment(services.root, name)
    platforms = chosen_platforms(lock, name, platform)
    manifest = with_projects(services.root, environment.manifest)
    found = {}
    for each in platforms:
        roots = _roots(manifest, each)
        if package:
            named = {root.key: root for root in reversed(roots)}
            roots = tuple(named.get(key) or _brought(key) for key in _packages_called(each, package))
        if roots:
            found[each.platform.subdir] = _tree(each, roots)
    if not found:
        raise _not_locked(name, package)
    return found


def root_decisions(lock: PlatformLock) -> tuple[Decision, ...]:
    """Return the decisions on what the manifest itself asks for; the others are about what its packages need."""
    return tuple(decision for decision in lock.decisions if not _NEEDED.match(decision.why))


def chosen_platforms(lock: Lock, name: str, subdir: str) -> tuple[PlatformLock, ...]:
    """Return the platforms of an environment's lock that "" or a subdir means; raise UsageError for none."""
    chosen = tuple(each for each in lock.platforms if subdir in ("", each.platform.subdir))
    if not chosen:
        known = ", ".join(each.platform.subdir for each in lock.platforms)
        raise UsageError(f"{name} is not locked for `{subdir}`", hint=f"it is locked for {known}")
    return chosen


def _opened(services: Services, name: str) -> tuple[Manifest, Lock]:
    environment, lock = locked_environment(services.root, name)
    return with_projects(services.root, environment.manifest), lock


def _not_locked(name: str, package: str) -> LockfileError:
    hint = f"`envgen tree {name}` lists what is"
    return LockfileError(f"`{package}` is not in the lock of {name}", hint=hint, code="not-locked")


def _roots(manifest: Manifest, lock: PlatformLock) -> tuple[RootPackage, ...]:
    return manifest_roots(manifest, lock, distributions_of)


def _packages_called(lock: PlatformLock, package: str) -> list[PackageKey]:
    """Return the packages that a conda or PyPI name means."""
    canonical = canonicalize_name(package)
    conda = [
        record.key
        for record in lock.conda
        if package == record.name or canonical in (canonicalize_name(record.name), *distributions_of(record))
    ]
    return [*conda, *(wheel.key for wheel in lock.pypi if canonical == wheel.name)]


def _chains_to(key: PackageKey, graph: Graph, roots: Iterable[RootPackage]) -> tuple[DependencyChain, ...]:
    """Return a shortest chain to a package from each line that leads there, shortest first."""
    found = [
        DependencyChain(origin=root.origin, chain=chain)
        for root in roots
        for chain in graph.chains(key, {root.key: root.need})
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda each: (len(each.chain), each.chain, str(each.origin))))


def _why(lock: PlatformLock, key: PackageKey) -> str:
    reasons = [
        each.why if _NEEDED.match(each.why) else f"`{each.requirement}` asks for it; {each.why}"
        for each in lock.decisions
        if each.key == key
    ]
    wheel = next((wheel.why for wheel in lock.pypi if wheel.key == key), "")
    return "; ".join(dict.fromkeys(reasons)) or wheel or "other packages need it"


def _requirement(text: str) -> Pep508:
    try:
        wanted = Pep508(text)
    except InvalidRequirement:
        try:
            spec = MatchSpec.parse(text)
            wanted = Pep508(f"{spec.name}{spec.version}")
        except (ValueError, InvalidRequirement) as error:
            raise UsageError(
                f"not a requirement: `{text}`", hint="write it as in PEP 508, such as `numpy>=2`"
            ) from error
    if not wanted.specifier:
        raise UsageError(f"`{text}` has no bounds", hint=f"say which version, such as `{wanted.name}>=2`")
    return wanted


def _refusal(manifest: Manifest, lock: PlatformLock, wanted: Pep508) -> VersionRefusal:
    keys, packages = _packages_called(lock, wanted.name), lock.packages()
    versions = [to_pep440(packages[key].version) for key in keys]
    names = {key.name for key in keys if key.source == "conda"} or {wanted.name}
    graph, roots = Graph.of(lock, distributions_of), _roots(manifest, lock)
    needs = [
        Obstacle(package=f"{key.name} {packages[key].version}", need=need, chains=_chains_to(key, graph, roots))
        for key, need in _opposed_needs(lock, wanted, names)
    ]
    return VersionRefusal(
        locked=tuple(f"{key.name} {packages[key].version}" for key in keys),
        met=any(version and wanted.specifier.contains(version, prereleases=True) for version in versions),
        obstacles=(*_opposed_lines(manifest, lock, wanted, names), *needs),
    )


def _opposed_lines(manifest: Manifest, lock: PlatformLock, wanted: Pep508, names: set[str]) -> Iterator[Obstacle]:
    """Yield the manifest's bounds that no version meets together with those of the requirement.

    `names` are those of the conda packages that the requirement is about.
    """
    name = canonicalize_name(wanted.name)
    for requirement in stated_requirements(manifest, lock.platform):
        if requirement.name == name and not can_meet(wanted.specifier, SpecifierSet(requirement.specifier)):
            yield Obstacle(package="", need=str(requirement.origin))
    for root in manifest.conda_specs():
        if root.spec.name in names and not can_meet(wanted.specifier, root.spec):
            yield Obstacle(package="", need=str(root.origin))


def _opposed_needs(lock: PlatformLock, wanted: Pep508, names: set[str]) -> Iterator[tuple[PackageKey, str]]:
    """Yield the needs of locked packages that no version meets together with the bounds of the requirement."""
    for record in lock.conda:
        for spec in MatchSpec.readable(dict.fromkeys([*record.depends, *record.constrains])):
            if spec.name in names and not can_meet(wanted.specifier, spec):
                yield record.key, spec.text
    name = canonicalize_name(wanted.name)
    for wheel in lock.pypi:
        for text in wheel.requires:
            need = Pep508(text)
            if canonicalize_name(need.name) == name and not can_meet(wanted.specifier, need.specifier):
                yield wheel.key, text


def _brought(key: PackageKey) -> RootPackage:
    return RootPackage(key=key, need=key.name, origin=Origin(path="other packages need it"))


def _tree(lock: PlatformLock, roots: Iterable[RootPackage]) -> PackageTree:
    graph, locked = Graph.of(lock, distributions_of), lock.packages()
    chosen = tuple({root.key: root for root in reversed(tuple(roots))}.values())[::-1]
    packages = {
        key: TreePackage(
            name=key.name,
            version=locked[key].version,
            source=key.source,
            size=locked[key].size,
            total=sum(locked[each].size or 0 for each in graph.reach([key])),
            needs=_once(graph.links[key]),
        )
        for key in sorted(graph.reach(root.key for root in chosen))
    }
    return PackageTree(
        roots=chosen,
        packages=packages,
        size=sum(package.size or 0 for package in packages.values()),
        unknown=sum(package.size is None for package in packages.values()),
    )


def _once(links: Iterable[Link]) -> tuple[Link, ...]:
    """Return each need once, sorted by name: conda writes some twice, with and without a build."""
    once = {link.key: link for link in links}
    return tuple(once[key] for key in sorted(once, key=lambda key: (key.name, key.source)))
