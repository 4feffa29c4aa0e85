"""Tell whether a marker can hold on Apple silicon."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

from envgen.models.platform import DEFAULT_MACOS, Platform

_MINORS = range(8, 15)


def may_hold(marker: str) -> bool:
    """Tell whether a marker holds on osx-arm64 with any python that is built for it; one that is none may."""
    try:
        parsed = Marker(marker)
        return any(parsed.evaluate({**environment, "extra": ""}) for environment in _environments())
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, RecursionError):
        return True


@cache
def _environments() -> tuple[Mapping[str, str], ...]:
    return tuple(Platform(subdir="osx-arm64", python=f"3.{minor}", macos=DEFAULT_MACOS).markers() for minor in _MINORS)
