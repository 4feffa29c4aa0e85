"""A requirement that cannot be had, with all that its fixes are looked for with."""

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
from envgen.pypi.release_verdicts import by_version, classify, judge
from envgen.pypi.simple_api import Project

_MOST_SUGGESTIONS = 3
TENSORFLOW = "tensorflow"
WHY_TENSORFLOW_MACOS = "on Apple silicon TensorFlow up to 2.12 was released as tensorflow-macos"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedRequirement:
    """A requirement that cannot be had, beside the question that leads to it (its own, where nothing else does).

    `specs` and `records` are conda's: what would serve, and every record of those names, whatever the target.
    `suggestions` are names that exist and may have been meant; `replacement` is what the facts know to take the name's
    place; `common_python` is the python that everything else may move to, "" where there is none; `other_specifiers`
    are those with which other packages ask for it; `channel_names` are all names of the channels.
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
    other_specifiers: tuple[str, ...] = ()
    channel_names: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_root(self) -> bool:
        """Return whether the user asked for it."""
        return self.question.requested == self.requirement

    @property
    def from_conda(self) -> bool:
        """Return whether conda may serve it."""
        return not self.question.pypi_only

    def available_on(self, *, python: str = "", macos: str = "") -> bool:
        """Return whether it could be had on another python or macOS, as far as files and records tell."""
        platform = replace(self.platform, python=python or self.platform.python, macos=macos or self.platform.macos)
        files = self.pypi.files
        found = classify(files, platform, self.requirement.specifier) if files is not None else None
        if found and found.code == "OK" and not is_hollow(self.requirement.name, found.version, platform):
            return True
        return self.from_conda and any(
            spec.matches(record) and fits(record, platform) for spec in self.specs[:1] for record in self.records
        )

    def for_python(self, python: str) -> BlockedRequirement:
        """Judge it again for another python, by the same files and records."""
        platform = replace(self.platform, python=python)
        conda = self.conda
        if self.specs:
            conda = spec_on_conda(self.specs[0], self.records, platform, "the channel")
        return replace(
            self,
            platform=platform,
            pypi=on_pypi(self.requirement, self.pypi.project, platform),
            conda=conda,
            replacement=self.replacement.for_python(python) if self.replacement else None,
            common_python="",
        )

    def macos_floors(self) -> set[str]:
        """Return the macOS versions that files and records need where the target's is older."""
        floors = set()
        specifier = SpecifierSet(self.requirement.specifier)
        for version, files in by_version(self.pypi.files or ()).items():
            verdict = judge(str(version), files, self.platform)
            if verdict and specifier.contains(version, prereleases=True):
                floors.add(verdict.macos)
        if self.from_conda:
            floors.update(macos_of(record, self.platform) for record in self.records)
        return floors - {""}

    def versions(self) -> list[Version]:
        """Return the final versions available on the target whatever the specifier, from either side, in order."""
        name, found = self.requirement.name, set()
        for version, files in by_version(self.pypi.files or ()).items():
            verdict = None if version.is_prerelease else judge(str(version), files, self.platform)
            if verdict and verdict.code == "OK" and not is_hollow(name, str(version), self.platform):
                found.add(version)
        if self.from_conda:
            fitting = (to_pep440(record.version) for record in self.records if fits(record, self.platform))
            found.update(Version(text) for text in fitting if text)
        return sorted(version for version in found if not version.is_prerelease)


def blocked_requirements(walk: DependencyWalk, nodes: Sequence[Node]) -> list[BlockedRequirement]:
    """Return a blocked requirement for each node, with its replacement and the names that may have been meant."""
    suggested = {
        node.name: walk.conda.mapper.suggestions(node.name)[:_MOST_SUGGESTIONS]
        for node in nodes
        if node.pypi.availability.code == "NOT_ON_INDEX"
    }
    replacements = {node.name: _replacement(walk, node) for node in nodes}
    names = {name for found in suggested.values() for name in found}
    names |= {found.name for found in replacements.values() if found}
    projects = walk.lookups.projects(names) if names else {}
    on_channels = walk.conda.mapper.packages.names
    existing = {name for name in names if name in on_channels or isinstance(projects.get(name), Project)}
    blocked = []
    for node in nodes:
        replacement = replacements[node.name]
        blocked.append(
            replace(
                _blocked(walk, node),
                suggestions=tuple(name for name in suggested.get(node.name, ()) if name in existing),
                replacement=_blocked_replacement(walk, node, replacement, projects) if replacement else None,
            )
        )
    return blocked


def with_common_python(walk: DependencyWalk, blocked: Sequence[BlockedRequirement]) -> list[BlockedRequirement]:
    """Return blocked requirements with the python that they and all else that is asked for can move to together."""
    names = {each.requirement.name for each in blocked}
    python = common_python(blocked, [root for root in _roots(walk) if root.requirement.name not in names])
    return [replace(each, common_python=python) for each in blocked]


def other_pythons(walk: DependencyWalk) -> list[str]:
    """Return the other pythons on which every root can be had: the default first, then the nearest to that."""
    roots = _roots(walk)
    if not roots:
        return []
    own = roots[0].platform
    pythons = [DEFAULT_PYTHON, *nearest_pythons(replace(own, python=DEFAULT_PYTHON))]
    return [
        python for python in pythons if python != own.python and all(root.available_on(python=python) for root in roots)
    ]


def _roots(walk: DependencyWalk) -> list[BlockedRequirement]:
    """Return what the user asks for, whether blocked or not, so that it may be judged on other targets."""
    return [_blocked(walk, node) for node in walk.graph.nodes.values() if node.need.is_root and not node.is_unknown]


def _replacement(walk: DependencyWalk, node: Node) -> Requirement | None:
    """Return what takes a name's place, under the name that has arm64 wheels where that is TensorFlow's old one."""
    requirement = node.need.requirement
    row = replacement_of(node.name, walk.platform.subdir, requirement.specifier)
    if row is not None and row.replacement:
        requirement = rename(requirement, row.replacement, keep_specifier=row.keep_specifier)
    if requirement.name == TENSORFLOW and walk.platform.is_apple_silicon:
        requirement = rename(requirement, pypi_name(requirement.specifier))
    if requirement.name in node.need.chain:  # a stub needs the name that it replaces
        return None
    return requirement


def _blocked_replacement(
    walk: DependencyWalk, node: Node, requirement: Requirement, projects: Mapping[str, object]
) -> BlockedRequirement:
    """Return a replacement in the form of what it replaces; unlike that, it may well be available."""
    (packages,) = walk.conda.look_up([requirement])
    conda = walk.conda.solvable({requirement.name: packages})[requirement.name]
    project = projects.get(requirement.name)
    question = node.need.question
    if question.requested == node.need.requirement:
        question = replace(question, requested=requirement)
    return BlockedRequirement(
        question=question,
        requirement=requirement,
        platform=walk.platform,
        pypi=on_pypi(requirement, project if isinstance(project, Project) else None, walk.platform),
        conda=conda,
        specs=packages.mapped.specs,
        records=packages.records,
        channel_names=walk.conda.mapper.packages.names,
    )


def _blocked(walk: DependencyWalk, node: Node) -> BlockedRequirement:
    packages = walk.packages_of[node.name]
    texts = {other.children[node.name] for other in walk.graph.nodes.values() if node.name in other.children}
    origin = Origin(path=node.name)
    return BlockedRequirement(
        question=node.need.question,
        requirement=node.need.requirement,
        platform=walk.platform,
        pypi=node.pypi,
        conda=node.conda,
        specs=packages.mapped.specs,
        records=packages.records,
        other_specifiers=tuple(sorted(Requirement.parse(text, origin).specifier for text in texts)),
        channel_names=walk.conda.mapper.packages.names,
    )


def common_python(blocked: Sequence[BlockedRequirement], others: Sequence[BlockedRequirement]) -> str:
    """Return the python on which most that is blocked can be had, and all others still; "" where there is none.

    Of equals the nearest to the target's counts.
    """
    best, most = "", 0
    for python in nearest_pythons(blocked[0].platform) if blocked else ():
        fixed = sum(each.available_on(python=python) for each in blocked)
        if fixed > most and all(other.available_on(python=python) for other in others):
            best, most = python, fixed
    return best


def nearest_pythons(platform: Platform) -> list[str]:
    """Return the other python minors, the nearest first, the older of two equals first."""
    own = platform.python_version[1]
    minors = [int(python.split(".")[1]) for python in PYTHONS if python != platform.python]
    return [f"3.{minor}" for minor in sorted(minors, key=lambda minor: (abs(minor - own), minor))]
