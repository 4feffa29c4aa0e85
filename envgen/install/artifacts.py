"""The files that an environment is installed from, each with the hash that the lock has for it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from envgen.errors import InstallError
from envgen.lock.model import LockedWheel
from envgen.models.package_key import PackageKey
from envgen.models.record import Record
from envgen.repodata.credentials import Route
from envgen.system.files import open_regular

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A hash, in lower-case hex, with the algorithm that makes it: sha256, or md5 where a record has no other."""

    algorithm: str
    hex: str

    def matches(self, path: Path) -> bool:
        """Return whether a regular file has this hash; raise OSError.

        No more is read than it had at first: a lock may name one of the system's, which says 0 bytes and never ends.
        """
        hasher = hashlib.new(self.algorithm, usedforsecurity=False)
        with open_regular(path) as stream:
            left = os.fstat(stream.fileno()).st_size
            while chunk := stream.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    return False
                hasher.update(chunk)
        return hasher.hexdigest() == self.hex

    def __str__(self) -> str:
        """Render as `sha256 0123…`, short enough for a message."""
        return f"{self.algorithm} {self.hex[:12]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file to be had: `size` is in bytes or None."""

    key: PackageKey
    filename: str
    digest: Digest
    size: int | None

    @property
    def store_path(self) -> Path:
        """Return the path in a store of artifacts, which no file of other content shares."""
        return Path(self.digest.hex[:16]) / self.filename


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactLocation:
    """An address of a file: `url` may have secrets in it, so it is never printed; `shown` may be.

    `route` is how what is below a channel's URL is asked for, None for any other file.
    """

    url: str = field(repr=False)
    shown: str
    route: Route | None = None


def record_artifact(record: Record) -> Artifact:
    """Return the archive of a record; raise InstallError for a record without a hash."""
    return Artifact(
        key=record.key,
        filename=_plain(record.filename, record.name),
        digest=_digest(str(record), sha256=record.sha256, md5=record.md5),
        size=record.size,
    )


def wheel_artifact(locked: LockedWheel) -> Artifact:
    """Return the wheel of a distribution; raise InstallError where the lock has no hash of it."""
    wheel = locked.wheel
    return Artifact(
        key=wheel.key,
        filename=_plain(wheel.filename, wheel.name),
        digest=_digest(f"{wheel.name}=={wheel.version}", sha256=wheel.sha256),
        size=wheel.size,
    )


def _digest(shown: str, *, sha256: str, md5: str = "") -> Digest:
    if sha256:
        return Digest(algorithm="sha256", hex=sha256)
    if md5:
        return Digest(algorithm="md5", hex=md5)
    raise InstallError(
        f"{shown} has no hash in the lock, so nothing could be verified", hint="lock again: `envgen lock`"
    )


def _plain(filename: str, name: str) -> str:
    if not filename or filename.startswith(".") or any(sign in filename for sign in "/\\\0\n"):
        raise InstallError(f"the lock has no file name for {name}: `{filename}`", hint="lock again: `envgen lock`")
    return filename
