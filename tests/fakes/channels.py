"""Lay channels out as folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import zstandard

from envgen.models.channel import Channel
from envgen.models.platform import Platform
from envgen.models.record import Repodata
from envgen.repodata.gateway import open_channels
from envgen.repodata.locations import Access
from tests.fakes.loopback import Json

MAC = Platform(subdir="osx-arm64", python="3.12", macos="13.0")


def opened(
    *channels: str,
    cache: Path,
    mirrors: Mapping[str, str] | None = None,
    exclude_newer: datetime | None = None,
    offline: bool = False,
) -> Repodata:
    """Open channels for a Mac."""
    access = Access(cache=cache, mirrors=mirrors or {}, offline=offline)
    return open_channels(tuple(map(Channel.parse, channels)), MAC, access, exclude_newer=exclude_newer)


def lay_out(folder: Path, *subdirs: Json) -> Path:
    """Write each subdir's repodata.json."""
    return write(folder, {f"{data['info']['subdir']}/repodata.json": json.dumps(data).encode() for data in subdirs})


def lay_out_zst(folder: Path, *subdirs: Json) -> Path:
    """Write each subdir's repodata.json.zst."""
    return write(
        folder,
        {
            f"{data['info']['subdir']}/repodata.json.zst": zstandard.compress(json.dumps(data).encode())
            for data in subdirs
        },
    )


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder
