"""The place of an environment: a folder of conda's or of envgen's own, and its entry in conda's list."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from envgen.errors import EnvgenError, WriteError
from envgen.install.containment import META
from envgen.project.services import Services
from envgen.system.files import exclusive, existing_ancestor, read_text, reason_of
from envgen.system.settings import expanded

_ROOTS = ("miniforge3", "mambaforge", "miniconda3", "anaconda3", "opt/miniconda3", "opt/anaconda3")
_SYSTEM_ROOTS = (
    *("/opt/homebrew/Caskroom/miniforge/base", "/opt/homebrew/Caskroom/miniconda/base"),
    *("/opt/miniforge3", "/opt/miniconda3", "/opt/conda"),
)
_REGISTER = "environments.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixLocation:
    """The place of an environment; `active` is what `conda activate` takes: its name or path, "" without a conda."""

    prefix: Path
    active: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What decides on places: the call's variables, the home folder, envgen's data folder, the platform."""

    environ: Mapping[str, str]
    home: Path
    data: Path
    subdir: str
    system_roots: tuple[str, ...] = _SYSTEM_ROOTS

    @classmethod
    def of(cls, services: Services, subdir: str) -> Surroundings:
        """Return what counts in a run, for a platform."""
        settings = services.settings
        return cls(environ=settings.environ, home=services.home, data=settings.data_dir, subdir=subdir)


def named_location(name: str, around: Surroundings) -> PrefixLocation:
    """Return the place of a named environment, such that conda lists it: conda's `envs`, else envgen's own."""
    own = around.data / "envs" / name
    root = conda_root(around)
    if root is None:
        return PrefixLocation(prefix=own)
    for folder in _environment_folders(root, around):
        if os.access(existing_ancestor(folder), os.W_OK):
            return PrefixLocation(prefix=folder / name, active=name)
    return PrefixLocation(prefix=own, active=str(own))


def given_location(prefix: Path, around: Surroundings) -> PrefixLocation:
    """Return the place that the user names."""
    return PrefixLocation(prefix=prefix, active=str(prefix) if conda_root(around) else "")


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
        raise WriteError(f"cannot write {folder}: {reason_of(error)}") from error
    with exclusive(folder, timeout=5.0) as writer:
        file = folder / _REGISTER
        text = read_text(file, error=WriteError) if file.is_file() else ""
        if str(prefix) not in text.splitlines():
            ended = text if not text or text.endswith("\n") else f"{text}\n"
            writer.write({_REGISTER: f"{ended}{prefix}\n"})


def is_conda_root(prefix: Path) -> bool:
    """Return whether a prefix is the installation of conda itself, which no lock may replace."""
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
            yield expanded(Path(folder))
    yield root / "envs"
    yield around.home / ".conda" / "envs"


def _subdir(root: Path) -> str:
    """Return the platform of an installation, by its python; "" where it has none, as a micromamba root."""
    for file in sorted((root / META).glob("python-[0-9]*.json")):
        try:
            data = json.loads(read_text(file))
        except (EnvgenError, ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            return str(data.get("subdir", ""))
    return ""
