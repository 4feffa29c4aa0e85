"""Walk what requirements need, a level at a time, as far as PyPI is what serves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from envgen.diagnosis.standing import OnPypi
from envgen.diagnosis.verdict import CondaStanding, Question
from envgen.knowledge.version_ranges import joined, overlaps
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import WheelMetadata

MOST = 800


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Hold a requirement with the names that lead to it, itself last, and the question that they start from."""

    requirement: Requirement
    chain: tuple[str, ...]
    question: Question


@dataclass(slots=True, kw_only=True)
class Node:
    """Hold what was found of one name; `children` are the names that its wheel needs on the target.

    `forced` says why conda may not serve it ("" where it may).
    """

    need: Need
    pypi: OnPypi
    conda: CondaStanding
    forced: str = ""
    extras: set[str] = field(default_factory=set)
    metadata: WheelMetadata | None = None
    children: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Give the name."""
        return self.need.chain[-1]

    @property
    def served_by_conda(self) -> bool:
        """Tell whether conda is where it is taken from."""
        return self.conda.available and not self.forced

    @property
    def walks_on(self) -> bool:
        """Tell whether what it needs matters: it would be installed from PyPI."""
        return not self.served_by_conda and self.pypi.installs


@dataclass(slots=True, kw_only=True)
class Closure:
    """Hold the nodes of one walk by name, the user's own first, then level by level, each level by name.

    `cut` tells that the walk was ended because it became too large.
    """

    markers: Mapping[str, str]
    nodes: dict[str, Node] = field(default_factory=dict)
    cut: bool = False

    def fresh(self, needs: Iterable[Need]) -> list[Need]:
        """Give the needs whose names were not looked at, one a name, with the bounds and extras of all of them."""
        grouped: dict[str, list[Need]] = {}
        for need in needs:
            if need.requirement.name in self.nodes:
                self.nodes[need.requirement.name].extras.update(need.requirement.extras)
            else:
                grouped.setdefault(need.requirement.name, []).append(need)
        wanted = [_together(grouped[name]) for name in sorted(grouped)]
        room = MOST - len(self.nodes)
        self.cut = self.cut or len(wanted) > room
        return wanted[:room]

    def add(self, node: Node) -> None:
        """Take a node that was looked at."""
        node.extras.update(node.need.requirement.extras)
        self.nodes[node.name] = node

    def needs_of(self, node: Node) -> Iterator[Need]:
        """Read what a node's wheel needs on the target, for the extras asked for."""
        if node.metadata is None:
            return
        extras = ("", *sorted(node.extras))
        for text in node.metadata.requires_dist:
            requirement = _read(text, node)
            if requirement is None or not any(requirement.applies(self.markers, extra) for extra in extras):
                continue
            if requirement.name == node.name:
                continue
            node.children.setdefault(requirement.name, str(requirement))
            chain = (*node.need.chain, requirement.name)
            yield Need(requirement=requirement, chain=chain, question=node.need.question)


def requires_itself(name: str, metadata: WheelMetadata, markers: Mapping[str, str]) -> bool:
    """Tell whether a wheel requires the very distribution that it is, so that nothing else can bring the code."""
    for text in metadata.requires_dist:
        try:
            requirement = Requirement.parse(text, Origin(path=name))
        except ValueError:
            continue
        if requirement.name == name and not requirement.extras and requirement.applies(markers):
            return True
    return False


def _together(needs: Sequence[Need]) -> Need:
    """Join the bounds on one name; where they contradict each other, the first one's stand."""
    first = needs[0]
    specifiers = [need.requirement.specifier for need in needs]
    if len(needs) == 1 or first.requirement.url or not overlaps(*specifiers):
        return first
    specifier = joined(*specifiers)
    extras = sorted({extra for need in needs for extra in need.requirement.extras})
    listed = f"[{','.join(extras)}]" if extras else ""
    whole = Requirement.parse(f"{first.requirement.name}{listed}{specifier}", first.requirement.origin)
    return Need(requirement=whole, chain=first.chain, question=first.question)


def _read(text: str, node: Node) -> Requirement | None:
    try:
        return Requirement.parse(text, Origin(path=f"{node.name} {node.pypi.standing.version} on PyPI"))
    except ValueError:
        return None


def lacking(closure: Closure, name: str) -> tuple[str, ...]:
    """Give the chain from a node down to the first thing that cannot be had from either side; () where all can.

    What conda serves needs nothing of PyPI; what was not reached, or could not be looked up, is believed to be there.
    """
    return _lacking(closure, name, set())


def _lacking(closure: Closure, name: str, seen: set[str]) -> tuple[str, ...]:
    node = closure.nodes.get(name)
    if node is None or name in seen or node.served_by_conda or node.pypi.standing.code == "UNKNOWN":
        return ()
    seen.add(name)
    if not node.pypi.installs:
        return (name,)
    for child in sorted(node.children):
        found = _lacking(closure, child, seen)
        if found:
            return (name, *found)
    return ()
