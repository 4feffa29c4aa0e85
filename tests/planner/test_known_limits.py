"""Test the early refusal of bounds and wheels."""

from __future__ import annotations

import pytest

from envgen.errors import PlanError
from envgen.knowledge.caps import caps_for
from envgen.planner.known_limits import refuse_contradicted, refuse_missing_wheels
from tests.fakes.installed_values import installed, requirements, target


def test_the_users_own_bound_against_a_cap() -> None:
    caps = caps_for(installed(conda=["tensorboard==2.20.0"]))
    with pytest.raises(PlanError) as caught:
        refuse_contradicted(caps, requirements("numpy", "setuptools>=82"))
    error = caught.value
    assert error.message.startswith("`setuptools>=82` cannot be met: conda's tensorboard 2.20.0 needs setuptools<82")
    assert [line.line for line in error.lines] == [2]
    assert "`setuptools<82`" in error.hint


def test_bounds_that_leave_room_pass() -> None:
    refuse_contradicted(caps_for(installed(conda=["tensorboard==2.20.0"])), requirements("setuptools>=60", "numpy"))


def test_all_missing_wheels_are_told_at_once() -> None:
    asked = requirements("dlib==19.7.0", "numpy", "pyaudio", "tensorflow-text==2.15.*")
    with pytest.raises(PlanError) as caught:
        refuse_missing_wheels(asked, target())
    error = caught.value
    assert [line.line for line in error.lines] == [1, 3, 4]
    assert "source alone" in error.message
    assert "instead of pyaudio: sounddevice" in error.hint


def test_what_may_have_a_wheel_passes() -> None:
    asked = requirements("numpy", "tensorflow-text", "dlib @ https://files.example/dlib-20.0.1-py3-none-any.whl")
    refuse_missing_wheels(asked, target())
    refuse_missing_wheels(requirements("dlib"), target(subdir="linux-64"))
