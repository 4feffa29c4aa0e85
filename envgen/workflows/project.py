"""Find a project's environments and their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envgen.errors import ManifestError, UsageError
from envgen.manifest.fields import environment_name
from envgen.manifest.model import Manifest, load_manifest
from envgen.manifest.problems import RefusalError
from envgen.system.files import inside, read_text

MANIFEST = "envgen.yaml"
FOLDER = "environments"
MANIFEST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Hold one environment's folder, and the manifest in it as text and as read."""

    folder: Path
    shown: str
    text: str
    manifest: Manifest

    @property
    def name(self) -> str:
        """Give the environment's name, which is its folder's."""
        return self.folder.name


def environment_folder(root: Path, name: str) -> Path:
    """Give the folder of an environment by name; raise UsageError for a name that is none, or leads elsewhere."""
    try:
        safe = environment_name(name)
    except RefusalError as error:
        raise UsageError(error.message, hint=error.hint) from error
    return inside(root, Path(FOLDER) / safe)


def environment_names(root: Path) -> tuple[str, ...]:
    """List the environments of a project, sorted."""
    folder = root / FOLDER
    if not folder.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in folder.iterdir() if (entry / MANIFEST).is_file()))


def meant_names(root: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """Give the environments that a call means: those named, else all; raise UsageError where there is none."""
    chosen = tuple(dict.fromkeys(names)) or environment_names(root)
    if not chosen:
        raise UsageError("there is no environment here", hint="make one with `envgen new NAME`")
    return chosen


def open_environment(root: Path, name: str) -> Environment:
    """Read an environment's manifest.

    Raises:
        UsageError: there is no such environment. ManifestError: its manifest is malformed.
    """
    folder = environment_folder(root, name)
    path = folder / MANIFEST
    shown = f"{FOLDER}/{name}/{MANIFEST}"
    if not path.is_file():
        known = ", ".join(environment_names(root)) or "none yet"
        raise UsageError(
            f"there is no environment `{name}` here ({shown} is missing; known: {known})",
            hint=f"make it with `envgen new {name}`",
        )
    text = read_text(path, limit=MANIFEST_BYTES, error=ManifestError)
    manifest = load_manifest(text, shown)
    manifest.check_folder(folder.name)
    return Environment(folder=folder, shown=f"{FOLDER}/{name}", text=text, manifest=manifest)
