"""Describe a project's files as an index lists them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFile:
    """Hold one file of a project.

    `sha256` is lower-case hex or ""; `size` is in bytes; `uploaded` is an aware instant; `requires_python` is as
    written, and may be no valid specifier.
    """

    filename: str
    url: str = ""
    sha256: str = ""
    size: int | None = None
    uploaded: datetime | None = None
    requires_python: str = ""
    yanked: bool = False
    yanked_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Hold a project's files; `index` names the index that has it, without secrets."""

    name: str
    files: tuple[ProjectFile, ...]
    index: str


def before(files: Iterable[ProjectFile], instant: datetime | None) -> tuple[ProjectFile, ...]:
    """Keep the files uploaded before an instant; as uv does, a file without a date is left out then."""
    if instant is None:
        return tuple(files)
    return tuple(file for file in files if file.uploaded is not None and file.uploaded < instant)
