"""Texts are spliced exactly, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.errors import ManifestError
from envgen.manifest.yaml_edit import Splice, applied, scalar, spliced
from envgen.manifest.yaml_parser import parse_tree

SCALARS = {
    "a name": ("numpy", "numpy", "numpy"),
    "a bound": ("numpy>=2", "numpy>=2", "numpy>=2"),
    "two bounds": ("numpy>=2,<3", "numpy>=2,<3", '"numpy>=2,<3"'),
    "an extra": ("fastapi[standard]", "fastapi[standard]", '"fastapi[standard]"'),
    "a marker": ('a; python_version < "3"', 'a; python_version < "3"', 'a; python_version < "3"'),
    "a marker and two bounds": ("a>1,<2; b == \"c\"", "a>1,<2; b == \"c\"", "'a>1,<2; b == \"c\"'"),
    "both quotes": ("a,b; 'c' \"d\"", "a,b; 'c' \"d\"", "'a,b; ''c'' \"d\"'"),
    "a number": ("3.10", '"3.10"', '"3.10"'),
    "a word of YAML": ("true", '"true"', '"true"'),
    "a colon": ("a: b", '"a: b"', '"a: b"'),
    "a colon at the end": ("a:", '"a:"', '"a:"'),
    "a channel": ("a::b", "a::b", '"a::b"'),
    "a comment sign": ("a #b", '"a #b"', '"a #b"'),
    "a sign first": (">=2", '">=2"', '">=2"'),
    "a backslash": ("a\\b, c", "a\\b, c", "'a\\b, c'"),
    "nothing": ("", '""', '""'),
}  # fmt: skip


@pytest.mark.parametrize(("text", "block", "flow"), SCALARS.values(), ids=SCALARS.keys())
def test_a_scalar_has_quotes_where_it_needs_them(text: str, block: str, flow: str) -> None:
    assert (scalar(text), scalar(text, flow=True)) == (block, flow)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)), st.sampled_from(["", "'", '"']))
def test_a_scalar_is_read_back_as_it_was(text: str, quote: str) -> None:
    assert parse_tree(f"a:\n  - {scalar(text, quote=quote)}\n", "f").data() == {"a": [text]}
    assert parse_tree(f"a: [{scalar(text, flow=True, quote=quote)}, b]\n", "f").data() == {"a": [text, "b"]}


def test_splices_keep_their_order() -> None:
    assert applied("abcd", [Splice(3, 4, "x"), Splice(1, 1, "y"), Splice(1, 1, "z")]) == "ayzbcx"


@pytest.mark.parametrize("splice", [Splice(3, 4, "c"), Splice(0, 1, "b"), Splice(3, 4, "[")])
def test_a_splice_that_does_something_else_is_refused(splice: Splice) -> None:
    tree = parse_tree("a: x\n", "envgen.yaml")
    with pytest.raises(ManifestError, match="cannot be edited as it is written"):
        spliced(tree, ("a",), [splice], "b")


def test_a_splice_that_does_what_was_meant_is_applied() -> None:
    tree = parse_tree("a: x  # c\n", "envgen.yaml")
    assert spliced(tree, ("a",), [Splice(3, 4, "b")], "b").text == "a: b  # c\n"
