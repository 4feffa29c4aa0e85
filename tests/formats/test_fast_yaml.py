from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from envgen.errors import LockfileError
from envgen.formats.fast_yaml import MAX_CHARACTERS, NotPlainError, load, load_plain
from envgen.formats.registry import render
from tests.fakes.locks import make_lock

TEXT = render(make_lock(), ["conda-lock.yml"])["conda-lock.yml"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: b", {"a": "b"}, id="mapping"),
        pytest.param("# c\na: 1\nb: true\nc: false\n", {"a": 1, "b": True, "c": False}, id="numbers and truths"),
        pytest.param("- a\n- 'b'\n", ["a", "b"], id="sequence"),
        pytest.param("a:\n- b: c\n  d: e\n- b: f\n", {"a": [{"b": "c", "d": "e"}, {"b": "f"}]}, id="list at its key"),
        pytest.param("a:\n  - b\n  - c\n", {"a": ["b", "c"]}, id="list below its key"),
        pytest.param("a:\n  b:\n    c: d\n  e: f\n", {"a": {"b": {"c": "d"}, "e": "f"}}, id="nested"),
        pytest.param("a: {}\nb: []\n", {"a": {}, "b": []}, id="empty"),
        pytest.param("a: 'it''s: #1'\n", {"a": "it's: #1"}, id="single quotes"),
        pytest.param('a: "b\\n\\u0007\\"\\\\"\n', {"a": 'b\n\x07"\\'}, id="double quotes"),
        pytest.param("'a: b': c\n", {"a: b": "c"}, id="single-quoted key"),
        pytest.param('"a\\n":\n  b: c\n', {"a\n": {"b": "c"}}, id="double-quoted key"),
        pytest.param("- 'a': b\n- c:d\n", [{"a": "b"}, "c:d"], id="quoted key in a list"),
        pytest.param("a:b: c\n", {"a:b": "c"}, id="colon in a key"),
    ],
)
def test_the_small_part_of_yaml(text: str, value: object) -> None:
    assert load_plain(text) == value
    assert YAML(typ="safe", pure=True).load(text) == value


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("  a: b", id="indent at the start"),
        pytest.param("a: b\n  c: d", id="indent under a value"),
        pytest.param("a:\n  b: c\n    d: e", id="uneven"),
        pytest.param("a:\n    b: c\n  d: e", id="between two indents"),
        pytest.param("- a\n  - b", id="list under a value"),
        pytest.param("a: b\na: c", id="key twice"),
        pytest.param("a:", id="no value"),
        pytest.param("a:\nb: c", id="null"),
        pytest.param("a: 1.5", id="float"),
        pytest.param("a: 012", id="octal"),
        pytest.param("a: yes", id="truth of YAML 1.1"),
        pytest.param("a: >-\n  b", id="folded"),
        pytest.param("a: &x b", id="anchor"),
        pytest.param("a: b # c", id="comment behind"),
        pytest.param("  # c\na: b", id="comment with indent"),
        pytest.param("a: 'b", id="open quote"),
        pytest.param("'a: b", id="open quote of a key"),
        pytest.param("'a' b", id="words behind a quote"),
        pytest.param('a: "\\x41"', id="other escape"),
        pytest.param("a: {b: c}", id="flow"),
        pytest.param("--- a", id="document"),
        pytest.param("a: \n", id="space behind"),
        pytest.param("1: a", id="number for key"),
        pytest.param("a:\n- b\nc", id="rest that is no entry"),
        pytest.param("- a\nlong: b", id="list then mapping"),
        pytest.param("a:\n- b:\n    c:\n- d: e", id="null before the next item"),
        pytest.param("a: b\n- c: d", id="mapping then list"),
        pytest.param("a:: b", id="two colons"),
        pytest.param("a: größer", id="letters beyond ASCII"),
        pytest.param("just words", id="scalar"),
        pytest.param("ab\n- c", id="list below a scalar"),
    ],
)
def test_anything_else_is_left_to_the_yaml_library(text: str) -> None:
    with pytest.raises(NotPlainError):
        load_plain(text)


_TOKENS = [
    "a",
    "b:",
    ": ",
    "\n",
    "  ",
    "- ",
    "'",
    '"',
    "1",
    "{}",
    "[]",
    "#",
    "true",
    "x: y\n",
    "\n  z: w\n",
    "\\n",
    "e",
]


@given(st.lists(st.sampled_from(_TOKENS), max_size=12).map("".join))
def test_what_is_accepted_means_the_same_to_the_yaml_library(text: str) -> None:
    try:
        plain = load_plain(text)
    except NotPlainError:
        return
    assert plain == YAML(typ="safe", pure=True).load(text)


@given(st.integers(0, len(TEXT) - 1), st.sampled_from(["", "x", ":", " ", "\n", "'", "-", "#", "0", "  "]))
def test_an_edited_lock_means_the_same_to_the_yaml_library(place: int, piece: str) -> None:
    text = TEXT[:place] + piece + TEXT[place + 1 :]
    try:
        plain = load_plain(text)
    except NotPlainError:
        return
    try:
        assert plain == YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        pytest.fail(f"accepted what is no YAML: {error}")


def test_two_reads_share_nothing() -> None:
    first, second = load_plain("a: []\nb: {}\n"), load_plain("a: []\nb: {}\n")
    assert isinstance(first, dict)
    first["a"].append(1)
    assert second == {"a": [], "b": {}}


def test_line_ends_of_another_system_do_not_matter() -> None:
    assert load(TEXT.replace("\n", "\r\n"), "f") == load(TEXT, "f")


def test_other_yaml_is_read_by_the_library() -> None:
    assert load("{a: [1.5, >, x]}".replace(">, ", ""), "f") == {"a": [1.5, "x"]}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a: b\n  c: d\n", 2, id="indent"),
        pytest.param("a: [1\n", 2, id="open list"),
        pytest.param("a: 'b\n", 2, id="open quote"),
        pytest.param("a: b\na: c\n", 2, id="key twice"),
        pytest.param("a: b\n\tc: d\n", 2, id="tab"),
        pytest.param("a: |\n  \n    b\n", 1, id="blank line of another indent"),
    ],
)
def test_broken_yaml_is_an_error_with_its_line(text: str, line: int) -> None:
    with pytest.raises(LockfileError, match="f is not YAML") as caught:
        load(text, "f")
    assert [each.line for each in caught.value.lines] == [line]
    assert "None" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "text", [pytest.param("\x00", id="control character"), pytest.param("[" * 400, id="nested without end")]
)
def test_text_that_breaks_a_parser_is_an_error(text: str) -> None:
    with pytest.raises(LockfileError, match="not YAML"):
        load(text, "f")


def test_a_text_without_end_is_refused_unread() -> None:
    with pytest.raises(LockfileError, match="too large"):
        load("#" * (MAX_CHARACTERS + 1), "f")
