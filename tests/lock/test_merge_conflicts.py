"""Test that both sides of git's conflicts are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.errors import LockfileError
from envgen.lock.merge import has_conflicts, refuse_merge_markers, sides, sides_of_all

PLAIN = "a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\nd\n"
LINE = st.text(st.characters(codec="utf-8", exclude_characters="<>|=\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"), max_size=8)
LINES = st.lists(LINE.map(lambda line: f"{line}\n"), max_size=4).map("".join)


@pytest.mark.parametrize(
    ("text", "ours", "theirs"),
    [
        pytest.param(PLAIN, "a\nb\nd\n", "a\nc\nd\n", id="two-sides"),
        pytest.param(
            "<<<<<<< ours\nb\n||||||| base\nx\n=======\nc\n>>>>>>> theirs\n", "b\n", "c\n", id="with-the-base"
        ),
        pytest.param("<<<<<<< ours\n=======\nc\n>>>>>>> theirs\n", "", "c\n", id="one-is-empty"),
        pytest.param(PLAIN.replace("\n", "\r\n"), "a\r\nb\r\nd\r\n", "a\r\nc\r\nd\r\n", id="line-ends"),
        pytest.param("a\n=======\nb\n", "a\n=======\nb\n", "a\n=======\nb\n", id="a-line-of-signs"),
        pytest.param("a\n>>>>>>> b\n", "a\n>>>>>>> b\n", "a\n>>>>>>> b\n", id="an-end-alone"),
    ],
)
def test_sides(text: str, ours: str, theirs: str) -> None:
    assert sides(text) == (ours, theirs)
    assert has_conflicts(text) == (ours != theirs)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n", [2, 4, 6], id="behind-an-empty-line"),
        pytest.param(PLAIN.replace("\n", "\r\n"), [2, 4, 6], id="line-ends"),
    ],
)
def test_a_text_that_git_left_unmerged_is_refused(text: str, lines: list[int]) -> None:
    with pytest.raises(LockfileError, match="f holds merge markers") as caught:
        refuse_merge_markers(text, "f")
    assert [line.line for line in caught.value.lines] == lines
    assert caught.value.lines[0].text == "<<<<<<< ours"
    refuse_merge_markers("a\n", "f")


@given(LINES, LINES, LINES, LINES)
def test_what_was_put_together_is_told_apart(head: str, ours: str, theirs: str, tail: str) -> None:
    text = f"{head}<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n{tail}"
    assert sides(text) == (head + ours + tail, head + theirs + tail)


def test_files_side_by_side() -> None:
    assert sides_of_all({"one": PLAIN, "two": "x\n"}) == (
        {"one": "a\nb\nd\n", "two": "x\n"},
        {"one": "a\nc\nd\n", "two": "x\n"},
    )
