"""Put the manifest's overrides in the place of what conda's records say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from envgen.lock.package_fields import depend_name
from envgen.mapping.name_mapper import NameMapper
from envgen.mapping.version_specs import to_match_specs
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.requirement import Requirement
from envgen.plan.holders import holders
from envgen.plan.removals import removed_names


@dataclass(frozen=True, slots=True, kw_only=True)
class _Override:
    distribution: str
    texts: tuple[str, ...]


def conda_overrides(
    overrides: Sequence[Requirement], mapper: NameMapper, platform: Platform
) -> Callable[[Record], Record] | None:
    """Give the function that puts overrides into a record, or None where none concerns conda.

    Each entry of a record's depends and constrains that names a package of an overridden distribution is replaced, its
    build included; where the override holds nowhere, it is taken away. The packages of one distribution need each other
    as before (matplotlib pins matplotlib-base), since that is how conda splits it. A lock holds the records so changed,
    as it holds what its wheels require: installing it resolves nothing, and the proof checks what the user said.

    MappingError: conda cannot express an override.
    """
    table: dict[str, _Override] = {}
    removed = removed_names(overrides, platform)
    for override in overrides:
        if override.name in removed or override.applies(platform.markers()):
            for conda in holders(mapper, override.name):
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
    texts = [text for entry in entries for text in table.get(depend_name(entry), (entry,))]
    return tuple(dict.fromkeys(texts))


def override_notes(
    overrides: Sequence[Requirement], before: Iterable[Record], after: Iterable[Record]
) -> tuple[str, ...]:
    """Say which records, as a channel has them, ask for something else than the overrides leave of it."""
    own = {record.url: record.depends for record in before}
    names = sorted(record.name for record in after if own.get(record.url, record.depends) != record.depends)
    if not names:
        return ()
    texts = ", ".join(f"`{override}`" for override in overrides)
    return (f"your overrides ({texts}) replace what these say: {', '.join(names)}",)
