"""A prefix: what is installed in it, the mark that envgen leaves in it, the place where it is."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from envgen.errors import EnvgenError, InstallError, WriteError
from envgen.install.wheels import Distribution, read_distributions
from envgen.lock.model import LockedWheel
from envgen.models.record import Record
from envgen.project.services import Services
from envgen.system.files import FolderWriter, exclusive, existing_ancestor, read_text, reason_of

META = "conda-meta"
MARKER = "envgen"  # below META; no `.json`, as conda takes every such file there for a record
MARKER_FORMAT = 1
State = Literal["incomplete", "complete"]
_READERS = 4
_ROOTS = ("miniforge3", "mambaforge", "miniconda3", "anaconda3", "opt/miniconda3", "opt/anaconda3")
_SYSTEM_ROOTS = (
    *("/opt/homebrew/Caskroom/miniforge/base", "/opt/homebrew/Caskroom/miniconda/base"),
    *("/opt/miniforge3", "/opt/miniconda3", "/opt/conda"),
)
_REGISTER = "environments.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledRecord:
    """A record of `conda-meta`; `files` are relative to the prefix."""

    name: str
    version: str
    build: str
    url: str
    sha256: str
    md5: str
    files: tuple[str, ...]

    def is_of(self, record: Record) -> bool:
        """Return whether this is what a lock's record asks for: the same artifact by its hash, else by its name."""
        if (self.name, self.version, self.build) != (record.name, record.version, record.build):
            return False
        if self.sha256 and record.sha256:
            return self.sha256 == record.sha256
        return not (self.md5 and record.md5) or self.md5 == record.md5


@dataclass(frozen=True)
class PrefixContents:
    """What is in a prefix; `unreadable` are the files of `conda-meta` that are damaged."""

    prefix: Path
    records: tuple[InstalledRecord, ...]
    distributions: tuple[Distribution, ...]
    unreadable: tuple[Path, ...]

    @cached_property
    def owned(self) -> frozenset[str]:
        """Return the files that conda's records own."""
        return frozenset(file for record in self.records for file in record.files)

    @cached_property
    def loose(self) -> tuple[Distribution, ...]:
        """Return the distributions that no record owns."""
        return tuple(each for each in self.distributions if not self._is_condas(each))

    @cached_property
    def broken(self) -> frozenset[str]:
        """Return the names of the records that miss a file."""
        with ThreadPoolExecutor(_READERS, thread_name_prefix="stat") as pool:
            missing = pool.map(self._misses, self.records)
            return frozenset(record.name for record, is_broken in zip(self.records, missing, strict=True) if is_broken)

    def record(self, name: str) -> InstalledRecord | None:
        return next((record for record in self.records if record.name == name), None)

    def _misses(self, record: InstalledRecord) -> bool:
        return any(not os.path.lexists(self.prefix / file) for file in record.files)

    def _is_condas(self, distribution: Distribution) -> bool:
        return any(f"{distribution.info}{name}" in self.owned for name in ("", "/METADATA", "/PKG-INFO"))


def read_contents(prefix: Path) -> PrefixContents:
    """Read a prefix, which is empty where it does not exist; raise OSError."""
    records, unreadable = [], []
    for file in sorted((prefix / META).glob("*.json")):
        if record := _read(file):
            records.append(record)
        else:
            unreadable.append(file)
    return PrefixContents(prefix, tuple(records), read_distributions(prefix), tuple(unreadable))


def _read(file: Path) -> InstalledRecord | None:
    try:
        data = json.loads(file.read_bytes())
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    texts = {key: data.get(key) or "" for key in ("name", "version", "build", "url", "sha256", "md5")}
    files = data.get("files")
    if not all(isinstance(text, str) for text in texts.values()) or not texts["name"] or not isinstance(files, list):
        return None
    return InstalledRecord(**texts, files=tuple(file for file in files if isinstance(file, str)))


def is_environment(prefix: Path) -> bool:
    """Return whether a folder is an environment by conda's own sign."""
    return (prefix / META / "history").exists() or any((prefix / META).glob("*.json"))


def is_empty(prefix: Path) -> bool:
    """Return whether there is nothing at a path, or an empty folder.

    A mark that a killed run was writing does not count: it comes before anything else.
    """
    return not os.path.lexists(prefix) or (prefix.is_dir() and not any(_entries(prefix)))


def _entries(prefix: Path) -> Iterator[Path]:
    for entry in prefix.iterdir():
        if entry.name == META and entry.is_dir():
            yield from (each for each in entry.iterdir() if not each.name.startswith(".envgen"))
        elif entry.name != ".DS_Store":  # macOS leaves it in every folder that was looked at
            yield entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """The mark in a prefix: which environment it is for which platform, and whether it is complete.

    It says "incomplete" before the first change, and "complete" only after the last: a run that is killed in between
    leaves a prefix that says so.

    `content` is `content_digest` of what was to be installed; `wheels` maps the distributions from PyPI to their
    sha256; `fresh` tells that it has never been complete.
    """

    environment: str
    platform: str
    content: str
    state: State
    fresh: bool = False
    groups_left_out: tuple[str, ...] = ()
    wheels: Mapping[str, str] = field(default_factory=dict)


def content_digest(records: Iterable[Record], wheels: Iterable[LockedWheel]) -> str:
    """Return one hash of all artifacts of an environment."""
    lines = [f"{record.url} {record.sha256 or record.md5}" for record in records]
    lines += [f"{wheel.name}=={wheel.version} {wheel.wheel.sha256}" for wheel in wheels]
    return f"sha256:{hashlib.sha256(chr(10).join(sorted(lines)).encode()).hexdigest()}"


def read_marker(prefix: Path) -> Marker | None:
    """Read the mark of a prefix; None where there is none, and one that says "incomplete" for a damaged one."""
    path = prefix / META / MARKER
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("format") != MARKER_FORMAT:
            hint = "use that one, or another --prefix"
            raise InstallError(f"{prefix} was made by another version of envgen", hint=hint)
        groups, wheels = tuple(data.pop("groups_left_out")), dict(data.pop("wheels"))
        return Marker(**data, groups_left_out=groups, wheels=wheels)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Marker(environment="", platform="", content="", state="incomplete")


def write_marker(prefix: Path, marker: Marker) -> None:
    """Write the mark in one instant; raise WriteError. The caller has locked the prefix."""
    folder = prefix / META
    folder.mkdir(parents=True, exist_ok=True)
    data = {"format": MARKER_FORMAT, **asdict(marker)}
    FolderWriter(folder).write({MARKER: json.dumps(data, indent=2, sort_keys=True) + "\n"})


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
            yield Path(folder).expanduser()
    yield root / "envs"
    yield around.home / ".conda" / "envs"


def _subdir(root: Path) -> str:
    """Return the platform of an installation, by its python; "" where it has none, as a micromamba root."""
    for file in sorted((root / META).glob("python-[0-9]*.json")):
        try:
            data = json.loads(read_text(file))
        except (EnvgenError, ValueError):
            continue
        if isinstance(data, dict):
            return str(data.get("subdir", ""))
    return ""
