"""Test the strict reading of tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import pytest

from envgen.knowledge.tables import load_table, parse_row, table_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of each type that a row may have."""

    name: str
    kind: Literal["a", "b"]
    source: str
    verified: date
    names: tuple[str, ...] = ()
    flag: bool = False

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return self.name


GOOD = {"name": "x", "kind": "a", "source": "read", "verified": date(2026, 11, 23)}


def test_a_row_becomes_its_value() -> None:
    row = parse_row("t.toml: a[0]", {**GOOD, "names": ["one"], "flag": True}, Sample)
    assert row == Sample(name="x", kind="a", source="read", verified=date(2026, 11, 23), names=("one",), flag=True)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"nam": "y"}, "unknown key `nam`", id="unknown key"),
        pytest.param({"kind": "c"}, "`kind` is not", id="unknown word"),
        pytest.param({"name": 3}, "`name` is not", id="wrong type"),
        pytest.param({"names": ["a", 1]}, "`names` is not", id="wrong type in a list"),
        pytest.param({"names": "a"}, "`names` is not", id="a text for a list"),
        pytest.param({"flag": "yes"}, "`flag` is not", id="a text for a bool"),
        pytest.param({"source": ""}, "`source` is empty", id="no source"),
        pytest.param({"verified": "2026-11-23"}, "`verified` is not", id="a date as text"),
    ],
)
def test_a_faulty_row_is_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=r"t\.toml: a\[0\]: ") as caught:
        parse_row("t.toml: a[0]", {**GOOD, **change}, Sample)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("key", ["name", "source", "verified"])
def test_a_lacking_key_is_named(key: str) -> None:
    row = {name: value for name, value in GOOD.items() if name != key}
    with pytest.raises(ValueError, match=f"no `{key}`"):
        parse_row("t", row, Sample)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="unknown key `z`; no `name`"):
        parse_row("t", {"z": 1, "kind": "a", "source": "s", "verified": date(2026, 1, 1)}, Sample)


def test_a_row_must_be_a_table() -> None:
    with pytest.raises(ValueError, match="not a table"):
        parse_row("t", "text", Sample)


def test_a_lacking_kind_of_rows_is_told() -> None:
    with pytest.raises(ValueError, match=r"no rows `\[\[nothing\]\]`"):
        load_table("metal.toml", "nothing", Sample)


def test_table_keys() -> None:
    assert table_keys("metal.toml") == ("choice", "release")
