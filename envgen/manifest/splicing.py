"""Change single items of a YAML text, and leave every other byte as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from envgen.errors import ManifestError
from envgen.manifest.parsing import parse_tree
from envgen.manifest.problems import manifest_error
from envgen.manifest.tree import ListNode, Node, Path, TextNode, Tree, last_mark, plain_scalar

FILE = "envgen.yaml"
_PLAIN = re.compile(r"[A-Za-z0-9_.]([!-~ ]*[!-~])?")
_FLOW_SIGNS = re.compile(r"[\[\]{},:]")
_TO_NEXT_SIGN = re.compile(r"(?:\s+#[^\r\n]*|\s)*")
_LINE_REST = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=[\r\n]|\Z)")


@dataclass(frozen=True, slots=True)
class Splice:
    """Put a text in the place of another."""

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


def read_sound(text: str, file: str) -> Tree:
    """Read a text that is to be edited; raise ManifestError for doubled keys and the like, too."""
    tree = parse_tree(text, file)
    if tree.problems:
        raise manifest_error(file, tree.problems)
    return tree


def spliced(tree: Tree, path: Path, splices: Sequence[Splice], meant: object) -> str:
    """Apply splices; raise ManifestError unless the new text differs in the one value that was meant."""
    text = applied(tree.text, splices)
    expected = tree.data()
    if len(path) > 1:
        inner = expected.get(str(path[0]))
        expected[str(path[0])] = {**(inner if isinstance(inner, dict) else {}), str(path[1]): meant}
    else:
        expected[str(path[0])] = meant
    try:
        found = parse_tree(text, tree.file).data()
    except ManifestError as error:
        raise by_hand(tree, path) from error
    if found != expected:
        raise by_hand(tree, path)
    return text


def scalar(text: str, *, flow: bool = False, quote: str = "") -> str:
    """Render a text as a YAML scalar, in quotes where it needs them or where `quote` asks for them."""
    unmarked = _PLAIN.fullmatch(text) and not text.endswith(":") and ": " not in text and " #" not in text
    if not quote and unmarked and isinstance(plain_scalar(text), str) and not (flow and _FLOW_SIGNS.search(text)):
        return text
    if quote != "'" and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def newline(text: str) -> str:
    """Give the line break that a text uses."""
    return "\r\n" if "\r\n" in text else "\n"


def line_start(text: str, offset: int) -> int:
    """Give the start of the line that an offset is in."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def line_end(text: str, offset: int) -> int:
    """Give the end of the line that an offset is in, before its line break."""
    found = re.compile(r"[\r\n]|\Z").search(text, offset)
    return found.start() if found else len(text)


def replacement(item: Node, text: str, *, flow: bool) -> list[Splice]:
    """Put another text in the place of a scalar, in its own quotes."""
    quote = item.quote if isinstance(item, TextNode) and item.quote in ("'", '"') else ""
    return [Splice(item.start.offset, item.end.offset, scalar(text, flow=flow, quote=quote))]


def insertion(tree: Tree, path: Path, node: ListNode, index: int, item: str) -> list[Splice]:
    """Put an item before the one at an index of the list at a path, which is not empty, in the list's own style."""
    if not node.flow:
        return [_block_insertion(tree, path, node, index, item)]
    return _flow_insertion(tree.text, node, index, scalar(item, flow=True))


def _block_insertion(tree: Tree, path: Path, node: ListNode, index: int, item: str) -> Splice:
    text = tree.text
    first = node.items[0].start
    gap = first.column - node.start.column - 1 if first.line == node.start.line else 1
    line = " " * node.start.column + "-" + " " * gap + scalar(item)
    before = last_mark(node.items[index - 1]).offset if index else tree.key(path).end.offset
    at = line_end(text, before)
    return Splice(at, at, newline(text) + line)


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
    """Tell whether an item of a list in brackets begins a line of its own."""
    before = node.items[index - 1].end if index else node.start
    return before.line != node.items[index].start.line


def _comma_after(text: str, end: int) -> int | None:
    """Give the place of the comma that follows an item, or None."""
    found = _TO_NEXT_SIGN.match(text, end)
    at = found.end() if found else end
    return at if text[at : at + 1] == "," else None


def removal(tree: Tree, path: Path, node: ListNode, index: int) -> list[Splice]:
    """Take an item out of the list at a path, with its line and the comment on it; an emptied list is written `[]`."""
    if node.flow:
        return [_flow_removal(tree.text, node, index)]
    splices = [_block_removal(tree, path, node.items[index])]
    if len(node.items) == 1:
        colon = tree.text.index(":", tree.key(path).end.offset) + 1
        splices.append(Splice(colon, colon, " []"))
    return splices


def _block_removal(tree: Tree, path: Path, item: Node) -> Splice:
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
    """Give the start of the line after the one that ends here."""
    return min(len(text), end + (2 if text.startswith("\r\n", end) else 1))


def comment_on(text: str, node: ListNode, index: int) -> str:
    """Give the comment that stands on an item's own line and goes when the item goes, or ""."""
    end = last_mark(node.items[index]).offset
    comma = _comma_after(text, end) if node.flow else None
    if node.flow and not _stands_alone(node, index):
        return ""
    rest = _LINE_REST.match(text, end if comma is None else comma + 1)
    return rest[0].strip() if rest else ""


def by_hand(tree: Tree, path: Path) -> ManifestError:
    """Say that a text is written in a way that cannot be edited without a loss."""
    hint = "write the list with one `- item` on each line, or edit it by hand"
    return manifest_error(tree.file, [tree.problem(path, "cannot be edited as it is written", hint)])
