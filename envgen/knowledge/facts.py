"""List every fact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.knowledge.advice import command_rules, command_tools
from envgen.knowledge.backwards import alias_rows, main_rows, native_names, tool_rows
from envgen.knowledge.beside import moves, stays
from envgen.knowledge.builds import builds
from envgen.knowledge.caps import cap_rules
from envgen.knowledge.clash import clash_rules, openmp_rules
from envgen.knowledge.exclusive import exclusive_groups, group_members, unnamed_contents
from envgen.knowledge.host import host_rules
from envgen.knowledge.libraries import hidden_libraries
from envgen.knowledge.metal import metal_choices, metal_releases
from envgen.knowledge.releases import advices, bad_releases, companions
from envgen.knowledge.replaced import needless_extras, replaced_names
from envgen.knowledge.table import Fact, Row
from envgen.knowledge.tensorflow import satellites, tensorflow_releases
from envgen.knowledge.told import told_extras, told_names
from envgen.knowledge.unwanted import unwanted_channels, unwanted_packages
from envgen.knowledge.wheels import macos_floors, missing_wheels


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
    """Give the facts about what other people's files ask for."""
    yield "of no use on a Mac", unwanted_packages()
    yield "channels left out", unwanted_channels()
    yield "conda packages without Python", native_names()
    yield "conda programs", tool_rows()
    yield "main projects", main_rows()
    yield "conda aliases", alias_rows()
