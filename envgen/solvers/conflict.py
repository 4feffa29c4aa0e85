"""Find the few requirements of a request that cannot be met together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from envgen.errors import UnsatisfiableError
from envgen.models.record import ChannelRecords, Record
from envgen.models.solve import RootSpec, Solution, Solver, SolveRequest
from envgen.solvers.candidates import labels, picked

T = TypeVar("T")

BUDGET = 60


@dataclass(slots=True)
class Trial:
    """Solve variants of one request, for as long as the budget lasts.

    The budget counts solves, not seconds, so that the same request always gets the same explanation.
    """

    solver: Solver
    budget: int = field(default=BUDGET)

    def solution(self, request: SolveRequest) -> Solution | None:
        """Give a solution, or None where there is none or nothing is left to try with."""
        if self.budget <= 0:
            return None
        self.budget -= 1
        try:
            return self.solver.solve(request)
        except UnsatisfiableError:
            return None

    def conflicts(self, request: SolveRequest) -> bool:
        """Tell whether a request is known to have no solution."""
        return self.budget > 0 and self.solution(request) is None


def conflicting(trial: Trial, request: SolveRequest, problem: str) -> SolveRequest:
    """Reduce an unsatisfiable request to specs and constraints none of which can be left out.

    Those whose names the solver's text mentions are tried first: if they conflict on their own, as they nearly always
    do, the others need not be looked at. When the budget runs out, the result is unsatisfiable but may hold more.
    """
    roots = [*((root, True) for root in request.specs), *((root, False) for root in request.constraints)]
    suspects = [(root, asked) for root, asked in roots if root.spec.name in problem]
    if 0 < len(suspects) < len(roots) and trial.conflicts(_only(request, suspects)):
        roots = suspects
    return within_reach(_only(request, minimal(roots, lambda some: trial.conflicts(_only(request, some)))))


def minimal(items: Sequence[T], conflict: Callable[[Sequence[T]], bool]) -> list[T]:
    """Shrink items that conflict to a minimal part that does, leaving out halves, then quarters, then single ones."""
    core = list(items)
    size = max(len(core) // 2, 1)
    while True:
        start = 0
        while start < len(core):
            rest = core[:start] + core[start + size :]
            if rest and conflict(rest):
                core = rest
            else:
                start += size
        if size == 1:
            return core
        size //= 2


def _only(request: SolveRequest, roots: Sequence[tuple[RootSpec, bool]]) -> SolveRequest:
    return replace(
        request,
        specs=tuple(root for root, asked in roots if asked),
        constraints=tuple(root for root, asked in roots if not asked),
    )


def within_reach(request: SolveRequest) -> SolveRequest:
    """Leave out the records that nothing in the request can lead to, so that solving variants of it is quick."""
    by_name: dict[str, list[Record]] = {}
    for entry in request.channels:
        for record in entry.records:
            by_name.setdefault(record.name, []).append(record)
    todo = [root.spec.name for root in request.specs]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(depend.split(" ", 1)[0] for record in by_name.get(name, ()) for depend in record.depends)
    return replace(request, channels=tuple(_reached(entry, seen) for entry in request.channels))


def _reached(entry: ChannelRecords, names: set[str]) -> ChannelRecords:
    return picked(entry, [position for position, (name, _) in enumerate(labels(entry)) if name in names])
