"""The speed of a lock to bounds that a busy machine keeps too; `python -m tests.benchmarks` says it exactly."""

from __future__ import annotations

import pytest

from tests.benchmarks import cases
from tests.benchmarks.measure import Cost, alternate

RUNS = 3

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not cases.SHARED.exists(), reason="no ../shared/channel beside the checkout"),
]


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cost]:
    """Measure all that needs no network; processor time is compared, which other processes hardly change."""
    start = alternate(cases.start_cases(tmp_path_factory.mktemp("start")), RUNS)
    return {**start, **alternate(cases.conda_cases(cases.SHARED, tmp_path_factory.mktemp("conda")), RUNS)}


def test_a_lock_takes_little_more_than_its_solve(costs: dict[str, Cost]) -> None:
    assert costs[cases.LOCK_RATTLER].processor < 3 * costs[cases.BARE_RATTLER].processor
    assert costs[cases.LOCK_RATTLER].megabytes < 400


def test_a_lock_that_is_current_solves_nothing(costs: dict[str, Cost]) -> None:
    solve = costs[cases.BARE_RATTLER].processor / 3
    assert costs[cases.UNCHANGED].processor < costs[cases.LOCK_RATTLER].processor - solve


def test_conda_lock_takes_longer_with_the_quickest_solver(costs: dict[str, Cost]) -> None:
    if cases.CONDA_LOCK not in costs:
        pytest.skip("conda-lock is not installed")
    assert costs[cases.CONDA_LOCK].processor > 1.5 * costs[cases.LOCK_RATTLER].processor


def test_the_help_is_there_at_once(costs: dict[str, Cost]) -> None:
    assert costs[cases.LEAST_HELP].processor - costs[cases.LEAST_PYTHON].processor < 0.25
