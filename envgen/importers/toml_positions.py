"""TOML with the lines that its values stand on, which tomllib does not say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from envgen.errors import ForeignFileError
from envgen.importers.items import Span, refuse_many
from envgen.manifest.yaml_document import source_line

Table = Mapping[str, object]
_MAX_LENGTH = 500_000
_MAX_LINE = 10_000
_DEEPEST = 6  # tool.poetry.group.NAME.dependencies.PACKAGE
# Strings and comments first: what is within them is no structure.
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

    def spanned(self, values: Sequence[object]) -> Iterator[tuple[object, Span]]:
        """Pair the items of this array, or values within this statement, with their lines."""
        return zip(values, self.items or (self.span,) * len(values), strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """A document as plain values, and as statements in the order of the file."""

    data: Table
    statements: tuple[Statement, ...]
    firsts: Mapping[tuple[str, ...], Statement]

    def is_first(self, statement: Statement, path: tuple[str, ...]) -> bool:
        """Return whether a statement is the first with a value at or below a path of at most `_DEEPEST` keys."""
        return self.firsts.get(path) is statement

    def table(self, *path: str) -> Table:
        """Return the table at a path, empty where there is none."""
        return table_at(self.data, *path)


def table_at(root: Table, *path: str) -> Table:
    """Return the table at a path below another, empty where there is none."""
    value: object = root
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def listed_extras(table: Table) -> str:
    """Return the extras of a package's table as a requirement has them, such as `[cuda]`."""
    extras = table.get("extras")
    return f"[{','.join(map(str, extras))}]" if isinstance(extras, list) and extras else ""


def shown_path(path: tuple[str, ...]) -> str:
    """Return a path as a message quotes it."""
    text = ".".join(path)
    return f"`{text[:60]}…`" if len(text) > 60 else f"`{text}`"


def read_toml(text: str, file: str) -> TomlFile:
    """Read a document; raise ForeignFileError with the line of what is wrong, or where it is beyond the limits."""
    lines = text.split("\n")
    if max(map(len, lines)) > _MAX_LINE or len(text) > _MAX_LENGTH:
        limits = f"{_MAX_LENGTH:,} characters, {_MAX_LINE:,} a line"
        raise ForeignFileError(f"{file} is longer than any file of this kind ({limits})")
    try:
        data = tomllib.loads(text)
        statements = tuple(_statements(text, lines, file))
        refuse_many(max((len(one.items) for one in statements), default=0), file)
        return TomlFile(data=data, statements=statements, firsts=_firsts(statements))
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        where = [source_line(file, lines, int(at[1]))] if at and at[1] else []
        reason = _AT.sub("", str(error))
        raise ForeignFileError(f"{file} is not TOML: {reason[:1].lower()}{reason[1:]}", lines=where) from error
    except ValueError as error:
        raise ForeignFileError(f"{file} has a number that is too long to be read") from error
    except RecursionError as error:
        raise ForeignFileError(f"{file} is nested too deeply") from error


def _firsts(statements: Iterable[Statement]) -> dict[tuple[str, ...], Statement]:
    """Return the first statement with a value at or below each path; a search for each would take hours."""
    found: dict[tuple[str, ...], Statement] = {}
    for each in statements:
        for length in range(min(len(each.path), _DEEPEST) + 1) if each.value is not None else ():
            found.setdefault(each.path[:length], each)
    return found


def _statements(text: str, lines: list[str], file: str) -> Iterator[Statement]:
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
        path, value = _path(tomllib.loads(body))
        if body.startswith("["):
            table = path
            yield Statement(path=table, value=None, span=span)
        else:
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
    """Yield each statement with the comments before it, and the lines of the items of its array.

    The lines count from the statement's first.
    """
    start = depth = 0
    array = _ArrayScanner()
    for token in _TOKEN.finditer(text):
        sign = token[0]
        depth += (sign in ("[", "{")) - (sign in ("]", "}"))
        array.take(sign, depth)
        if sign == "\n" and depth == 0:
            yield text[start : token.end()], array.items
            start, array = token.end(), _ArrayScanner()
    if start < len(text):
        yield text[start:], array.items


class _ArrayScanner:
    """Find where the items of a statement's array begin and end, from the statement's tokens."""

    def __init__(self) -> None:
        self.items: list[tuple[int, int]] = []
        self._line = 0
        self._open: tuple[int, int] | None = None
        self._value = self._array = False

    def take(self, sign: str, depth: int) -> None:
        blank = not sign.strip() or sign.startswith("#")
        if not self._value:
            self._value = sign.endswith("=")
        elif not self._array:
            self._array = sign == "["
            self._value = self._array or blank
        elif (sign == "," and depth == 1) or (sign == "]" and depth == 0):
            self.items += [self._open] if self._open else []
            self._open = None
        elif not blank:
            self._open = (self._open[0] if self._open else self._line, self._line + sign.count("\n"))
        self._line += sign.count("\n")
