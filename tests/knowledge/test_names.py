"""Test that the facts about names and extras are in order."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envgen.knowledge.names import (
    ExtraList,
    Form,
    NameList,
    aliases,
    extra_table,
    is_main,
    is_native,
    is_tool,
    name_table,
)
from envgen.knowledge.tables import load_table, table_keys
from envgen.models.match_spec import MatchSpec, version_matches
from envgen.models.platform import SUBDIRS

CONDA_NAME = re.compile(r"[a-z0-9_][a-z0-9._-]{0,63}")


def test_the_projects_of_pypi_are_written_canonically() -> None:
    table = name_table()
    named = [*table.holders, *table.stand_ins, *table.never, *table.whole]
    assert [name for name in named if canonicalize_name(name) != name] == []


def test_the_packages_of_conda_have_names() -> None:
    table = name_table()
    named = {*table.contents, *table.nothing, *table.own, *table.packaged}
    named |= {conda for stand_in in table.stand_ins.values() for conda in stand_in.conda}
    assert [name for name in sorted(named) if not CONDA_NAME.fullmatch(name)] == []


def test_no_name_is_told_two_ways() -> None:
    table = name_table()
    assert set(table.never) & (set(table.stand_ins) | set(table.holders)) == set()
    assert set(table.stand_ins) & set(table.holders) == {"ninja", "tbb", "uv"}  # tools with a package beside them
    assert table.nothing & set(table.contents) == set()
    assert table.own & (table.nothing | set(table.contents)) == set()


def test_no_package_is_listed_twice() -> None:
    listed = [name for block in load_table("contents.toml", "pair", NameList) for name, _ in block.lines()]
    listed += [conda for form in load_table("contents.toml", "form", Form) for conda, _ in form.packages()]
    assert sorted(listed) == sorted(name_table().contents)


def test_holders_are_contents_backwards() -> None:
    table = name_table()
    pairs = {(conda, name) for conda, held in table.contents.items() for name in held}
    assert {(conda, name) for name, condas in table.holders.items() for conda in condas} == pairs
    assert table.holders["opencv-python"] == ("py-opencv",)
    assert table.holders["fastapi"] == ("fastapi-core",)


def test_packages_made_for_a_project_go_before_those_that_also_carry_it() -> None:
    table = name_table()
    for condas in table.holders.values():
        sizes = [len(table.contents[conda]) > 1 for conda in condas]
        assert sizes == sorted(sizes)


def test_bounds_and_exceptions_are_version_specs() -> None:
    table = name_table()
    assert version_matches(table.bounds["pyqt5", "pyqt"], "5.15.11")
    assert not version_matches(table.bounds["pyqt5", "pyqt"], "6.9.1")
    assert all(version_matches(spec, "1.0") in (True, False) for rules in table.packaged.values() for spec, _ in rules)
    assert table.packaged["pyqt"] == ((">=6dev0", ("pyqt6",)),)


def test_the_known_names_are_those_with_an_answer() -> None:
    known = name_table().known()
    assert {"torch", "sklearn", "opencv-python"} <= known
    assert "tk" not in known


def test_every_row_says_what_it_means_and_where_it_is_from() -> None:
    blocks = [block for key in table_keys("names.toml") for block in load_table("names.toml", key, NameList)]
    assert all(block.rule and block.source for block in blocks)
    forms = load_table("contents.toml", "form", Form)
    assert "`python-{}`" in next(form.rule for form in forms if form.conda == "python-{}")
    assert all(block.rule == block.why for block in load_table("extras.toml", "umbrella", ExtraList))


def test_extras_are_canonical_and_their_specs_parse() -> None:
    for (project, extra), fact in extra_table().items():
        assert (canonicalize_name(project), canonicalize_name(extra)) == (project, extra)
        assert all(MatchSpec.parse(text).name for text in fact.conda)
        assert set(fact.subdirs) <= set(SUBDIRS)
        assert bool(fact.subdirs) == (fact.kind == "variant")
        assert fact.why


@pytest.mark.parametrize("name", ["libxml2", "openssl", "git", "xorg-libx11", "_openmp_mutex", "hdf5", "qt6-main"])
def test_libraries_and_tools(name: str) -> None:
    assert is_native(name)


@pytest.mark.parametrize("name", ["numpy", "librosa", "libcst", "python-xxhash", "pyqt", "lightgbm", "redis-py"])
def test_python_packages(name: str) -> None:
    assert not is_native(name)


def test_tools() -> None:
    assert is_tool("nodejs")
    assert not is_tool("openssl")


def test_aliases_stand_for_requirements() -> None:
    for text in aliases().values():
        Requirement(text)
    assert aliases()["opencv"] == "opencv-python"
    told = {name: name_table().contents.get(name, ()) for name in aliases()}
    assert {name: held for name, held in told.items() if held and Requirement(aliases()[name]).name not in held} == {}


def test_projects_that_people_ask_for_by_name() -> None:
    assert is_main("numpy")
    assert not is_main("six")
