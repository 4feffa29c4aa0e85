"""Mark in a prefix what it was made from, and whether it is whole.

The mark stands before the first change and says `incomplete`, and says `complete` only after the last: a run that ends
in between, however it ends, leaves a prefix that says so. It has no `.json` suffix, because conda takes every such file
of `conda-meta` for a record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from envgen.errors import InstallError
from envgen.install.prefix import META
from envgen.lock.model import LockedWheel
from envgen.models.record import Record
from envgen.system.files import FolderWriter

FILE = "envgen"
FORMAT = 1
State = Literal["incomplete", "complete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """Say which environment a prefix holds, for which platform, made from which content, and whether it is whole.

    `content` is `content_digest` of what was to be installed; `wheels` maps the distributions from PyPI to their
    sha256; `fresh` tells that the prefix has never been whole.
    """

    environment: str
    platform: str
    content: str
    state: State
    fresh: bool = False
    groups_left_out: tuple[str, ...] = ()
    wheels: Mapping[str, str] = field(default_factory=dict)


def content_digest(records: Iterable[Record], wheels: Iterable[LockedWheel]) -> str:
    """Give one hash of the artifacts that are installed."""
    lines = [f"{record.url} {record.sha256 or record.md5}" for record in records]
    lines += [f"{wheel.name}=={wheel.version} {wheel.wheel.sha256}" for wheel in wheels]
    return f"sha256:{hashlib.sha256(chr(10).join(sorted(lines)).encode()).hexdigest()}"


def read_marker(prefix: Path) -> Marker | None:
    """Read the mark of a prefix; None where it has none. A damaged mark says that the prefix is incomplete."""
    path = prefix / META / FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("format") != FORMAT:
            raise InstallError(
                f"{prefix} was made by another version of envgen", hint="use that one, or another --prefix"
            )
        groups, wheels = tuple(data.pop("groups_left_out")), dict(data.pop("wheels"))
        return Marker(**data, groups_left_out=groups, wheels=wheels)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Marker(environment="", platform="", content="", state="incomplete")


def write_marker(prefix: Path, marker: Marker) -> None:
    """Write the mark in one instant; raise WriteError where the disk refuses. The prefix must be held."""
    folder = prefix / META
    folder.mkdir(parents=True, exist_ok=True)
    data = {"format": FORMAT, **asdict(marker)}
    FolderWriter(folder).write({FILE: json.dumps(data, indent=2, sort_keys=True) + "\n"})
