"""Show how large envgen's cache is, and clean it.

The cache may be a folder that is not envgen's alone (`ENVGEN_CACHE_DIR=$HOME`). So only what has the very form of
envgen's own is counted or removed, in the folders that envgen makes, and no link is followed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, size_text, table
from envgen.errors import UsageError, WriteError

ACTIONS = ("dir", "size", "clean")
_AGE = re.compile(r"(\d{1,5})([dw])")  # a file system may say to the day when a file was read
_UNITS = {"d": 86400, "w": 604800}  # seconds
_LOCKED = ("artifacts", "packages", "repodata")  # whoever uses one has a lock on it
_DAY = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKind:
    """One kind of what is kept: `files` are paths below the folder, `folders` are names of folders that go as a whole.

    `least_age` is in seconds, for what another program may be reading.
    """

    name: str
    folder: str
    files: re.Pattern[str]
    folders: re.Pattern[str] = re.compile(r"(?!)")
    least_age: int = 0


KINDS = (
    CacheKind(
        name="records of channels",
        folder="repodata",
        files=re.compile(
            r"[0-9a-f]{8}\.(?:json|info\.json|lock|shards-cache-v\d+)|\.tmp\w+|shards-v\d+/[0-9a-f]{64}\.msgpack"
            r"|shards-verified\.json"
        ),
    ),
    CacheKind(name="archives and wheels", folder="artifacts", files=re.compile(r"[0-9a-f]{16}/[^/]+")),
    CacheKind(
        name="unpacked packages",
        folder="packages",
        files=re.compile(r"[^/]+-[^/]+-[^/]+\.lock"),
        folders=re.compile(r"[^/]+-[^/]+-[^/]+|\.envgen-[0-9a-f]{16}"),
    ),
    CacheKind(
        name="metadata of wheels",
        folder="metadata",
        files=re.compile(r"[0-9a-f]{2}/(?:[0-9a-f]{64}\.METADATA|tmp\w+)"),
    ),
    CacheKind(
        name="answers of the map of names", folder="name-map", files=re.compile(r"(?:[0-9a-f]/){5}[0-9a-f]{20,}[.\w]*")
    ),
    CacheKind(
        name="files for other tools",
        folder="handover",
        files=re.compile(r"[^/]+/(?:(?:explicit|requirements)\.[\w.-]+\.txt|[^/]+-lock\.yml)"),
        least_age=_DAY,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """A file or a folder of the cache; `used` is when it was last read, written or linked, in seconds since 1970."""

    kind: CacheKind
    path: Path
    size: int
    used: float


def age(value: str) -> str:
    """Read --older-than; "" is no age."""
    if value and not _AGE.fullmatch(value):
        raise UsageError(f"not an age: `{value}`", hint="write days or weeks, as in `--older-than 30d`")
    return value


def cache(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="dir, size or clean.")],
    older_than: Annotated[
        str,
        typer.Option("--older-than", metavar="AGE", callback=age, help="Remove what was not used for 30d or 4w, say."),
    ] = "",
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Print the cache's folder (dir), how large it is (size), or remove what is in it (clean).

    Environments stay whole: what is missing is downloaded again when it is needed.
    """
    if action not in ACTIONS:
        raise UsageError(f"unknown action `{action}`", hint=f"one of {', '.join(ACTIONS)}")
    if older_than and action != "clean":
        raise UsageError("--older-than is for `envgen cache clean`", hint="leave it out")
    console = Console(as_json=as_json, quiet=quiet)
    folder = options.services_for().settings.cache_dir
    if action == "dir":
        console.data({"dir": str(folder)}, str(folder))
    elif action == "size":
        _report(console, folder, list(entries(folder)), verb="")
    else:
        with console.progress("cleaning"):
            removed = clean(folder, _seconds(older_than))
        _report(console, folder, removed, verb="removed")


def _seconds(text: str) -> int:
    match = _AGE.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else 0


def entries(cache_dir: Path) -> Iterator[CacheEntry]:
    """Yield all that envgen keeps in its cache, kind by kind."""
    for kind in KINDS:
        folder = cache_dir / kind.folder
        if folder.is_dir() and not folder.is_symlink():
            yield from _entries(kind, folder)


def _entries(kind: CacheKind, top: Path) -> Iterator[CacheEntry]:
    for place, folders, files in os.walk(top):
        below = Path(place).relative_to(top)
        for name in files:
            path = Path(place, name)
            if path.suffix == ".lock" and path.with_suffix("").is_dir():  # it goes with its package
                continue
            if kind.files.fullmatch((below / name).as_posix()) and (found := _file(kind, path)):
                yield found
        for name in [each for each in folders if kind.folders.fullmatch((below / each).as_posix())]:
            folders.remove(name)  # it is looked into here
            if found := _package(kind, Path(place, name)):
                yield found
        folders.sort()


def _file(kind: CacheKind, path: Path) -> CacheEntry | None:
    with contextlib.suppress(OSError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode):
            return CacheEntry(kind=kind, path=path, size=found.st_size, used=_used(found))
    return None


def _package(kind: CacheKind, path: Path) -> CacheEntry | None:
    """Return an unpacked package, or one that a kill has left half unpacked; None for another folder."""
    from envgen.system.files import walk

    index = path / "info" / "index.json"
    staged = path.name.startswith(".")
    if path.is_symlink() or not (staged or index.is_file()):
        return None
    with contextlib.suppress(OSError):
        size = sum(each.stat(follow_symlinks=False).st_size for each in walk(path) if not each.is_dir())
        return CacheEntry(kind=kind, path=path, size=size, used=_used((path if staged else index).lstat()))
    return None


def _used(found: os.stat_result) -> float:
    return max(found.st_atime, found.st_mtime, found.st_ctime)


def clean(cache_dir: Path, age: int = 0) -> list[CacheEntry]:
    """Remove what was not used for `age` seconds; return what went.

    Raises:
        WriteError: another run uses the cache, or the disk refuses.
    """
    now = time.time()
    with contextlib.ExitStack() as locks:
        for name in _LOCKED:
            _lock(cache_dir / name, locks)
        # entries are read before the first goes, so that nothing is counted that is going
        old = [entry for entry in entries(cache_dir) if _is_old(entry, now, age)]
        for entry in old:
            _remove(entry, cache_dir / entry.kind.folder)
    return old


def _is_old(entry: CacheEntry, now: float, age: int) -> bool:
    least = max(age, entry.kind.least_age)
    return not least or now - entry.used >= least  # a file system's clock may be a little ahead


def _lock(folder: Path, locks: contextlib.ExitStack) -> None:
    from envgen.system.files import reason_of, try_lock

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # it is not there, or is none of ours
        return
    locks.callback(os.close, descriptor)
    try:
        is_free = try_lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise WriteError(f"cannot hold {folder}: {reason_of(error)}") from error
    if not is_free:
        hint = "wait until it ends"
        raise WriteError("another run of envgen uses the cache; nothing was removed", hint=hint, code="busy")


def _remove(entry: CacheEntry, top: Path) -> None:
    from envgen.system.files import reason_of, remove_tree

    path = entry.path
    try:
        if path.is_dir():
            # its hash first: a kill leaves no copy, never one under another's hash
            path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
            remove_tree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(
            f"cannot remove {path}: {reason_of(error)}", hint="make the folder writable for you"
        ) from error
    for parent in path.parents:
        if parent == top:
            return
        with contextlib.suppress(OSError):  # it is not empty
            parent.rmdir()


def _report(console: Console, folder: Path, found: Sequence[CacheEntry], *, verb: str) -> None:
    rows = [(kind, [entry for entry in found if entry.kind is kind]) for kind in KINDS if not verb or found]
    total = sum(entry.size for entry in found)
    shape = {
        "dir": str(folder),
        verb or "size": total,
        "kinds": [
            {"name": kind.name, "folder": kind.folder, "count": len(own), "size": sum(each.size for each in own)}
            for kind, own in rows
        ],
    }
    lines = [(kind.name, str(len(own)), size_text(sum(each.size for each in own))) for kind, own in rows if own]
    listed = [*table(("KIND", "COUNT", "SIZE"), lines), ""] if lines else []
    console.report(shape, [*listed, f"{folder}: {size_text(total)}{f' {verb}' if verb else ''}"])
