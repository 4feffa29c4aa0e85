"""All that `python -m tests.benchmarks` measures without a network runs; what it takes is for that command to say."""

from __future__ import annotations

import pytest

from tests.benchmarks import cases
from tests.benchmarks.claims import claims
from tests.benchmarks.measure import Cost, alternate

RUNS = 1

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not cases.SHARED.exists(), reason="no ../shared/channel beside the checkout"),
]


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cost]:
    """Measure all that needs no network."""
    start = alternate(cases.start_cases(tmp_path_factory.mktemp("start")), RUNS)
    return {**start, **alternate(cases.conda_cases(cases.SHARED, tmp_path_factory.mktemp("conda")), RUNS)}


def test_every_case_is_measured(costs: dict[str, Cost]) -> None:
    assert {cases.BARE_RATTLER, cases.LOCK_RATTLER, cases.UNCHANGED, cases.LEAST_HELP, cases.LEAST_PYTHON} <= set(costs)
    assert list(claims(costs))


def test_a_lock_takes_little_memory(costs: dict[str, Cost]) -> None:
    assert costs[cases.LOCK_RATTLER].megabytes < 400
