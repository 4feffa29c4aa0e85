"""Test the reading of core metadata."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement as Pep508

from envgen.models.wheel import Wheel
from envgen.pypi.metadata import parse_metadata, repair

DEMO = Wheel(name="my-demo", version="1.0", filename="my_demo-1.0-py3-none-any.whl", url="", sha256="")


def test_everything_that_a_proof_needs() -> None:
    content = b"""Metadata-Version: 2.1
Name: My.Demo
Version: 1.0
Requires-Python: >=3.9
Provides-Extra: fast
Requires-Dist: numpy (<2,>=1.2)
Requires-Dist: six; extra == 'fast'
Author: Andr\xe9

A description: in Latin-1 \xe9.
"""
    metadata = parse_metadata(content, DEMO)
    assert metadata is not None
    assert (metadata.name, metadata.version, metadata.requires_python) == ("my-demo", "1.0", ">=3.9")
    assert metadata.requires_dist == ("numpy (<2,>=1.2)", "six; extra == 'fast'")
    assert metadata.provides_extra == ("fast",)


def test_a_sparse_old_file() -> None:
    metadata = parse_metadata(b"Metadata-Version: 1.0\nName: my_demo\n", DEMO)
    assert metadata is not None
    assert (metadata.version, metadata.requires_dist, metadata.requires_python) == ("1.0", (), "")


@pytest.mark.parametrize(
    "content",
    [b"", b"<!DOCTYPE html><html></html>", b"Name: other\nVersion: 1.0\n", b"\x00\xff\xfe", b"PK\x03\x04"],
    ids=["empty", "HTML", "another", "binary", "zip"],
)
def test_what_is_no_metadata_of_it(content: bytes) -> None:
    assert parse_metadata(content, DEMO) is None


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        pytest.param("six>=1", "six>=1", id="fine"),
        pytest.param("six (>=1.9.*)", "six (>=1.9)", id="star behind an order"),
        pytest.param("six>=1.0<2", "six>=1.0,<2", id="comma missing"),
        pytest.param("six (>=1.0,)", "six (>=1.0,)", id="a comma too many is allowed"),
        pytest.param("six>='1.0'", "six>=1.0", id="quotes"),
        pytest.param(
            'six>=1.*<2; python_version < "3.4"', 'six>=1,<2; python_version < "3.4"', id="two slips and a marker"
        ),
        pytest.param("six ?= 1", "six ?= 1", id="beyond repair"),
    ],
)
def test_repairs(text: str, repaired: str) -> None:
    assert repair(text) == repaired


@given(
    st.sampled_from(["", ">=1.0", "==1.*", "!=1.5.*,<2", "~=1.4.2"]), st.sampled_from(["", "; python_version<'3.9'"])
)
def test_what_is_valid_stays(specifier: str, marker: str) -> None:
    text = f"demo{specifier}{marker}"
    assert Pep508(repair(text)) == Pep508(text)
    assert repair(text) == text
