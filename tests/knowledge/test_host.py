"""Test the table of findings about machines, and of what building needs."""

from __future__ import annotations

import pytest

from envgen.knowledge.advice import host_rule, host_rules
from envgen.knowledge.wheels import build_needs


def test_each_code_is_told_once() -> None:
    codes = [rule.code for rule in host_rules()]
    assert len(codes) == len(set(codes))


def test_a_rule_is_found_by_its_code() -> None:
    assert host_rule("ROSETTA").severity == "error"
    with pytest.raises(KeyError):
        host_rule("NOTHING")


def test_what_sources_need() -> None:
    row = build_needs("dlib")
    assert row is not None
    assert row.conda == ("cmake",)
    assert build_needs("numpy") is None
