"""Read TOML with the lines that its values stand on, which tomllib does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from envgen.errors import ForeignFileError
from envgen.importers.items import Span, refuse_many
from envgen.manifest.yaml_document import source_line

Table = Mapping[str, object]
MAX_LENGTH = 500_000
MAX_LINE = 10_000
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'|"
    r"\#[^\n]*|\n|[\[\]{},]|[ \t]+|[^\s\"'\#\[\]{},]+|.",
    re.DOTALL,
)
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One `key = value`, or a table's head, whose `value` is None.

    `path` leads from the document's root; `items` are the places of an array's items, () for other values.
    """

    path: tuple[str, ...]
    value: object
    span: Span
    items: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """A document as plain values, and as statements in the order of the file."""

    data: Table
    statements: tuple[Statement, ...]

    def table(self, *path: str) -> Table:
        """Return the table at a path, empty where there is none."""
        value: object = self.data
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}


def shown_path(path: tuple[str, ...]) -> str:
    """Show a path within a message."""
    text = ".".join(path)
    return f"`{text[:60]}…`" if len(text) > 60 else f"`{text}`"


def read_toml(text: str, file: str) -> TomlFile:
    """Read a document; raise ForeignFileError with the line of what is wrong, or where it is beyond the limits."""
    if max(map(len, text.split("\n"))) > MAX_LINE or len(text) > MAX_LENGTH:
        limits = f"{MAX_LENGTH:,} characters, {MAX_LINE:,} a line"
        raise ForeignFileError(f"{file} is longer than any file of this kind ({limits})")
    try:
        data = tomllib.loads(text)
        statements = tuple(_statements(text, file))
        refuse_many(max((len(one.items) for one in statements), default=0), file)
        return TomlFile(data=data, statements=statements)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at = _AT.search(message)
        line = source_line(file, text.split("\n"), int(at[1])) if at and at[1] else None
        reason = _AT.sub("", message)
        raise ForeignFileError(
            f"{file} is not TOML: {reason[:1].lower()}{reason[1:]}", lines=[line] if line else []
        ) from error
    except RecursionError as error:
        raise ForeignFileError(f"{file} is nested too deeply") from error


def _statements(text: str, file: str) -> Iterator[Statement]:
    lines = text.split("\n")
    table: tuple[str, ...] = ()
    number = 1
    for source, starts in _pieces(text):
        body = source.lstrip()
        first = number + source[: len(source) - len(body)].count("\n")
        number += source.count("\n")
        if not body.strip() or body.startswith("#"):
            continue
        last = first + body.rstrip().count("\n")
        span = Span(line=source_line(file, lines, first), last=last)
        if body.startswith("["):
            table = _path(tomllib.loads(body))[0]
            yield Statement(path=table, value=None, span=span)
        else:
            path, value = _path(tomllib.loads(body))
            items = tuple(Span(line=source_line(file, lines, first + at), last=first + end) for at, end in starts)
            fits = isinstance(value, list) and len(items) == len(value)
            yield Statement(path=(*table, *path), value=value, span=span, items=items if fits else ())


def _path(parsed: object) -> tuple[tuple[str, ...], object]:
    """Follow the single keys of a statement that was read alone."""
    path: list[str] = []
    while isinstance(parsed, dict) and len(parsed) == 1:
        key, parsed = next(iter(parsed.items()))
        path.append(key)
        if isinstance(parsed, list):
            break
    return tuple(path), parsed


def _pieces(text: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Cut a document into statements with the comments before them, and give the lines of an array's items in each.

    The lines count from the statement's first.
    """
    start = depth = 0
    walk = _Array()
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in ("[", "{"):
            depth += 1
        elif sign in ("]", "}"):
            depth -= 1
        walk.take(sign, depth)
        if sign == "\n" and depth == 0:
            yield text[start : token.end()], walk.items
            start, walk = token.end(), _Array()
    if start < len(text):
        yield text[start:], walk.items


class _Array:
    """Follow the tokens of one statement, and find where the items of its array begin and end."""

    def __init__(self) -> None:
        self.items: list[tuple[int, int]] = []
        self._line = 0
        self._open: tuple[int, int] | None = None
        self._value = self._array = False

    def take(self, sign: str, depth: int) -> None:
        blank = not sign.strip() or sign.startswith("#")
        if not self._value:
            self._value = sign == "=" or sign.endswith("=")
        elif not self._array:
            self._array = sign == "["
            self._value = self._array or blank
        elif (sign == "," and depth == 1) or (sign == "]" and depth == 0):
            self._close()
        elif not blank:
            self._open = (self._open[0] if self._open else self._line, self._line + sign.count("\n"))
        self._line += sign.count("\n")

    def _close(self) -> None:
        if self._open:
            self.items.append(self._open)
        self._open = None
