"""Say what must be there to build a project from its source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from envgen.knowledge.table import rows

TABLE = "builds.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildNeeds:
    """Hold the conda packages that a project's source needs: tools, and libraries with headers.

    `pure` says that it needs no compiler; `isolated` is False where it needs what the environment holds to build.
    """

    name: str
    conda: tuple[str, ...]
    why: str
    source: str
    verified: date
    pure: bool = False
    isolated: bool = True

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        needs = f"conda's {', '.join(self.conda)}" if self.conda else "no compiler" if self.pure else "a compiler alone"
        return f"to build {self.name}: {needs}: {self.why}"


@cache
def builds() -> tuple[BuildNeeds, ...]:
    """Read what sources need."""
    return rows(TABLE, "build", BuildNeeds)


def build_needs(name: str) -> BuildNeeds | None:
    """Find what a project's source needs, or None where nothing is known."""
    return next((row for row in builds() if row.name == name), None)
