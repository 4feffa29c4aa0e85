"""Test that an override which holds nowhere takes a requirement away."""

from __future__ import annotations

import pytest

from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement
from envgen.planner.overrides import removal, removed_names
from tests.fakes.planner_world import pypi_versions, world

MAC = Platform(subdir="osx-arm64", python="3.12", macos="13.0")


@pytest.mark.parametrize(
    ("overrides", "removed"),
    [
        ([removal("promise")], {"promise"}),
        (["promise; sys_platform == 'never'"], {"promise"}),
        (["promise; sys_platform == 'linux'"], set()),
        (["promise; platform_machine == 'x86_64'"], set()),
        (["promise>=2"], set()),
        ([removal("promise"), "promise>=2; sys_platform == 'linux'"], set()),
        ([removal("promise"), removal("six")], {"promise", "six"}),
    ],
    ids=["never", "no such system", "linux", "intel", "plain", "elsewhere", "two"],
)
def test_which_names_are_taken_away(overrides: list[str], removed: set[str]) -> None:
    parsed = [Requirement.parse(text, Origin(path="overrides")) for text in overrides]
    assert removed_names(parsed, MAC) == removed


def test_what_is_taken_away_is_neither_resolved_nor_required() -> None:
    pypi = "app 1.0 : gone | more\nmore 1.0"
    made = world("", pypi, only=["app"], overrides=[removal("gone")]).plan()
    assert pypi_versions(made) == {"app": "1.0", "more": "1.0"}
    assert {locked.name: locked.requires for locked in made.pypi}["app"] == ("more",)
    assert any("`gone`, which app 1.0 requires, is left out" in note for note in made.notes)
