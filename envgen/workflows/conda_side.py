"""Join a solver with least change and explanations, for the planner."""

from __future__ import annotations

from dataclasses import dataclass

from envgen.errors import UnsatisfiableError
from envgen.models.record import Record
from envgen.models.solve import Solution, Solver, SolveRequest
from envgen.solvers.explain import explain
from envgen.solvers.least_change import solve_with_least_change


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastChangeSide:
    """Solve while keeping the records of an earlier lock where that is possible.

    `update` names packages that need not be kept.
    """

    solver: Solver
    kept: tuple[Record, ...] = ()
    update: frozenset[str] = frozenset()

    def solve(self, request: SolveRequest) -> Solution:
        """Give the records that meet the request; raise UnsatisfiableError when none do."""
        if not self.kept:
            return self.solver.solve(request)
        return solve_with_least_change(self.solver, request, self.kept, self.update)

    def explain(self, request: SolveRequest, error: UnsatisfiableError) -> UnsatisfiableError:
        """Say in the user's words why a request has no answer."""
        return explain(self.solver, request, error)
