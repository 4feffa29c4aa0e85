"""Look up what requirements need, a level at a time, for a diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from envgen.diagnosis.closure import Closure, Need, Node, requires_itself
from envgen.diagnosis.standing import empty_stub, on_pypi
from envgen.diagnosis.verdict import Question
from envgen.errors import PypiError
from envgen.knowledge.replacements import needless_extra
from envgen.models.platform import Platform
from envgen.models.requirement import Requirement
from envgen.models.wheel import Wheel
from envgen.pypi.lookups import PypiLookups
from envgen.pypi.metadata import release_wheel
from envgen.workflows.conda_look import CondaLook, OnShelf

DEEPEST = 15


@dataclass(slots=True, kw_only=True)
class Walk:
    """Hold what a walk asks, and what it found.

    `forced` maps names that conda may not serve to the reason; `shelves` keeps what the channels have by name; `files`
    what PyPI has; `notes` are for the user.
    """

    platform: Platform
    conda: CondaLook
    lookups: PypiLookups
    forced: Mapping[str, str]
    progress: Callable[[str], None]
    closure: Closure
    shelves: dict[str, OnShelf] = field(default_factory=dict)
    partial: bool = False
    notes: list[str] = field(default_factory=list)


def walk(walk: Walk, questions: Sequence[Question]) -> None:
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


def _need(question: Question) -> Need:
    if not isinstance(question.asked, Requirement):
        raise TypeError("a match spec needs nothing of PyPI")
    return Need(requirement=question.asked, chain=(question.asked.name,), question=question)


def _judged(walk: Walk, needs: Sequence[Need], *, roots: bool) -> list[Node]:
    requirements = [need.requirement for need in needs]
    projects = walk.lookups.projects(item.name for item in requirements if not item.url)
    looks = dict(zip((item.name for item in requirements), walk.conda.look(requirements), strict=True))
    walk.shelves.update(looks)
    nodes = []
    for need in needs:
        name = need.requirement.name
        found = on_pypi(need.requirement, projects.get(name), walk.platform)
        walk.partial = walk.partial or found.standing.code == "UNKNOWN"
        nodes.append(Node(need=need, pypi=found, conda=looks[name].standing, forced=_forced(walk, need)))
    solved = walk.conda.solvable({node.name: walk.shelves[node.name] for node in nodes}, together=not roots)
    for node in nodes:
        node.conda = solved[node.name]
    for node in nodes:
        walk.closure.add(node)
        _leave_extras(walk, node)
    return nodes


def _leave_extras(walk: Walk, node: Node) -> None:
    """Ask for no extra that a Mac has no use for, as a lock would not."""
    for extra in sorted(node.extras):
        row = needless_extra(node.name, extra, walk.platform.subdir)
        if row:
            node.extras.discard(extra)
            walk.notes.append(f"`{node.name}[{extra}]` is read without the extra: {row.why}")


def _forced(walk: Walk, need: Need) -> str:
    if len(need.chain) == 1 and need.question.pypi_only:
        return "it is asked of PyPI alone"
    return walk.forced.get(need.requirement.name, "")


def _describe(walk: Walk, nodes: Sequence[Node]) -> None:
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
