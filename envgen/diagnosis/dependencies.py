"""Walk what requirements need, a level at a time, as far as PyPI is what serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from envgen.diagnosis.availability import CondaLookup, CondaPackages, PypiLookup, empty_stub, on_pypi
from envgen.diagnosis.conflicts import Conflict
from envgen.diagnosis.results import CondaAvailability, Fault, JointFix, ManifestEdit, Question
from envgen.errors import PypiError
from envgen.knowledge.incompatibilities import exclusive_groups, one_for
from envgen.knowledge.replacements import needless_extra
from envgen.knowledge.version_ranges import joined, overlaps
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import Wheel, WheelMetadata
from envgen.planner.overrides import removal
from envgen.pypi.lookups import PypiLookups
from envgen.pypi.metadata import release_wheel

MOST_NODES = 800
DEEPEST = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededRequirement:
    """A requirement with the names that lead to it, itself last, and the question that they start from."""

    requirement: Requirement
    chain: tuple[str, ...]
    question: Question

    @property
    def is_root(self) -> bool:
        """Return whether the user asked for it."""
        return len(self.chain) == 1


@dataclass(slots=True, kw_only=True)
class Node:
    """What was found of one name; `children` are the names that its wheel needs on the target, with the requirements.

    `forced` says why conda may not serve it ("" where it may).
    """

    need: NeededRequirement
    pypi: PypiLookup
    conda: CondaAvailability
    forced: str = ""
    extras: set[str] = field(default_factory=set)
    metadata: WheelMetadata | None = None
    children: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.need.chain[-1]

    @property
    def served_by_conda(self) -> bool:
        """Return whether conda is where it is taken from."""
        return self.conda.available and not self.forced

    @property
    def walks_on(self) -> bool:
        """Return whether what it needs matters: it would be installed from PyPI."""
        return not self.served_by_conda and self.pypi.installs

    @property
    def is_unknown(self) -> bool:
        """Return whether PyPI could not be asked about it."""
        return self.pypi.availability.code == "UNKNOWN"


@dataclass(slots=True, kw_only=True)
class DependencyGraph:
    """The nodes of one walk by name, the user's own first, then level by level, each level by name.

    `cut` says that the walk was ended because it became too large.
    """

    markers: Mapping[str, str]
    nodes: dict[str, Node] = field(default_factory=dict)
    cut: bool = False

    def unseen(self, needs: Iterable[NeededRequirement]) -> list[NeededRequirement]:
        """Return the needs of names that have no node yet, one a name, with the bounds and extras of all of them."""
        grouped: dict[str, list[NeededRequirement]] = {}
        for need in needs:
            if need.requirement.name in self.nodes:
                self.nodes[need.requirement.name].extras.update(need.requirement.extras)
            else:
                grouped.setdefault(need.requirement.name, []).append(need)
        unseen = [_merged(grouped[name]) for name in sorted(grouped)]
        room = MOST_NODES - len(self.nodes)
        self.cut = self.cut or len(unseen) > room
        return unseen[:room]

    def add(self, node: Node) -> None:
        """Add a node that was looked up."""
        node.extras.update(node.need.requirement.extras)
        self.nodes[node.name] = node

    def needs_of(self, node: Node) -> Iterator[NeededRequirement]:
        """Yield what a node's wheel needs on the target, for the extras asked for; note it as the node's children."""
        if node.metadata is None:
            return
        extras = ("", *sorted(node.extras))
        origin = Origin(path=f"{node.name} {node.pypi.availability.version} on PyPI")
        for requirement in Requirement.readable(node.metadata.requires_dist, origin):
            if requirement.name != node.name and any(requirement.applies(self.markers, extra) for extra in extras):
                node.children.setdefault(requirement.name, str(requirement))
                chain = (*node.need.chain, requirement.name)
                yield NeededRequirement(requirement=requirement, chain=chain, question=node.need.question)

    def chain_to_unavailable(self, name: str) -> tuple[str, ...]:
        """Return the names from a node down to the first that cannot be had from either side; () where all can.

        What conda serves needs nothing of PyPI; what was not reached, or could not be looked up, is believed to be
        there.
        """
        return self._chain(name, set())

    def _chain(self, name: str, seen: set[str]) -> tuple[str, ...]:
        node = self.nodes.get(name)
        if node is None or name in seen or node.served_by_conda or node.is_unknown:
            return ()
        seen.add(name)
        if not node.pypi.installs:
            return (name,)
        for child in sorted(node.children):
            found = self._chain(child, seen)
            if found:
                return (name, *found)
        return ()


def _merged(needs: Sequence[NeededRequirement]) -> NeededRequirement:
    """Join the bounds on one name; where they contradict each other, the first one's count."""
    first = needs[0]
    specifiers = [need.requirement.specifier for need in needs]
    if len(needs) == 1 or first.requirement.url or not overlaps(*specifiers):
        return first
    extras = sorted({extra for need in needs for extra in need.requirement.extras})
    listed = f"[{','.join(extras)}]" if extras else ""
    text = f"{first.requirement.name}{listed}{joined(*specifiers)}"
    merged = Requirement.parse(text, first.requirement.origin)
    return NeededRequirement(requirement=merged, chain=first.chain, question=first.question)


def requires_itself(name: str, metadata: WheelMetadata, markers: Mapping[str, str]) -> bool:
    """Return whether a wheel requires the very distribution that it is, so that nothing else can bring the code."""
    return any(
        requirement.name == name and not requirement.extras and requirement.applies(markers)
        for requirement in Requirement.readable(metadata.requires_dist, Origin(path=name))
    )


@dataclass(slots=True, kw_only=True)
class DependencyWalk:
    """A walk down from requirements, with what it looks things up in and what it found.

    `forced` maps names that conda may not serve to the reason; `packages_of` keeps what the channels have by name;
    `notes` are for the user.
    """

    platform: Platform
    conda: CondaLookup
    lookups: PypiLookups
    forced: Mapping[str, str]
    progress: Callable[[str], None]
    graph: DependencyGraph
    packages_of: dict[str, CondaPackages] = field(default_factory=dict)
    partial: bool = False
    notes: list[str] = field(default_factory=list)

    def follow(self, questions: Sequence[Question]) -> None:
        """Look up the requirements that are asked for, then all that those need which PyPI would serve.

        A level of the graph is looked up at once, since each request to an index takes a round trip.
        """
        level = [_need(question) for question in questions]
        for depth in range(DEEPEST):
            unseen = self.graph.unseen(level)
            if not unseen:
                level = []
                break
            if self.graph.cut and not depth:
                self.partial = True
                self.notes.append(f"of all that is asked for only {len(unseen)} were looked at, the first by name")
            self.progress(f"looking at {len(unseen)} packages" + (f", {depth} steps down" if depth else ""))
            nodes = self._nodes(unseen, roots=not depth)
            self._read_metadata([node for node in nodes if node.walks_on])
            level = [need for node in nodes for need in self.graph.needs_of(node)]
            if self.graph.cut:
                break
        if self.graph.cut:
            self.notes.append(f"what is needed was followed only in part: it is more than {MOST_NODES} packages")
        elif level:
            self.notes.append(f"what is needed was followed only in part: it goes more than {DEEPEST} steps down")

    def _nodes(self, needs: Sequence[NeededRequirement], *, roots: bool) -> list[Node]:
        requirements = [need.requirement for need in needs]
        projects = self.lookups.projects(item.name for item in requirements if not item.url)
        packages = dict(zip((item.name for item in requirements), self.conda.look_up(requirements), strict=True))
        self.packages_of.update(packages)
        # One solve for all is quicker, but does not give the versions that the user's own names are shown with.
        solved = self.conda.solvable(packages, together=not roots)
        nodes = []
        for need in needs:
            name = need.requirement.name
            found = on_pypi(need.requirement, projects.get(name), self.platform)
            node = Node(need=need, pypi=found, conda=solved[name], forced=self._forced(need))
            self.partial = self.partial or node.is_unknown
            self.graph.add(node)
            self._leave_extras_out(node)
            nodes.append(node)
        return nodes

    def _forced(self, need: NeededRequirement) -> str:
        if need.is_root and need.question.pypi_only:
            return "it is asked of PyPI alone"
        return self.forced.get(need.requirement.name, "")

    def _leave_extras_out(self, node: Node) -> None:
        """Follow no extra that a Mac has no use for, as a lock would not."""
        for extra in sorted(node.extras):
            row = needless_extra(node.name, extra, self.platform.subdir)
            if row:
                node.extras.discard(extra)
                self.notes.append(f"`{node.name}[{extra}]` is read without the extra: {row.why}")

    def _read_metadata(self, nodes: Sequence[Node]) -> None:
        """Read the metadata of the wheels that would be installed; one that cannot be read ends the walk there."""
        wheels = {node.name: wheel for node in nodes if (wheel := _wheel(node, self.platform))}
        for name, answer in zip(wheels, self.lookups.metadata(list(wheels.values())), strict=True):
            if isinstance(answer, PypiError):
                self.partial = True
                self.notes.append(f"what `{name}` needs is not known: {answer.message}")
                continue
            node = self.graph.nodes[name]
            node.metadata = answer
            if requires_itself(name, answer, self.graph.markers):
                node.pypi = empty_stub(node.pypi, name)


def _need(question: Question) -> NeededRequirement:
    if not isinstance(question.requested, Requirement):
        raise TypeError("a match spec needs nothing of PyPI")
    return NeededRequirement(requirement=question.requested, chain=(question.name,), question=question)


def _wheel(node: Node, platform: Platform) -> Wheel | None:
    project = node.pypi.project
    return release_wheel(project, node.pypi.availability.version, platform) if project else None


def same_file_conflicts(
    graph: DependencyGraph, questions: Sequence[Question]
) -> Iterator[tuple[Conflict, tuple[JointFix, ...]]]:
    """Yield the groups of which PyPI would bring several and the user asks for one, with what to ask for instead."""
    from_pypi = [name for name, node in graph.nodes.items() if node.walks_on]
    for group in exclusive_groups():
        members = [name for name in from_pypi if name in group.distributions]
        places = [place for place, question in enumerate(questions) if question.name in members]
        if len(members) > 1 and places:
            message = f"{' and '.join(sorted(members))} install the same module `{group.owns}`: {group.why}"
            fault = Fault(code="SAME-FILES", severity="error", message=message)
            yield Conflict(places=tuple(places), fault=fault), tuple(one_of_group(questions, members))


def one_of_group(questions: Sequence[Question], names: Iterable[str]) -> Iterator[JointFix]:
    """Ask for the one member of a group that does for all of those named, in the place of those that are asked for.

    Members that others ask for are overridden away.
    """
    mentioned = set(names)
    for group in exclusive_groups():
        members = sorted(mentioned & set(group.distributions))
        places = [place for place, question in enumerate(questions) if question.name in members]
        one = one_for(members) if len(members) > 1 else None
        if one is None or not places:
            continue
        own = {questions[place].name for place in places}
        away = tuple(removal(name) for name in members if name not in {one, *own})
        edits = dict.fromkeys(places, ManifestEdit())
        edits[places[0]] = ManifestEdit(dependencies=(one,), overrides=away)
        yield JointFix(text=f"ask for `{one}`, which does for {' and '.join(members)}", edits=edits)
