"""Read from the manifest's overrides what no package shall need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from envgen.models.platform import DEFAULT_MACOS, SUBDIRS, Platform
from envgen.models.requirement import Requirement

NEVER = 'python_version < "0"'


def removed_names(overrides: Iterable[Requirement], platform: Platform) -> frozenset[str]:
    """Name what overrides take away: those with a marker that holds nowhere, such as `name; python_version < "0"`.

    An override that holds on another platform only says nothing of this one, and takes nothing away.
    """
    holds: dict[str, bool] = {}
    for override in overrides:
        holds[override.name] = holds.get(override.name, False) or _holds_somewhere(override, platform)
    return frozenset(name for name, somewhere in holds.items() if not somewhere)


def removal(name: str) -> str:
    """Write the override that takes a name away, as uv reads it."""
    return f"{name}; {NEVER}"


def _holds_somewhere(override: Requirement, platform: Platform) -> bool:
    mac = platform.macos or DEFAULT_MACOS
    others = (replace(platform, subdir=subdir, macos=mac if subdir.startswith("osx-") else "") for subdir in SUBDIRS)
    return any(override.applies(other.markers()) for other in others)
