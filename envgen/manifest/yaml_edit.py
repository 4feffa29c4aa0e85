"""Splices of single items of a YAML text, which leave every other byte as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from envgen.errors import ManifestError
from envgen.manifest.problems import manifest_error
from envgen.manifest.validation import KEYS
from envgen.manifest.yaml_document import (
    Entry,
    ListNode,
    MapNode,
    Node,
    Path,
    TextNode,
    YamlTree,
    last_mark,
    plain_scalar,
)
from envgen.manifest.yaml_parser import parse_tree

FILE = "envgen.yaml"
_PLAIN = re.compile(r"[A-Za-z0-9_.]([!-~ ]*[!-~])?")
_FLOW_SIGNS = re.compile(r"[\[\]{},:]")
# Possessive: a long run of blanks that leads to no comma is given up at once.
_TO_COMMA = re.compile(r"(?:\s+#[^\r\n]*|\s)*+,")
_LINE_REST = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=[\r\n]|\Z)")
_LINE_END = re.compile(r"[\r\n]|\Z")
_OFFSET = 2


@dataclass(frozen=True, slots=True)
class Splice:
    """A text in the place of another."""

    start: int
    end: int
    text: str


def applied(text: str, splices: Sequence[Splice]) -> str:
    """Apply splices that do not overlap; of two at the same place, the one that is given first comes first."""
    parts, at = [], 0
    for splice in sorted(splices, key=lambda one: one.start):
        parts += [text[at : splice.start], splice.text]
        at = splice.end
    return "".join([*parts, text[at:]])


def read_sound(text: str, file: str) -> YamlTree:
    """Read a text that is to be edited; raise ManifestError for doubled keys and the like, too."""
    tree = parse_tree(text, file)
    if tree.problems:
        raise manifest_error(file, tree.problems)
    return tree


def spliced(tree: YamlTree, path: Path, splices: Sequence[Splice], meant: object) -> YamlTree:
    """Apply splices; raise ManifestError unless the new text differs in the one value that was meant.

    ruamel.yaml's own round trip is not used, because it loses the comments within a list in brackets.
    """
    expected = tree.data()
    key, *rest = map(str, path)
    inner = expected.get(key)
    expected[key] = {**(inner if isinstance(inner, dict) else {}), rest[0]: meant} if rest else meant
    try:
        found = read_sound(applied(tree.text, splices), tree.file)
    except ManifestError as error:
        raise by_hand(tree, path) from error
    if found.data() != expected:
        raise by_hand(tree, path)
    return found


def scalar(text: str, *, flow: bool = False, quote: str = "") -> str:
    """Render a text as a YAML scalar, in quotes where it needs them or where `quote` asks for them."""
    unmarked = _PLAIN.fullmatch(text) and not text.endswith(":") and ": " not in text and " #" not in text
    if not quote and unmarked and isinstance(plain_scalar(text), str) and not (flow and _FLOW_SIGNS.search(text)):
        return text
    if quote != "'" and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def newline(text: str) -> str:
    """Return the line break that a text uses."""
    return "\r\n" if "\r\n" in text else "\n"


def line_start(text: str, offset: int) -> int:
    """Return the start of the line that an offset is in."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def line_end(text: str, offset: int) -> int:
    """Return the end of the line that an offset is in, before its line break."""
    found = _LINE_END.search(text, offset)
    return found.start() if found else len(text)


def replacement(item: Node, text: str, *, flow: bool) -> list[Splice]:
    """Put another text in the place of a scalar, in its own quotes."""
    quote = item.quote if isinstance(item, TextNode) and item.quote in ("'", '"') else ""
    return [Splice(item.start.offset, item.end.offset, scalar(text, flow=flow, quote=quote))]


def insertion(tree: YamlTree, path: Path, node: ListNode, index: int, item: str) -> list[Splice]:
    """Put an item before the one at an index of the list at a path, which is not empty, in the list's own style."""
    text = tree.text
    if node.flow:
        return _flow_insertion(text, node, index, scalar(item, flow=True))
    first = node.items[0].start
    gap = first.column - node.start.column - 1 if first.line == node.start.line else 1
    line = " " * node.start.column + "-" + " " * gap + scalar(item)
    before = last_mark(node.items[index - 1]).offset if index else tree.key(path).end.offset
    at = line_end(text, before)
    return [Splice(at, at, newline(text) + line)]


def _flow_insertion(text: str, node: ListNode, index: int, item: str) -> list[Splice]:
    if index == 0:
        first = node.items[0].start
        between = newline(text) + " " * first.column if first.line != node.start.line else " "
        return [Splice(first.offset, first.offset, f"{item},{between}")]
    previous = node.items[index - 1]
    end = previous.end.offset
    comma = _comma_after(text, end)
    own_line = newline(text) + " " * previous.start.column if _stands_alone(node, index - 1) else ""
    if comma is None:
        rest = _LINE_REST.match(text, end)
        if own_line and rest:
            return [Splice(end, end, ","), Splice(rest.end(), rest.end(), own_line + item)]
        return [Splice(end, end, f",{own_line or ' '}{item}")]
    rest = _LINE_REST.match(text, comma + 1)
    if own_line and rest:
        return [Splice(rest.end(), rest.end(), f"{own_line}{item},")]
    return [Splice(comma + 1, comma + 1, f" {item},")]


def _stands_alone(node: ListNode, index: int) -> bool:
    """Return whether an item of a list in brackets begins a line of its own."""
    before = node.items[index - 1].end if index else node.start
    return before.line != node.items[index].start.line


def _comma_after(text: str, end: int) -> int | None:
    """Return the place of the comma that follows an item, or None."""
    found = _TO_COMMA.match(text, end)
    return found.end() - 1 if found else None


def removal(tree: YamlTree, path: Path, node: ListNode, indexes: Sequence[int]) -> list[Splice]:
    """Take items out of the list at a path, with their lines and the comments on them; an emptied one is written `[]`.

    Of a list in brackets one is taken at a time.
    """
    if node.flow:
        return [_flow_removal(tree.text, node, index) for index in indexes]
    splices = [_block_removal(tree, path, node.items[index]) for index in indexes]
    if len(node.items) == len(indexes):
        colon = _after_colon(tree, path)
        splices.append(Splice(colon, colon, " []"))
    return splices


def _after_colon(tree: YamlTree, path: Path) -> int:
    return tree.text.index(":", tree.key(path).end.offset) + 1


def _block_removal(tree: YamlTree, path: Path, item: Node) -> Splice:
    text = tree.text
    start, end = line_start(text, item.start.offset), line_end(text, last_mark(item).offset)
    if text[start : item.start.offset].strip() != "-":
        raise by_hand(tree, path)
    if end < len(text):
        return Splice(start, _next_line(text, end), "")
    return Splice(len(text[:start].rstrip("\r\n")), end, "")


def _flow_removal(text: str, node: ListNode, index: int) -> Splice:
    start, end = node.items[index].start.offset, node.items[index].end.offset
    comma = _comma_after(text, end)
    end = end if comma is None else comma + 1
    rest = _LINE_REST.match(text, end)
    line = line_start(text, start)
    if rest and _stands_alone(node, index) and not text[line:start].strip():
        return Splice(line, _next_line(text, rest.end()), "")
    if comma is not None:
        spaces = len(text) - end - len(text[end:].lstrip(" "))
        return Splice(start, end if rest else end + spaces, "")
    before = node.items[index - 1].end.offset if index else start
    return Splice(before if re.fullmatch(r"\s*,\s*", text[before:start]) else start, end, "")


def _next_line(text: str, end: int) -> int:
    """Return the start of the line after the one that ends here."""
    return min(len(text), end + (2 if text.startswith("\r\n", end) else 1))


def comment_on(text: str, node: ListNode, index: int) -> str:
    """Return the comment that stands on an item's own line and goes when the item goes, or ""."""
    end = last_mark(node.items[index]).offset
    comma = _comma_after(text, end) if node.flow else None
    if node.flow and not _stands_alone(node, index):
        return ""
    rest = _LINE_REST.match(text, end if comma is None else comma + 1)
    return rest[0].strip() if rest else ""


def by_hand(tree: YamlTree, path: Path) -> ManifestError:
    """Return the error for a text that is written in a way that cannot be edited without a loss."""
    hint = "write the list with one `- item` on each line, or edit it by hand"
    return manifest_error(tree.file, [tree.problem(path, "cannot be edited as it is written", hint)])


def new_list(tree: YamlTree, path: Path, item: str) -> list[Splice]:
    """Write a list's first item: where the list is empty, has no value, or has no key yet.

    `path` is one key, or `groups` with the group's name.
    """
    node = tree.find(path)
    if node is not None:
        return _filled(tree, path, node, item)
    if len(path) == 1 or tree.find(path[:1]) is None:
        return new_key(tree, [str(part) for part in path], f"- {scalar(item)}", f"[{scalar(item, flow=True)}]")
    return _new_group(tree, path, item)


def new_key(tree: YamlTree, keys: Sequence[str], block: str, flow: str) -> list[Splice]:
    """Write a key of the root (with a key within it, if two are given) that is not there yet.

    `block` is its value as a line of its own, or as it stands behind the colon when it is no list item.
    """
    if tree.root.flow:
        opening = ": {".join(keys)
        return [flow_entry(tree.root, f"{opening}: {flow}" + "}" * (len(keys) - 1))]
    column = tree.root.entries[0].key.start.column if tree.root.entries else 0
    lines = [" " * (column + depth * _OFFSET) + f"{key}:" for depth, key in enumerate(keys)]
    if block.startswith("- "):
        lines.append(" " * (column + len(keys) * _OFFSET - _OFFSET + list_offset(tree)) + block)
    else:
        lines[-1] += f" {block}"
    return [_block_entry(tree, keys[0], newline(tree.text).join(lines))]


def list_offset(tree: YamlTree) -> int:
    """Return how far the file indents its lists below their keys."""
    for entry in tree.root.entries:
        if isinstance(entry.value, ListNode) and not entry.value.flow:
            return entry.value.start.column - entry.key.start.column
    return _OFFSET


def _filled(tree: YamlTree, path: Path, node: Node, item: str) -> list[Splice]:
    start, end = node.start.offset, node.end.offset
    parent = tree.find(path[:-1])
    empty_list = isinstance(node, ListNode) and not node.items
    no_value = isinstance(node, TextNode) and not node.quote and node.text in ("", "~", "null")
    if not (empty_list or no_value) or not isinstance(parent, MapNode):
        raise by_hand(tree, path)
    if parent.flow or "\n" in tree.text[start:end]:
        space = " " if no_value and start == end else ""
        inner = scalar(item, flow=True)
        return [Splice(start + 1, start + 1, inner)] if empty_list else [Splice(start, end, f"{space}[{inner}]")]
    colon = _after_colon(tree, path)
    column = tree.key(path).start.column + list_offset(tree)
    at = line_end(tree.text, end)
    line = newline(tree.text) + " " * column + f"- {scalar(item)}"
    return [Splice(colon, max(colon, end), ""), Splice(at, at, line)]


def _new_group(tree: YamlTree, path: Path, item: str) -> list[Splice]:
    groups = tree.find(path[:1])
    name = str(path[1])
    if not isinstance(groups, MapNode):
        raise by_hand(tree, path[:1])
    if groups.flow:
        return [flow_entry(groups, f"{name}: [{scalar(item, flow=True)}]")]
    column = groups.start.column
    at = line_end(tree.text, last_mark(groups).offset)
    lines = ["", " " * column + f"{name}:", " " * (column + list_offset(tree)) + f"- {scalar(item)}"]
    return [Splice(at, at, newline(tree.text).join(lines))]


def flow_entry(node: MapNode, entry: str) -> Splice:
    """Add an entry to a mapping in braces, after its last one."""
    if not node.entries:
        return Splice(node.start.offset + 1, node.start.offset + 1, entry)
    at = last_mark(node.entries[-1].value).offset
    return Splice(at, at, f", {entry}")


def _block_entry(tree: YamlTree, key: str, lines: str) -> Splice:
    """Add lines after the keys that come before this one in the order of `KEYS`."""
    text, break_ = tree.text, newline(tree.text)
    order = {name: index for index, name in enumerate(KEYS[: KEYS.index(key)])}
    earlier = [entry for entry in tree.root.entries if entry.key.text in order]
    if not earlier:
        at = line_start(text, tree.root.start.offset)
        return Splice(at, at, lines + break_)
    at = _after(tree, max(earlier, key=lambda entry: order[entry.key.text]))
    body = text[tree.root.start.offset : last_mark(tree.root).offset]
    apart = break_ if break_ in lines and re.search(r"\n[ \t]*\r?\n", body) else ""
    return Splice(at, at, apart + break_ + lines)


def _after(tree: YamlTree, entry: Entry) -> int:
    """Return the end of an entry's last line, its indented comments included."""
    end = line_end(tree.text, max(last_mark(entry.value).offset, entry.key.end.offset))
    inner = " " * (entry.key.start.column + 1)
    following = re.compile(rf"(?:\r?\n{inner} *#[^\r\n]*)*").match(tree.text, end)
    return following.end() if following else end
