"""The settings that the host has for envgen: folders, variables, mirrors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from envgen.errors import UsageError
from envgen.models.channel import without_secrets

DEFAULT_TIMEOUT = 6.0  # seconds
_LONGEST = 3600.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """The folders and environment variables that count for a run.

    `folder` is the current one and `root` the project's; `mirrors` are those of ENVGEN_MIRRORS; `timeout` is the
    number of seconds after which a silent channel is given up (ENVGEN_TIMEOUT). `environ` is what `${VAR}` in an
    address is filled from, and is never printed.
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
    cache, data = environ.get("ENVGEN_CACHE_DIR"), environ.get("ENVGEN_DATA_DIR")
    return HostSettings(
        cache_dir=folder / cache if cache else platformdirs.user_cache_path("envgen", appauthor=False),
        data_dir=folder / data if data else platformdirs.user_data_path("envgen", appauthor=False),
        folder=folder,
        root=find_root(folder),
        mirrors=parse_mirrors(environ.get("ENVGEN_MIRRORS", "")),
        timeout=_seconds(environ.get("ENVGEN_TIMEOUT", "")),
        environ=dict(environ),
    )


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
