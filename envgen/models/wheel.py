"""Say what is asked of the PyPI side, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from envgen.models.platform import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """Hold the one wheel of a distribution that the target's pip would choose.

    `name` is canonical (PEP 503), `sha256` lower-case hex, `size` in bytes or None.
    """

    name: str
    version: str
    filename: str
    url: str
    sha256: str
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelMetadata:
    """Hold the core metadata that a proof needs, read from the very wheel that was chosen."""

    name: str
    version: str
    requires_dist: tuple[str, ...] = ()
    requires_python: str = ""
    provides_extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Stub:
    """Stand for a distribution that conda provides, with conda's version made PEP 440."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveRequest:
    """Hold everything that a PyPI resolution for one target depends on.

    All texts are PEP 508. `stubs` are provided by conda: they satisfy requirements and are left out of the answer.
    `exclude_newer` is an aware UTC instant. `preferred` are wheels of an earlier answer, which are taken again where
    nothing stands against them.
    """

    platform: Platform
    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    stubs: tuple[Stub, ...] = ()
    exclude_newer: datetime | None = None
    preferred: tuple[Wheel, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Hold the wheels that meet a request, sorted by name, without the stubs; `notes` are for the user.

    `wheelless` are names that keep a requirement from a newer version, because some of them have no wheel that fits.
    """

    wheels: tuple[Wheel, ...]
    notes: tuple[str, ...] = ()
    wheelless: tuple[str, ...] = ()


class PypiSide(Protocol):
    """Resolve and describe distributions for a target."""

    def resolve(self, request: ResolveRequest) -> Resolution:
        """Give the wheels that meet the request; raise PypiUnsatisfiableError when none do."""
        ...

    def metadata(self, wheel: Wheel) -> WheelMetadata:
        """Read the core metadata of this very wheel."""
        ...

    def metadata_many(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        """Read the core metadata of many wheels side by side, in the order asked."""
        ...

    def release_metadata(self, name: str, version: str, platform: Platform) -> WheelMetadata | None:
        """Read the core metadata of a release, from the wheel that fits a target if one does; None without a wheel."""
        ...
