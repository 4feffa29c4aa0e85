"""Add keys to a YAML text where a reader would look for them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from envgen.manifest.splicing import Splice, by_hand, line_end, line_start, newline, scalar
from envgen.manifest.tree import Entry, ListNode, MapNode, Node, Path, TextNode, Tree, last_mark
from envgen.manifest.validation import KEYS

_OFFSET = 2


def new_list(tree: Tree, path: Path, item: str) -> list[Splice]:
    """Write a list's first item: where the list is empty, has no value, or has no key yet.

    `path` is one key, or `groups` with the group's name.
    """
    node = tree.find(path)
    if node is not None:
        return _filled(tree, path, node, item)
    if len(path) == 1 or tree.find(path[:1]) is None:
        return new_key(tree, [str(part) for part in path], f"- {scalar(item)}", f"[{scalar(item, flow=True)}]")
    return _new_group(tree, path, item)


def new_key(tree: Tree, keys: Sequence[str], block: str, flow: str) -> list[Splice]:
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


def list_offset(tree: Tree) -> int:
    """Give how far the file indents its lists below their keys."""
    for entry in tree.root.entries:
        if isinstance(entry.value, ListNode) and not entry.value.flow:
            return entry.value.start.column - entry.key.start.column
    return _OFFSET


def _filled(tree: Tree, path: Path, node: Node, item: str) -> list[Splice]:
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
    colon = tree.text.index(":", tree.key(path).end.offset) + 1
    column = tree.key(path).start.column + list_offset(tree)
    at = line_end(tree.text, end)
    line = newline(tree.text) + " " * column + f"- {scalar(item)}"
    return [Splice(colon, max(colon, end), ""), Splice(at, at, line)]


def _new_group(tree: Tree, path: Path, item: str) -> list[Splice]:
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


def _block_entry(tree: Tree, key: str, lines: str) -> Splice:
    """Add lines after the keys that come before this one in the order of `KEYS`."""
    text, break_ = tree.text, newline(tree.text)
    order = {name: index for index, name in enumerate(KEYS)}
    earlier = [entry for entry in tree.root.entries if order.get(entry.key.text, len(order)) < order[key]]
    if not earlier:
        at = line_start(text, tree.root.start.offset)
        return Splice(at, at, lines + break_)
    at = _after(tree, max(earlier, key=lambda entry: order[entry.key.text]))
    body = text[tree.root.start.offset : last_mark(tree.root).offset]
    apart = break_ if break_ in lines and re.search(r"\n[ \t]*\r?\n", body) else ""
    return Splice(at, at, apart + break_ + lines)


def _after(tree: Tree, entry: Entry) -> int:
    """Give the end of an entry's last line, its indented comments included."""
    end = line_end(tree.text, max(last_mark(entry.value).offset, entry.key.end.offset))
    inner = " " * (entry.key.start.column + 1)
    following = re.compile(rf"(?:\r?\n{inner} *#[^\r\n]*)*").match(tree.text, end)
    return following.end() if following else end
