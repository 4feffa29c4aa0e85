"""Join a solver with least change and explanations, for the planner."""

from __future__ import annotations

from dataclasses import dataclass, field

from envgen.errors import UnsatisfiableError
from envgen.models.record import Record, Repodata
from envgen.models.solve import Solution, Solver, SolveRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastChangeSide:
    """Solve while keeping the records of an earlier lock where that is possible.

    `update` names packages that need not be kept; `answered` collects the requests that were met, with their answers.
    """

    solver: Solver
    repodata: Repodata | None = None
    kept: tuple[Record, ...] = ()
    update: frozenset[str] = frozenset()
    answered: list[tuple[SolveRequest, Solution]] = field(default_factory=list, repr=False, compare=False)

    def solve(self, request: SolveRequest) -> Solution:
        """Give the records that meet the request; raise UnsatisfiableError when none do."""
        if not self.kept:
            solution = self.solver.solve(request)
        else:
            from envgen.solvers.least_change import solve_with_least_change

            solution = solve_with_least_change(self.solver, request, self.kept, self.update)
        self.answered.append((request, solution))
        return solution

    def request_of(self, records: tuple[Record, ...]) -> SolveRequest | None:
        """Give the last request whose answer were these records."""
        return next((request for request, found in reversed(self.answered) if found.records == records), None)

    def explain(self, request: SolveRequest, error: UnsatisfiableError) -> UnsatisfiableError:
        """Say in the user's words why a request has no answer."""
        from envgen.solvers.conflicts import explain  # what a lock that can be made has no use for

        return explain(self.solver, request, error, repodata=self.repodata)
