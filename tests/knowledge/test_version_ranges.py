"""Test the comparison of versions with ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.knowledge.version_ranges import (
    covers,
    escapes,
    joined,
    minor_of,
    named_versions,
    overlaps,
    satisfies,
    to_numbers,
    to_version,
)


@pytest.mark.parametrize(
    ("scope", "version", "expected"),
    [
        pytest.param(">=2.20", "2.20.0", True, id="at the edge"),
        pytest.param(">=2.20", "2.22.0rc0", True, id="a pre-release is the release it is named after"),
        pytest.param("<2.20", "2.20.0rc0", False, id="so it is not below it"),
        pytest.param("<=2.15.0", "2.15.0.post1", False, id="a post release is another release"),
        pytest.param("==2.19.1", "2.19.1+cpu", True, id="a local build is the release"),
        pytest.param("<=21", "21.0.0", True, id="zeros do not count"),
        pytest.param(">=9", "9e", True, id="conda's letters are cut off"),
        pytest.param("==0", "custom", True, id="no number at all is 0"),
    ],
)
def test_covers(scope: str, version: str, expected: bool) -> None:
    assert covers(scope, version) is expected


def test_satisfies_takes_the_users_word() -> None:
    assert satisfies(">=2.20rc0", "2.20rc0")
    assert not satisfies(">=2.20", "2.20rc0")


@pytest.mark.parametrize(
    ("specifiers", "expected"),
    [
        pytest.param((">=2.2", "<2.2"), False, id="touching, open"),
        pytest.param((">=2.2", "<=2.2"), True, id="touching, closed"),
        pytest.param((">2.1", "<2.2"), True, id="between two ends"),
        pytest.param((">2.2", "<2.2"), False, id="apart"),
        pytest.param(("==2.15.*", "<2.17"), True, id="a prefix inside"),
        pytest.param(("==2.17.*", "<2.17"), False, id="a prefix outside"),
        pytest.param(("~=2.16.0", ">=2.16.2"), True, id="compatible release"),
        pytest.param(("==1.26.4", "!=1.26.4"), False, id="excluded"),
        pytest.param(("", "<1"), True, id="no bound"),
        pytest.param((">=1", ">=3", "<4"), True, id="three"),
        pytest.param(("==2.15.0", "==2.16.2"), False, id="two pins"),
    ],
)
def test_overlaps(specifiers: tuple[str, ...], expected: bool) -> None:
    assert overlaps(*specifiers) is expected


VERSIONS = st.builds(lambda a, b, c: f"{a}.{b}.{c}", *[st.integers(0, 3)] * 3)
CLAUSES = st.builds(
    lambda op, version: f"{op}{version}", st.sampled_from([">=", ">", "<=", "<", "==", "!=", "~="]), VERSIONS
)
SPECIFIERS = st.lists(CLAUSES, max_size=3).map(",".join)


@given(SPECIFIERS, SPECIFIERS, VERSIONS)
def test_what_a_version_meets_overlaps(first: str, second: str, version: str) -> None:
    if satisfies(first, version) and satisfies(second, version):
        assert overlaps(first, second)


@given(SPECIFIERS, SPECIFIERS, VERSIONS)
def test_what_a_version_escapes_escapes(first: str, second: str, version: str) -> None:
    if satisfies(first, version) and not covers(second, version):
        assert escapes(first, (second,))


@pytest.mark.parametrize(
    ("specifier", "scopes", "expected"),
    [
        pytest.param("==2.15.*", ("<2.17",), False, id="inside"),
        pytest.param(">=2.15", ("<2.17",), True, id="beyond"),
        pytest.param("", (">=0",), False, id="everything is covered"),
        pytest.param("", (), True, id="no fact"),
        pytest.param("<2", ("<1", ">=1"), False, id="two facts cover it together"),
    ],
)
def test_escapes(specifier: str, scopes: tuple[str, ...], expected: bool) -> None:
    assert escapes(specifier, scopes) is expected


def test_named_versions_are_sorted_and_bare() -> None:
    assert named_versions("==2.15.*,>=2.9,<2.10") == ("2.9", "2.10", "2.15")


def test_small_readers() -> None:
    assert minor_of("2.19.1") == "2.19"
    assert minor_of("9e") == "9.0"
    assert to_numbers("12.5") == (12, 5)
    assert joined(">=2", "", "<3") == "<3,>=2"
    assert to_version("1.9_3").release == (1, 9)
