"""Read an environment's committed lock back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from envgen.errors import LockfileError
from envgen.formats.explicit import read_explicit
from envgen.formats.read_lock import read_conda_lock
from envgen.lock.model import Lock
from envgen.manifest.model import Manifest
from envgen.models.platform import SUBDIRS
from envgen.system.files import read_text

CONDA_LOCK = "conda-lock.yml"


def generated_texts(folder: Path) -> dict[str, str]:
    """Read the generated files that stand in an environment's folder, by name."""
    paths = [folder / name for name in generated_names()]
    return {path.name: read_text(path, error=LockfileError) for path in paths if path.is_file()}


def generated_names() -> list[str]:
    """List the names that generated files may have."""
    platforms = [
        name
        for subdir in SUBDIRS
        for name in (f"environment.{subdir}.yml", f"explicit.{subdir}.txt", f"requirements.{subdir}.txt")
    ]
    return [CONDA_LOCK, "environment.yml", *platforms]


def read_lock(shown: str, manifest: Manifest, texts: Mapping[str, str], *, sealed: bool = True) -> Lock | None:
    """Read the lock from the file that the manifest's outputs read back; None where there is none yet.

    `shown` is the folder's name in errors. Raises LockfileError for a damaged lock.
    """
    if CONDA_LOCK in manifest.outputs:
        text = texts.get(CONDA_LOCK)
        return None if text is None else read_conda_lock(text, f"{shown}/{CONDA_LOCK}", sealed=sealed)
    explicit = {name: text for name, text in texts.items() if name.startswith(("explicit.", "requirements."))}
    return read_explicit(explicit, sealed=sealed) if explicit else None
