"""The settings that the host has for envgen: folders, variables, mirrors; and the limits of all that is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from envgen.errors import EnvgenError, UsageError
from envgen.models.secrets import Secrets, without_secrets

DEFAULT_TIMEOUT = 6.0  # seconds
LEAST_RATE = 1000  # bytes a second that an answer must bring
RATE_WINDOW = 55.0  # seconds over which it is measured: a run against a drip ends within the minute
_LONGEST = 3600.0  # seconds


class Ceiling:
    """The most bytes of an answer or a text by its kind, unpacked where it comes packed; far above what there is."""

    MANIFEST = 1 << 20
    METADATA = 10 << 20
    FOREIGN = 16 << 20  # another tool's file that is imported
    NAME_MAP = 16 << 20
    TEXT = 64 << 20  # locks, listings and all other texts
    OUTPUT = 64 << 20  # what a child prints: uv, git, conda-lock
    PROJECT_PAGE = 200 << 20
    UV_MEMORY = 2 << 30  # uv keeps what it gets in memory, and tells nobody how much that is
    STARTER = 256 << 20
    # All indexes of a channel that are read at once, on disk or in memory: conda-forge's largest has 0.4 GB. Shards and
    # their index count with them, since rattler alone sees them.
    REPODATA = 2 << 30
    ARTIFACT = 1 << 40  # where the lock does not say its size


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """The folders and environment variables that count for a run.

    `folder` is the current one and `root` the project's; `mirrors` are those of ENVGEN_MIRRORS; `timeout` is the
    number of seconds after which a silent channel is given up (ENVGEN_TIMEOUT). `environ` is never printed.
    """

    cache_dir: Path
    data_dir: Path
    folder: Path
    root: Path
    mirrors: Mapping[str, str] = field(default_factory=dict)
    timeout: float = DEFAULT_TIMEOUT
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_host(environ: Mapping[str, str], folder: Path) -> HostSettings:
    """Read the settings of a run in a folder; raise UsageError for a variable that makes no sense.

    ENVGEN_CACHE_DIR and ENVGEN_DATA_DIR replace the folders that the platform has for such data.
    """
    Secrets.configured(environ)  # refused here, before anything is asked
    cache, data = environ.get("ENVGEN_CACHE_DIR"), environ.get("ENVGEN_DATA_DIR")
    return HostSettings(
        cache_dir=folder / cache if cache else _of_the_user(platformdirs.user_cache_path),
        data_dir=folder / data if data else _of_the_user(platformdirs.user_data_path),
        folder=folder,
        root=find_root(folder),
        mirrors=parse_mirrors(environ.get("ENVGEN_MIRRORS", "")),
        timeout=_seconds(environ.get("ENVGEN_TIMEOUT", "")),
        environ=dict(environ),
    )


def _of_the_user(find: Callable[..., Path]) -> Path:
    """Return a folder for envgen's data; raise UsageError where nobody knows the user's home."""
    try:
        folder = find("envgen", appauthor=False)
    except RuntimeError as error:
        raise _homeless() from error
    if not folder.is_absolute():  # older releases of platformdirs leave the `~`
        raise _homeless()
    return folder


def _homeless() -> UsageError:
    return UsageError(
        "there is no home folder: HOME is not set, and the system does not know this user",
        hint="set HOME, or ENVGEN_CACHE_DIR and ENVGEN_DATA_DIR",
    )


def home_folder(environ: Mapping[str, str]) -> Path:
    """Return the user's home; raise UsageError where there is none."""
    if home := environ.get("HOME"):
        return Path(home)
    try:
        return Path.home()
    except RuntimeError as error:
        raise _homeless() from error


def expanded(path: Path) -> Path:
    """Return a path with the home that its `~` stands for; raise UsageError where that is nobody's."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise UsageError(f"no such home folder: {path}", hint="write the whole path") from error


def current_folder() -> Path:
    """Return the current folder; raise EnvgenError where it was removed."""
    try:
        return Path.cwd()
    except OSError as error:
        hint = "change to another one"
        raise EnvgenError("the current folder is not there any more", hint=hint, code="folder") from error


def find_root(folder: Path) -> Path:
    """Find the project's root: the nearest ancestor with `environments/`, else git's top level, else the folder."""
    ancestors = (folder, *folder.parents)
    with_environments = (ancestor for ancestor in ancestors if (ancestor / "environments").is_dir())
    with_git = (ancestor for ancestor in ancestors if (ancestor / ".git").exists())
    return next(with_environments, None) or next(with_git, None) or folder


def _seconds(text: str) -> float:
    if not text:
        return DEFAULT_TIMEOUT
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST:
        raise UsageError(f"ENVGEN_TIMEOUT is not a number of seconds: `{text}`", hint=f"write 1 to {_LONGEST:.0f}")
    return seconds


def parse_mirror(text: str) -> tuple[str, str]:
    """Read `CHANNEL=PATH_OR_URL`: where a channel's index is read from; raise UsageError for anything else."""
    channel, equals, place = (part.strip() for part in text.partition("="))
    if not (equals and channel and place):
        hint = "write CHANNEL=PATH_OR_URL, as in conda-forge=../conda-forge"
        raise UsageError(f"not a mirror: `{without_secrets(text)}`", hint=hint)
    return channel, place


def parse_mirrors(text: str) -> dict[str, str]:
    """Read ENVGEN_MIRRORS, pairs `CHANNEL=PATH_OR_URL` with commas or blanks between them.

    A place that holds a comma or a blank can only be given with `--mirror`. Raises UsageError.
    """
    return collect_mirrors(part for part in re.split(r"[,\s]+", text) if part)


def collect_mirrors(texts: Iterable[str]) -> dict[str, str]:
    """Read pairs `CHANNEL=PATH_OR_URL`; raise UsageError for a bad pair or a channel with two places."""
    mirrors: dict[str, str] = {}
    for text in texts:
        channel, place = parse_mirror(text)
        if mirrors.setdefault(channel, place) != place:
            raise UsageError(f"channel `{channel}` has two mirrors", hint="give one place for each channel")
    return mirrors
