"""The shards of channels (CEP 16): each is compared with the hash by which its index names it.

rattler takes a shard as it comes and keeps it unpacked, so that the hash of what was sent is lost. So the files that it
has written are held against a second copy, whose hash is checked, before a record of them is used. A ledger keeps which
files are good, by their size, time and digest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import urljoin

import msgpack
import zstandard

from envgen.errors import EnvgenError
from envgen.system.files import FolderWriter, read_text

INDEX = "repodata_shards.msgpack.zst"
_KEPT = b"SHARD-CACHE-V1"  # how rattler's copy of an index begins; the length of what the server said follows, and that
_FOLDER, _LEDGER = "shards-v1", "shards-verified.json"  # the first is rattler's, below the cache
_LIMIT = 64 * 1024 * 1024  # bytes of an index, unpacked; conda-forge's has about 1 MB
_OLD = 3600.0  # seconds: no run that is at work has not looked at it yet


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardIndex:
    """What a channel's index says of its shards: the address of each, by the hash of its compressed bytes in hex."""

    urls: Mapping[str, str]

    @classmethod
    @lru_cache(maxsize=8)  # of a run's channels, which are read anew for each of its questions
    def read(cls, plain: bytes, url: str) -> ShardIndex:
        """Read an unpacked index that came from a URL; raise ValueError for what is none."""
        try:
            folder, hashes = _read(plain)
            base = urljoin(url, folder.rstrip("/") + "/")
        except (msgpack.UnpackException, ValueError, TypeError) as error:
            raise ValueError(f"no index of shards: {error!r}") from error
        return cls(urls={digest: urljoin(base, f"{digest}.msgpack.zst") for digest in hashes})


def unpacked(content: bytes) -> bytes:
    """Unpack an index as it is sent; raise ValueError where it is not packed, or too large."""
    try:
        with zstandard.ZstdDecompressor().stream_reader(content) as stream:
            plain = stream.read(_LIMIT + 1)
    except zstandard.ZstdError as error:
        raise ValueError(f"no index of shards: {error!r}") from error
    if len(plain) > _LIMIT:
        raise ValueError("no index of shards: it is too large")
    return plain


def kept_index(cache: Path, url: str) -> bytes | None:
    """Return the unpacked index of a URL that rattler goes by, b"" where there is none; None where it has kept nothing.

    A second answer of the server might be another one, or none: then nothing would say what the shards must be. Raises
    ValueError for one that is too large.
    """
    for path in sorted(cache.glob("*.shards-cache-v1")):
        with contextlib.suppress(OSError), path.open("rb") as stream:  # files come and go
            head = stream.read(len(_KEPT) + 4)
            said = stream.read(int.from_bytes(head[len(_KEPT) :], "little")) if head.startswith(_KEPT) else b""
            if msgpack.packb(url) in said:  # no server can say that: rattler keeps what it says as numbers below 128
                plain = stream.read(_LIMIT + 1)
                if len(plain) > _LIMIT:
                    raise ValueError("no index of shards: it is too large")
                return plain
    return None


def _read(plain: bytes) -> tuple[str, list[str]]:
    """Return where an index says that its shards are, and their hashes; raise what msgpack does, or TypeError.

    Whatever else it holds is passed over, and no list or object is ever made: of the smallest, as many bytes as it may
    have would fill five gigabytes.
    """
    unpacker = msgpack.Unpacker(max_buffer_size=len(plain), max_array_len=0, max_map_len=0)
    unpacker.feed(plain)
    folder: object = None
    hashes: list[str] | None = None
    for _ in range(unpacker.read_map_header()):
        match unpacker.unpack():
            case "info":
                for _ in range(unpacker.read_map_header()):
                    if unpacker.unpack() == "shards_base_url":
                        folder = unpacker.unpack()
                    else:
                        unpacker.skip()
            case "shards":
                hashes = []
                for _ in range(unpacker.read_map_header()):
                    unpacker.skip()
                    hashes.append(_hex(unpacker.unpack()))
            case _:
                unpacker.skip()
    if not isinstance(folder, str) or hashes is None:
        raise TypeError("it does not say where its shards are")
    return folder, hashes


def _hex(digest: object) -> str:
    if not (isinstance(digest, bytes) and len(digest) == hashlib.sha256().digest_size):
        raise TypeError("not a hash")  # of a number, bytes() would make as many bytes
    return digest.hex()


@dataclass
class ShardLedger:
    """The shards that lie in a cache, and which of them were found to be what their name says."""

    cache: Path
    _known: dict[str, list[object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the ledger; one that is damaged knows nothing."""
        with contextlib.suppress(EnvgenError, ValueError):
            data = json.loads(read_text(self.cache / _LEDGER))
            self._known = {name: list(state) for name, state in data.items()} if isinstance(data, dict) else {}

    def unverified(self) -> list[str]:
        """Return the hashes that name files of which nothing is known, or that have changed, sorted."""
        return sorted(path.name.partition(".")[0] for path in self._files() if not self._is_known(path))

    def drop_unverified(self) -> None:
        """Remove the files of which nothing is known: off-line there is nothing to hold them against."""
        for path in self._files():
            with contextlib.suppress(OSError):
                if not self._is_known(path):
                    path.unlink()

    def drop_old(self) -> None:
        """Remove the files of which nothing is known and that no run is about to look at."""
        before = time.time() - _OLD
        for path in self._files():
            with contextlib.suppress(OSError):
                if not self._is_known(path) and path.stat().st_mtime < before:
                    path.unlink()

    def drop_since(self, instant: float) -> None:
        """Remove the files of which nothing is known and that came since an instant: their reading has failed."""
        for path in self._files():
            with contextlib.suppress(OSError):
                if not self._is_known(path) and path.stat().st_mtime >= instant:
                    path.unlink()

    def drop_changed(self) -> None:
        """Remove the files that are not any more what they were when they were found to be good."""
        for path in self._files():
            if path.name.partition(".")[0] in self._known and not self._is_known(path):
                path.unlink(missing_ok=True)

    def accept(self, digest: str, content: bytes) -> bool:
        """Take a shard as it was sent; return whether the file of that name has the same, which is good then.

        A file that has something else is removed. Raises ValueError where what was sent is not what the name says.
        """
        path = self.cache / _FOLDER / f"{digest}.msgpack"
        if hashlib.sha256(content).hexdigest() != digest:
            path.unlink(missing_ok=True)
            raise ValueError("it is not what its name says")
        held = b""
        try:
            held = path.read_bytes()
            with zstandard.ZstdDecompressor().stream_reader(content) as stream:
                is_same = stream.read(len(held) + 1) == held
        except (OSError, zstandard.ZstdError):
            is_same = False
        if not is_same:
            path.unlink(missing_ok=True)
            return False
        self._note(path, held)
        return True

    def save(self) -> None:
        """Write what is known now; a cache that cannot be written knows less next time."""
        there = {path.name.partition(".")[0] for path in self._files()}
        kept = {name: state for name, state in self._known.items() if name in there}
        with contextlib.suppress(EnvgenError):
            FolderWriter(self.cache).write({_LEDGER: json.dumps(kept, sort_keys=True) + "\n"})

    def _files(self) -> Iterable[Path]:
        return sorted((self.cache / _FOLDER).glob("*.msgpack"))

    def _is_known(self, path: Path) -> bool:
        known = self._known.get(path.name.partition(".")[0])
        try:
            state = path.stat()
            if known is None:
                return False
            if known[:2] == [state.st_size, state.st_mtime_ns]:
                return True
            content = path.read_bytes()
        except OSError:  # it went away
            return True
        if known[2:] != [hashlib.sha256(content).hexdigest()]:
            return False
        self._note(path, content)
        return True

    def _note(self, path: Path, content: bytes) -> None:
        with contextlib.suppress(OSError):
            state = path.stat()
            digest = hashlib.sha256(content).hexdigest()
            self._known[path.name.partition(".")[0]] = [state.st_size, state.st_mtime_ns, digest]
