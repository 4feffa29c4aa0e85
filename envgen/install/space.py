"""Tell beforehand that a disk is certainly too small."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from envgen.errors import InstallError
from envgen.install.artifacts import Artifact
from envgen.install.tally import size_text

# Unpacked, an archive has two to five times its size; this is what it has at least, so that nobody is refused wrongly.
_UNPACKED = 2


def check_space(downloaded: Iterable[Artifact], unpacked: Iterable[Artifact], *, store: Path, prefix: Path) -> None:
    """Hold the sizes that the lock knows against what is free where they go.

    Raises:
        InstallError: the disk cannot hold them; nothing was changed.
    """
    needs: dict[int, int] = {}
    places: dict[int, Path] = {}
    wanted: Mapping[Path, int] = {
        _existing(store): sum(artifact.size or 0 for artifact in downloaded),
        _existing(prefix): sum(artifact.size or 0 for artifact in unpacked) * _UNPACKED,
    }
    for path, size in wanted.items():
        device = path.stat().st_dev
        needs[device] = needs.get(device, 0) + size
        places[device] = path
    for device, need in needs.items():
        free = shutil.disk_usage(places[device]).free
        if free < need:
            raise InstallError(
                f"the disk is too full: {size_text(need)} at the least are needed in {places[device]}, "
                f"{size_text(free)} are free; nothing was changed",
                hint="free some space, or choose another disk: --prefix, ENVGEN_CACHE_DIR",
                code="disk",
            )


def _existing(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())
