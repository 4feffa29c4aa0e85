"""The request to a solver with its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from envgen.errors import UnsatisfiableError
from envgen.models.match_spec import MatchSpec
from envgen.models.record import ChannelRecords, Record, VirtualPackage
from envgen.models.requirement import Origin

ChannelPriority = Literal["strict", "flexible", "disabled"]
SolverName = Literal["libmamba", "rattler"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RootSpec:
    """A match spec that must be met, with the place that asks for it."""

    spec: MatchSpec
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveRequest:
    """Everything that a solve for one target depends on.

    `constraints` limit packages without asking for them. exclude-newer is applied by the repodata gateway, and least
    change by `solvers.least_change`, so that every solver sees the same request.
    """

    channels: Sequence[ChannelRecords]
    specs: tuple[RootSpec, ...]
    virtual_packages: tuple[VirtualPackage, ...]
    constraints: tuple[RootSpec, ...] = ()
    channel_priority: ChannelPriority = "strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The records that meet a request, sorted by name; virtual packages are not among them."""

    records: tuple[Record, ...]
    solver: SolverName = field(compare=False)


class Solver(Protocol):
    """A solver of one request."""

    def solve(self, request: SolveRequest) -> Solution:
        """Return the records that meet the request; raise UnsatisfiableError when none do."""


class CondaResolver(Protocol):
    """A solver for a planner that tries several requests."""

    def solve(self, request: SolveRequest) -> Solution:
        """Return the records that meet the request, changing as little as may be; raise UnsatisfiableError at once."""

    def explain(self, request: SolveRequest, error: UnsatisfiableError, *, brief: bool = False) -> UnsatisfiableError:
        """Return the error in the user's words, with why the request has no answer; it costs further solves.

        With `brief` it says which requirements take part, and not what would help.
        """
