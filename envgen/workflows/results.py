"""Describe what the use cases give back to the command line."""

from __future__ import annotations

from dataclasses import dataclass

from envgen.lock.model import Lock
from envgen.models.findings import Move


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentResult:
    """Hold what a `new` or a `lock` did to one environment.

    `files` are relative to the project's root, in the order of writing; `changed` is False where the committed lock was
    already true; `moved` maps each subdir that was locked before to what changed since.
    """

    name: str
    files: tuple[str, ...]
    lock: Lock
    changed: bool
    moved: dict[str, tuple[Move, ...]]
    notes: tuple[str, ...] = ()
