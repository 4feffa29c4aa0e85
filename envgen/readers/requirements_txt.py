"""Read requirements.txt, and the files that it includes.

These are pip's own rules: continuation lines, comments, options, `-r` and `-c`. They are written anew because the
parsers that exist follow `-r` wherever it leads, without end, and expand environment variables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from envgen.errors import ForeignFileError
from envgen.manifest.yaml_document import source_line
from envgen.readers.foreign import Asked, AskedRequirement, ForeignFile, Heading, Include, Span, Unread, refuse_many
from envgen.readers.requirement_lines import Reference, read_line
from envgen.readers.solved import is_solved

MAX_DEPTH = 20
MAX_FILES = 100
MAX_LINES = 20_000


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """Hold a line with its continuation lines joined and its comment taken off."""

    span: Span
    text: str


def read_requirements(text: str, file: str, include: Include) -> ForeignFile:
    """Read a file of requirements; what it includes is read by `include`, each file once.

    Raises:
        ForeignFileError: it has too many lines, or names too many packages.
    """
    reader = _Reader(include=include)
    items = tuple(reader.read(text, file, depth=0, bound=False))
    return ForeignFile(
        format="requirements.txt", file=file, items=items, files=tuple(reader.files[1:]), solved=is_solved(items)
    )


def referenced(item: Reference, file: str, include: Include) -> Iterator[Asked]:
    """Read the requirements that a file of another kind names; raise nothing: what cannot be had is an Unread."""
    if "://" in item.target:
        yield Unread(span=item.span, why="a file behind a URL is not read", hint="fetch it, and name the copy")
        return
    try:
        shown, text = include(item.target, file)
        found = read_requirements(text, shown, include)
    except ForeignFileError as error:
        yield Unread(span=item.span, why=error.message, hint=error.hint)
        return
    yield Heading(span=item.span, what=f"`{item.target}` is included")
    for inner in found.items:
        yield replace(inner, bound=inner.bound or item.bound) if isinstance(inner, AskedRequirement) else inner


def other_files(items: Iterable[Asked], file: str) -> tuple[str, ...]:
    """List the further files that items come from, in order."""
    return tuple(dict.fromkeys(item.span.line.file for item in items if item.span.line.file != file))


def logical_lines(text: str, file: str) -> Iterator[LogicalLine]:
    """Join continuation lines and take comments off; raise ForeignFileError for too many lines.

    Lines that are blank or all comment are left out; a text of "" stands for a continuation of nothing.
    """
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise ForeignFileError(f"{file} has {len(lines):,} lines, more than {MAX_LINES:,}")
    held: list[str] = []
    for number, line in enumerate(lines, 1):
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment and number < len(lines):
            held.append(line.rstrip("\\"))
            continue
        # a comment line ends a continuation, as it does for pip
        joined = "".join([*held, f" {line}" if comment else line.rstrip("\\")])
        clean = _uncommented(joined).strip()
        if clean or held or line.strip(" \\") != line.strip():
            first = number - len(held)
            yield LogicalLine(Span(line=source_line(file, lines, first), last=number), clean)
        held = []


def _uncommented(line: str) -> str:
    """Take a comment off: a `#` that starts the line or follows a space."""
    at = line.find("#")
    while at > 0 and not line[at - 1].isspace():
        at = line.find("#", at + 1)
    return line if at < 0 else line[:at]


@dataclass(slots=True, kw_only=True)
class _Reader:
    include: Include
    files: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    done: set[tuple[str, bool]] = field(default_factory=set)
    count: int = 0

    def read(self, text: str, file: str, *, depth: int, bound: bool) -> Iterator[Asked]:
        self.files.append(file)
        self.open.append(file)
        self.done.add((file, bound))
        for line in logical_lines(text, file):
            self.count += 1
            refuse_many(self.count, file)
            item = read_line(line.text, line.span) if line.text else Heading(span=line.span)
            if isinstance(item, Reference):
                yield from self._follow(item, file, depth=depth, bound=bound or item.bound)
            elif isinstance(item, AskedRequirement):
                yield replace(item, bound=bound)
            else:
                yield item
        self.open.pop()

    def _follow(self, item: Reference, file: str, *, depth: int, bound: bool) -> Iterator[Asked]:
        try:
            text, shown = self._included(item, file, depth)
        except ForeignFileError as error:
            yield Unread(span=item.span, why=error.message, hint=error.hint)
            return
        if (shown, bound) in self.done:
            yield Heading(span=item.span, what=f"`{item.target}` was included above")
            return
        yield Heading(span=item.span, what=f"`{item.target}` is included")
        yield from self.read(text, shown, depth=depth + 1, bound=bound)

    def _included(self, item: Reference, file: str, depth: int) -> tuple[str, str]:
        if "://" in item.target:
            raise ForeignFileError("a file behind a URL is not read", hint="fetch it, and name the copy")
        if depth >= MAX_DEPTH:
            raise ForeignFileError(f"included through more than {MAX_DEPTH} files", hint="put the lines into one file")
        if len(self.files) >= MAX_FILES:
            raise ForeignFileError(f"more than {MAX_FILES} files are included", hint="put the lines into one file")
        shown, text = self.include(item.target, file)
        if shown in self.open:
            raise ForeignFileError(f"a loop: {' -> '.join([*self.open, shown])}", hint="take the line out")
        return text, shown
