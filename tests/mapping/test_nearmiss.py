"""Test the guesses at misspelt names."""

from __future__ import annotations

import pytest

from envgen.mapping.name_mapper import near_misses
from tests.calls import calls

KNOWN = ("scikit-learn", "scikit-image", "tensorflow", "r-tensorflow", "pandas", "numpy", "xgboost", "numba")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("scikit-lern", "scikit-learn"), ("tensorflw", "tensorflow"), ("panda", "pandas"), ("nunpy", "numpy")],
)
def test_a_slip_is_understood(written: str, meant: str) -> None:
    assert near_misses(written, KNOWN)[0] == meant


@pytest.mark.parametrize("written", ["numpy", "qqqqq", "", "completely-different-thing"])
def test_what_is_not_near_is_not_suggested(written: str) -> None:
    assert near_misses(written, KNOWN) == ()


def test_three_at_most_the_nearest_first_whatever_the_order() -> None:
    known = ("package", "packages", "packagee", "packaged", "packager")
    found = near_misses("packagex", known)
    assert found == near_misses("packagex", reversed(known))
    assert found[0] == "package"
    assert len(found) == 3


def test_thirty_thousand_names_are_mostly_passed_over() -> None:
    known = [
        f"{first}{second}-{number}"
        for first in ("scikit", "tensor", "numba")
        for second in ("x", "le")
        for number in range(5000)
    ]
    assert calls(lambda: near_misses("scikit-learn", known)) < 10 * len(known)
