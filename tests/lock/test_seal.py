from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.lock.custom_metadata import is_whole, placeholder, sealed

TEXT = f"# head\nkey: 1\n{placeholder()}\nnumpy 2.1\nscipy 1.4\n"


def test_a_sealed_text_is_whole_and_keeps_its_words() -> None:
    text = sealed(TEXT)
    assert is_whole(text)
    assert text.replace(text.split("\n")[2], placeholder()) == TEXT


def test_sealing_twice_gives_the_same_bytes() -> None:
    assert sealed(TEXT) == sealed(TEXT)


@given(st.integers(min_value=0), st.sampled_from("ax0\n"))
def test_any_changed_character_shows(place: int, character: str) -> None:
    text = sealed(TEXT)
    place %= len(text)
    edited = text[:place] + character + text[place + 1 :]
    assert is_whole(edited) == (edited == text)


@given(st.integers(min_value=1))
def test_a_cut_shows(length: int) -> None:
    text = sealed(TEXT)
    assert not is_whole(text[: -(length % len(text) or 1)])


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        pytest.param(sealed(TEXT).replace("\n", "\r\n"), True, id="line ends of another system"),
        pytest.param(TEXT, False, id="never sealed"),
        pytest.param("numpy 2.1\n", False, id="no digest"),
        pytest.param(sealed(TEXT) + "more\n", False, id="something added"),
        pytest.param(sealed(TEXT).replace("numpy 2.1\nscipy 1.4", "scipy 1.4\nnumpy 2.1"), False, id="reordered"),
    ],
)
def test_only_an_untouched_text_is_whole(text: str, whole: bool) -> None:
    assert is_whole(text) is whole


def test_a_later_word_that_looks_like_the_placeholder_is_left_alone() -> None:
    text = sealed(f"{TEXT}note: {placeholder()}\n")
    assert is_whole(text)
    assert text.endswith(f"note: {placeholder()}\n")
