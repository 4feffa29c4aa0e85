"""Test that conda's names and specs are told in PyPI's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from envgen.knowledge.names import NameTable, name_table
from envgen.mapping.conda_to_pypi import CondaToPypi, to_specifier
from envgen.mapping.name_mapper import NameMapper
from envgen.mapping.version_specs import to_match_specs
from envgen.models.match_spec import version_matches
from tests.fakes.memory_channel import FakeRepodata, library, package

LISTED = [
    package("numpy", "1.26"),
    package("pytorch", "2.1"),
    package("strange-name", "1.0"),
    library("libfoo"),
    library("typing-extensions", "4.0", depends=["typing_extensions >=4"]),
    package("typing_extensions", "4.0"),
    library("umbrella", "2.0", depends=["umbrella-core ==2.0", "numpy"]),
    package("umbrella-core", "2.0"),
    package("umbrella-core-with-tools", "2.0", depends=["umbrella-core"]),
    library("tools", "2.0", depends=["umbrella-core-with-tools ==2.0"]),
    library("over", "2.0", depends=["numpy >=1"]),
    package("py-opencv", "4.6"),
    library("opencv", "4.6", depends=["py-opencv ==4.6"]),
    library("alone", depends=["gone ==1.0"]),
]


def conda_to_pypi() -> CondaToPypi:
    mapper = NameMapper(repodata=FakeRepodata(listed=LISTED), table=name_table(), overrides={}, python="3.12")
    return CondaToPypi(mapper)


def test_many_packages_are_read_in_one_go() -> None:
    repodata = FakeRepodata(listed=LISTED)
    names = CondaToPypi(NameMapper(repodata=repodata, table=name_table(), overrides={}, python="3.12"))
    names.read(["numpy", "pytorch"])
    assert [names.has(name) for name in ("numpy", "pytorch")] == [True, True]
    assert repodata.reads == [frozenset({"numpy", "pytorch"})]


def test_the_conda_package_of_a_project() -> None:
    names = conda_to_pypi()
    assert [names.conda_of(project) for project in ("torch", "numpy", "sklearn", "nowhere")] == [
        "pytorch",
        "numpy",
        "",
        "",
    ]
    assert CondaToPypi().conda_of("numpy") == ""


@pytest.mark.parametrize(
    ("conda", "requirement", "certain", "known"),
    [
        ("numpy", "numpy", True, True),
        ("pytorch", "torch", True, True),
        ("strange-name", "strange-name", True, True),
        ("libfoo", "", True, True),
        ("typing-extensions", "typing-extensions", True, True),
        ("umbrella", "umbrella-core", True, True),
        ("tools", "", True, True),
        ("over", "", True, True),
        ("alone", "", True, True),
        ("opencv", "opencv-python", True, True),
        ("absent", "absent", False, False),
        ("libabsent", "", True, False),
        ("_absent", "", True, False),
        ("absent_", "", True, False),
    ],
)
def test_names_by_a_channel(conda: str, requirement: str, certain: bool, known: bool) -> None:
    found = conda_to_pypi().of(conda)
    assert (found.requirement, found.certain, found.known) == (requirement, certain, known)
    assert found.why


@pytest.mark.parametrize(
    ("conda", "requirement"),
    [
        ("pytorch", "torch"),
        ("matplotlib-base", "matplotlib"),
        ("py-xgboost", "xgboost"),
        ("pytables", "tables"),
        ("opencv", "opencv-python"),
        ("libxml2", ""),
        ("ffmpeg", ""),
        ("numpy", "numpy"),
    ],
)
def test_names_without_a_channel(conda: str, requirement: str) -> None:
    assert CondaToPypi().of(conda).requirement == requirement


def test_a_package_that_is_the_best_for_nothing_stands_for_the_first_that_it_holds() -> None:
    table = NameTable(contents={"x-all": ("b", "a")}, holders={"a": ("a-core", "x-all"), "b": ("b-core",)})
    assert CondaToPypi(table=table).of("x-all").requirement == "b"


def test_what_is_asked_of_the_channel() -> None:
    found, blind = conda_to_pypi(), CondaToPypi()
    found.read(["numpy"])
    assert (found.complete, blind.complete) == (True, False)
    assert (found.has("numpy"), found.has("absent"), blind.has("numpy")) == (True, False, False)
    assert found.versions("numpy") == {"1.26"}
    assert blind.versions("numpy") == frozenset()
    assert found.conda_of("torch") == "pytorch"
    assert (found.conda_of("absent"), blind.conda_of("torch")) == ("", "")
    assert found.depends_of("umbrella", "2.0") == {"umbrella-core", "numpy"}
    assert found.depends_of("umbrella", "1.0") == {"umbrella-core", "numpy"}
    assert blind.depends_of("numpy") == frozenset()
    blind.read(["numpy"])


def test_an_index_in_part_is_not_seen_whole() -> None:
    repodata = FakeRepodata(listed=LISTED, complete=False)
    mapper = NameMapper(repodata=repodata, table=name_table(), overrides={}, python="3.12")
    assert not CondaToPypi(mapper).complete


@pytest.mark.parametrize(
    ("version", "specifier"),
    [
        ("", ""),
        ("*", ""),
        (">=*", ""),
        ("=1.2", "==1.2.*"),
        ("=1.2.3", "==1.2.3.*"),
        ("=1.2.*", "==1.2.*"),
        ("1.2.*", "==1.2.*"),
        ("==1.2.*", "==1.2.*"),
        ("1.2", "==1.2"),
        ("==1.2", "==1.2"),
        ("=2023.3.post1", "==2023.3.post1"),
        (">=1.2,<2", ">=1.2,<2"),
        ("<1.23.0,>=1.19.5", "<1.23.0,>=1.19.5"),
        ("!=1.5", "!=1.5"),
        ("!=1.5.*", "!=1.5.*"),
        (">=1.*", ">=1"),
        ("~=1.4.2", "~=1.4.2"),
        ("~=1", ">=1"),
        ("1.2|1.3", None),
        ("(>=1)", None),
        ("9e", None),
        (">=1.1.1w", None),
        ("===", None),
    ],
)
def test_version_specs(version: str, specifier: str | None) -> None:
    assert to_specifier(version) == specifier


NUMBERS = st.lists(st.integers(0, 12), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
CLAUSES = st.tuples(st.sampled_from(["", "=", "==", ">=", "<=", "<", ">", "!="]), NUMBERS, st.sampled_from(["", ".*"]))


# without `==1.2.*`: libmamba reads the series, which people mean by it, and rattler 1.2 alone
@given(CLAUSES.filter(lambda one: not one[2] or one[0] in ("", "=", "!=")), NUMBERS)
def test_a_spec_admits_the_same_releases_in_both_worlds(clause: tuple[str, str, str], release: str) -> None:
    spec = "".join(clause)
    specifier = to_specifier(spec)
    assert specifier is not None
    assert SpecifierSet(specifier).contains(release) == version_matches(spec, release)


@given(NUMBERS)
def test_a_series_comes_back(release: str) -> None:
    specifier = to_specifier(f"={release}") or ""
    assert to_match_specs("x", specifier).spec.matches_version(f"{release}.1")
