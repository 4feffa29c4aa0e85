"""Requirements of PyPI's world as match specs of conda's: name, version and extras together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from envgen.errors import MappingError
from envgen.mapping.extras import ExtraAnswer, ExtraFinder, Metadata
from envgen.mapping.name_mapper import NOWHERE, NameAnswer, NameMapper, Rejected
from envgen.mapping.version_specs import ConvertedSpec, to_match_specs
from envgen.models.findings import Source
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.requirement import Requirement, origin_lines

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRequirement:
    """Where a requirement may come from, and what it is there.

    `specs` start with the package itself, then come those that its extras add; `pypi_extra` are requirements that the
    extras add and only PyPI has. `applies` tells whether the marker holds for the target. `lacking` tells that the
    channels were read whole and lack the package, whose conda name may be known (`source` "unknown").
    """

    requirement: Requirement
    source: Source
    conda: str | None
    specs: tuple[MatchSpec, ...] = ()
    provenance: str = ""
    why: str = ""
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    pypi_extra: tuple[Requirement, ...] = ()
    suggestions: tuple[str, ...] = ()
    applies: bool = True
    lacking: bool = False

    @classmethod
    def on_pypi(cls, requirement: Requirement, *, why: str) -> MappedRequirement:
        """Return the answer for a requirement that must come from PyPI for a reason outside the name map."""
        return cls(requirement=requirement, source="pypi", conda=None, why=why)

    @property
    def spec(self) -> str:
        """Render the match specs in one line, separated by `, `; "" where there are none."""
        return ", ".join(str(spec) for spec in self.specs)

    @property
    def package(self) -> str | None:
        """Return the conda package to ask for: the extra's own where exactly one stands for it, else the package."""
        over = [spec.name for spec in self.specs[1:] if spec.name.startswith(f"{self.conda}-")]
        return over[0] if len(over) == 1 and len(self.specs) == 2 else self.conda


@dataclass(kw_only=True)
class _Parts:
    specs: list[MatchSpec] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    pypi: list[Requirement] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def map_requirements(
    requirements: Sequence[Requirement],
    mapper: NameMapper,
    platform: Platform,
    metadata: Metadata,
    *,
    suggest: bool = False,
) -> tuple[MappedRequirement, ...]:
    """Translate requirements for a target, in their order; all names are read in one go.

    `metadata` reads a release of PyPI's, for extras that conda has no package for, or gives None. `suggest` adds near
    misses to the names that the channels do not know, at some 20 ms a name.

    Raises:
        MappingError: a version specifier cannot be expressed; all such lines are named.
    """
    mapper.map_names([item.name for item in requirements if not item.url])
    translator = _Translator(mapper=mapper, platform=platform, metadata=metadata)
    mapped: list[MappedRequirement] = []
    failed: list[tuple[Requirement, MappingError]] = []
    for requirement in requirements:
        try:
            mapped.append(translator.translate(requirement))
        except MappingError as error:
            failed.append((requirement, error))
    if failed:
        message = "; ".join(dict.fromkeys(error.message for _, error in failed))
        raise MappingError(message, hint=failed[0][1].hint, lines=origin_lines([item for item, _ in failed]))
    for index, item in enumerate(mapped):
        if suggest and item.provenance == NOWHERE:
            mapped[index] = replace(item, suggestions=mapper.suggestions(item.requirement.name))
    return tuple(mapped)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Translator:
    mapper: NameMapper
    platform: Platform
    metadata: Metadata

    def translate(self, requirement: Requirement, seen: frozenset[str] = frozenset()) -> MappedRequirement:
        """Translate one requirement; `seen` are those that it was reached through."""
        applies = requirement.applies(self.platform.markers())
        if requirement.url:
            mapped = MappedRequirement.on_pypi(requirement, why="it names a URL, which only pip can install from")
            return replace(mapped, applies=applies)
        answer = self.mapper.map_names([requirement.name])[requirement.name]
        mapped = MappedRequirement(
            requirement=requirement,
            source=answer.source,
            conda=answer.conda,
            provenance=answer.provenance,
            why=answer.why,
            rejected=answer.rejected,
            applies=applies,
            lacking=answer.lacking,
        )
        return self._on_conda(mapped, answer, seen) if answer.source == "conda" else mapped

    def _on_conda(self, mapped: MappedRequirement, answer: NameAnswer, seen: frozenset[str]) -> MappedRequirement:
        requirement = mapped.requirement
        conda, notes = self._fitting(requirement, answer)
        base = _spec(conda, requirement.specifier, answer)
        parts = _Parts(specs=[base.spec], notes=[*notes, *base.notes])
        if requirement.extras and mapped.applies:
            finder = ExtraFinder(packages=self.mapper.packages, platform=self.platform, metadata=self.metadata)
            conda = self._add_extras(parts, mapped, finder.find(requirement, answer, base.spec), seen)
        return replace(
            mapped,
            conda=conda,
            source="unknown" if parts.unknown else "conda",
            why=parts.unknown[0] if parts.unknown else mapped.why,
            specs=tuple(dict.fromkeys(parts.specs)),
            notes=tuple(dict.fromkeys(parts.notes)),
            pypi_extra=tuple(dict.fromkeys(parts.pypi)),
        )

    def _fitting(self, requirement: Requirement, answer: NameAnswer) -> tuple[str, list[str]]:
        """Return the first of the packages that has a version which the requirement admits, with a note on it."""
        names = [name for name in (answer.conda, *answer.alternatives) if name]
        for name in names:
            spec = _spec(name, requirement.specifier, answer).spec
            if any(spec.matches_version(record.version) for record in self.mapper.packages.records(name)):
                note = f"`{requirement}`: {names[0]} has no such version, {name} has"
                return name, [] if name == names[0] else [note]
        return names[0], []

    def _add_extras(self, parts: _Parts, mapped: MappedRequirement, extras: ExtraAnswer, seen: frozenset[str]) -> str:
        """Add to the parts what the extras add; return the package to take."""
        base = parts.specs[0]
        if extras.umbrella:
            parts.specs[0] = MatchSpec.parse(f"{extras.umbrella} {base.version}".strip())
        parts.specs.extend(MatchSpec.parse(name) for name in extras.packages)
        parts.specs.extend(extras.variants)
        parts.notes.extend(extras.notes)
        for requirement in extras.requirements:
            if str(requirement) not in seen:
                self._add_further(parts, requirement, seen | {str(requirement), str(mapped.requirement)})
        return parts.specs[0].name

    def _add_further(self, parts: _Parts, requirement: Requirement, seen: frozenset[str]) -> None:
        try:
            further = self.translate(requirement, seen)
        except MappingError as error:
            parts.notes.append(
                f"`{requirement}`, which {requirement.origin.path} adds, comes from PyPI: {error.message}"
            )
            parts.pypi.append(requirement)
            return
        parts.notes.extend(further.notes)
        parts.specs.extend(further.specs)
        parts.pypi.extend(further.pypi_extra)
        if further.source == "unknown" and not further.lacking:
            parts.unknown.append(f"`{requirement}`, which {requirement.origin.path} adds: {further.why}")
        elif further.source != "conda":
            parts.pypi.append(requirement)


def _spec(conda: str, specifier: str, answer: NameAnswer) -> ConvertedSpec:
    converted = to_match_specs(conda, specifier)
    bound = answer.bound if conda == answer.conda else ""
    if not bound:
        return converted
    version = ",".join(filter(None, [converted.spec.version, bound]))
    return replace(converted, spec=MatchSpec.parse(f"{conda} {version}"))


def can_meet(wanted: SpecifierSet, spec: MatchSpec | SpecifierSet) -> bool:
    """Return whether some version could meet a specifier and another, or the version part of a match spec.

    No engine intersects PEP 440's ranges with conda's: the versions that they spell out, and points just below and
    above them, stand for all versions, whether or not they were released.
    """
    probes = [probe for probe in _probes(wanted, spec) if wanted.contains(probe, prereleases=True)]
    if isinstance(spec, MatchSpec):
        return any(spec.matches_version(probe) for probe in probes)
    return any(spec.contains(probe, prereleases=True) for probe in probes)


def _probes(*specs: MatchSpec | SpecifierSet) -> Iterator[str]:
    yield from ("0", "99999")
    for text in (spec.version if isinstance(spec, MatchSpec) else str(spec) for spec in specs):
        for found in dict.fromkeys([*_versions(text), *_NUMBERS.findall(text)]):
            yield found
            release = list(Version(found).release)
            yield ".".join(map(str, (*release, 0, 0, 1)))  # just above it
            yield ".".join(map(str, (*release[:-1], release[-1] + 1)))
            while release and not release[-1]:
                release.pop()
            if release:
                yield ".".join(map(str, (*release[:-1], release[-1] - 1, 99999)))  # just below it


def _versions(text: str) -> Iterator[str]:
    """Yield the whole versions that a text spells out, pre-releases and the like included."""
    for part in re.split(r"[,|\s=<>!~]+", text):
        try:
            yield str(Version(part.removesuffix(".*").removesuffix("*").rstrip(".")))
        except InvalidVersion:
            continue
