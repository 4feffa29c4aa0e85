"""Test how two locks that were made apart are joined."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.lock.custom_metadata import normal_form
from envgen.lock.merge import merged
from envgen.models.findings import Decision
from envgen.models.record import Record
from tests.fakes.locks import LINUX, make_lock, make_platform, make_record, make_wheel, small_platform

OLD, NEW = make_record("numpy", "1.26.4", "py312_0"), make_record("numpy", "2.1.3", "py312_0")
REBUILT = make_record("numpy", "2.1.3", "py312_1")


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param([OLD], [OLD], [OLD], id="the-same"),
        pytest.param([OLD], [NEW], [NEW], id="theirs-is-newer"),
        pytest.param([NEW], [OLD], [NEW], id="ours-is-newer"),
        pytest.param([NEW], [REBUILT], [REBUILT], id="theirs-is-rebuilt"),
        pytest.param([REBUILT], [NEW], [REBUILT], id="ours-is-rebuilt"),
        pytest.param([OLD], [], [OLD], id="ours-alone"),
        pytest.param([], [OLD], [OLD], id="theirs-alone"),
    ],
)
def test_records(ours: list[Record], theirs: list[Record], expected: list[Record]) -> None:
    (platform,) = merged(make_lock(make_platform(ours)), make_lock(make_platform(theirs))).platforms
    assert list(platform.conda) == expected


def test_wheels() -> None:
    ours = make_platform(pypi=[make_wheel("a", "1.10"), make_wheel("b", "1.0")])
    theirs = make_platform(pypi=[make_wheel("a", "1.9"), make_wheel("c", "1.0")])
    (platform,) = merged(make_lock(ours), make_lock(theirs)).platforms
    assert [(wheel.name, wheel.version) for wheel in platform.pypi] == [("a", "1.10"), ("b", "1.0"), ("c", "1.0")]


def test_platforms_of_either_side() -> None:
    ours, theirs = make_platform([OLD]), make_platform([NEW], platform=LINUX)
    lock = merged(make_lock(ours), make_lock(theirs))
    assert [platform.platform.subdir for platform in lock.platforms] == ["linux-64", "osx-arm64"]
    assert [platform.conda for platform in lock.platforms] == [(NEW,), (OLD,)]


def test_decisions_of_both() -> None:
    mine = Decision(requirement="a", name="a", source="conda", why="x")
    other = Decision(requirement="b", name="b", source="conda", why="x")
    ours = replace(make_platform(), decisions=(mine,))
    theirs = replace(make_platform(), decisions=(mine, other))
    assert merged(make_lock(ours), make_lock(theirs)).platforms[0].decisions == (mine, other)


def test_a_lock_joined_with_itself_is_itself() -> None:
    lock = normal_form(make_lock(small_platform()))
    assert merged(lock, lock) == lock
