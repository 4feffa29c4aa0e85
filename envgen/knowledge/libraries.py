"""Say which libraries a wheel loads that nobody ships with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from envgen.knowledge.clash import Evidence
from envgen.knowledge.table import rows
from envgen.knowledge.world import Installed, World

TABLE = "libraries.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenLibrary:
    """Hold a library that the wheels of a distribution look for outside; `conda` is the record that brings it.

    `conda_package` takes the wheel's place and brings all that it needs.
    """

    distribution: str
    library: str
    conda: str
    conda_package: str
    evidence: Evidence
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"PyPI's {self.distribution} needs {self.library} (conda's {self.conda} brings it): {self.why}"


@cache
def hidden_libraries() -> tuple[HiddenLibrary, ...]:
    """Read the libraries."""
    return rows(TABLE, "library", HiddenLibrary)


def lacking_libraries(world: World) -> tuple[tuple[HiddenLibrary, Installed], ...]:
    """List the libraries that wheels of a world look for and nothing in it brings; none but on osx-arm64.

    The cure in the data is to add the record `conda`, or to take `conda_package` in the wheel's place.
    """
    if not world.is_apple_silicon:
        return ()
    return tuple(
        (row, wheel)
        for row in hidden_libraries()
        for wheel in world.find(row.distribution, source="pypi")
        if not world.named(row.conda)
    )
