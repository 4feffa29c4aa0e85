"""A YAML text as nodes that know where they stand in it.

Only what a manifest needs is accepted: one document, a mapping at its root, no anchors, aliases, tags or directives,
no key twice. Limits on size, depth and number of values keep hostile text cheap.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from envgen.errors import Problem, SourceLine
from envgen.manifest.problems import dotted, shown

MAXIMUM_BYTES = 1_000_000
MAXIMUM_DEPTH = 16
MAXIMUM_NODES = 10_000
_SHOWN = 200
_BREAK = re.compile("\r\n|[\r\n]")
_NUMBER = re.compile(r"[-+]?(\d[\d_]*(\.\d*)?([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?|0x[\da-fA-F]+|0o[0-7]+)")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

Path = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class PlainNumber:
    """A number as it was written: `3.10` is not 3.1."""

    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a text: `line` counts from 1, `column` and `offset` from 0."""

    line: int
    column: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextNode:
    """A scalar; `quote` is its style: `'`, `"`, `|`, `>`, or "" for a plain one."""

    text: str
    quote: str
    start: Mark
    end: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNode:
    """A sequence; a block's `start` is its first dash, a block's `end` lies beyond the comments after it."""

    items: tuple[Node, ...]
    flow: bool
    start: Mark
    end: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class MapNode:
    """A mapping; doubled keys are left out of `entries`."""

    entries: tuple[Entry, ...]
    flow: bool
    start: Mark
    end: Mark

    def entry(self, key: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.key.text == key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenNode:
    """A value that was refused while reading; its problem is among the tree's."""

    start: Mark
    end: Mark


Node = TextNode | ListNode | MapNode | BrokenNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key of a mapping with its value."""

    key: TextNode
    value: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlTree:
    """A document: its text, its root mapping, and what was wrong or lenient about it."""

    file: str
    text: str
    root: MapNode
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    lines: tuple[str, ...] = field(compare=False, repr=False)

    def data(self) -> dict[str, object]:
        """Return the document as plain values; refused values are BrokenNodes, numbers keep their text."""
        return {entry.key.text: plain(entry.value) for entry in self.root.entries}

    def find(self, path: Path) -> Node | None:
        """Return the value at a path, or None where there is none."""
        found = self._follow(path)
        return found[1] if len(found[0]) == len(path) else None

    def keys(self, path: Path) -> tuple[str, ...]:
        """Return the keys of the mapping at a path; () where there is none."""
        node = self.find(path)
        return tuple(entry.key.text for entry in node.entries) if isinstance(node, MapNode) else ()

    def items(self, path: Path) -> tuple[Node, ...]:
        """Return the items of the list at a path; () where there is none."""
        node = self.find(path)
        return node.items if isinstance(node, ListNode) else ()

    def known(self, path: Path) -> tuple[str | int, ...]:
        """Return the longest start of a path that stands in the document."""
        return self._follow(path)[0]

    def key(self, path: Path) -> TextNode:
        """Return the key that a path ends in; raise KeyError where there is none."""
        parent = self.find(path[:-1])
        entry = parent.entry(str(path[-1])) if isinstance(parent, MapNode) else None
        if entry is None:
            raise KeyError(dotted(path))
        return entry.key

    def line(self, path: Path) -> SourceLine:
        """Return the line where a path's key or item begins, or that of the nearest part above it."""
        return self.source_line(self._follow(path)[2].line)

    def source_line(self, number: int) -> SourceLine:
        """Return a line by its number, cut to a readable length and without secrets."""
        return source_line(self.file, self.lines, number)

    def problem(self, path: Path, message: str, hint: str = "", beside: Sequence[Path] = ()) -> Problem:
        """Build a problem of the value at a path, in which the values at the paths `beside` take part."""
        others = tuple(map(self.line, beside))
        return Problem(path=dotted(path), message=message, hint=hint, line=self.line(path), others=others)

    def _follow(self, path: Path) -> tuple[tuple[str | int, ...], Node, Mark]:
        node: Node = self.root
        mark = node.start
        known: list[str | int] = []
        for part in path:
            if isinstance(node, ListNode) and isinstance(part, int) and part < len(node.items):
                node = node.items[part]
                mark = node.start
            elif isinstance(node, MapNode) and isinstance(part, str) and (entry := node.entry(part)):
                node, mark = entry.value, entry.key.start
            else:
                break
            known.append(part)
        return tuple(known), node, mark


def plain(node: Node) -> object:
    """Return a node as plain values (YAML 1.2's core words; no dates, no `yes` and `no`)."""
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    if isinstance(node, MapNode):
        return {entry.key.text: plain(entry.value) for entry in node.entries}
    if isinstance(node, BrokenNode):
        return node
    return node.text if node.quote else plain_scalar(node.text)


def plain_scalar(text: str) -> str | bool | PlainNumber | None:
    """Return what a scalar without quotes stands for."""
    if text in _WORDS:
        return _WORDS[text]
    return PlainNumber(text) if _NUMBER.fullmatch(text) else text


def split_lines(text: str) -> tuple[str, ...]:
    """Split a text where YAML 1.2 counts lines."""
    return tuple(_BREAK.split(text))


def source_line(file: str, lines: Sequence[str], number: int) -> SourceLine:
    """Return one of a file's lines, cut to a readable length and without secrets; `number` counts from 1."""
    text = shown(lines[number - 1]) if 0 < number <= len(lines) else ""
    return SourceLine(file=file, line=number, text=f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text)


def last_mark(node: Node) -> Mark:
    """Return the end of a node's own text, before the comments that follow it."""
    if isinstance(node, ListNode) and not node.flow and node.items:
        return last_mark(node.items[-1])
    if isinstance(node, MapNode) and not node.flow and node.entries:
        last = node.entries[-1]
        return max(last_mark(last.value), last.key.end, key=lambda mark: mark.offset)
    return node.end
