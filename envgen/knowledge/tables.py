"""Tables of facts, read strictly."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from datetime import date
from functools import cache, partial
from importlib.resources import files
from typing import Literal, Protocol, TypeVar, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact: what it is about, the rule in words, what it was read from, and when it was verified."""

    topic: str
    rule: str
    source: str
    verified: date


class Row(Protocol):
    """What every row of every table must have."""

    @property
    def source(self) -> str:
        """Return what the fact was read from: a document, a pull request or an issue, or index metadata."""
        ...

    @property
    def verified(self) -> date:
        """Return the day on which the fact was last found true."""
        ...

    @property
    def rule(self) -> str:
        """Return the fact in words."""
        ...


RowT = TypeVar("RowT", bound=Row)


def load_table(file: str, key: str, kind: type[RowT]) -> tuple[RowT, ...]:
    """Return the rows under a key of one of the package's tables, in their order.

    Raises:
        ValueError: a row has an unknown key, lacks one, or has a value of another type. The message names the row.
    """
    found = _document(file).get(key)
    if not isinstance(found, list):
        raise ValueError(f"{file}: no rows `[[{key}]]`")
    return tuple(parse_row(f"{file}: {key}[{number}]", row, kind) for number, row in enumerate(found))


def lazy_table(file: str, key: str, kind: type[RowT]) -> Callable[[], tuple[RowT, ...]]:
    """Return a reader of a table's rows: its first call loads them, so that importing the module reads no file."""
    return cache(partial(load_table, file, key, kind))


def table_keys(file: str) -> tuple[str, ...]:
    """Return the keys of the rows in a table, sorted."""
    return tuple(sorted(_document(file)))


def parse_row(where: str, row: object, kind: type[RowT]) -> RowT:
    """Turn one row into its value, checking every key and type; raise ValueError with all that is wrong with it."""
    if not isinstance(row, dict):
        raise ValueError(f"{where}: not a table")
    known = {field.name: field for field in _fields_of(kind)}
    hints = _hints_of(kind)
    problems = [f"unknown key `{key}`" for key in row if key not in known]
    problems += [f"no `{name}`" for name, field in known.items() if name not in row and _required(field)]
    values = {name: _value(row[name]) for name in known if name in row}
    problems += [f"`{name}` is not {hints[name]}" for name, value in values.items() if not _fits(value, hints[name])]
    problems += [f"`{name}` is empty" for name in ("source", "why") if values.get(name) == ""]
    if problems:
        raise ValueError(f"{where}: {'; '.join(problems)}")
    build: Callable[..., RowT] = kind
    return build(**values)


@cache
def _document(file: str) -> Mapping[str, object]:
    text = files("envgen.knowledge").joinpath(file).read_text(encoding="utf-8")
    return tomllib.loads(text)


def _fields_of(kind: type[RowT]) -> tuple[Field[object], ...]:
    return fields(kind)  # type: ignore[arg-type]  # every Row is a dataclass; Protocols cannot say so


@cache
def _hints_of(kind: type[RowT]) -> Mapping[str, object]:
    return get_type_hints(kind)


def _required(field: Field[object]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _value(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _fits(value: object, hint: object) -> bool:
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    # A datetime is a date to Python, but not to a reader of the tables.
    return isinstance(hint, type) and isinstance(value, hint) and not (hint is date and type(value) is not date)
