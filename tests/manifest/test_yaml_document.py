"""YAML is read with its places, within limits, or refused with its line."""

from __future__ import annotations

from time import process_time

import pytest

from envgen.errors import ManifestError
from envgen.manifest.yaml_document import (
    MAXIMUM_BYTES,
    MAXIMUM_NODES,
    BrokenNode,
    ListNode,
    MapNode,
    Node,
    PlainNumber,
    TextNode,
    last_mark,
    plain,
    plain_scalar,
    source_line,
    split_lines,
)
from envgen.manifest.yaml_parser import parse_tree

NOT_YAML = {
    "an open list": ("a: [b,\nc: d\n", "that starts on line 1, expected ',' or ']'", 1, "not closed"),
    "a bracket at the end": ("a: 1\nb: [\n\n", "expected the node content", 2, "not closed"),
    "a bracket alone": ("[", "expected the node content", 1, "not closed"),
    "an open quote": ("a: 'b\n", "unexpected end of stream", 1, ""),
    "no colon": ("a: 1\nb 'c'\n", "could not find expected ':'", 2, "colons"),
    "a list that ends in another key": ("a: [b\nc: d\n", "that starts on line 1, expected", 2, "not closed"),
    "a tab": ("a:\n\t- b\n", "cannot start any token", 2, "spaces, not tabs"),
    "a bound without quotes": ("a: >=2\n", "chomping or indentation", 1, "in quotes"),
    "an at sign": ("a: @b\n", "cannot start any token", 1, "in quotes"),
    "a colon too many": ("a: b: c\n", "mapping values are not allowed", 1, "holds `: ` in quotes"),
    "a NUL": ("a: 1\nb: \0\n", "U+0000", 2, "UTF-8"),
    "an escape sequence": ("a: \x1b[31m\n", "U+001B", 1, "UTF-8"),
    "a lost surrogate": ("a: \ud800\n", "U+D800", 1, "UTF-8"),
    "an escape out of range": ('a: "\\UFFFFFFFF"\n', "a character escape", 0, ""),
    "a merge": ("a: 1\n<<<<<<< HEAD\nb: 2\n", "an unresolved merge", 2, "delete the markers"),
    "a merge's end": ("a: 1\n>>>>>>> other\n", "an unresolved merge", 2, "delete the markers"),
    "brackets that stay open": ("a: [b[c\n, d]]\n", "expected ',' or ']'", 1, "brackets in quotes"),
    "brackets within brackets": ("a: [b[c[d]]]\n", "expected ',' or ']'", 1, "brackets in quotes"),
    "nothing": ("", "is empty", 0, "start with"),
    "a comment": ("# a\n", "is empty", 0, "start with"),
    "a list": ("- a\n", "is not a mapping", 0, "start with"),
    "a word": ("a\n", "is not a mapping", 0, "start with"),
    "a deep list": ("a: " + "[" * 17 + "]" * 17, "nested deeper than 16 levels", 0, ""),
    "too many values": ("a:\n" + "- b\n" * MAXIMUM_NODES, f"more than {MAXIMUM_NODES} values", 0, ""),
    "a long line": ("a: " + "b" * 10_000_000, "larger than 1 MB", 0, ""),
    "a long text of long characters": ("a: " + "\u4e00" * (MAXIMUM_BYTES // 2), "larger than 1 MB", 0, ""),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message", "line", "hint"), NOT_YAML.values(), ids=NOT_YAML.keys())
def test_what_is_not_yaml_is_refused_with_its_line(text: str, message: str, line: int, hint: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_tree(text, "envgen.yaml")
    (problem,) = caught.value.problems
    assert message in problem.message
    assert (problem.line.line if problem.line else 0) == line
    assert hint in problem.hint


def test_a_caret_points_at_the_column() -> None:
    with pytest.raises(ManifestError) as caught:
        parse_tree("a:\n  b: c: d\n", "envgen.yaml")
    shown = str(caught.value).splitlines()
    assert shown[1:3] == ["    envgen.yaml:2: b: c: d", "                       ^"]


TOLD = {
    "a key twice": ("a: 1\nb: 2\na: 3\n", "`a` is written twice (first on line 1)", 3),
    "an alias": ("a: 1\nb: *c\n", "YAML aliases (`*`) are not supported", 2),
    "an anchor": ("a: &b [1]\n", "YAML anchors (`&`) are not supported", 1),
    "an anchor of a word": ("a: &b c\n", "YAML anchors (`&`) are not supported", 1),
    "a tag": ("a: !!python/object:os.system [b]\n", "YAML tags (`!`) are not supported", 1),
    "bytes": ("a: !!binary aGk=\n", "YAML tags (`!`) are not supported", 1),
    "a key that is a list": ("? [a]\n: b\n", "a key is a list or a mapping", 1),
    "a key with a tag": ("!!str a: b\n", "YAML tags (`!`) are not supported", 1),
    "a second document": ("a: 1\n---\nb: 2\n", "a second document starts here", 2),
    "a directive": ("%YAML 1.1\n---\na: 1\n", "YAML directives (`%`) are not supported", 2),
    "a directive of tags": ("%TAG !e! tag:e.org,2000:\n---\na: 1\n", "YAML directives (`%`) are not supported", 2),
}


@pytest.mark.parametrize(("text", "message", "line"), TOLD.values(), ids=TOLD.keys())
def test_what_a_manifest_does_not_need_is_a_problem_of_its_line(text: str, message: str, line: int) -> None:
    (problem,) = parse_tree(text, "envgen.yaml").problems
    assert problem.message == message
    assert problem.line
    assert problem.line.line == line


def test_aliases_cannot_multiply() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{number}: &b{number} [*a, *a]\n" for number in range(40))
    start = process_time()
    tree = parse_tree(bomb, "envgen.yaml")
    assert process_time() - start < 1
    assert isinstance(tree.find(("b39",)), BrokenNode)


@pytest.mark.parametrize(
    "text", ["a: " + "[" * 999_000, "? " * 499_000, "a: [b" + "[c]" * 300_000 + "]"], ids=["lists", "keys", "extras"]
)
def test_hostile_text_is_refused_quickly(text: str) -> None:
    start = process_time()
    with pytest.raises(ManifestError):
        parse_tree(text, "envgen.yaml")
    assert process_time() - start < 5


PLACED = """\
\ufeff# head
'key' : [a, "b c", {d: e}]   # one
block:
  - x
  -
    y
  - >-
    folded
    text
nothing:   # two

empty: {f: , g}
"""


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_nodes_know_their_text(break_: str) -> None:
    tree = parse_tree(PLACED.replace("\n", break_), "envgen.yaml")
    assert not tree.problems
    _check(tree.root, tree.text)
    block, nothing = tree.find(("block", 1)), tree.find(("nothing",))
    assert block
    assert nothing
    assert (block.start.line, block.start.column) == (6, 4)
    assert tree.text[: nothing.start.offset].endswith("nothing:")


def _check(node: Node, text: str) -> None:
    if isinstance(node, ListNode):
        for item in node.items:
            _check(item, text)
    elif isinstance(node, MapNode):
        for entry in node.entries:
            _check(entry.key, text)
            _check(entry.value, text)
    elif isinstance(node, TextNode) and node.quote in ("", "'", '"'):
        assert text[node.start.offset : node.end.offset] == f"{node.quote}{node.text}{node.quote}"


LENIENT = {
    "an extra": ("[a[b]]", ["a[b]"]),
    "an extra with a bound": ("[a[b]>=2]", ["a[b]>=2"]),
    "an extra with spaces": ("[a[b] >= 2 , c]", ["a[b] >= 2", "c"]),
    "two extras": ("[x, a[b,c], d]", ["x", "a[b,c]", "d"]),
    "a spec": ("[a[version='>=2',build=x]]", ["a[version='>=2',build=x]"]),
    "a comment behind it": ("[a[b] # c\n  , d]", ["a[b]", "d"]),
    "two brackets": ("[a[b][c]]", ["a[b][c]"]),
    "a marker": ("[a[b]; python_version < '3', d]", ["a[b]; python_version < '3'", "d"]),
}


@pytest.mark.parametrize(("written", "items"), LENIENT.values(), ids=LENIENT.keys())
def test_brackets_behind_a_name_belong_to_it(written: str, items: list[str]) -> None:
    tree = parse_tree(f"name: x\nlist: {written}\n", "envgen.yaml")
    assert tree.data()["list"] == items
    assert tree.notes[0].startswith("envgen.yaml:2: `a[")
    node = tree.find(("list", items.index(next(item for item in items if "[" in item))))
    assert node
    assert tree.text[node.start.offset : node.end.offset].startswith("a[")


def test_proper_yaml_is_not_read_leniently() -> None:
    tree = parse_tree("a: [b, [c], 'd[e]']\nf: g[h]\n", "envgen.yaml")
    assert tree.data() == {"a": ["b", ["c"], "d[e]"], "f": "g[h]"}
    assert tree.notes == ()


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
    node = TREE.find(path)
    assert (node and plain(node)) == value
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
