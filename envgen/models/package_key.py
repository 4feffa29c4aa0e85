"""The key of a package among those of both package managers."""

from __future__ import annotations

from typing import Literal, NamedTuple

PackageSource = Literal["conda", "pypi"]


class PackageKey(NamedTuple):
    """A package's source and its name there: a lock may have `tensorflow` of conda's and of PyPI's.

    Keys sort by source, then by name.
    """

    source: PackageSource
    name: str

    def __str__(self) -> str:
        """Render as `conda:numpy`."""
        return f"{self.source}:{self.name}"
