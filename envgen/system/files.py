"""Read and write files such that a kill at any instant leaves every file whole, the old one or the new.

A set of files is staged beside its targets (`.envgen-NAME.new`), synced, and then committed by the rename of a list of
the staged names (`.envgen.commit`). Whoever holds the folder next finishes what that list names, or, where there is no
list, throws the staged files away: so the set, too, is the old one or the new. Without that, the order of the renames
puts conda-lock.yml last, so that a set in between is seen by what conda-lock.yml says of its neighbours.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from envgen.errors import EnvgenError, UsageError, WriteError

MAX_TEXT_BYTES = 64 * 1024 * 1024
_OWN, _STAGED, _COMMIT = ".envgen", ".new", ".envgen.commit"
_LAST = "conda-lock.yml"
_BEAT, _SHORT = 0.05, 5.0
_HINTS = {
    errno.ENOSPC: "free some space on the disk",
    errno.EDQUOT: "free some space within your quota",
    errno.EACCES: "make the folder writable for you",
    errno.EPERM: "make the folder writable for you",
    errno.EROFS: "the file system is read-only; work in another folder",
}


def read_text(path: Path, *, limit: int = MAX_TEXT_BYTES, error: type[EnvgenError] = EnvgenError) -> str:
    """Read a UTF-8 text of at most `limit` bytes; raise `error` for what is missing, larger, or no such text."""
    try:
        if path.exists() and not path.is_file():
            raise error(f"{path} is not a file")
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as reason:
        raise error(f"cannot read {path}: {_words(reason)}") from reason
    if len(content) > limit:
        raise error(f"{path} is larger than {limit:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        raise error(
            f"{path} is not UTF-8 text (byte {reason.start:,} is 0x{content[reason.start]:02x})",
            hint="save it as UTF-8",
        ) from reason
    if "\0" in text:
        raise error(f"{path} is a binary file")
    return text


def inside(root: Path, path: Path | str, *, error: type[EnvgenError] = UsageError) -> Path:
    """Return a path below the root with its symlinks followed; raise `error` where it leads out of the root."""
    try:
        resolved = (root / path).resolve()
        top = root.resolve()
    except (OSError, RuntimeError, ValueError) as reason:
        raise error(f"not a path: `{path}` ({reason})") from reason
    if not resolved.is_relative_to(top):
        raise error(f"`{path}` leads out of {root}")
    return resolved


@dataclass(frozen=True, slots=True)
class FolderWriter:
    """Write into one folder that this process alone holds (see `exclusive`)."""

    folder: Path

    def write(self, files: Mapping[str, str | bytes]) -> tuple[str, ...]:
        """Write a set of files by name, all or none; give the names that changed, in the order of writing.

        Raises:
            WriteError: a name is no plain file name, or the disk refuses; nothing is changed then.
        """
        changed = {name: data for name, data in _encoded(files).items() if not self._holds(name, data)}
        names = sorted(changed, key=lambda name: (name == _LAST, name))
        with _refusals(self.folder):
            try:
                for name in names:
                    _write_synced(_staged(self.folder, name), changed[name], like=self.folder / name)
                _commit(self.folder, names)
            except OSError:
                _discard_staged(self.folder)
                raise
            _finish(self.folder, names)
        return tuple(names)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files by name, those that are there; raise WriteError where the disk refuses."""
        with _refusals(self.folder):
            for name in names:
                (self.folder / name).unlink(missing_ok=True)
            _sync_folder(self.folder)

    def _holds(self, name: str, content: bytes) -> bool:
        target = self.folder / name
        if target.is_dir():
            raise WriteError(f"cannot write {target}: it is a folder")
        try:
            return not target.is_symlink() and target.read_bytes() == content
        except OSError:
            return False


@contextlib.contextmanager
def exclusive(folder: Path, *, timeout: float = 0.0) -> Iterator[FolderWriter]:
    """An existing folder against other runs of envgen, after cleaning up what a killed run left there.

    The lock is on the folder itself (`flock`): no lock file is left, and a kill lets go of it.

    Raises:
        WriteError: another run still holds the folder after `timeout` seconds, or it cannot be opened.
    """
    with _refusals(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = time.monotonic() + timeout
        while not _held(descriptor, folder):
            if time.monotonic() >= deadline:
                raise WriteError(f"another run of envgen is at work in {folder}", hint="wait until it ends")
            time.sleep(_BEAT)
        settle(folder)
        yield FolderWriter(folder)
    finally:
        os.close(descriptor)


def settle(folder: Path) -> None:
    """Finish the set of files that a killed run had committed, and throw away what it had not; raise WriteError."""
    with _refusals(folder):
        commit = folder / _COMMIT
        if commit.is_file():
            _finish(folder, [name for name in commit.read_text("utf-8").split("\n") if _is_plain(name)])
        _discard_staged(folder)


def create_folder(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Make a new folder with these files in it, complete from the first instant it can be seen.

    Its parent is made if need be. Raises WriteError where the folder exists already or the disk refuses.
    """
    contents = _encoded(files)
    with _refusals(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(folder.parent, timeout=_SHORT), _refusals(folder):
        if os.path.lexists(folder):
            raise WriteError(f"{folder} exists already", hint="choose another name, or remove that folder first")
        staged = _staged(folder.parent, folder.name)
        try:
            staged.mkdir()
            for name, content in contents.items():
                _write_synced(staged / name, content, like=None)
            _sync_folder(staged)
            staged.rename(folder)
        except OSError:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        _sync_folder(folder.parent)


def _encoded(files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    for name in files:
        if not _is_plain(name):
            raise WriteError(f"not a file name: `{name}`")
    return {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}


def _is_plain(name: str) -> bool:
    return name not in ("", ".", "..") and not name.startswith(_OWN) and not any(sign in name for sign in "/\\\0\n")


def _staged(folder: Path, name: str) -> Path:
    return folder / f"{_OWN}-{name}{_STAGED}"


def _held(descriptor: int, folder: Path) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):  # some network file systems have no locks
            raise WriteError(f"cannot hold {folder}: {_words(error)}") from error
    return True


def _write_synced(path: Path, content: bytes, *, like: Path | None) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        if like is not None and like.is_file():
            os.fchmod(descriptor, like.stat().st_mode & 0o777)
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)


def _commit(folder: Path, names: list[str]) -> None:
    """Make the staged set the one to be: one rename is the instant at which it happens."""
    if len(names) > 1:
        staged = folder / f"{_COMMIT}{_STAGED}"
        _write_synced(staged, "\n".join(names).encode(), like=None)
        staged.rename(folder / _COMMIT)
    _sync_folder(folder)


def _finish(folder: Path, names: list[str]) -> None:
    for name in names:
        with contextlib.suppress(FileNotFoundError):  # renamed before the kill
            _staged(folder, name).replace(folder / name)
    with contextlib.suppress(FileNotFoundError):
        (folder / _COMMIT).unlink()
    _sync_folder(folder)


def _discard_staged(folder: Path) -> None:
    for path in folder.glob(f"{_OWN}[-.]*{_STAGED}"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, "")
        raise WriteError(f"cannot write {path}: {_words(error)}", hint=hint) from error


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
