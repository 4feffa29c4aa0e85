"""Gather what ways out are looked for with: what may take a name's place, and how that stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from envgen.diagnosis.closure import Node
from envgen.diagnosis.pythons import common_python, pythons_for_all
from envgen.diagnosis.standing import on_pypi
from envgen.diagnosis.subject import Subject
from envgen.diagnosis.verdict import Question
from envgen.knowledge.replacements import replacement_of
from envgen.knowledge.tensorflow import pypi_name
from envgen.models.requirement import Origin, Requirement
from envgen.planner.renames import rename
from envgen.pypi.simple_api import Project
from envgen.workflows.walking import Walk

_MOST_SUGGESTIONS = 3
SUBDIR = "osx-arm64"
TENSORFLOW = "tensorflow"


def subjects_of(walk: Walk, nodes: Sequence[Node]) -> list[Subject]:
    """Make a subject of each node, with its replacement and with names that may have been meant, if they exist."""
    suggested = {node.name: _suggestions(walk, node) for node in nodes}
    replacements = {node.name: _replacement(walk, node) for node in nodes}
    names = {name for found in suggested.values() for name in found}
    names |= {found.name for found in replacements.values() if found}
    known = walk.lookups.projects(names) if names else {}
    exists = {name for name in names if isinstance(known.get(name), Project) or name in walk.conda.mapper.shelf.names}
    return [
        _subject(
            walk,
            node,
            suggestions=tuple(name for name in suggested[node.name] if name in exists),
            replacement=_replaced(walk, node, replacements[node.name], known),
        )
        for node in nodes
    ]


def on_one_python(walk: Walk, subjects: Sequence[Subject]) -> list[Subject]:
    """Give the subjects the python that they and all the rest of what is asked for can move to together."""
    stuck = {subject.requirement.name for subject in subjects}
    python = common_python(subjects, [root for root in _roots(walk) if root.requirement.name not in stuck])
    return [replace(subject, common_python=python) for subject in subjects]


def other_pythons(walk: Walk) -> list[str]:
    """List the other pythons on which each requirement that is asked for can be had, by files and records."""
    return pythons_for_all(_roots(walk))


def _roots(walk: Walk) -> list[Subject]:
    return [
        _subject(walk, node, suggestions=(), replacement=None)
        for node in walk.closure.nodes.values()
        if len(node.need.chain) == 1 and node.pypi.standing.code != "UNKNOWN"
    ]


def _suggestions(walk: Walk, node: Node) -> tuple[str, ...]:
    if node.pypi.standing.code != "NOT_ON_INDEX":
        return ()
    return walk.conda.mapper.suggestions(node.name)[:_MOST_SUGGESTIONS]


def _replacement(walk: Walk, node: Node) -> Requirement | None:
    """Give what takes a name's place, under the name that has arm64 wheels where that is TensorFlow's old one."""
    asked = node.need.requirement
    row = replacement_of(node.name, walk.platform.subdir, asked.specifier)
    if row is not None and row.replacement:
        asked = rename(asked, row.replacement, keep_specifier=row.keep_specifier)
    if asked.name == TENSORFLOW and walk.platform.subdir == SUBDIR:
        asked = rename(asked, pypi_name(asked.specifier))
    if asked.name in node.need.chain:  # a stub needs the name that it replaces
        return None
    return asked


def _replaced(walk: Walk, node: Node, requirement: Requirement | None, known: Mapping[str, object]) -> Subject | None:
    if requirement is None:
        return None
    (look,) = walk.conda.look([requirement])
    standing = walk.conda.solvable({requirement.name: look})[requirement.name]
    project = known.get(requirement.name)
    found = on_pypi(requirement, project if isinstance(project, Project) else None, walk.platform)
    question = node.need.question
    asked = question.asked
    return Subject(
        question=Question(asked=requirement, line=question.line, pypi_only=question.pypi_only, group=question.group)
        if asked == node.need.requirement
        else question,
        requirement=requirement,
        platform=walk.platform,
        pypi=found,
        conda=standing,
        specs=look.mapped.specs,
        records=look.records,
        channel_names=walk.conda.mapper.shelf.names,
    )


def _subject(walk: Walk, node: Node, *, suggestions: tuple[str, ...], replacement: Subject | None) -> Subject:
    shelf = walk.shelves[node.name]
    return Subject(
        question=node.need.question,
        requirement=node.need.requirement,
        platform=walk.platform,
        pypi=node.pypi,
        conda=node.conda,
        specs=shelf.mapped.specs,
        records=shelf.records,
        suggestions=suggestions,
        replacement=replacement,
        asked_by_others=_asked_by_others(walk, node.name),
        channel_names=walk.conda.mapper.shelf.names,
    )


def _asked_by_others(walk: Walk, name: str) -> tuple[str, ...]:
    texts = {other.children[name] for other in walk.closure.nodes.values() if name in other.children}
    return tuple(sorted(Requirement.parse(text, Origin(path=name)).specifier for text in texts))
