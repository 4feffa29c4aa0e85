"""Test that every table is read, whole, and says where each fact is from."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from importlib.resources import files

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envgen.knowledge import caps, incompatibilities, releases, replacements, tensorflow, wheels
from envgen.knowledge.catalog import all_facts, extra_facts
from envgen.knowledge.tables import table_keys

TABLES = {
    "advice.toml": ("rule", "tool"),
    "backwards.toml": ("alias", "main", "native", "tool"),
    "beside.toml": ("move", "pair", "stay"),
    "builds.toml": ("build",),
    "caps.toml": ("cap",),
    "clash.toml": ("clash", "openmp"),
    "exclusive.toml": ("group", "member", "unnamed"),
    "host.toml": ("finding",),
    "libraries.toml": ("library",),
    "macos.toml": ("floor",),
    "metal.toml": ("choice", "release"),
    "releases.toml": ("advice", "companion", "release"),
    "replaced.toml": ("extra", "name"),
    "tensorflow.toml": ("release", "satellite"),
    "unwanted.toml": ("channel", "package"),
    "wheels.toml": ("missing",),
}
NAME_TABLES = {
    "contents.toml": ("form", "nothing", "own", "pair"),
    "extras.toml": ("package", "partly", "umbrella", "variant"),
    "names.toml": ("bound", "never", "packaged", "stand_in", "whole"),
}


def test_no_table_is_left_unread() -> None:
    found = {path.name for path in files("envgen.knowledge").iterdir() if path.name.endswith(".toml")}
    assert found == set(TABLES | NAME_TABLES)


@pytest.mark.parametrize("file", TABLES | NAME_TABLES)
def test_no_rows_are_left_unread(file: str) -> None:
    assert table_keys(file) == (TABLES | NAME_TABLES)[file]


def test_every_fact_has_words_a_source_and_a_day() -> None:
    for fact in all_facts():
        assert len(fact.rule) > 10
        assert fact.source
        assert not fact.rule.endswith(".")
        assert date(2025, 1, 1) < fact.verified <= date(2026, 11, 23)


def test_blocks_of_names_are_told_in_words() -> None:
    rules = [fact.rule for fact in all_facts() if fact.topic in ("names", "extras")]
    assert not [rule for rule in rules if re.search(r"[a-z]_[a-z_]+ (that|of|which)", rule)]
    assert any(rule.startswith("builds that an extra chooses: ") for rule in rules)


def test_no_fact_is_listed_twice() -> None:
    listed = Counter((fact.topic, fact.rule) for fact in all_facts())
    assert [rule for rule, count in listed.items() if count > 1] == []


def test_each_table_has_facts() -> None:
    topics = {fact.topic for fact in all_facts()}
    assert {"names", "extras"} < topics
    assert len(topics) == sum(map(len, TABLES.values())) + 2


SPECIFIERS = [
    *(row.versions for row in tensorflow.tensorflow_releases()),
    *(row.versions for row in tensorflow.satellites()),
    *(row.fits for row in tensorflow.satellites() if row.fits != "minor"),
    *(row.links for row in tensorflow.metal_releases()),
    *(row.tensorflow for row in tensorflow.metal_choices()),
    *(text for row in caps.cap_rules() for text in (row.versions, row.specifier)),
    *(text for row in incompatibilities.clash_rules() for text in (row.beside_versions, row.versions, row.fixed)),
    *(row.specifier for row in incompatibilities.replacement_wheels()),
    *(row.versions for row in wheels.missing_wheels()),
    *(row.versions for row in wheels.macos_floors()),
    *(row.versions for row in releases.bad_releases()),
    *(row.tensorflow for row in releases.companion_rules()),
]


def test_every_range_is_one() -> None:
    for text in SPECIFIERS:
        SpecifierSet(text)


def test_distributions_are_canonical() -> None:
    names = {name for row in incompatibilities.pypi_only_rules() for name in row.names}
    names |= {row.distribution for row in incompatibilities.replacement_wheels()}
    names |= {name for row in caps.cap_rules() for name in (row.beside, row.distribution)}
    names |= {
        name for row in incompatibilities.clash_rules() for name in (*row.beside, *row.unless, row.distribution) if name
    }
    names |= {name for row in incompatibilities.exclusive_groups() for name in row.distributions}
    names |= {row.name for row in wheels.missing_wheels()} | {row.name for row in wheels.macos_floors()}
    names |= {row.name for row in releases.bad_releases()} | {row.name for row in replacements.replaced_names()}
    names |= {row.name for row in tensorflow.satellites()}
    assert {name for name in names if canonicalize_name(name) != name} == set()


def test_the_words_for_builds_that_an_extra_chooses() -> None:
    rules = [fact.rule for fact in extra_facts()]
    assert any(rule.startswith("builds that an extra chooses: jax cuda, ") for rule in rules)
