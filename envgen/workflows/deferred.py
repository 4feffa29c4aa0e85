"""Put off the PyPI side until it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

from envgen.models.platform import Platform
from envgen.models.wheel import PypiSide, Resolution, ResolveRequest, Wheel, WheelMetadata


class NotedPypi(PypiSide, Protocol):
    """Resolve and describe distributions, with notes on the run that are no part of a resolution."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what the user should know of this run."""
        ...


class DeferredPypi:
    """Make the PyPI side at the first question: most environments come from conda alone, and its imports take time."""

    def __init__(self, make: Callable[[], NotedPypi]) -> None:
        """Take the function that makes it."""
        self._make = make

    @cached_property
    def _side(self) -> NotedPypi:
        return self._make()

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what the user should know of this run; nothing where PyPI was not asked."""
        return self._side.notes if "_side" in self.__dict__ else ()

    def resolve(self, request: ResolveRequest) -> Resolution:
        """Give the wheels that meet the request."""
        return self._side.resolve(request)

    def metadata(self, wheel: Wheel) -> WheelMetadata:
        """Read the core metadata of this very wheel."""
        return self._side.metadata(wheel)

    def metadata_many(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        """Read the core metadata of many wheels side by side."""
        return self._side.metadata_many(wheels)

    def release_metadata(self, name: str, version: str, platform: Platform) -> WheelMetadata | None:
        """Read the core metadata of a release."""
        return self._side.release_metadata(name, version, platform)
