"""What a way out of a refusal is looked for with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envgen.diagnosis.availability import PYTHONS, PypiLookup, fits, is_hollow, macos_of, on_pypi, spec_on_conda
from envgen.diagnosis.dependencies import DependencyWalk, Node
from envgen.diagnosis.results import CondaAvailability, Question
from envgen.knowledge.replacements import replacement_of
from envgen.knowledge.tensorflow import pypi_name
from envgen.mapping.version_specs import to_pep440
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import DEFAULT_PYTHON, Platform
from envgen.models.record import Record
from envgen.models.requirement import Origin, Requirement
from envgen.planner.renames import rename
from envgen.pypi.simple_api import Project
from envgen.pypi.wheel_verdicts import by_version, classify, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedRequirement:
    """A requirement that cannot be had, beside the question that leads to it (its own, where nothing else does).

    `specs` and `records` are conda's: what would serve, and every record of those names, whatever the target.
    `suggestions` are names that may have been meant and that exist; `replacement` stands where the facts know what
    takes the name's place; `common_python` is the python that everything else may move to, "" where there is none;
    `asked_by_others` are the specifiers with which other packages ask for it; `channel_names` are all names of the
    channels.
    """

    question: Question
    requirement: Requirement
    platform: Platform
    pypi: PypiLookup
    conda: CondaAvailability
    specs: tuple[MatchSpec, ...] = ()
    records: tuple[Record, ...] = ()
    suggestions: tuple[str, ...] = ()
    replacement: BlockedRequirement | None = None
    common_python: str = ""
    asked_by_others: tuple[str, ...] = ()
    channel_names: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_root(self) -> bool:
        """Return whether the user asked for it."""
        return self.question.asked == self.requirement

    @property
    def from_conda(self) -> bool:
        """Return whether conda may serve it."""
        return not self.question.pypi_only

    def had_on(self, platform: Platform) -> bool:
        """Return whether the requirement itself could be had on another target, as far as files and records tell."""
        files = self.pypi.files
        found = classify(files, platform, self.requirement.specifier) if files is not None else None
        if found and found.code == "OK" and not is_hollow(self.requirement.name, found.version, platform):
            return True
        return self.from_conda and any(
            spec.matches(record) and fits(record, platform) for spec in self.specs[:1] for record in self.records
        )

    def macos_floors(self) -> set[str]:
        """List the macOS that files and records ask for where the target's is older."""
        floors = set()
        wanted = SpecifierSet(self.requirement.specifier)
        for version, files in by_version(self.pypi.files or ()).items():
            verdict = judge(str(version), files, self.platform) if wanted.contains(version, prereleases=True) else None
            floors.add(verdict.macos if verdict else "")
        if self.from_conda:
            floors.update(macos_of(record, self.platform) for record in self.records)
        return floors - {""}

    def versions(self) -> list[Version]:
        """List the final versions that can be had on the target whatever the specifier, from either side, in order."""
        found = set()
        for version, files in by_version(self.pypi.files or ()).items():
            verdict = None if version.is_prerelease else judge(str(version), files, self.platform)
            if verdict and verdict.code == "OK" and not is_hollow(self.requirement.name, str(version), self.platform):
                found.add(version)
        if self.from_conda:
            fitting = (to_pep440(record.version) for record in self.records if fits(record, self.platform))
            found.update(Version(text) for text in fitting if text)
        return sorted(version for version in found if not version.is_prerelease)

    def on(self, *, python: str = "", macos: str = "") -> Platform:
        """Return the target with another python or macOS."""
        return replace(self.platform, python=python or self.platform.python, macos=macos or self.platform.macos)


# Gather what ways out are looked for with: what may take a name's place, and how that stands.

_MOST_SUGGESTIONS = 3
SUBDIR = "osx-arm64"
TENSORFLOW = "tensorflow"


def blocked_requirements(walk: DependencyWalk, nodes: Sequence[Node]) -> list[BlockedRequirement]:
    """Make a subject of each node, with its replacement and with names that may have been meant, if they exist."""
    suggested = {node.name: _suggestions(walk, node) for node in nodes}
    replacements = {node.name: _replacement(walk, node) for node in nodes}
    names = {name for found in suggested.values() for name in found}
    names |= {found.name for found in replacements.values() if found}
    known = walk.lookups.projects(names) if names else {}
    exists = {
        name for name in names if isinstance(known.get(name), Project) or name in walk.conda.mapper.packages.names
    }
    return [
        _subject(
            walk,
            node,
            suggestions=tuple(name for name in suggested[node.name] if name in exists),
            replacement=_replaced(walk, node, replacements[node.name], known),
        )
        for node in nodes
    ]


def on_one_python(walk: DependencyWalk, subjects: Sequence[BlockedRequirement]) -> list[BlockedRequirement]:
    """Return the subjects the python that they and all the rest of what is asked for can move to together."""
    stuck = {blocked.requirement.name for blocked in subjects}
    python = common_python(subjects, [root for root in _roots(walk) if root.requirement.name not in stuck])
    return [replace(blocked, common_python=python) for blocked in subjects]


def other_pythons(walk: DependencyWalk) -> list[str]:
    """List the other pythons on which each requirement that is asked for can be had, by files and records."""
    return pythons_for_all(_roots(walk))


def _roots(walk: DependencyWalk) -> list[BlockedRequirement]:
    return [
        _subject(walk, node, suggestions=(), replacement=None)
        for node in walk.closure.nodes.values()
        if len(node.need.chain) == 1 and node.pypi.standing.code != "UNKNOWN"
    ]


def _suggestions(walk: DependencyWalk, node: Node) -> tuple[str, ...]:
    if node.pypi.standing.code != "NOT_ON_INDEX":
        return ()
    return walk.conda.mapper.suggestions(node.name)[:_MOST_SUGGESTIONS]


def _replacement(walk: DependencyWalk, node: Node) -> Requirement | None:
    """Return what takes a name's place, under the name that has arm64 wheels where that is TensorFlow's old one."""
    asked = node.need.requirement
    row = replacement_of(node.name, walk.platform.subdir, asked.specifier)
    if row is not None and row.replacement:
        asked = rename(asked, row.replacement, keep_specifier=row.keep_specifier)
    if asked.name == TENSORFLOW and walk.platform.subdir == SUBDIR:
        asked = rename(asked, pypi_name(asked.specifier))
    if asked.name in node.need.chain:  # a stub needs the name that it replaces
        return None
    return asked


def _replaced(
    walk: DependencyWalk, node: Node, requirement: Requirement | None, known: Mapping[str, object]
) -> BlockedRequirement | None:
    if requirement is None:
        return None
    (look,) = walk.conda.look([requirement])
    standing = walk.conda.solvable({requirement.name: look})[requirement.name]
    project = known.get(requirement.name)
    found = on_pypi(requirement, project if isinstance(project, Project) else None, walk.platform)
    question = node.need.question
    asked = question.asked
    return BlockedRequirement(
        question=Question(asked=requirement, line=question.line, pypi_only=question.pypi_only, group=question.group)
        if asked == node.need.requirement
        else question,
        requirement=requirement,
        platform=walk.platform,
        pypi=found,
        conda=standing,
        specs=look.mapped.specs,
        records=look.records,
        channel_names=walk.conda.mapper.packages.names,
    )


def _subject(
    walk: DependencyWalk, node: Node, *, suggestions: tuple[str, ...], replacement: BlockedRequirement | None
) -> BlockedRequirement:
    packages = walk.packages_of[node.name]
    return BlockedRequirement(
        question=node.need.question,
        requirement=node.need.requirement,
        platform=walk.platform,
        pypi=node.pypi,
        conda=node.conda,
        specs=packages.mapped.specs,
        records=packages.records,
        suggestions=suggestions,
        replacement=replacement,
        asked_by_others=_asked_by_others(walk, node.name),
        channel_names=walk.conda.mapper.packages.names,
    )


def _asked_by_others(walk: DependencyWalk, name: str) -> tuple[str, ...]:
    texts = {other.children[name] for other in walk.closure.nodes.values() if name in other.children}
    return tuple(sorted(Requirement.parse(text, Origin(path=name)).specifier for text in texts))


# Choose one python for all that a diagnosis is about.


def common_python(stuck: Sequence[BlockedRequirement], others: Sequence[BlockedRequirement]) -> str:
    """Find the python that lets most of what is stuck be had and takes nothing away; "" where there is none.

    Of equals the nearest to the target's counts.
    """
    best, most = "", 0
    for python in nearest_pythons(stuck[0].platform) if stuck else ():
        fixed = sum(blocked.had_on(blocked.on(python=python)) for blocked in stuck)
        if fixed > most and all(other.had_on(other.on(python=python)) for other in others):
            best, most = python, fixed
    return best


def pythons_for_all(subjects: Sequence[BlockedRequirement]) -> list[str]:
    """List the other pythons on which each of these can be had, the default first, then the nearest to that."""
    if not subjects:
        return []
    own = subjects[0].platform
    tried = [DEFAULT_PYTHON, *nearest_pythons(replace(own, python=DEFAULT_PYTHON))]
    others = [python for python in tried if python != own.python]
    return [python for python in others if all(each.had_on(each.on(python=python)) for each in subjects)]


def nearest_pythons(platform: Platform) -> list[str]:
    """List the other python minors, the nearest first, the older of two equals first."""
    own = platform.python_version[1]
    minors = [int(python.split(".")[1]) for python in PYTHONS if python != platform.python]
    return [f"3.{minor}" for minor in sorted(minors, key=lambda minor: (abs(minor - own), minor))]


def moved(blocked: BlockedRequirement, python: str) -> BlockedRequirement:
    """Judge a subject again for another python, by the same files and records."""
    platform = blocked.on(python=python)
    project = blocked.pypi.project
    conda = blocked.conda
    if blocked.specs:
        conda = spec_on_conda(blocked.specs[0], blocked.records, platform, "the channel")
    return replace(
        blocked,
        platform=platform,
        pypi=on_pypi(blocked.requirement, project, platform),
        conda=conda,
        replacement=moved(blocked.replacement, python) if blocked.replacement else None,
        common_python="",
    )
