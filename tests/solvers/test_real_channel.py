"""Solve real requests over the real partial channel, with both solvers."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from envgen.errors import UnsatisfiableError
from envgen.models.solve import Solver, SolveRequest
from tests.fakes.tables import assert_valid, pins, request
from tests.solvers import realchannel

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not realchannel.ROOT.exists(), reason="no ../shared/channel beside the checkout"),
]

SCIENCE = ("python 3.11.*", "tensorflow", "scikit-learn", "pandas", "matplotlib", "jupyterlab", "pip")
REQUESTS = {
    "tensorflow": SCIENCE,
    "pytorch": ("python 3.11.*", "pytorch", "transformers", "datasets"),
    "jax": ("python 3.13.*", "jax"),
    "boosting": ("python 3.12.*", "xgboost", "lightgbm", "polars", "dask"),
    "data": ("python 3.12.*", "pandas >=2", "pyarrow", "fastapi", "jupyterlab", "scikit-learn <1.6"),
    "old": ("python 3.10.*", "tensorflow <2.16", "numpy <2"),
}


def asked(specs: tuple[str, ...]) -> SolveRequest:
    return request(realchannel.closure(spec.split()[0] for spec in specs), *specs)


@pytest.mark.parametrize("specs", REQUESTS.values(), ids=REQUESTS)
def test_real_requests_have_valid_answers(solver: Solver, specs: tuple[str, ...]) -> None:
    solution = solver.solve(asked(specs))
    assert_valid(asked(specs), solution.records)
    assert len(solution.records) > 30


@pytest.mark.parametrize("specs", REQUESTS.values(), ids=REQUESTS)
def test_both_solvers_give_the_same_records(both: tuple[Solver, Solver], specs: tuple[str, ...]) -> None:
    rattler, libmamba = (solver.solve(asked(specs)).records for solver in both)
    assert rattler == libmamba


def test_the_order_of_records_and_specs_does_not_matter(solver: Solver) -> None:
    ordered = asked(SCIENCE)
    draw = random.Random(0)
    (channel,) = ordered.channels
    shuffled = replace(
        ordered,
        channels=(replace(channel, records=tuple(draw.sample(channel.records, len(channel.records)))),),
        specs=tuple(reversed(ordered.specs)),
    )
    assert pins(solver.solve(shuffled)) == pins(solver.solve(ordered))


def test_tensorflow_that_has_no_record_for_a_python_is_refused(solver: Solver) -> None:
    with pytest.raises(UnsatisfiableError, match="no set of packages"):
        solver.solve(asked(("python 3.13.*", "tensorflow 2.18.*")))
