"""The parser of YAML texts into nodes, with refusals that say what is wrong; the home of ruamel.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml_events
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner
from ruamel.yaml.tokens import ScalarToken

from envgen.errors import ManifestError, Problem
from envgen.manifest.problems import manifest_error, quoted, shown
from envgen.manifest.yaml_document import (
    MAXIMUM_BYTES,
    MAXIMUM_DEPTH,
    MAXIMUM_NODES,
    BrokenNode,
    Entry,
    ListNode,
    MapNode,
    Mark,
    Node,
    TextNode,
    YamlTree,
    source_line,
    split_lines,
)

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
_COLON = re.compile(r"[ \t]*:")


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
