"""The catalog of every fact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from envgen.knowledge.advice import command_rules, command_tools, host_rules
from envgen.knowledge.caps import cap_rules
from envgen.knowledge.incompatibilities import (
    clash_rules,
    exclusive_groups,
    group_members,
    openmp_rules,
    pair_rules,
    pypi_only_rules,
    replacement_wheels,
    unnamed_contents,
)
from envgen.knowledge.names import (
    ExtraList,
    Form,
    NameList,
    alias_lists,
    native_names,
    requested_programs,
    requested_projects,
)
from envgen.knowledge.releases import bad_releases, companion_rules, release_advices
from envgen.knowledge.replacements import needless_extras, replaced_names, unwanted_channels, unwanted_packages
from envgen.knowledge.tables import Fact, Row, load_table, table_keys
from envgen.knowledge.tensorflow import metal_choices, metal_releases, satellites, tensorflow_releases
from envgen.knowledge.wheels import all_build_needs, hidden_libraries, macos_floors, missing_wheels

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


def all_facts() -> tuple[Fact, ...]:
    """Return every fact of the TensorFlow family and of its neighbours, by topic, in the tables' order."""
    return tuple(
        Fact(topic=topic, rule=row.rule, source=row.source, verified=row.verified)
        for topic, facts in _topics()
        for row in facts
    )


def _topics() -> Iterator[tuple[str, Sequence[Row]]]:
    yield "tensorflow wheels", tensorflow_releases()
    yield "tensorflow satellites", satellites()
    yield "tensorflow-metal", metal_releases()
    yield "tensorflow-metal choice", metal_choices()
    yield "missing bounds", cap_rules()
    yield "replaced names", replaced_names()
    yield "needless extras", needless_extras()
    yield "beside PyPI's TensorFlow", pypi_only_rules()
    yield "wheels in place of records", replacement_wheels()
    yield "from one half", pair_rules()
    yield "clashes", clash_rules()
    yield "OpenMP", openmp_rules()
    yield "one of a group", exclusive_groups()
    yield "stands in unnamed", unnamed_contents()
    yield "members of a group", group_members()
    yield "hidden libraries", hidden_libraries()
    yield "macOS floors", macos_floors()
    yield "no wheel", missing_wheels()
    yield "building from source", all_build_needs()
    yield "releases to avoid", bad_releases()
    yield "sets that misbehave", release_advices()
    yield "silent needs", companion_rules()
    yield "names", name_facts()
    yield "extras", extra_facts()
    yield "commands", command_tools()
    yield "old advice", command_rules()
    yield "machines", host_rules()
    yield "of no use on a Mac", unwanted_packages()
    yield "channels left out", unwanted_channels()
    yield "conda packages without Python", native_names()
    yield "conda programs", requested_programs()
    yield "main projects", requested_projects()
    yield "conda aliases", alias_lists()


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFact:
    """One block of a table of names, whose names share what is true of them, in words."""

    rule: str
    source: str
    verified: date


def name_facts() -> tuple[BlockFact, ...]:
    """Return the tables of names, a fact for each of their blocks."""
    facts = []
    for form in load_table("contents.toml", "form", Form):
        listed = _listed(form.distributions.split())
        facts.append(BlockFact(rule=f"{form.rule}: {listed}", source=form.source, verified=form.verified))
    for file in ("contents.toml", "names.toml"):
        for key in table_keys(file):
            for block in load_table(file, key, NameList) if key != "form" else ():
                text = block.names.strip()
                entries = text.splitlines() if ":" in text else text.split()
                facts.append(_block_fact(key, [*entries, *block.tools.split()], block))
    return tuple(facts)


def extra_facts() -> tuple[BlockFact, ...]:
    """Return the table of extras, a fact for each of its blocks."""
    return tuple(
        _block_fact(key, block.names.strip().splitlines(), block)
        for key in table_keys("extras.toml")
        for block in load_table("extras.toml", key, ExtraList)
    )


def _block_fact(key: str, entries: list[str], block: NameList | ExtraList) -> BlockFact:
    names = _listed([entry.partition(":")[0].strip() for entry in entries])
    meaning = _MEANINGS.get(key, "{names}").format(names=names)
    return BlockFact(rule=f"{meaning}: {block.why}", source=block.source, verified=block.verified)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
