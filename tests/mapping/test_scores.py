"""Pin the scores of the name map, the extras and the specs on the tables of facts, over the real partial channel."""

from __future__ import annotations

import pytest

from tests import score_names
from tests.score_names import SHARED, Score, target

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the real partial channel is not beside the checkout"),
]


def check(score: Score) -> None:
    assert score.passed, str(score)


@pytest.mark.parametrize(("subdir", "total"), [("osx-arm64", 1451), ("linux-64", 1515)])
def test_names(subdir: str, total: int) -> None:
    exact, foreign = score_names.score_names(target(subdir))
    check(exact)
    check(foreign)
    assert exact.total == total
    assert foreign.total == 3740


@pytest.mark.parametrize("subdir", ["osx-arm64", "linux-64"])
def test_names_that_conda_lacks(subdir: str) -> None:
    score = score_names.score_absent(target(subdir))
    check(score)
    assert score.total == 1247


@pytest.mark.parametrize(("subdir", "total"), [("osx-arm64", 132), ("linux-64", 137)])
def test_false_friends(subdir: str, total: int) -> None:
    score = score_names.score_false_friends(target(subdir))
    check(score)
    assert score.total == total


@pytest.mark.parametrize(("subdir", "total"), [("osx-arm64", 23), ("linux-64", 28)])
def test_extras(subdir: str, total: int) -> None:
    score = score_names.score_extras(target(subdir))
    check(score)
    assert score.total == total


@pytest.mark.network
def test_extras_that_the_metadata_tells() -> None:
    score = score_names.score_expanded(target())
    check(score)
    assert score.total > 150


def test_specs() -> None:
    score = score_names.score_specs()
    check(score)
    assert score.total == 67


def test_the_engine_reads_match_specs_as_the_facts_say() -> None:
    score = score_names.score_engine()
    check(score)
    assert score.total == 35


def test_random_specifiers() -> None:
    check(score_names.score_random())


def test_random_specifiers_in_libmamba() -> None:
    pytest.importorskip("libmambapy")
    check(score_names.score_random(score_names.libmamba_matches()))
    check(score_names.score_specs(score_names.libmamba_matches()))
