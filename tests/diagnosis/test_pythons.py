"""Test the choice of one python for all."""

from __future__ import annotations

from envgen.diagnosis.blocked import common_python, nearest_pythons
from tests.diagnosis.values import blocked, listed, mac, python_record


def test_the_nearest_come_first_and_the_older_of_two() -> None:
    assert nearest_pythons(mac("3.11")) == ["3.10", "3.12", "3.9", "3.13", "3.8", "3.14"]


def test_the_one_that_helps_most_and_harms_nothing() -> None:
    old = blocked("a==1", listed("a", "arm 1 cp310"))
    older = blocked("b==1", listed("b", "arm 1 cp39", "arm 1 cp310"))
    assert common_python([old, older], []) == "3.10"
    needs_new = blocked("c", listed("c", "arm 1 cp311", "arm 1 cp312"))
    assert common_python([old, older], [needs_new]) == ""


def test_conda_counts_too() -> None:
    assert common_python([blocked("a==1", None, python_record("a", "1", "3.11"))], []) == "3.11"


def test_where_none_helps_there_is_none() -> None:
    assert common_python([blocked("a", listed("a", "sdist 1"))], []) == ""
    assert common_python([], []) == ""


def test_a_subject_is_judged_again() -> None:
    asked = blocked("a==1", listed("a", "arm 1 cp311"), python_record("a", "1", "3.11"))
    assert not asked.pypi.installs
    there = asked.for_python("3.11")
    assert there.pypi.installs
    assert there.conda.available
    assert there.platform.python == "3.11"
