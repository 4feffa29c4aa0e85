"""A YAML text as nodes that know where they stand in it; the home of ruamel.yaml.

Only what a manifest needs is accepted: one document, a mapping at its root, no anchors, aliases, tags or directives,
no key twice. Limits on size, depth and number of values keep hostile text cheap.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml_events
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner
from ruamel.yaml.tokens import ScalarToken

from envgen.errors import ManifestError, Problem, SourceLine
from envgen.manifest.problems import dotted, manifest_error, quoted, shown

MAXIMUM_BYTES = 1_000_000
MAXIMUM_DEPTH = 16
MAXIMUM_NODES = 10_000
_HINTS = (
    ("'\\t'", "indent with spaces, not tabs"),
    ("chomping or indentation", "put a value that starts with `>` or `|` in quotes"),
    ("cannot start any token", "put the value in quotes"),
    ("mapping values are not allowed", "check the indentation, and put a value that holds `: ` in quotes"),
    ("but got '['", "put a value that holds brackets in quotes"),
    ("expected ',' or", "a list or mapping in brackets is not closed, or lacks a comma"),
    ("'<stream end>'", "a list or mapping in brackets is not closed"),
    ("special characters", "save the file as UTF-8 text"),
)
_OTHERWISE = "check indentation, colons, brackets and quotes around that line"
_LENIENT_LENGTH = 1000
_SHOWN = 200
_COLON = re.compile(r"[ \t]*:")
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


class _TooMuchError(ValueError):
    """A text that is beyond the limits."""


def parse_tree(text: str, file: str) -> YamlTree:
    """Read a document; raise ManifestError when it is not YAML, not one mapping, or beyond the limits.

    Problems that leave the rest readable (doubled keys, aliases, tags) are in the tree.
    """
    if len(text) > MAXIMUM_BYTES or len(text.encode(errors="replace")) > MAXIMUM_BYTES:
        raise manifest_error(file, [Problem(path="", message="larger than 1 MB")])
    lines = split_lines(text)
    for number, line in enumerate(lines, start=1):
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            where = source_line(file, lines, number)
            hint = "keep the wanted lines, and delete the markers"
            raise manifest_error(file, [Problem(path="", message="holds an unresolved merge", hint=hint, line=where)])
    builder = _Builder(file=file, text=text, lines=lines)
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _LenientScanner
    try:
        for event in yaml.parse(text):
            builder.take(event)
        root = builder.root()
    except (YAMLError, ValueError, OverflowError, IndexError) as error:
        raise _not_yaml(error, text, lines, file) from error
    notes = tuple(f"{file}:{line}: {value} should be in quotes" for line, value in yaml.scanner.loose)
    return YamlTree(file=file, text=text, root=root, problems=tuple(builder.problems), notes=notes, lines=lines)


def _not_yaml(error: Exception, text: str, lines: tuple[str, ...], file: str) -> ManifestError:
    if isinstance(error, _TooMuchError):
        return manifest_error(file, [Problem(path="", message=str(error))])
    reason, line, column = _reason(error, text, lines)
    hint = next((hint for sign, hint in _HINTS if sign in reason), _OTHERWISE)
    where = source_line(file, lines, line) if line else None
    caret = column if where and column <= len(where.text) + 1 else 0
    problem = Problem(path="", message=f"not YAML: {shown(reason)}", hint=hint, line=where, column=caret)
    return manifest_error(file, [problem])


def _reason(error: Exception, text: str, lines: tuple[str, ...]) -> tuple[str, int, int]:
    """Return what ruamel.yaml did not understand, with its line and column, which count from 1; (0, 0) where unknown.

    What is never closed is noticed on an empty line far below: the place where it starts is given instead.
    """
    if isinstance(error, ReaderError):
        before = split_lines(text[: error.position])
        reason = f"special characters are not allowed: U+{ord(text[error.position]):04X}"
        return reason, len(before), len(before[-1]) + 1
    if not isinstance(error, MarkedYAMLError):
        return "a character escape in a quoted value is out of range", 0, 0
    start, mark = error.context_mark, error.problem_mark or error.context_mark
    context = str(error.context or "")
    if start and mark and start.line != mark.line:
        context += f" that starts on line {start.line + 1}"
    reason = ", ".join(part for part in (context, str(error.problem or "")) if part)
    if start and mark and not _written(lines, mark.line):
        mark = start
    if mark and not _written(lines, mark.line):
        last = max((number for number, line in enumerate(lines[: mark.line]) if line.strip()), default=mark.line)
        return reason, last + 1, len(lines[last]) + 1 if lines else 0
    return (reason, mark.line + 1, mark.column + 1) if mark else (reason, 0, 0)


def _written(lines: tuple[str, ...], number: int) -> bool:
    """Return whether a line, counted from 0, holds anything."""
    return bool("".join(lines[number : number + 1]).strip())


class _LenientScanner(Scanner):
    """A scanner that reads `fastapi[standard]` within `[...]` as one value: YAML has no meaning for it, people do.

    `loose` lists such values with their lines.
    """

    def __init__(self, loader: YAML | None = None) -> None:
        super().__init__(loader)
        self.loose: list[tuple[int, str]] = []

    def scan_plain(self) -> ScalarToken:
        token: ScalarToken = super().scan_plain()
        lenient = False
        while self.flow_level and 0 < len(token.value) < _LENIENT_LENGTH and self._bracket_follows(token):
            token = self._lengthened(token)
            lenient = True
        if lenient:
            self.loose.append((token.start_mark.line + 1, quoted(token.value)))
        return token

    def _bracket_follows(self, token: ScalarToken) -> bool:
        return bool(self.reader.peek() == "[" and token.end_mark.index == self.reader.index and self._bracket())

    def _bracket(self) -> str:
        """Return the `[...]` that starts here, or "" when it does not close on this line."""
        length = 1
        while (character := self.reader.peek(length)) not in "]\0\r\n[":
            length += 1
        return str(self.reader.prefix(length + 1)) if character == "]" else ""

    def _lengthened(self, token: ScalarToken) -> ScalarToken:
        value = token.value + (bracket := self._bracket())
        self.reader.forward(len(bracket))
        end = self.reader.get_mark()
        spaces = 0
        while self.reader.peek(spaces) == " ":
            spaces += 1
        if self.reader.peek(spaces) not in "#\r\n\0,[]{}":
            self.reader.forward(spaces)
            rest = super().scan_plain()
            value, end = value + " " * spaces + rest.value, rest.end_mark
        return ScalarToken(value, True, token.start_mark, end)


@dataclass(slots=True, kw_only=True)
class _Open:
    """A collection that is not closed yet."""

    start: Mark
    flow: bool
    is_map: bool
    broken: bool = False
    values: list[Node] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _Builder:
    """A builder of nodes from events; ruamel.yaml's composer recurses, so that depth would cost a stack."""

    file: str
    text: str
    lines: tuple[str, ...]
    problems: list[Problem] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    roots: list[Node] = field(default_factory=list)
    count: int = 0

    def take(self, event: yaml_events.Event) -> None:
        if isinstance(event, yaml_events.DocumentStartEvent):
            self._start_document(event)
        elif isinstance(event, yaml_events.NodeEvent):
            self._start_node(event)
        elif isinstance(event, yaml_events.CollectionEndEvent):
            self._close(_mark(event.end_mark))

    def root(self) -> MapNode:
        """Return the document's root; raise ManifestError when it is no mapping."""
        root = self.roots[0] if self.roots else None
        if isinstance(root, MapNode):
            return root
        empty = root is None or (isinstance(root, TextNode) and not root.text)
        message = "is empty" if empty else "is not a mapping of keys to values"
        hint = "start with `name: …` and `dependencies: […]`"
        raise manifest_error(self.file, [*self.problems, Problem(path="", message=message, hint=hint)])

    def _start_document(self, event: yaml_events.DocumentStartEvent) -> None:
        mark = _mark(event.start_mark)
        if self.roots:
            self._report(mark, "a second document starts here", "one file holds one manifest")
        if event.version or event.tags:
            self._report(mark, "YAML directives (`%`) are not supported")

    def _start_node(self, event: yaml_events.NodeEvent) -> None:
        self.count += 1
        if self.count > MAXIMUM_NODES:
            raise _TooMuchError(f"holds more than {MAXIMUM_NODES} values")
        start, end = _mark(event.start_mark), _mark(event.end_mark)
        broken = self._refused(event, start)
        if isinstance(event, yaml_events.CollectionStartEvent):
            if len(self.stack) >= MAXIMUM_DEPTH:
                raise _TooMuchError(f"nested deeper than {MAXIMUM_DEPTH} levels")
            is_map = isinstance(event, yaml_events.MappingStartEvent)
            self.stack.append(_Open(start=start, flow=bool(event.flow_style), is_map=is_map, broken=broken))
        elif broken or not isinstance(event, yaml_events.ScalarEvent):
            self._attach(BrokenNode(start=start, end=end))
        else:
            self._attach(TextNode(text=event.value, quote=event.style or "", start=start, end=end))

    def _refused(self, event: yaml_events.NodeEvent, start: Mark) -> bool:
        """Return whether a node is of a kind that is not supported, with a problem of it."""
        if isinstance(event, yaml_events.AliasEvent):
            self._report(start, "YAML aliases (`*`) are not supported", "write the value out, or quote it")
        elif event.anchor is not None:
            self._report(start, "YAML anchors (`&`) are not supported", "write the value out, or quote it")
        elif isinstance(event, yaml_events.CollectionStartEvent | yaml_events.ScalarEvent) and event.tag is not None:
            self._report(start, "YAML tags (`!`) are not supported", "leave the tag out, or quote the value")
        else:
            return False
        return True

    def _close(self, end: Mark) -> None:
        opened = self.stack.pop()
        if opened.broken:
            self._attach(BrokenNode(start=opened.start, end=end))
        elif opened.is_map:
            entries = self._entries(opened.values)
            self._attach(MapNode(entries=entries, flow=opened.flow, start=opened.start, end=end))
        else:
            self._attach(ListNode(items=tuple(opened.values), flow=opened.flow, start=opened.start, end=end))

    def _entries(self, values: list[Node]) -> tuple[Entry, ...]:
        entries: dict[str, Entry] = {}
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, TextNode):
                if not isinstance(key, BrokenNode):
                    self._report(key.start, "a key is a list or a mapping", "a key is plain text")
            elif key.text in entries:
                first = entries[key.text].key.start.line
                self._report(key.start, f"{quoted(key.text)} is written twice (first on line {first})", "join the two")
            else:
                entries[key.text] = Entry(key=key, value=self._pulled_up(key, value))
        return tuple(entries.values())

    def _pulled_up(self, key: TextNode, value: Node) -> Node:
        """Place an absent value behind its colon: ruamel.yaml places it at the next thing in the file."""
        colon = _COLON.match(self.text, key.end.offset)
        if not isinstance(value, TextNode) or value.quote or value.text or not colon:
            return value
        mark = Mark(key.end.line, key.end.column + len(colon[0]), colon.end())
        return TextNode(text="", quote="", start=mark, end=mark)

    def _attach(self, node: Node) -> None:
        (self.stack[-1].values if self.stack else self.roots).append(node)

    def _report(self, mark: Mark, message: str, hint: str = "") -> None:
        line = source_line(self.file, self.lines, mark.line)
        self.problems.append(Problem(path="", message=message, hint=hint, line=line))


def _mark(mark: StreamMark) -> Mark:
    return Mark(mark.line + 1, mark.column, mark.index)
