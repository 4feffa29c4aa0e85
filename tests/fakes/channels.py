"""Lay channels out as folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import zstandard

from tests.fakes.loopback import Json


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
