"""Test the translation of version specifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from envgen.errors import MappingError
from envgen.mapping.version_specs import came_true, to_match_specs, to_pep440
from envgen.models.match_spec import version_matches


@pytest.mark.parametrize(
    ("pep440", "conda"),
    [
        ("", ""),
        (">=1.4.2", ">=1.4.2"),
        ("<=1.5", "<=1.5"),
        (">1.7.post1", ">1.7.post1"),
        ("<2.0", "<2dev0"),
        ("<2", "<2dev0"),
        ("<0.0", "<0dev0"),
        ("<1.10", "<1.10dev0"),
        ("<1!2.0", "<1!2dev0"),
        ("<2.0rc1", "<2.0rc1"),
        ("<2.0.post1", "<2.0.post1"),
        ("==1.0", "==1.0"),
        ("==1.4.*", "1.4.*"),
        ("==1!2.*", "1!2.*"),
        ("!=1.5", "!=1.5"),
        ("!=1.5.*", "!=1.5.*"),
        ("!=1.0+cpu", "!=1.0+cpu"),
        ("~=1.4.2", ">=1.4.2,1.4.*"),
        ("~=1.4", ">=1.4,1.*"),
        ("~=2.2.post3", ">=2.2.post3,2.*"),
        ("~=1!2.0", ">=1!2.0,1!2.*"),
        (">=1.0.dev0", ">=1.0dev0"),
        (">=1.0a1.dev2", ">=1.0a1.dev2"),
        ("==1.0.dev1", "==1.0.dev1"),
        (">=1!2.0", ">=1!2.0"),
        (" >= 1.0 , < 2.0 ", ">=1.0,<2dev0"),
        (">=1.5,==1.*", ">=1.5,1.*"),
        ("!=1.5.*,<2.0,>=1.0", ">=1.0,<2dev0,!=1.5.*"),
        (">=1.0RC1", ">=1.0rc1"),
        ("==v1.0", "==1.0"),
    ],
)
def test_a_specifier_is_translated(pep440: str, conda: str) -> None:
    converted = to_match_specs("pkg", pep440)
    assert str(converted.spec) == f"pkg {conda}".strip()
    assert converted.notes == ()


@pytest.mark.parametrize(
    ("pep440", "conda", "note"),
    [
        ("==1.0+cpu", "==1.0", "`+cpu` is left out"),
        ("===1.0", "==1.0", "read as `==1.0`"),
        (">1.7", ">1.7", "also admits 1.7.post1"),
    ],
)
def test_a_changed_meaning_is_noted(pep440: str, conda: str, note: str) -> None:
    converted = to_match_specs("pkg", pep440)
    assert converted.spec.version == conda
    assert len(converted.notes) == 1
    assert note in converted.notes[0]


def test_a_note_names_the_requirement_once() -> None:
    converted = to_match_specs("torch", ">1.0,>2.0")
    assert [note.split(":")[0] for note in converted.notes] == ["`torch>1.0`", "`torch>2.0`"]


@pytest.mark.parametrize("pep440", ["===1.0-custom_build!", "===anything", "=>1", ">=banana"])
def test_what_conda_cannot_express_is_refused(pep440: str) -> None:
    with pytest.raises(MappingError, match="cannot") as caught:
        to_match_specs("pkg", pep440)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("conda", "pep440"),
    [
        ("1.2.3", "1.2.3"),
        ("1.0.post1", "1.0.post1"),
        ("2.0rc1", "2.0rc1"),
        ("1!2.0", "1!2.0"),
        ("2026.07.22", "2026.7.22"),
        ("1.1.1w", None),
        ("9e_2", None),
        ("1.2.3_1", None),
    ],
)
def test_conda_versions_become_pep_440_where_they_can(conda: str, pep440: str | None) -> None:
    assert to_pep440(conda) == pep440


numbers = st.sampled_from([0, 1, 2, 3, 9, 10, 21])
releases = st.lists(numbers, min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
full = st.lists(numbers, min_size=3, max_size=3).map(lambda parts: ".".join(map(str, parts)))
clauses = st.one_of(
    st.tuples(st.sampled_from([">=", "<=", "<", "==", "!="]), releases).map("".join),
    releases.map(lambda text: f"~={text}.1"),
    releases.map(lambda text: f"=={text}.*"),
    releases.map(lambda text: f"!={text}.*"),
)
specifiers = st.lists(clauses, max_size=3).map(",".join)


@given(specifiers, st.one_of(full, full.map(lambda text: f"{text}.post2")))
def test_finals_agree_with_packaging(specifier: str, version: str) -> None:
    spec = to_match_specs("pkg", specifier).spec
    assert spec.matches_version(version) == SpecifierSet(specifier).contains(version)


@given(releases, full)
def test_a_lower_end_left_out_differs_by_post_releases_alone(lower: str, version: str) -> None:
    spec = to_match_specs("pkg", f">{lower}").spec
    assert spec.matches_version(version) == SpecifierSet(f">{lower}").contains(version)


@given(specifiers, full)
def test_an_upper_end_keeps_pre_releases_out(specifier: str, version: str) -> None:
    """PEP 440 leaves the pre-releases of V out of `<V`; conda must not let them in."""
    spec = to_match_specs("pkg", f"<{version}").spec
    assert not any(spec.matches_version(f"{version}{end}") for end in ("rc1", "a1", "b2", "dev1", ".dev1", ""))


@given(specifiers)
def test_the_version_has_no_space_and_no_equals_with_a_star(specifier: str) -> None:
    version = to_match_specs("pkg", specifier).spec.version
    assert " " not in version
    assert not any(clause.startswith("=") and clause.endswith("*") for clause in version.split(","))


@given(specifiers)
def test_the_order_of_the_clauses_does_not_matter(specifier: str) -> None:
    turned = ",".join(reversed(specifier.split(",")))
    assert to_match_specs("pkg", specifier) == to_match_specs("pkg", turned)


def test_versions_without_a_bound_all_match() -> None:
    assert to_match_specs("pkg", "").spec.matches_version("1.0")
    assert version_matches("<2dev0", "1.99")


ADMITTED = "`six>1.9`: conda also admits 1.9.post1 and the like, which PEP 440 leaves out"


@pytest.mark.parametrize(
    ("note", "versions", "told"),
    [
        pytest.param(
            "`six>1.9`: conda also admits 1.9.post1 and the like, which PEP 440 leaves out", ["1.17.0"], False
        ),
        pytest.param(
            "`six>1.9`: conda also admits 1.9.post1 and the like, which PEP 440 leaves out", ["1.9.post2"], True
        ),
        pytest.param("`a==1+cpu`: conda has no local versions, so `+cpu` is left out", [], True),
    ],
    ids=["no such release was chosen", "one was", "another note"],
)
def test_a_note_is_told_where_it_came_true(note: str, versions: list[str], told: bool) -> None:
    assert came_true(note, versions) is told
    if "six" in note:
        assert note in to_match_specs("six", ">1.9").notes
