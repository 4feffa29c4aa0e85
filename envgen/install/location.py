"""Find where a named environment lives, such that conda and mamba list it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from envgen.errors import EnvgenError, WriteError
from envgen.install.prefix import META
from envgen.system.files import exclusive, read_text

_ROOTS = ("miniforge3", "mambaforge", "miniconda3", "anaconda3", "opt/miniconda3", "opt/anaconda3")
_SYSTEM_ROOTS = (
    "/opt/homebrew/Caskroom/miniforge/base",
    "/opt/homebrew/Caskroom/miniconda/base",
    "/opt/miniforge3",
    "/opt/miniconda3",
    "/opt/conda",
)
_REGISTER = "environments.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Say where an environment is or will be, and why there.

    `active` is what `conda activate` takes: the name, or the path; "" where no conda is installed.
    """

    prefix: Path
    why: str
    active: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Hold what decides on places: the variables of the call, the home folder, envgen's data folder, the platform."""

    environ: Mapping[str, str]
    home: Path
    data: Path
    subdir: str
    system_roots: tuple[str, ...] = _SYSTEM_ROOTS


def named_location(name: str, around: Surroundings) -> Location:
    """Give the place of a named environment: conda's `envs` if a conda for this platform is there, else our data's."""
    root = conda_root(around)
    if root is None:
        return Location(prefix=around.data / "envs" / name, why="no conda is installed here")
    for folder in _environment_folders(root, around):
        if os.access(_existing(folder), os.W_OK):
            return Location(prefix=folder / name, why=f"conda in {root} lists it", active=name)
    return Location(
        prefix=around.data / "envs" / name,
        why=f"conda in {root} has no folder for environments that you can write",
        active=str(around.data / "envs" / name),
    )


def given_location(prefix: Path, around: Surroundings) -> Location:
    """Give the place that the user names."""
    return Location(prefix=prefix, why="--prefix", active=str(prefix) if conda_root(around) else "")


def conda_root(around: Surroundings) -> Path | None:
    """Find conda's own installation, if it is one for this platform: one for Intel would install Intel packages."""
    for root in _candidates(around):
        is_root = (root / META).is_dir() or (root / "envs").is_dir()  # micromamba's has no packages of its own
        if is_root and _subdir(root) in ("", around.subdir):
            return root
    return None


def register(prefix: Path, home: Path) -> None:
    """List a prefix in `~/.conda/environments.txt`, where conda and mamba look; raise WriteError."""
    folder = home / ".conda"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot write {folder}: {(error.strerror or str(error)).lower()}") from error
    with exclusive(folder, patience=5.0) as writer:
        file = folder / _REGISTER
        text = read_text(file, error=WriteError) if file.is_file() else ""
        if str(prefix) not in text.splitlines():
            ended = text if not text or text.endswith("\n") else f"{text}\n"
            writer.write({_REGISTER: f"{ended}{prefix}\n"})


def is_conda_root(prefix: Path) -> bool:
    """Tell whether a prefix is the installation of conda itself, which no lock may replace."""
    return (prefix / "condabin").is_dir() or any((prefix / META).glob("conda-[0-9]*.json"))


def _candidates(around: Surroundings) -> Iterator[Path]:
    environ = around.environ
    for variable in ("CONDA_EXE", "MAMBA_EXE"):
        if program := environ.get(variable):
            yield Path(program).parent.parent
    if root := environ.get("MAMBA_ROOT_PREFIX"):
        yield Path(root)
    yield from (around.home / root for root in _ROOTS)
    yield from (Path(root) for root in around.system_roots)


def _environment_folders(root: Path, around: Surroundings) -> Iterator[Path]:
    for variable in ("CONDA_ENVS_DIRS", "CONDA_ENVS_PATH"):
        for folder in filter(None, around.environ.get(variable, "").split(os.pathsep)):
            yield Path(folder).expanduser()
    yield root / "envs"
    yield around.home / ".conda" / "envs"


def _existing(folder: Path) -> Path:
    return next((path for path in (folder, *folder.parents) if path.exists()), folder)


def _subdir(root: Path) -> str:
    """Give the platform of an installation, by its python; "" where it has none, as a micromamba root."""
    for file in sorted((root / META).glob("python-[0-9]*.json")):
        try:
            data = json.loads(read_text(file))
        except (EnvgenError, ValueError):
            continue
        if isinstance(data, dict):
            return str(data.get("subdir", ""))
    return ""
