"""Run the contract once for every solver that can be imported."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from envgen.models.solve import Solver
from envgen.solvers.rattler import RattlerSolver

HAS_LIBMAMBA = importlib.util.find_spec("libmambapy") is not None
needs_libmamba = pytest.mark.skipif(not HAS_LIBMAMBA, reason="libmambapy cannot be imported (conda-forge has it)")


@pytest.fixture(params=["rattler", pytest.param("libmamba", marks=needs_libmamba)])
def solver(request: pytest.FixtureRequest) -> Iterator[Solver]:
    """Return each solver in turn."""
    if request.param == "rattler":
        yield RattlerSolver()
    else:
        from envgen.solvers.libmamba import LibmambaSolver

        yield LibmambaSolver()


@pytest.fixture
def both() -> tuple[Solver, Solver]:
    """Return both solvers, or skip."""
    if not HAS_LIBMAMBA:
        pytest.skip("libmambapy cannot be imported (conda-forge has it)")
    from envgen.solvers.libmamba import LibmambaSolver

    return RattlerSolver(), LibmambaSolver()
