"""The graph of what needs what in a lock, across conda's packages and PyPI's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement as Pep508
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envgen.lock.model import PlatformLock
from envgen.manifest.model import Manifest
from envgen.mapping.version_specs import to_pep440
from envgen.models.match_spec import MatchSpec
from envgen.models.package_key import PackageKey
from envgen.models.record import Record
from envgen.models.requirement import Origin, Requirement

DistributionsOf = Callable[[Record], tuple[str, ...]]
PYTHON, PIP = PackageKey("conda", "python"), PackageKey("conda", "pip")
WHY_PIP, WHY_PIP_ANYWAY = "packages from PyPI need it", "conda and mamba add it to python"
METAL = PackageKey("pypi", "tensorflow-metal")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Link:
    """A package that is needed, with the words that ask for it (`numpy >=1.26`)."""

    key: PackageKey
    need: str


Chain = tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Each package's links to the packages that it needs, by key and sorted; virtual packages are left out."""

    links: Mapping[PackageKey, tuple[Link, ...]]

    @classmethod
    def of(cls, lock: PlatformLock, distributions_of: DistributionsOf) -> Graph:
        """Build the graph; `distributions_of` gives the canonical names of what a record provides to PyPI packages."""
        providers = providers_of(lock, distributions_of)
        names = {record.name for record in lock.conda}
        links = {record.key: _conda_links(record, names) for record in lock.conda}
        links |= {wheel.key: _pypi_links(wheel.requires, providers) for wheel in lock.pypi}
        return cls({key: tuple(sorted(set(found))) for key, found in sorted(links.items())})

    def needed_by(self, key: PackageKey) -> tuple[Link, ...]:
        """List the packages that need this one, each with its words."""
        return tuple(
            Link(key=source, need=link.need)
            for source, links in self.links.items()
            for link in links
            if link.key == key
        )

    def reach(self, roots: Iterable[PackageKey]) -> frozenset[PackageKey]:
        """Return the keys of the roots that are locked, and of all that they need."""
        reached: set[PackageKey] = set()
        waiting = [root for root in roots if root in self.links]
        while waiting:
            key = waiting.pop()
            if key not in reached:
                reached.add(key)
                waiting.extend(link.key for link in self.links[key])
        return frozenset(reached)

    def chains(self, key: PackageKey, roots: Mapping[PackageKey, str]) -> tuple[Chain, ...]:
        """Return a shortest chain to a package from each root that leads there, shortest first.

        `roots` maps a root's key to the words that ask for it, which its first link carries.
        """
        distances = self._distances(key)
        found = [self._chain(root, need, distances) for root, need in roots.items() if root in distances]
        return tuple(sorted(found, key=lambda chain: (len(chain), chain)))

    def _distances(self, key: PackageKey) -> dict[PackageKey, int]:
        sources: dict[PackageKey, list[PackageKey]] = {}
        for source, links in self.links.items():
            for link in links:
                sources.setdefault(link.key, []).append(source)
        distances = {key: 0} if key in self.links else {}
        waiting = deque(distances)
        while waiting:
            target = waiting.popleft()
            for source in sources.get(target, ()):
                if source not in distances:
                    distances[source] = distances[target] + 1
                    waiting.append(source)
        return distances

    def _chain(self, root: PackageKey, need: str, distances: Mapping[PackageKey, int]) -> Chain:
        chain = [Link(key=root, need=need)]
        while left := distances[chain[-1].key]:
            chain.append(next(link for link in self.links[chain[-1].key] if distances.get(link.key) == left - 1))
        return tuple(chain)


def providers_of(lock: PlatformLock, distributions_of: DistributionsOf) -> dict[str, list[PackageKey]]:
    """Return the keys of the packages that provide each distribution, by its canonical name."""
    providers = {wheel.name: [wheel.key] for wheel in lock.pypi}
    for record in lock.conda:
        for distribution in distributions_of(record):
            providers.setdefault(distribution, []).append(record.key)
    return providers


def _conda_links(record: Record, names: set[str]) -> Iterator[Link]:
    for depend in record.depends:
        name = MatchSpec.name_of(depend)
        if name in names:
            yield Link(key=PackageKey("conda", name), need=depend)


def _pypi_links(requires: Iterable[str], providers: Mapping[str, list[PackageKey]]) -> Iterator[Link]:
    for text in requires:
        for provider in providers.get(canonicalize_name(Pep508(text).name), ()):
            yield Link(key=provider, need=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootPackage:
    """A locked package that a manifest asks for, in which words and where."""

    key: PackageKey
    need: str
    origin: Origin


class Matcher:
    """The packages of one platform's lock, by the requirements that they meet."""

    def __init__(self, lock: PlatformLock, distributions_of: DistributionsOf) -> None:
        self._lock = lock
        self.providers = providers_of(lock, distributions_of)
        self.packages = lock.packages()

    def keys(self, requirement: Requirement) -> list[PackageKey]:
        """Return the packages that were locked for a requirement, or meet it; none where it is not met."""
        return self.decided(requirement) or self.met_by(requirement)

    def decided(self, requirement: Requirement) -> list[PackageKey]:
        """Return the packages that the lock took for this very requirement, if all are still in it."""
        texts = (requirement.text, str(requirement))
        keys = [each.key for each in self._lock.decisions if each.requirement in texts]
        locked = [key for key in keys if key in self.packages]
        return locked if len(locked) == len(keys) else []

    def met_by(self, requirement: Requirement) -> list[PackageKey]:
        """Return the packages that meet a requirement; what extras bring is not known, so one with any is not met."""
        if requirement.extras:
            return []
        keys = self.providers.get(requirement.name, [])
        return keys if all(self.admits(requirement, key) for key in keys) else []

    def admits(self, requirement: Requirement, key: PackageKey) -> bool:
        """Return whether a requirement's bounds admit the version that is locked."""
        version = to_pep440(self.packages[key].version)
        return version is not None and SpecifierSet(requirement.specifier).contains(version, prereleases=True)


def manifest_roots(
    manifest: Manifest, lock: PlatformLock, distributions_of: DistributionsOf
) -> tuple[RootPackage, ...]:
    """List the packages of a lock that a manifest asks for itself, in the order of the file."""
    return tuple(dict.fromkeys(_roots(manifest, lock, Matcher(lock, distributions_of))))


def _roots(manifest: Manifest, lock: PlatformLock, matcher: Matcher) -> Iterator[RootPackage]:
    markers = lock.platform.markers()
    for requirement in (*(each.requirement for each in manifest.requirements()), *manifest.pypi_requirements()):
        if requirement.applies(markers):
            # a fact may have put other bounds in the place of the manifest's
            keys = matcher.keys(requirement) or matcher.providers.get(requirement.name, [])
            yield from (RootPackage(key=key, need=requirement.text, origin=requirement.origin) for key in keys)
    for root in manifest.conda_specs():
        if (key := PackageKey("conda", root.spec.name)) in matcher.packages:
            yield RootPackage(key=key, need=root.spec.text, origin=root.origin)
    if PYTHON in matcher.packages:
        need = f"python {lock.platform.python}.*"
        yield RootPackage(key=PYTHON, need=need, origin=manifest.origin("python"))
    if PIP in matcher.packages:
        yield RootPackage(key=PIP, need="pip", origin=Origin(path=WHY_PIP if lock.pypi else WHY_PIP_ANYWAY))
    if lock.accelerator == "metal" and METAL in matcher.packages:
        yield RootPackage(key=METAL, need=METAL.name, origin=manifest.origin("accelerator"))


def topological(records: Iterable[Record]) -> tuple[Record, ...]:
    """Sort dependencies first and by name otherwise, as CEP 23 asks of explicit files.

    A cycle is cut where it is closed, reached from its first name.
    """
    named = {record.name: record for record in records}
    needs = {name: sorted({MatchSpec.name_of(depend) for depend in record.depends}) for name, record in named.items()}
    ordered: dict[str, Record] = {}
    entered: set[str] = set()
    stack = [(name, False) for name in sorted(named, reverse=True)]
    while stack:
        name, done = stack.pop()
        if done:
            ordered[name] = named[name]
        elif name not in entered:
            entered.add(name)
            stack.append((name, True))
            stack.extend((need, False) for need in reversed(needs[name]) if need in named and need not in entered)
    return tuple(ordered.values())
