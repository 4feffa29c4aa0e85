"""Follow what needs what in a lock, through both halves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envgen.lock.model import PlatformLock
from envgen.lock.specs import depend_name
from envgen.models.record import Record

DistributionsOf = Callable[[Record], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Link:
    """Say that a package, by its key (`conda:numpy`), is needed, and with which words (`numpy >=1.26`)."""

    key: str
    need: str


Chain = tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """Hold each package's links to the packages that it needs, by key and sorted; virtual packages are left out."""

    links: Mapping[str, tuple[Link, ...]]

    @classmethod
    def of(cls, lock: PlatformLock, distributions_of: DistributionsOf) -> Graph:
        """Build the graph; `distributions_of` gives the canonical names of what a record provides to PyPI packages."""
        providers = providers_of(lock, distributions_of)
        names = {record.name for record in lock.conda}
        links = {f"conda:{record.name}": _conda_links(record, names) for record in lock.conda}
        links |= {f"pypi:{wheel.name}": _pypi_links(wheel.requires, providers) for wheel in lock.pypi}
        return cls({key: tuple(sorted(set(found))) for key, found in sorted(links.items())})

    def needed_by(self, key: str) -> tuple[Link, ...]:
        """List the packages that need this one, each with its words."""
        return tuple(
            Link(key=source, need=link.need)
            for source, links in self.links.items()
            for link in links
            if link.key == key
        )

    def reach(self, roots: Iterable[str]) -> frozenset[str]:
        """Give the keys of the roots that are locked, and of all that they need."""
        reached: set[str] = set()
        waiting = [root for root in roots if root in self.links]
        while waiting:
            key = waiting.pop()
            if key not in reached:
                reached.add(key)
                waiting.extend(link.key for link in self.links[key])
        return frozenset(reached)

    def chains(self, key: str, roots: Mapping[str, str]) -> tuple[Chain, ...]:
        """Give a shortest chain to a package from each root that leads there, shortest first.

        `roots` maps a root's key to the words that ask for it, which its first link carries.
        """
        distances = self._distances(key)
        found = [self._chain(root, need, distances) for root, need in roots.items() if root in distances]
        return tuple(sorted(found, key=lambda chain: (len(chain), chain)))

    def _distances(self, key: str) -> dict[str, int]:
        sources: dict[str, list[str]] = {}
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

    def _chain(self, root: str, need: str, distances: Mapping[str, int]) -> Chain:
        chain = [Link(key=root, need=need)]
        while left := distances[chain[-1].key]:
            chain.append(next(link for link in self.links[chain[-1].key] if distances.get(link.key) == left - 1))
        return tuple(chain)


def providers_of(lock: PlatformLock, distributions_of: DistributionsOf) -> dict[str, list[str]]:
    """Give the keys of the packages that provide each distribution, by its canonical name."""
    providers: dict[str, list[str]] = {wheel.name: [f"pypi:{wheel.name}"] for wheel in lock.pypi}
    for record in lock.conda:
        for distribution in distributions_of(record):
            providers.setdefault(distribution, []).append(f"conda:{record.name}")
    return providers


def _conda_links(record: Record, names: set[str]) -> Iterator[Link]:
    for depend in record.depends:
        name = depend_name(depend)
        if name in names:
            yield Link(key=f"conda:{name}", need=depend)


def _pypi_links(requires: Iterable[str], providers: Mapping[str, list[str]]) -> Iterator[Link]:
    for text in requires:
        for provider in providers.get(canonicalize_name(Requirement(text).name), ()):
            yield Link(key=provider, need=text)
