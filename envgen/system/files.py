"""Text files of bounded size, and folders whose set of files is the old one or the new whenever a process is killed.

A set is staged beside its targets (`.envgen-NAME.new`), synced, and committed by the rename of a journal of the staged
names (`.envgen.commit`). Whoever locks the folder next finishes what the journal names or, without one, removes the
staged files. Whole files alone would not do: conda-lock.yml tells a neighbour of another lock, but nothing in a
requirements file tells that the explicit file beside it was solved later.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from envgen.errors import EnvgenError, UsageError, WriteError
from envgen.system.settings import Ceiling

_OWN, _STAGED, _JOURNAL = ".envgen", ".new", ".envgen.commit"
_LAST = "conda-lock.yml"  # it says what its neighbours must be
_BEAT, _SHORT = 0.05, 5.0  # seconds
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP})  # what some network file systems answer
_HINTS = {
    errno.ENOSPC: "free some space on the disk",
    errno.EDQUOT: "free some space within your quota",
    errno.EACCES: "make the folder writable for you",
    errno.EPERM: "make the folder writable for you",
    errno.EROFS: "the file system is read-only; work in another folder",
}


class IrregularFileError(OSError):
    """A folder, a pipe, a socket or a device in a file's place: reading it might never end."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EINVAL, "not a regular file", str(path))


def open_regular(path: Path) -> IO[bytes]:
    """Open a file for reading; raise IrregularFileError for what is none, and OSError for what cannot be opened.

    It is looked at before, since opening a device may do something, and after, since it may have been exchanged.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise IrregularFileError(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IrregularFileError(path)
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path) -> bytes:
    """Read a regular file of at most as many bytes as a text may have; raise OSError."""
    with open_regular(path) as stream:
        content = stream.read(Ceiling.TEXT + 1)
    if len(content) > Ceiling.TEXT:
        raise OSError(errno.EFBIG, f"larger than {Ceiling.TEXT:,} bytes", str(path))
    return content


def read_text(path: Path, *, limit: int = Ceiling.TEXT, error: type[EnvgenError] = EnvgenError) -> str:
    """Read a UTF-8 text of at most `limit` bytes; raise `error` for what is missing, larger, or no such text."""
    try:
        with open_regular(path) as stream:
            content = stream.read(limit + 1)
    except IrregularFileError as reason:
        raise error(f"{path} is not a regular file") from reason
    except OSError as reason:
        raise error(f"cannot read {path}: {reason_of(reason)}") from reason
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
        resolved.exists()  # which refuses names that no disk can have
        top = root.resolve()
    except (OSError, RuntimeError, ValueError) as reason:
        raise error(f"not a path: `{path}` ({reason})") from reason
    if not resolved.is_relative_to(top):
        raise error(f"`{path}` leads out of {root}")
    return resolved


@dataclass(frozen=True, slots=True)
class FolderWriter:
    """A writer into one folder that this process alone uses (see `exclusive`)."""

    folder: Path

    def write(self, files: Mapping[str, str | bytes]) -> tuple[str, ...]:
        """Write a set of files by name, all or none; return the names that changed, in the order of writing.

        Raises:
            WriteError: a name is no plain file name, or the disk refuses; nothing is changed then.
        """
        changed = {name: data for name, data in _encoded(files).items() if not self._has(name, data)}
        names = sorted(changed, key=lambda name: (name == _LAST, name))
        with _refusals(self.folder):
            try:
                self._replace(changed, names)
            except KeyboardInterrupt:  # all or none, now and not at the next run
                recover(self.folder)
                raise
        return tuple(names)

    def _replace(self, changed: Mapping[str, bytes], names: list[str]) -> None:
        try:
            for name in names:
                _write_synced(_staged(self.folder, name), changed[name], like=self.folder / name)
            _commit(self.folder, names)
        except OSError:
            _discard_staged(self.folder)
            raise
        _finish(self.folder, names)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files by name, those that are there; raise WriteError where the disk refuses."""
        with _refusals(self.folder):
            for name in names:
                (self.folder / name).unlink(missing_ok=True)
            _sync_folder(self.folder)

    def _has(self, name: str, content: bytes) -> bool:
        target = self.folder / name
        if target.is_dir():
            raise WriteError(f"cannot write {target}: it is a folder")
        try:
            return not target.is_symlink() and read_bytes(target) == content
        except IrregularFileError as error:
            raise WriteError(f"cannot write {target}: it is not a regular file", hint="remove it") from error
        except OSError:
            return False


@contextlib.contextmanager
def exclusive(folder: Path, *, timeout: float = 0.0) -> Iterator[FolderWriter]:
    """Lock an existing folder against other runs of envgen, after recovering what a killed run left there.

    The lock is on the folder itself (`flock`): no lock file is left, and the kernel drops it with the process.

    Raises:
        WriteError: another run still has the folder after `timeout` seconds, or it cannot be opened.
    """
    with _refusals(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = time.monotonic() + timeout
        while not _is_locked(descriptor, folder):
            if time.monotonic() >= deadline:
                raise WriteError(f"another run of envgen is at work in {folder}", hint="wait until it ends")
            time.sleep(_BEAT)
        recover(folder)
        yield FolderWriter(folder)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, kind: int) -> bool:
    """Lock an open file or folder (`flock`); return False where another run has it and `kind` says not to wait.

    Where the file system has no locks, nothing is locked, and True is returned. Raises OSError.
    """
    try:
        fcntl.flock(descriptor, kind)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def hold_folder(owner: object, folder: Path) -> None:
    """Keep others from emptying a folder (an exclusive lock) for as long as an object lives; make it if need be.

    Where that cannot be done, whoever uses the folder has the words for it.
    """
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        weakref.finalize(owner, os.close, descriptor)
        try_lock(descriptor, fcntl.LOCK_SH)


def _is_locked(descriptor: int, folder: Path) -> bool:
    try:
        return try_lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise WriteError(f"cannot hold {folder}: {reason_of(error)}") from error


def recover(folder: Path) -> None:
    """Finish the set of files that a killed run had committed, and remove what it had not; raise WriteError."""
    with _refusals(folder):
        journal = folder / _JOURNAL
        if journal.is_file():
            _finish(folder, [name for name in journal.read_text("utf-8").split("\n") if _is_plain(name)])
        _discard_staged(folder)


def create_folder(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Make a new folder that has all of these files from the first instant it can be seen.

    It is filled under a staged name, then renamed; its parent is made if need be. Raises WriteError where the folder
    exists already or the disk refuses.
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
        except (OSError, KeyboardInterrupt):
            with contextlib.suppress(OSError):
                remove_tree(staged)
            raise
        _sync_folder(folder.parent)


def existing_ancestor(path: Path) -> Path:
    """Return a path, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if each.exists())


def _encoded(files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    for name in files:
        if not _is_plain(name):
            raise WriteError(f"not a file name: `{name}`")
    return {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}


def _is_plain(name: str) -> bool:
    return name not in ("", ".", "..") and not name.startswith(_OWN) and not any(sign in name for sign in "/\\\0\n")


def _staged(folder: Path, name: str) -> Path:
    return folder / f"{_OWN}-{name}{_STAGED}"


def _write_synced(path: Path, content: bytes, *, like: Path | None) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        if like is not None and like.is_file():
            os.fchmod(descriptor, like.stat().st_mode & 0o777)
        stream.write(content)
        stream.flush()
        os.fsync(descriptor)


def _commit(folder: Path, names: list[str]) -> None:
    """Make the staged set the one to be: the rename of the journal is the instant at which it happens."""
    if len(names) > 1:
        staged = folder / f"{_JOURNAL}{_STAGED}"
        _write_synced(staged, "\n".join(names).encode(), like=None)
        staged.rename(folder / _JOURNAL)
    _sync_folder(folder)


def _finish(folder: Path, names: list[str]) -> None:
    for name in names:
        with contextlib.suppress(FileNotFoundError):  # renamed before the kill
            _staged(folder, name).replace(folder / name)
    (folder / _JOURNAL).unlink(missing_ok=True)
    _sync_folder(folder)


def _discard_staged(folder: Path) -> None:
    for path in folder.glob(f"{_OWN}[-.]*{_STAGED}"):
        remove_tree(path)


def walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield all that is below a folder, sorted, a folder before what is in it; no link is followed. Raises OSError.

    It may be deeper than Python can call itself, which `os.walk` and `shutil.rmtree` do.
    """
    folders = [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        yield from entries
        folders.extend(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))


def remove_tree(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it, also in folders that are read-only; raise OSError."""
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    folders = [str(path)]
    _open_up(path)
    for entry in walk(path):
        if entry.is_dir(follow_symlinks=False):
            _open_up(entry)
            folders.append(entry.path)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(entry)  # noqa: PTH108 - a Path would take thrice as long
    for folder in reversed(folders):
        os.rmdir(folder)  # noqa: PTH106


def _open_up(folder: os.PathLike[str]) -> None:
    with contextlib.suppress(OSError):  # another's, who may have made it writable for us
        os.chmod(folder, 0o700)  # noqa: PTH101


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
        raise WriteError(f"cannot write {path}: {reason_of(error)}", hint=hint) from error


def reason_of(error: OSError) -> str:
    """Return the system's words for a refusal, as they stand in envgen's messages."""
    return (error.strerror or str(error)).lower()
