"""Say what comes from PyPI whenever TensorFlow does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from envgen.knowledge.table import rows
from envgen.knowledge.tensorflow import native_satellites

TABLE = "beside.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Hold distributions that are never taken from conda beside PyPI's TensorFlow."""

    names: tuple[str, ...]
    why: str
    source: str
    verified: date
    metal_only: bool = False

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        beside = "tensorflow-metal" if self.metal_only else "PyPI's TensorFlow"
        return f"beside {beside} these come from PyPI: {', '.join(self.names)}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRule:
    """Hold the wheel that takes the place of conda records which load shared C++ libraries."""

    conda: tuple[str, ...]
    distribution: str
    why: str
    source: str
    verified: date
    specifier: str = ""

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"{self.distribution}{self.specifier} from PyPI takes the place of {', '.join(self.conda)}: {self.why}"


@cache
def stays() -> tuple[Stay, ...]:
    """Read what stays on PyPI beside its TensorFlow."""
    return rows(TABLE, "stay", Stay)


@cache
def moves() -> tuple[MoveRule, ...]:
    """Read which wheels take the place of which records."""
    return rows(TABLE, "move", MoveRule)


def never_lifted(*, metal: bool) -> Mapping[str, str]:
    """Map the distributions that conda may not provide beside PyPI's TensorFlow to the reason."""
    return {name: row.why for row in stays() if metal or not row.metal_only for name in row.names}


def must_be_pypi(from_pypi: Iterable[str]) -> Mapping[str, str]:
    """Map further distributions that must come from PyPI on osx-arm64, given those that do, to the reason.

    A distribution that loads TensorFlow's own libraries brings PyPI's TensorFlow; that brings the rest.
    """
    present = frozenset(from_pypi)
    native = sorted(present & native_satellites())
    if not native and not present & {"tensorflow", "tensorflow-macos"}:
        return {}
    needed = dict(never_lifted(metal="tensorflow-metal" in present))
    if native:
        needed["tensorflow"] = f"{native[0]} is compiled against PyPI's TensorFlow"
    return {name: why for name, why in needed.items() if name not in present}


def move_of(conda_name: str) -> MoveRule | None:
    """Find the wheel that takes a record's place, or None."""
    return next((row for row in moves() if conda_name in row.conda), None)
