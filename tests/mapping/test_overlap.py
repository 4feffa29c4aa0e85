"""Test which bounds of the two worlds can be met together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from envgen.mapping.requirements import can_meet
from envgen.models.match_spec import MatchSpec

VERSIONS = ["0.9", "1.0", "1.1", "1.1.5", "1.2", "2.0", "2.0.1", "2.1", "3"]


@pytest.mark.parametrize(
    ("wanted", "spec", "expected"),
    [
        (">=2", "numpy", True),
        (">=2", "numpy *", True),
        (">=2", "numpy >=1.21,<3", True),
        (">=2", "numpy >=1.21,<2.0a0", False),
        (">=2", "numpy <2", False),
        (">=2", "numpy <=2", True),
        (">2", "numpy <=2", False),
        (">=2", "numpy 1.*", False),
        (">=2", "numpy 2.*", True),
        (">=2", "numpy >=1,<2|>=3", True),
        (">=2", "numpy 1.26.4 py312_0", False),
        ("==1.26.4", "numpy 1.26.4 py312_0", True),
        ("<2", "numpy >=2.0a0", False),
        ("<2", "numpy >=1.99", True),
        ("!=1.0", "numpy ==1.0", False),
        ("!=1.0", "numpy !=1.0", True),
        ("~=1.4", "numpy >=1.5,<1.6", True),
        ("~=1.4", "numpy >=2", False),
        ("==2.15.*", "numpy >=2.15,<2.16.0a0", True),
        (">=3", "openssl >=1.1.1w,<1.1.2a", False),
        ("<1.0", "x >=0", True),
        ("<0.0.1", "x >=0.0.0.5", True),
    ],
)
def test_a_match_spec(wanted: str, spec: str, expected: bool) -> None:
    assert can_meet(SpecifierSet(wanted), MatchSpec.parse(spec)) is expected


@given(
    st.lists(st.tuples(st.sampled_from([">=", "<", "<=", ">", "!=", "=="]), st.sampled_from(VERSIONS)), max_size=2),
    st.lists(st.tuples(st.sampled_from([">=", "<", "<=", ">", "!=", "=="]), st.sampled_from(VERSIONS)), max_size=2),
)
def test_what_a_version_shows_is_found(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    one, other = (SpecifierSet(",".join(map("".join, clauses))) for clauses in (first, second))
    seen = any(one.contains(version) and other.contains(version) for version in [*VERSIONS, "0.1", "1.15", "9"])
    assert not seen or can_meet(one, other)
    assert can_meet(one, other) == can_meet(other, one)
