from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.lock.custom_metadata import DIGEST_PLACEHOLDER, digest_matches, with_digest

TEXT = f"# head\nkey: 1\n{DIGEST_PLACEHOLDER}\nnumpy 2.1\nscipy 1.4\n"


def test_a_sealed_text_is_whole_and_keeps_its_words() -> None:
    text = with_digest(TEXT)
    assert digest_matches(text)
    assert text.replace(text.split("\n")[2], DIGEST_PLACEHOLDER) == TEXT


def test_sealing_twice_gives_the_same_bytes() -> None:
    assert with_digest(TEXT) == with_digest(TEXT)


@given(st.integers(min_value=0), st.sampled_from("ax0\n"))
def test_any_changed_character_shows(place: int, character: str) -> None:
    text = with_digest(TEXT)
    place %= len(text)
    edited = text[:place] + character + text[place + 1 :]
    assert digest_matches(edited) == (edited == text)


@given(st.integers(min_value=1))
def test_a_cut_shows(length: int) -> None:
    text = with_digest(TEXT)
    assert not digest_matches(text[: -(length % len(text) or 1)])


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        pytest.param(with_digest(TEXT).replace("\n", "\r\n"), True, id="line ends of another system"),
        pytest.param(TEXT, False, id="never sealed"),
        pytest.param("numpy 2.1\n", False, id="no digest"),
        pytest.param(with_digest(TEXT) + "more\n", False, id="something added"),
        pytest.param(with_digest(TEXT).replace("numpy 2.1\nscipy 1.4", "scipy 1.4\nnumpy 2.1"), False, id="reordered"),
    ],
)
def test_only_an_untouched_text_is_whole(text: str, whole: bool) -> None:
    assert digest_matches(text) is whole


def test_a_later_word_that_looks_like_the_placeholder_is_left_alone() -> None:
    text = with_digest(f"{TEXT}note: {DIGEST_PLACEHOLDER}\n")
    assert digest_matches(text)
    assert text.endswith(f"note: {DIGEST_PLACEHOLDER}\n")
