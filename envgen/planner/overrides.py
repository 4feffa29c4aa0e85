"""Overrides of what records say: the manifest's own, and bounds that upstream metadata lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from envgen.knowledge.caps import CapRule, cap_rules
from envgen.knowledge.names import name_table
from envgen.knowledge.version_ranges import covers
from envgen.mapping.name_mapper import NameMapper
from envgen.mapping.version_specs import to_match_specs
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import DEFAULT_MACOS, SUBDIRS, Platform
from envgen.models.record import Record
from envgen.models.requirement import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class _Override:
    distribution: str
    texts: tuple[str, ...]


def conda_overrides(
    overrides: Sequence[Requirement], mapper: NameMapper, platform: Platform
) -> Callable[[Record], Record] | None:
    """Return the function that puts overrides into a record, or None where none concerns conda.

    Each entry of a record's depends and constrains that names a package of an overridden distribution is replaced, its
    build included; where the override applies nowhere, it is taken away. The packages of one distribution need each
    other as before (matplotlib pins matplotlib-base), since that is how conda splits it. A lock has the records so
    changed: installing it resolves nothing, and the proof checks what the user said.

    MappingError: conda cannot express an override.
    """
    table: dict[str, _Override] = {}
    removed = removed_names(overrides, platform)
    for override in overrides:
        if override.name in removed or override.applies(platform.markers()):
            for conda in providers(mapper, override.name):
                known = table[conda].texts if conda in table else ()
                texts = () if override.name in removed else (str(to_match_specs(conda, override.specifier).spec),)
                table[conda] = _Override(distribution=override.name, texts=(*known, *texts))
    return _rewriter(table) if table else None


def _rewriter(table: Mapping[str, _Override]) -> Callable[[Record], Record]:
    def rewrite(record: Record) -> Record:
        own = table.get(record.name)
        others = {name: row.texts for name, row in table.items() if not own or row.distribution != own.distribution}
        depends, constrains = _replaced(record.depends, others), _replaced(record.constrains, others)
        if (depends, constrains) == (record.depends, record.constrains):
            return record
        return replace(record, depends=depends, constrains=constrains)

    return rewrite


def _replaced(entries: tuple[str, ...], table: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    texts = [text for entry in entries for text in table.get(MatchSpec.name_of(entry), (entry,))]
    return tuple(dict.fromkeys(texts))


def override_notes(
    overrides: Sequence[Requirement], before: Iterable[Record], after: Iterable[Record]
) -> tuple[str, ...]:
    """Return which records, as a channel has them, ask for something else than the overrides leave of it."""
    own = {record.url: record.depends for record in before}
    names = sorted(record.name for record in after if own.get(record.url, record.depends) != record.depends)
    if not names:
        return ()
    texts = ", ".join(f"`{override}`" for override in overrides)
    return (f"your overrides ({texts}) replace what these say: {', '.join(names)}",)


def removed_names(overrides: Sequence[Requirement], platform: Platform) -> frozenset[str]:
    """Return what overrides take away: those with a marker that is true nowhere, such as `name; python_version < "0"`.

    An override that applies to another platform only says nothing of this one, and takes nothing away.
    """
    somewhere = {override.name for override in overrides if _applies_somewhere(override, platform)}
    return frozenset(override.name for override in overrides) - somewhere


def removal(name: str) -> str:
    """Return the override that takes a name away, as uv reads it."""
    return f'{name}; python_version < "0"'


def _applies_somewhere(override: Requirement, platform: Platform) -> bool:
    mac = platform.macos or DEFAULT_MACOS
    others = (replace(platform, subdir=subdir, macos=mac if subdir.startswith("osx-") else "") for subdir in SUBDIRS)
    return any(override.applies(other.markers()) for other in others)


def amendments() -> Mapping[str, Callable[[Record], Record]]:
    """Map each conda name whose metadata lacks a bound to the function that adds it to a record's constrains.

    This is what conda-forge does for its own records by patching repodata; a release outside a rule is left alone.
    """
    rules: dict[str, list[CapRule]] = {}
    for rule in cap_rules():
        if "conda" in rule.halves:
            rules.setdefault(conda_name(rule.beside), []).append(rule)
    return {name: _amendment(tuple(found)) for name, found in rules.items()}


def conda_name(distribution: str) -> str:
    """Return the conda name of a distribution that a fact speaks of, from the table of names alone."""
    return next(iter(name_table().holders.get(distribution, ())), distribution)


def _amendment(rules: tuple[CapRule, ...]) -> Callable[[Record], Record]:
    def amend(record: Record) -> Record:
        bounds = [
            str(to_match_specs(conda_name(rule.distribution), rule.specifier).spec)
            for rule in rules
            if covers(rule.versions, record.version)
        ]
        missing = [bound for bound in bounds if bound not in record.constrains]
        return replace(record, constrains=(*record.constrains, *missing)) if missing else record

    return amend


def providers(mapper: NameMapper, distribution: str) -> tuple[str, ...]:
    """Return the channels' packages that provide a distribution, whole or in part; the one to ask for comes first.

    A bound on the distribution is a bound on each of them: records depend on `pyarrow` and on `pyarrow-core`.
    """
    answer = mapper.map_names([distribution])[distribution]
    if answer.source != "conda" or answer.conda is None:
        return ()
    others = (*answer.alternatives, *mapper.packages.twins(distribution), *name_table().holders.get(distribution, ()))
    found = [name for name in dict.fromkeys(others) if name != answer.conda and _provides(mapper, name, distribution)]
    return (answer.conda, *found)


def _provides(mapper: NameMapper, name: str, distribution: str) -> bool:
    record = mapper.packages.newest(name)
    return record is not None and mapper.provides(record, distribution)
