"""Compare the locks of two environments, or of one at two times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.errors import LockfileError, UsageError
from envgen.formats.conda_lock import read_conda_lock
from envgen.formats.explicit import read_explicit
from envgen.lock.diff import Change, diff, distribution_names, replacement
from envgen.lock.model import Lock, PlatformLock
from envgen.mapping.channel_packages import distributions_of
from envgen.project.project import FOLDER, generated_names, generated_texts
from envgen.project.services import Services
from envgen.system.files import read_text
from envgen.system.git import Revision

_SUFFIXES = (".yml", ".yaml", ".txt", ".toml", ".lock")
_FACTS = ("python", "macOS", "accelerator", "solver", "index")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The sizes of files to download added up, in bytes; `unknown` counts those that have none."""

    known: int = 0
    unknown: int = 0

    @classmethod
    def of(cls, lock: PlatformLock) -> Size:
        sizes = [package.size for package in lock.packages().values()]
        return cls(known=sum(size or 0 for size in sizes), unknown=sizes.count(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformDiff:
    """How one platform's lock differs: its packages, its sizes, and what is not about packages, in words."""

    changes: tuple[Change, ...]
    before: Size
    after: Size
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How two locks differ, by platform; `notes` say which side had none."""

    platforms: Mapping[str, PlatformDiff]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One side of a comparison: its lock or None, with notes on it."""

    shown: str
    lock: Lock | None
    notes: tuple[str, ...] = ()


def compare(services: Services, first: str, second: str = "") -> Comparison:
    """Compare what two texts name: folders, lock files, environments, or `REVISION:PATH` as git writes it.

    Without a second one, the first is an environment, compared with what HEAD has of it.

    Raises:
        UsageError: a text names nothing. LockfileError: a lock is damaged, or neither side has one.
    """
    if not second:
        first, second = f"HEAD:{FOLDER}/{first}", first
    after = _find_side(services, second)  # the names that a user typed are refused first
    before = _find_side(services, first)
    if before.lock is None and after.lock is None:
        raise LockfileError(f"neither {before.shown} nor {after.shown} has a lock", hint="run `envgen lock`")
    old = {lock.platform.subdir: lock for lock in before.lock.platforms} if before.lock else {}
    new = {lock.platform.subdir: lock for lock in after.lock.platforms} if after.lock else {}
    platforms = {}
    for subdir, some in sorted((old | new).items()):
        empty = replace(some, conda=(), pypi=())  # what the side that lacks the platform is taken to have
        pair = old.get(subdir, empty), new.get(subdir, empty)
        platforms[subdir] = PlatformDiff(
            changes=diff(*pair, pypi_name=distribution_names(pair, distributions_of)),
            before=Size.of(pair[0]),
            after=Size.of(pair[1]),
            facts=(*_facts(old.get(subdir), new.get(subdir)), *_replaced(*pair)),
        )
    return Comparison(platforms=platforms, notes=(*before.notes, *after.notes))


def _facts(before: PlatformLock | None, after: PlatformLock | None) -> Iterator[str]:
    if before is None or after is None:
        yield "the platform was added" if after else "the platform was removed"
        return
    for name, old, new in zip(_FACTS, _values(before), _values(after), strict=True):
        if old != new:
            yield f"{name}: {old} → {new}"


def _replaced(before: PlatformLock, after: PlatformLock) -> Iterator[str]:
    """Yield what is another file, or at another address, under the same version and build."""
    old = before.packages()
    for key, package in sorted(after.packages().items()):
        if (was := old.get(key)) and (words := replacement(was, package)):
            yield f"{key.name} {package.version} is {words}"


def _values(lock: PlatformLock) -> tuple[str, ...]:
    return (lock.platform.python, lock.platform.macos, lock.accelerator, lock.solver, lock.repodata)


def _find_side(services: Services, text: str) -> _Side:
    """Read the lock that a text names; raise UsageError for one that names nothing."""
    path = services.settings.folder / text
    if path.is_file():
        return _read(text, {path.name: read_text(path, error=LockfileError)})
    if path.is_dir() and _is_environment(path):
        return _read(text, generated_texts(path))
    revision, colon, place = text.partition(":")
    if colon:
        return _of_revision(services, revision, place.strip("/"))
    folder = services.root / FOLDER / text
    if "/" in text or not _is_environment(folder):
        if "/" in text or path.suffix in _SUFFIXES:
            raise LockfileError(f"there is no file or folder {text}", hint="check the path")
        raise UsageError(
            f"`{text}` is no environment, folder or lock", hint="name one, or write REVISION:environments/NAME"
        )
    return _read(text, generated_texts(folder))


def _is_environment(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("envgen.yaml", *generated_names()))


def _of_revision(services: Services, revision: str, place: str) -> _Side:
    commit = Revision(services.root, revision or "HEAD")
    shown = f"{revision}:{place}"
    for folder in (place, f"{FOLDER}/{place}"):
        if (names := commit.names(folder)) is not None:
            known = sorted(set(names) & set(generated_names()))
            return _read(shown, {name: commit.text(f"{folder}/{name}") for name in known})
    return _Side(shown=shown, lock=None, notes=(f"{shown} is not there: everything counts as added",))


def _read(shown: str, texts: Mapping[str, str]) -> _Side:
    """Read the lock of some files; one that was edited by hand is read as it stands, and a note says so."""
    try:
        lock = _lock(shown, texts, sealed=True)
    except LockfileError as error:
        if error.code != "lockfile-edited":
            raise
        return _Side(shown=shown, lock=_lock(shown, texts, sealed=False), notes=(error.message,))
    return _Side(shown=shown, lock=lock, notes=() if lock else (f"{shown} has no lock",))


def _lock(shown: str, texts: Mapping[str, str], *, sealed: bool) -> Lock | None:
    whole = {name: text for name, text in texts.items() if name.endswith(("-lock.yml", "-lock.yaml"))}
    for name, text in whole.items():
        return read_conda_lock(text, shown if shown.endswith(name) else f"{shown}/{name}", sealed=sealed)
    explicit = {name: text for name, text in texts.items() if name.startswith(("explicit.", "requirements."))}
    return read_explicit(explicit, sealed=sealed) if explicit else None
