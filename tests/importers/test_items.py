"""Test what is said of the items that all readers share."""

from __future__ import annotations

import pytest

from envgen.errors import SourceLine
from envgen.importers.items import ImportedMatchSpec, Span, index_note

SPAN = Span(line=SourceLine(file="f", line=1, text=""), last=1)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (ImportedMatchSpec(span=SPAN, name="a"), "a"),
        (ImportedMatchSpec(span=SPAN, name="a", version=">=1"), "a >=1"),
        (ImportedMatchSpec(span=SPAN, name="a", build="py*"), "a * py*"),
        (ImportedMatchSpec(span=SPAN, name="a", version="1", build="py*", channel="c"), "c::a 1 py*"),
    ],
)
def test_a_match_spec_as_conda_writes_it(spec: ImportedMatchSpec, text: str) -> None:
    assert spec.text == text


@pytest.mark.parametrize("value", [None, ["https://u:p@h.example/s"], "$INDEX", "https://h.example/simple"])
def test_an_index_without_a_secret_has_no_further_word(value: object) -> None:
    assert index_note("left out", value) == "left out"


def test_what_to_write_to_have_an_index_with_a_secret() -> None:
    said = index_note("left out", "https://u:p@h.example/simple")
    assert said.startswith("left out; to ask this one, under `indexes` write https://h.example/simple, and set ")
    assert ":p" not in said
