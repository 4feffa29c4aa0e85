"""The extras of PyPI's projects on the conda side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.utils import canonicalize_name

from envgen.knowledge.names import ExtraFact, extra_table
from envgen.mapping.channel_packages import ChannelPackages, depends_names, distributions_of, fits_python, newest_record
from envgen.mapping.name_mapper import NameAnswer
from envgen.mapping.version_specs import to_pep440
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import WheelMetadata

Metadata = Callable[[str, str], WheelMetadata | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraAnswer:
    """What the extras of one requirement are on the conda side.

    `umbrella` is the package to take instead of the bare one, or None; `packages` are conda names, `variants` match
    specs to add; `requirements` are what the metadata adds, to be mapped in turn.
    """

    umbrella: str | None = None
    packages: tuple[str, ...] = ()
    variants: tuple[MatchSpec, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(kw_only=True)
class _Found:
    umbrella: str | None = None
    packages: list[str] = field(default_factory=list)
    variants: list[MatchSpec] = field(default_factory=list)
    expanded: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraFinder:
    """A search for extras: in the table, as outputs of their own, else in the metadata of what conda will install.

    `metadata` reads a release of PyPI's, or gives None where it cannot be had.
    """

    packages: ChannelPackages
    platform: Platform
    metadata: Metadata
    table: Mapping[tuple[str, str], ExtraFact] = field(default_factory=extra_table)

    def find(self, requirement: Requirement, answer: NameAnswer, spec: MatchSpec) -> ExtraAnswer:
        """Return what the extras of a requirement are, whose bare package conda has as the answer and spec say."""
        found = _Found()
        for extra in requirement.extras:
            fact = self.table.get((requirement.name, extra))
            if fact:
                answered = self._from_table(found, fact, f"{requirement.name}[{extra}]")
            else:
                answered = self._from_outputs(found, requirement.name, extra, answer)
            found.expanded += [] if answered else [extra]
        added = tuple(self._expand(requirement, spec, found)) if found.expanded else ()
        return ExtraAnswer(
            umbrella=found.umbrella,
            packages=tuple(found.packages),
            variants=tuple(found.variants),
            requirements=added,
            notes=tuple(found.notes),
        )

    def _from_table(self, found: _Found, fact: ExtraFact, text: str) -> bool:
        """Apply a fact; return whether it answers the extra whole."""
        if fact.kind == "variant":
            if self.platform.subdir in fact.subdirs:
                found.variants.extend(MatchSpec.parse(spec) for spec in fact.conda)
            else:
                found.notes.append(f"`{text}` is left out: there are no such builds for {self.platform.subdir}")
            return True
        have = [name for name in fact.conda if name in self.packages.names]
        if have != list(fact.conda):
            return False
        if fact.kind == "package":
            found.packages.extend(have)
        else:
            found.umbrella = have[0]
        return fact.kind != "partly"

    def _from_outputs(self, found: _Found, project: str, extra: str, answer: NameAnswer) -> bool:
        """Take the output of the same feedstock that is named after the extra; return whether there is one."""
        names = dict.fromkeys((answer.conda, *answer.alternatives, *self.packages.twins(project)))
        bases = [name for name in names if name]
        for base in (*bases, project):
            for form in (f"{base}-with-{extra}", f"{base}-{extra}"):
                for name in self.packages.twins(canonicalize_name(form)):
                    if self._is_output(name, bases, named="-with-" in form):
                        found.packages.append(name)
                        return True
        return False

    def _is_output(self, name: str, bases: Sequence[str], *, named: bool) -> bool:
        """Return whether a package is an output over one of the bases: it depends on it, and is no project of its own.

        `X-EXTRA` must also have the base's version: the package of another feedstock may be named so.
        """
        record = self.packages.newest(name)
        if record is None or distributions_of(record):
            return False
        below = depends_names(record).intersection(bases)
        versions = {other.version for base in below for other in self.packages.records(base)}
        return bool(below) if named else record.version in versions

    def _expand(self, requirement: Requirement, spec: MatchSpec, found: _Found) -> Iterator[Requirement]:
        """Yield what the metadata of the release that conda will install adds for the extras, with their extras."""
        text = f"{requirement.name}[{','.join(found.expanded)}]"
        version = self._version(spec)
        metadata = self.metadata(requirement.name, version) if version else None
        if metadata is None:
            release = f"{requirement.name} {version}" if version else f"a release of {requirement.name}"
            found.notes.append(f"`{text}`: what the extra adds is not known: the metadata of {release} cannot be had")
            return
        known = {canonicalize_name(extra) for extra in metadata.provides_extra}
        found.notes.extend(
            f"`{requirement.name}[{extra}]` is left out: {metadata.name} {version} has no such extra"
            for extra in found.expanded
            if extra not in known
        )
        parsed = list(_parsed(metadata, Origin(path=text, line=requirement.origin.line), found))
        yield from _added(canonicalize_name(metadata.name), parsed, found.expanded, self.platform.markers())

    def _version(self, spec: MatchSpec) -> str | None:
        """Return the version that conda will install, as PEP 440 writes it: the newest that the spec admits."""
        records = self.packages.records(spec.name)
        fitting = [one for one in records if spec.matches_version(one.version)]
        record = newest_record([one for one in fitting if fits_python(one, self.platform.python)])
        return to_pep440(record.version) if record else None


def _parsed(metadata: WheelMetadata, origin: Origin, found: _Found) -> Iterator[Requirement]:
    """Read the requirements that belong to an extra; note those that are none."""
    for text in metadata.requires_dist:
        if "extra" not in text:
            continue  # most belong to none, and parsing takes longer than this look
        try:
            yield Requirement.parse(text, origin)
        except ValueError as error:
            found.notes.append(f"a line of the metadata of {metadata.name} {metadata.version} is left out: {error}")


def _added(
    own: str, parsed: Sequence[Requirement], extras: Sequence[str], markers: Mapping[str, str]
) -> Iterator[Requirement]:
    """Yield the requirements that extras add, without their markers, which hold for the target.

    Those that name the project itself with other extras are followed.
    """
    queue, seen = list(extras), set(extras)
    given: set[str] = set()
    while queue:
        extra = queue.pop(0)
        for item in parsed:
            if item.applies(markers) or not item.applies(markers, extra):
                continue
            if item.name == own:
                queue.extend(name for name in item.extras if name not in seen)
                seen.update(item.extras)
            elif str(item) not in given:
                given.add(str(item))
                yield replace(item, text=str(item), marker="")
