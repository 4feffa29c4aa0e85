"""Refutation, without solving, of kept records that can be in no solution.

Proof by propagation: from what must be installed, and from the records that it may be, to what these require and rule
out. Only certain conclusions are drawn, so that a record that is not refuted may still be impossible; the solver has
the last word on those. It spares the solver one solve for nearly every package that has to move.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache

from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record, VirtualPackage
from envgen.models.solve import SolveRequest

_Texts = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Links:
    """What a record says of other packages: match specs by name; `all` joins depends and constrains."""

    depends: _Texts
    constrains: _Texts
    all: _Texts


class Refuter:
    """A refuter of kept records of one request, whose channels have them; what it learns serves every question."""

    def __init__(self, request: SolveRequest, kept: Mapping[str, Record]) -> None:
        self.packages: dict[str, list[Record | VirtualPackage]] = defaultdict(list)
        for package in request.virtual_packages:
            self.packages[package.name].append(package)
        for entry in request.channels:
            for record in entry.records:
                self.packages[record.name].append(record)
        self.roots = (*request.specs, *request.constraints)
        self.system = {package.name for package in request.virtual_packages}
        self.required = {root.spec.name for root in request.specs} | self.system
        self.kept = {name: self.packages[name].index(record) for name, record in kept.items()}
        self._links: dict[tuple[str, int], _Links] = {}
        self._allowed: dict[tuple[str, tuple[str, ...]], frozenset[int]] = {}
        self.users: dict[str, list[str]] = defaultdict(list)
        for name in sorted(kept):
            for used in self.links(name, self.kept[name]).all:
                self.users[used].append(name)

    def refuted(self, kept: Collection[str], fixed: Collection[str] = ()) -> set[str]:
        """Return those of the kept names whose record cannot be in any solution of the request.

        `fixed` names kept records that stay: what they exclude is refuted as well. Returns nothing when the request
        contradicts itself, which is for the solver to explain.
        """
        return _Propagation(self, set(kept), set(fixed)).run()

    def links(self, name: str, position: int) -> _Links:
        """Return what a package says of others, by its name and its position among the packages of that name."""
        known = self._links.get((name, position))
        if known is None:
            package = self.packages[name][position]
            depends, constrains = (package.depends, package.constrains) if isinstance(package, Record) else ((), ())
            known = _Links(_by_name(depends), _by_name(constrains), _by_name((*depends, *constrains)))
            self._links[name, position] = known
        return known

    def allowed(self, name: str, texts: tuple[str, ...]) -> frozenset[int]:
        """Return the positions of the packages that meet every one of these specs."""
        known = self._allowed.get((name, texts))
        if known is None:
            specs = [spec for text in texts if (spec := _spec(text))]
            packages = enumerate(self.packages.get(name, ()))
            known = frozenset(i for i, package in packages if all(_matches(spec, package) for spec in specs))
            self._allowed[name, texts] = known
        return known


@dataclass(slots=True)
class _Propagation:
    """What is known so far.

    `domains` are the positions of the records that a name may still have, for the names where those are fewer than all;
    `required` are the names that every solution has; `mentions` the names to look at again when a domain shrinks.
    """

    of: Refuter
    kept: AbstractSet[str]
    fixed: AbstractSet[str]
    domains: dict[str, frozenset[int]] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    refuted: set[str] = field(default_factory=set)
    queue: deque[str] = field(default_factory=deque)
    mentions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def run(self) -> set[str]:
        """Draw conclusions until there are no more."""
        self.required |= self.of.required
        self.domains.update({name: self._domain(name) for name in self.of.system})
        self.domains.update({name: frozenset({self.of.kept[name]}) for name in self.fixed})
        for root in self.of.roots:
            self.domains[root.spec.name] = self._domain(root.spec.name) & self.of.allowed(
                root.spec.name, (root.spec.text,)
            )
        for name in sorted(self.domains):
            self._shrunk(name)
        while self.queue:
            if not self._consider(self.queue.popleft()):
                return set()
        return self.refuted

    def _consider(self, name: str) -> bool:
        """Draw the conclusions of a required package; False if there is no record that it may be."""
        if name in self.kept and name not in self.fixed and name not in self.refuted:
            return True  # its kept record is possible still, and so is all that goes with it
        domain = self._domain(name)
        left = frozenset(position for position in domain if self._viable(self.of.links(name, position)))
        if len(left) < len(domain):
            self._shrink(name, left)
        links = [self.of.links(name, position) for position in sorted(left)]
        for used in {used for link in links for used in link.all}:
            self.mentions[used].add(name)
        if links:
            self._require(links)
        return bool(links)

    def _domain(self, name: str) -> frozenset[int]:
        known = self.domains.get(name)
        return frozenset(range(len(self.of.packages.get(name, ())))) if known is None else known

    def _viable(self, links: _Links) -> bool:
        """Return whether a record's own requirements can still be met."""
        for name, texts in links.depends.items():
            if name not in self.of.packages:
                return False
            if name in self.domains and self.domains[name].isdisjoint(self.of.allowed(name, texts)):
                return False
        return not any(
            name in self.domains
            and name in self.required
            and self.domains[name].isdisjoint(self.of.allowed(name, texts))
            for name, texts in links.constrains.items()
        )

    def _require(self, links: Sequence[_Links]) -> None:
        """Draw the conclusions of one of these records being installed."""
        for name in sorted(set.intersection(*(set(link.all) for link in links))):
            if needed := all(name in link.depends for link in links):
                self._need(name)
            allowed = [self.of.allowed(name, link.all[name]) for link in links]
            if name in self.kept and name not in self.refuted and any(self.of.kept[name] in some for some in allowed):
                continue
            if needed or name in self.kept:
                domain = self._domain(name)
                left = domain & frozenset().union(*allowed)
                if len(left) < len(domain):
                    self._shrink(name, left)

    def _need(self, name: str) -> None:
        if name not in self.required:
            self.required.add(name)
            self.queue.append(name)

    def _shrink(self, name: str, left: frozenset[int]) -> None:
        self.domains[name] = left
        self._shrunk(name)

    def _shrunk(self, name: str) -> None:
        """Refute a kept record that is out, and kept records that need what is out; look again at the others."""
        left = self.domains[name]
        if name in self.kept and self.of.kept[name] not in left:
            self._refute(name)
        self.queue.extend(sorted({name} & self.required | self.mentions[name]))
        for user in self.of.users.get(name, ()):
            if user not in self.kept or user in self.refuted:
                continue
            links = self.of.links(user, self.of.kept[user])
            texts = links.all[name] if name in self.required else links.depends.get(name)
            if texts and left.isdisjoint(self.of.allowed(name, texts)):
                self._refute(user)

    def _refute(self, name: str) -> None:
        if name not in self.refuted and name not in self.fixed:
            self.refuted.add(name)
            self._shrink(name, self._domain(name) - {self.of.kept[name]})


def _matches(spec: MatchSpec, package: Record | VirtualPackage) -> bool:
    return spec.matches_version(package.version) if not spec.build and "[" not in spec.text else spec.matches(package)


def _by_name(texts: Iterable[str]) -> _Texts:
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        if spec := _spec(text):
            found[spec.name] = (*found.get(spec.name, ()), text)
    return found


@cache
def _spec(text: str) -> MatchSpec | None:
    """Parse a record's match spec; None for a malformed one, from which nothing follows."""
    try:
        return MatchSpec.parse(text)
    except ValueError:
        return None
