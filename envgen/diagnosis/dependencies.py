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

MOST = 800


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededRequirement:
    """A requirement with the names that lead to it, itself last, and the question that they start from."""

    requirement: Requirement
    chain: tuple[str, ...]
    question: Question


@dataclass(slots=True, kw_only=True)
class Node:
    """What was found of one name; `children` are the names that its wheel needs on the target.

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
        """Return the name."""
        return self.need.chain[-1]

    @property
    def served_by_conda(self) -> bool:
        """Return whether conda is where it is taken from."""
        return self.conda.available and not self.forced

    @property
    def walks_on(self) -> bool:
        """Return whether what it needs matters: it would be installed from PyPI."""
        return not self.served_by_conda and self.pypi.installs


@dataclass(slots=True, kw_only=True)
class DependencyGraph:
    """The nodes of one walk by name, the user's own first, then level by level, each level by name.

    `cut` tells that the walk was ended because it became too large.
    """

    markers: Mapping[str, str]
    nodes: dict[str, Node] = field(default_factory=dict)
    cut: bool = False

    def fresh(self, needs: Iterable[NeededRequirement]) -> list[NeededRequirement]:
        """Return the needs whose names were not looked at, one a name, with the bounds and extras of all of them."""
        grouped: dict[str, list[NeededRequirement]] = {}
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

    def needs_of(self, node: Node) -> Iterator[NeededRequirement]:
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
            yield NeededRequirement(requirement=requirement, chain=chain, question=node.need.question)


def requires_itself(name: str, metadata: WheelMetadata, markers: Mapping[str, str]) -> bool:
    """Return whether a wheel requires the very distribution that it is, so that nothing else can bring the code."""
    for text in metadata.requires_dist:
        try:
            requirement = Requirement.parse(text, Origin(path=name))
        except ValueError:
            continue
        if requirement.name == name and not requirement.extras and requirement.applies(markers):
            return True
    return False


def _together(needs: Sequence[NeededRequirement]) -> NeededRequirement:
    """Join the bounds on one name; where they contradict each other, the first one's stand."""
    first = needs[0]
    specifiers = [need.requirement.specifier for need in needs]
    if len(needs) == 1 or first.requirement.url or not overlaps(*specifiers):
        return first
    specifier = joined(*specifiers)
    extras = sorted({extra for need in needs for extra in need.requirement.extras})
    listed = f"[{','.join(extras)}]" if extras else ""
    whole = Requirement.parse(f"{first.requirement.name}{listed}{specifier}", first.requirement.origin)
    return NeededRequirement(requirement=whole, chain=first.chain, question=first.question)


def _read(text: str, node: Node) -> Requirement | None:
    try:
        return Requirement.parse(text, Origin(path=f"{node.name} {node.pypi.standing.version} on PyPI"))
    except ValueError:
        return None


def lacking(closure: DependencyGraph, name: str) -> tuple[str, ...]:
    """Return the chain from a node down to the first thing that cannot be had from either side; () where all can.

    What conda serves needs nothing of PyPI; what was not reached, or could not be looked up, is believed to be there.
    """
    return _lacking(closure, name, set())


def _lacking(closure: DependencyGraph, name: str, seen: set[str]) -> tuple[str, ...]:
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


# Look up what requirements need, a level at a time, for a diagnosis.

DEEPEST = 15


@dataclass(slots=True, kw_only=True)
class DependencyWalk:
    """What a walk asks, and what it found.

    `forced` maps names that conda may not serve to the reason; `shelves` keeps what the channels have by name; `files`
    what PyPI has; `notes` are for the user.
    """

    platform: Platform
    conda: CondaLookup
    lookups: PypiLookups
    forced: Mapping[str, str]
    progress: Callable[[str], None]
    closure: DependencyGraph
    packages_of: dict[str, CondaPackages] = field(default_factory=dict)
    partial: bool = False
    notes: list[str] = field(default_factory=list)


def walk(walk: DependencyWalk, questions: Sequence[Question]) -> None:
    """Judge the requirements that are asked for, then all that those need which PyPI would serve."""
    level = [_need(question) for question in questions]
    for depth in range(DEEPEST):
        fresh = walk.closure.fresh(level)
        if not fresh:
            return
        walk.progress(f"looking at {len(fresh)} packages" + (f", {depth} steps down" if depth else ""))
        nodes = _judged(walk, fresh, roots=not depth)
        _describe(walk, [node for node in nodes if node.walks_on])
        level = [need for node in nodes for need in walk.closure.needs_of(node)]
        if walk.closure.cut:
            break
    if walk.closure.cut or level:
        walk.notes.append("what is needed was followed only in part: there is too much of it")


def _need(question: Question) -> NeededRequirement:
    if not isinstance(question.asked, Requirement):
        raise TypeError("a match spec needs nothing of PyPI")
    return NeededRequirement(requirement=question.asked, chain=(question.asked.name,), question=question)


def _judged(walk: DependencyWalk, needs: Sequence[NeededRequirement], *, roots: bool) -> list[Node]:
    requirements = [need.requirement for need in needs]
    projects = walk.lookups.projects(item.name for item in requirements if not item.url)
    looks = dict(zip((item.name for item in requirements), walk.conda.look(requirements), strict=True))
    walk.packages_of.update(looks)
    nodes = []
    for need in needs:
        name = need.requirement.name
        found = on_pypi(need.requirement, projects.get(name), walk.platform)
        walk.partial = walk.partial or found.standing.code == "UNKNOWN"
        nodes.append(Node(need=need, pypi=found, conda=looks[name].standing, forced=_forced(walk, need)))
    solved = walk.conda.solvable({node.name: walk.packages_of[node.name] for node in nodes}, together=not roots)
    for node in nodes:
        node.conda = solved[node.name]
    for node in nodes:
        walk.closure.add(node)
        _leave_extras(walk, node)
    return nodes


def _leave_extras(walk: DependencyWalk, node: Node) -> None:
    """Ask for no extra that a Mac has no use for, as a lock would not."""
    for extra in sorted(node.extras):
        row = needless_extra(node.name, extra, walk.platform.subdir)
        if row:
            node.extras.discard(extra)
            walk.notes.append(f"`{node.name}[{extra}]` is read without the extra: {row.why}")


def _forced(walk: DependencyWalk, need: NeededRequirement) -> str:
    if len(need.chain) == 1 and need.question.pypi_only:
        return "it is asked of PyPI alone"
    return walk.forced.get(need.requirement.name, "")


def _describe(walk: DependencyWalk, nodes: Sequence[Node]) -> None:
    """Read the metadata of the wheels that would be installed; one that cannot be read ends the walk there."""
    wheels = {node.name: wheel for node in nodes if (wheel := _wheel(node, walk.platform))}
    for name, answer in zip(wheels, walk.lookups.metadata(list(wheels.values())), strict=True):
        if isinstance(answer, PypiError):
            walk.partial = True
            walk.notes.append(f"what `{name}` needs is not known: {answer.message}")
            continue
        node = walk.closure.nodes[name]
        node.metadata = answer
        if requires_itself(name, answer, walk.closure.markers):
            node.pypi = empty_stub(node.pypi, name)


def _wheel(node: Node, platform: Platform) -> Wheel | None:
    project = node.pypi.project
    return release_wheel(project, node.pypi.standing.version, platform) if project else None


# Find distributions from PyPI that would install the same files, and the one that does for all of them.

CODE = "SAME-FILES"


def doubles(closure: DependencyGraph, questions: Sequence[Question]) -> Iterator[tuple[Conflict, tuple[JointFix, ...]]]:
    """List the groups of which PyPI would bring more than one, where the user asks for one of them."""
    from_pypi = [name for name, node in closure.nodes.items() if node.walks_on]
    for group in exclusive_groups():
        members = [name for name in from_pypi if name in group.distributions]
        places = [place for place, question in enumerate(questions) if question.name in members]
        if len(members) > 1 and places:
            message = f"{' and '.join(sorted(members))} install the same module `{group.owns}`: {group.why}"
            clash = Conflict(places=tuple(places), fault=Fault(code=CODE, severity="error", message=message))
            yield clash, tuple(one_of(questions, members))


def one_of(questions: Sequence[Question], names: Iterable[str]) -> Iterator[JointFix]:
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
        edits = {place: ManifestEdit() for place in places} | {
            places[0]: ManifestEdit(dependencies=(one,), overrides=away)
        }
        yield JointFix(text=f"ask for `{one}`, which does for {' and '.join(members)}", edits=edits)
