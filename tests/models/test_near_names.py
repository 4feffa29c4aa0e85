"""Names that nobody knows are likened to those that are known."""

from __future__ import annotations

from difflib import get_close_matches

from hypothesis import given
from hypothesis import strategies as st

from envgen.models.near_names import near_names

NAMES = st.text(st.sampled_from("abc-"), max_size=8)


def test_the_equally_near_stay_in_their_order() -> None:
    assert near_names("pandaz", ["pandab", "panda", "pandac", "numpy"], limit=3) == ("panda", "pandab", "pandac")
    assert near_names("pandaz", ["pandac", "panda", "pandab"]) == ("panda",)


@given(NAMES, st.lists(NAMES, unique=True), st.integers(1, 4), st.sampled_from([0.6, 0.75, 0.8]))
def test_the_same_are_near_as_for_difflib(name: str, known: list[str], limit: int, cutoff: float) -> None:
    expected = get_close_matches(name, known, n=limit, cutoff=cutoff)
    assert list(near_names(name, sorted(known, reverse=True), limit=limit, cutoff=cutoff)) == expected
