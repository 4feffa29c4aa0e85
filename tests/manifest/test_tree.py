"""Nodes give plain values, paths and lines."""

from __future__ import annotations

import pytest

from envgen.manifest.yaml_document import PlainNumber, last_mark, parse_tree, plain_scalar, source_line, split_lines

SCALARS: dict[str, object] = {
    "3.10": PlainNumber("3.10"),
    "-1": PlainNumber("-1"),
    "1_000": PlainNumber("1_000"),
    ".5": PlainNumber(".5"),
    "1e3": PlainNumber("1e3"),
    "0x1f": PlainNumber("0x1f"),
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "False": False,
    "yes": "yes",
    "3.1O": "3.1O",
    "3.12.4": "3.12.4",
    "2026-08-01": "2026-08-01",
    "1:30": "1:30",
}


@pytest.mark.parametrize(("text", "value"), SCALARS.items(), ids=SCALARS.keys())
def test_a_plain_scalar_is_a_number_a_word_or_text(text: str, value: object) -> None:
    assert plain_scalar(text) == value


def test_quotes_make_text() -> None:
    assert parse_tree("a: '3.10'\nb: \"true\"\nc: ''\n", "f").data() == {"a": "3.10", "b": "true", "c": ""}


TREE = parse_tree("# head\nname: x\nlist:\n  - a\n  - {b: c}  # d\n# end\n", "envgen.yaml")


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        pytest.param(("name",), "x", 2, id="a key"),
        pytest.param(("list",), ["a", {"b": "c"}], 3, id="a list at its key"),
        pytest.param(("list", 0), "a", 4, id="an item"),
        pytest.param(("list", 1, "b"), "c", 5, id="a key of an item"),
        pytest.param(("list", 2), None, 3, id="no item"),
        pytest.param(("list", "a"), None, 3, id="no key of a list"),
        pytest.param(("name", 0), None, 2, id="no item of a text"),
        pytest.param(("other",), None, 2, id="no key"),
    ],
)
def test_a_path_leads_to_a_value_and_a_line(path: tuple[str | int, ...], value: object, line: int) -> None:
    assert TREE.value(path) == value
    assert TREE.line(path).line == line


def test_the_known_part_of_a_path() -> None:
    assert TREE.known(("list", 1, "b", "c")) == ("list", 1, "b")
    assert TREE.known(("other", 1)) == ()


def test_a_key_knows_its_place() -> None:
    assert TREE.key(("list",)).start.line == 3
    with pytest.raises(KeyError, match="other"):
        TREE.key(("other",))


def test_the_last_mark_stands_before_the_comments() -> None:
    mark = last_mark(TREE.root)
    assert TREE.text[: mark.offset].endswith("{b: c}")


def test_lines_are_cut_and_clean() -> None:
    lines = split_lines("a\r\nb\rc\n" + "d" * 300 + "\n\thttps://me:pw@a.org")
    assert [len(source_line("f", lines, number).text) for number in (1, 2, 3, 4, 6)] == [1, 1, 1, 201, 0]
    assert source_line("f", lines, 5).text == " https://***@a.org"
