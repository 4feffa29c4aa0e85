"""Compare what was measured with what is promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.benchmarks import cases
from tests.benchmarks.measure import Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A promise about a figure: it is at most, or at least, its bound."""

    text: str
    value: float
    bound: float
    unit: str = ""
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Return whether the promise is kept."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        """Return it in a line."""
        limit = "at least" if self.at_least else "at most"
        kept = "" if self.holds else "  NOT KEPT"
        return f"{self.text}: {self.value:.3g}{self.unit} ({limit} {self.bound:.3g}{self.unit}){kept}"


def claims(costs: Mapping[str, Cost]) -> Iterator[Claim]:
    """List the promises about what was measured, with their figures."""
    wall = {name: cost.wall for name, cost in costs.items()}
    if cases.LEAST_HELP in costs:
        above = wall[cases.LEAST_HELP] - wall[cases.LEAST_PYTHON]
        yield Claim(text=f"`{cases.LEAST_HELP}` above bare python", value=above, bound=0.15, unit=" s")
    if cases.LOCK_RATTLER in costs:
        lock, bare = costs[cases.LOCK_RATTLER], wall[cases.BARE_RATTLER]
        yield Claim(text="a lock, in bare solves", value=lock.wall / bare, bound=2.5)
        yield Claim(text="its memory", value=lock.megabytes, bound=400, unit=" MB")
        if cases.CONDA_LOCK in costs:
            times = wall[cases.CONDA_LOCK] / lock.wall
            yield Claim(text="conda-lock's lock, in locks", value=times, bound=2, at_least=True)
    if cases.MIXED in costs:
        bound = wall[cases.MIXED_SOLVE] + 2 * wall[cases.MIXED_UV] + 1
        text = "a lock with Metal, beside a bare solve, two bare runs of uv and a second"
        yield Claim(text=text, value=wall[cases.MIXED], bound=bound, unit=" s")
