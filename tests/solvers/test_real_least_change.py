"""Live with a real lock: it was made from the records of before 2023-10-02, and is solved again with all records."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from envgen.errors import UnsatisfiableError
from envgen.locking.moves import MoveReason, conda_reasons
from envgen.models.record import ChannelRecords, Record
from envgen.models.solve import Solver, SolveRequest
from envgen.solvers.least_change import solve_with_least_change
from envgen.solvers.rattler import RattlerSolver
from tests.fakes.locks import conda_key
from tests.fakes.tables import assert_valid, request
from tests.solvers import realchannel

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not realchannel.ROOT.exists(), reason="no ../shared/channel beside the checkout"),
]

ROOTS = ("python 3.11.*", "scikit-learn", "pandas", "matplotlib", "pip", "pyarrow")
MORE = ("polars", "lightgbm", "tqdm", "joblib", "openpyxl")
CUT_OFF = int(datetime(2023, 10, 2, tzinfo=UTC).timestamp() * 1000)


@cache
def index() -> ChannelRecords:
    return realchannel.closure(spec.split()[0] for spec in (*ROOTS, *MORE))


@cache
def lock() -> tuple[Record, ...]:
    old = tuple(found for found in index().records if found.timestamp and found.timestamp < CUT_OFF)
    return RattlerSolver().solve(request(replace(index(), records=old), *ROOTS)).records


def again(
    solver: Solver, asked: SolveRequest, kept: Sequence[Record], update: AbstractSet[str] = frozenset()
) -> tuple[tuple[Record, ...], Mapping[str, MoveReason]]:
    """Solve with the least change, check the answer and that nothing moves without a chain, and give the causes."""
    records = solve_with_least_change(solver, asked, kept, update).records
    assert_valid(asked, records)
    found = conda_reasons(asked, kept, records, frozenset(map(conda_key, update)))
    causes = {key.name: reason for key, reason in found.items()}
    for name in causes:
        seen = [name]
        while because := causes[seen[-1]].because:
            seen.append(because.name)
            assert len(seen) <= len(causes)
        assert "could not be kept" not in causes[seen[-1]].text
    return records, causes


def test_nothing_asked_moves_nothing(solver: Solver) -> None:
    assert again(solver, request(index(), *ROOTS), lock())[0] == lock()


def test_an_update_moves_one_and_what_it_forces_and_then_nothing(solver: Solver) -> None:
    asked = request(index(), *ROOTS)
    records, causes = again(solver, asked, lock(), {"pandas"})
    versions = {found.name: found.version for found in records}
    assert versions["pandas"].startswith("3.")
    assert causes["pandas"] == MoveReason("asked to be updated")
    assert "pandas" in str(causes["matplotlib"].because)
    assert {"numpy", "python", "pyarrow", "pip"}.isdisjoint(causes)
    assert len(causes) < 15
    assert again(solver, asked, records)[0] == records


def test_an_unrelated_package_moves_no_other(solver: Solver) -> None:
    records, causes = again(solver, request(index(), *ROOTS, "polars"), lock())
    assert set(lock()) <= set(records)
    assert "asked for" in causes["polars"].text


def test_a_removed_requirement_leaves_nothing_behind(solver: Solver) -> None:
    records, causes = again(solver, request(index(), *(root for root in ROOTS if root != "pyarrow")), lock())
    assert set(records) < set(lock())
    assert {"pyarrow", "libarrow", "aws-sdk-cpp"} <= causes.keys()


@pytest.mark.parametrize("seed", range(4))
def test_random_edits_move_nothing_without_a_chain(solver: Solver, seed: int) -> None:
    draw = random.Random(seed)
    specs = [*ROOTS[:1], *draw.sample(ROOTS[1:], 4), *draw.sample(MORE, 1)]
    changed = draw.choice([found for found in lock() if found.name in ROOTS])
    asked = request(index(), *specs, f"{changed.name} >{changed.version}")
    try:
        records, _ = again(solver, asked, lock())
    except UnsatisfiableError:
        with pytest.raises(UnsatisfiableError):
            solver.solve(asked)
    else:
        assert again(solver, asked, records)[0] == records
