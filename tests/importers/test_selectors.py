"""Test which selectors pick Apple silicon."""

from __future__ import annotations

import pytest

from envgen.importers.environment_yml import selected


@pytest.mark.parametrize(
    "selector",
    ["osx", "arm64", "unix", "not win", "not linux", "osx and arm64", "win or osx", "something else", "py3k"],
)
def test_for_us(selector: str) -> None:
    assert selected(selector)


@pytest.mark.parametrize("selector", ["win", "linux", "linux64", "osx64", "not osx", "osx and x86_64", "linux or win"])
def test_for_others(selector: str) -> None:
    assert not selected(selector)
