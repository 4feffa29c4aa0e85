"""A project: the folder whose `environments/` hold a manifest and a lock each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.errors import EnvgenError, LockfileError, ManifestError, SourceLine, UsageError
from envgen.formats.conda_lock import read_conda_lock
from envgen.formats.explicit import read_explicit
from envgen.lock.model import Lock
from envgen.manifest.fields import environment_name, macos_floor, python_minor
from envgen.manifest.model import Manifest, load_manifest
from envgen.manifest.problems import RefusalError
from envgen.models.platform import APPLE_SILICON, DEFAULT_MACOS, DEFAULT_PYTHON, SUBDIRS, Platform
from envgen.system.files import inside, read_text
from envgen.system.settings import Ceiling

MANIFEST = "envgen.yaml"
CONDA_LOCK = "conda-lock.yml"
FOLDER = "environments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment's folder, and the manifest in it as text and as read; `shown` is the folder in messages."""

    folder: Path
    shown: str
    text: str
    manifest: Manifest

    @property
    def name(self) -> str:
        return self.folder.name


def environment_folder(root: Path, name: str) -> Path:
    """Return the folder of an environment by name; raise UsageError for a name that is none, or leads elsewhere."""
    try:
        safe = environment_name(name)
    except RefusalError as error:
        raise UsageError(error.message, hint=error.hint) from error
    return inside(root, Path(FOLDER) / safe)


def environment_names(root: Path) -> tuple[str, ...]:
    """Return the names of a project's environments, sorted."""
    folder = root / FOLDER
    if not folder.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in folder.iterdir() if (entry / MANIFEST).exists()))


def meant_names(root: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the environments that a call means: those named, else all; raise UsageError where there is none."""
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
    if not path.exists():
        known = ", ".join(environment_names(root)) or "none yet"
        raise UsageError(
            f"there is no environment `{name}` here ({shown} is missing; known: {known})",
            hint=f"make it with `envgen new {name}`",
        )
    text = read_text(path, limit=Ceiling.MANIFEST, error=ManifestError)
    manifest = load_manifest(text, shown)
    manifest.check_folder(folder.name)
    return Environment(folder=folder, shown=f"{FOLDER}/{name}", text=text, manifest=manifest)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformOptions:
    """The platform options of a call that is about no environment; "" takes the default."""

    python: str = ""
    macos: str = ""

    def platform(self) -> Platform:
        """Return the Apple-silicon platform of these versions; raise UsageError for one that does not exist."""
        try:
            python = python_minor(self.python) if self.python else DEFAULT_PYTHON
            macos = macos_floor(self.macos) if self.macos else DEFAULT_MACOS
            return Platform(subdir=APPLE_SILICON, python=python, macos=macos)
        except ValueError as error:
            raise UsageError(str(error), hint="write them as in `--python 3.12 --macos 13.0`") from error


def generated_texts(folder: Path) -> dict[str, str]:
    """Read the generated files of an environment's folder, by name."""
    paths = [folder / name for name in generated_names()]
    return {path.name: read_text(path, error=LockfileError) for path in paths if path.exists()}


def generated_names() -> list[str]:
    """Return the names that generated files may have."""
    platforms = [
        name
        for subdir in SUBDIRS
        for name in (f"environment.{subdir}.yml", f"explicit.{subdir}.txt", f"requirements.{subdir}.txt")
    ]
    return [CONDA_LOCK, "environment.yml", *platforms]


def read_lock(shown: str, manifest: Manifest, texts: Mapping[str, str], *, sealed: bool = True) -> Lock | None:
    """Read the lock back from the manifest's outputs, from conda-lock.yml if it is one; None where there is none yet.

    `shown` is the folder in messages; without `sealed`, edits since the writing are no error. Raises LockfileError for
    a damaged lock.
    """
    if CONDA_LOCK in manifest.outputs:
        text = texts.get(CONDA_LOCK)
        return None if text is None else read_conda_lock(text, f"{shown}/{CONDA_LOCK}", sealed=sealed)
    explicit = {name: text for name, text in texts.items() if name.startswith(("explicit.", "requirements."))}
    return read_explicit(explicit, sealed=sealed) if explicit else None


def locked_environment(root: Path, name: str) -> tuple[Environment, Lock]:
    """Open an environment that has a lock; raise LockfileError for one that has none."""
    environment = open_environment(root, name)
    lock = read_lock(environment.shown, environment.manifest, generated_texts(environment.folder))
    if lock is None:
        raise LockfileError(f"{environment.shown} has no lock yet", hint=f"make it with `envgen lock {name}`")
    return environment, lock


@contextmanager
def unwritten(file: str, before: str) -> Iterator[None]:
    """Let a failure over an edited manifest that is not written point at the lines of the file as it stands.

    `before` is the text that the file still has; lines that the edit would add are said to be of "the command".
    """
    try:
        yield
    except EnvgenError as error:
        lines = before.split("\n")
        placed = error.with_lines(_placed(line, file, lines) for line in error.lines)
        if isinstance(placed, ManifestError):
            placed = placed.with_problems(
                replace(
                    problem,
                    line=problem.line and _placed(problem.line, file, lines),
                    others=tuple(_placed(line, file, lines) for line in problem.others),
                )
                for problem in placed.problems
            )
        raise placed from error.__cause__


def _placed(line: SourceLine, file: str, lines: list[str]) -> SourceLine:
    if line.file != file or not line.line:
        return line
    same = [number for number, text in enumerate(lines, 1) if text.strip() == line.text.strip()]
    if not same:
        return SourceLine(file="the command", line=0, text=line.text.strip().removeprefix("- "))
    nearest = min(same, key=lambda number: abs(number - line.line))
    return replace(line, line=nearest, text=lines[nearest - 1])
