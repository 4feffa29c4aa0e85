"""What a user must know of a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from envgen.models.package_key import PackageKey, PackageSource

Severity = Literal["error", "warning", "info"]
Source = Literal[PackageSource, "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """What the proof saw, under a stable code such as `PIN-MISMATCH`; an error stops the writing."""

    code: str
    severity: Severity
    message: str
    hint: str = ""
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where a requirement is taken from: `name` is the conda or PyPI name, `why` the reason in words."""

    requirement: str
    name: str
    source: Source
    why: str

    @property
    def key(self) -> PackageKey | None:
        """Return the key of the package that was taken; None where nothing is known to serve the requirement."""
        return None if self.source == "unknown" else PackageKey(self.source, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A change of a package between two locks; `before` or `after` is the version, "" where it is absent.

    `because` names the package whose own move `why` speaks of, "" where the cause is no other move. `fell` tells that
    the manifest names the package and its version is a lower one now.
    """

    name: str
    before: str
    after: str
    why: str
    because: str = ""
    fell: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class StaleReason:
    """Why a lock is stale, under a stable code such as `REQUIREMENT`."""

    code: str
    message: str


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 package`, `2 packages`, `1,200 records`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def is_or_are(number: int) -> str:
    """Return the verb that goes with a number of things."""
    return "is" if number == 1 else "are"
