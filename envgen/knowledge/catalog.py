"""List every fact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from envgen.knowledge.advice import command_rules, command_tools
from envgen.knowledge.caps import cap_rules
from envgen.knowledge.host import host_rules
from envgen.knowledge.incompatibilities import (
    clash_rules,
    exclusive_groups,
    group_members,
    moves,
    openmp_rules,
    stays,
    unnamed_contents,
)
from envgen.knowledge.names import ExtraList, Form, NameList, alias_rows, main_rows, native_names, tool_rows
from envgen.knowledge.releases import advices, bad_releases, companions
from envgen.knowledge.replacements import needless_extras, replaced_names, unwanted_channels, unwanted_packages
from envgen.knowledge.tables import Fact, Row, rows, table_keys
from envgen.knowledge.tensorflow import metal_choices, metal_releases, satellites, tensorflow_releases
from envgen.knowledge.wheels import builds, hidden_libraries, macos_floors, missing_wheels


def all_facts() -> tuple[Fact, ...]:
    """List every fact of the TensorFlow family and of its neighbours, by topic, in the tables' order."""
    return tuple(
        Fact(topic=topic, rule=row.rule, source=row.source, verified=row.verified)
        for topic, rows in _topics()
        for row in rows
    )


def _topics() -> Iterator[tuple[str, Sequence[Row]]]:
    yield "tensorflow wheels", tensorflow_releases()
    yield "tensorflow satellites", satellites()
    yield "tensorflow-metal", metal_releases()
    yield "tensorflow-metal choice", metal_choices()
    yield "missing bounds", cap_rules()
    yield "replaced names", replaced_names()
    yield "needless extras", needless_extras()
    yield "beside PyPI's TensorFlow", stays()
    yield "wheels in place of records", moves()
    yield "clashes", clash_rules()
    yield "OpenMP", openmp_rules()
    yield "one of a group", exclusive_groups()
    yield "stands in unnamed", unnamed_contents()
    yield "members of a group", group_members()
    yield "hidden libraries", hidden_libraries()
    yield "macOS floors", macos_floors()
    yield "no wheel", missing_wheels()
    yield "building from source", builds()
    yield "releases to avoid", bad_releases()
    yield "sets that misbehave", advices()
    yield "silent needs", companions()
    yield "names", told_names()
    yield "extras", told_extras()
    yield "commands", command_tools()
    yield "old advice", command_rules()
    yield "machines", host_rules()
    yield from _foreign_topics()


def _foreign_topics() -> Iterator[tuple[str, Sequence[Row]]]:
    """Yield the facts about what other people's files ask for."""
    yield "of no use on a Mac", unwanted_packages()
    yield "channels left out", unwanted_channels()
    yield "conda packages without Python", native_names()
    yield "conda programs", tool_rows()
    yield "main projects", main_rows()
    yield "conda aliases", alias_rows()


# Tell the tables of names and extras fact by fact.

NAMES, CONTENTS, EXTRAS = "names.toml", "contents.toml", "extras.toml"
_SHOWN = 6
_MEANINGS = {
    "stand_in": "conda packages that serve for {names}",
    "never": "no conda package is {names}",
    "whole": "conda's package of the same name is right for {names}",
    "bound": "conda packages that must meet a bound to be {names}",
    "packaged": "versions that hold something else: {names}",
    "pair": "what conda's packages hold: {names}",
    "nothing": "conda packages that hold no distribution: {names}",
    "own": "conda packages that hold a distribution of their own name: {names}",
    "umbrella": "one conda package brings the extra: {names}",
    "partly": "one conda package brings most of the extra: {names}",
    "package": "conda packages that an extra adds: {names}",
    "variant": "builds that an extra chooses: {names}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRow:
    """One block of a table of names, in words."""

    rule: str
    source: str
    verified: date


def told_names() -> tuple[ToldRow, ...]:
    """Return the tables of names, a row for each of their blocks."""
    return tuple(_forms()) + tuple(row for file in (CONTENTS, NAMES) for row in _lists(file))


def told_extras() -> tuple[ToldRow, ...]:
    """Return the table of extras, a row for each of its blocks."""
    return tuple(
        _told(key, block.names.strip().splitlines(), block.why, block.source, block.verified)
        for key in table_keys(EXTRAS)
        for block in rows(EXTRAS, key, ExtraList)
    )


def _forms() -> Iterator[ToldRow]:
    for form in rows(CONTENTS, "form", Form):
        names = form.distributions.split()
        yield ToldRow(rule=f"{form.rule}: {_listed(names)}", source=form.source, verified=form.verified)


def _lists(file: str) -> Iterator[ToldRow]:
    for key in table_keys(file):
        for block in rows(file, key, NameList) if key != "form" else ():
            text = block.names.strip()
            entries = text.splitlines() if ":" in text else text.split()
            yield _told(key, [*entries, *block.tools.split()], block.why, block.source, block.verified)


def _told(key: str, entries: list[str], why: str, source: str, verified: date) -> ToldRow:
    names = [entry.partition(":")[0].strip() for entry in entries]
    told = _MEANINGS.get(key, "{names}").format(names=_listed(names))
    return ToldRow(rule=f"{told}: {why}", source=source, verified=verified)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
