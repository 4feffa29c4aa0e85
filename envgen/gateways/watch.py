"""Give up on servers that do not answer, and on no others.

rattler waits for ever, or for a total time that a slow line may need. So its work is watched: as long as its cache
grows, all is well; when it does not, the same files are asked for a second time, a few bytes of each, and a server that
does not even give those is silent.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from envgen.gateways.places import Place

T = TypeVar("T")
_ENOUGH = 512  # bytes: whoever sends fewer in all that time will not send an index
_STALLED = 5  # times the patience: the server answers, but rattler gets nothing
_OK = re.compile(rb"HTTP/[\d.]+ 200\b")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,12})\b", re.IGNORECASE)
_FILES = ("repodata_shards.msgpack.zst", "repodata.json.zst", "repodata.json")


class SilentError(Exception):
    """Report a place that gave nothing for `seconds`."""

    def __init__(self, place: Place, seconds: float) -> None:
        """Keep the place, for the message."""
        super().__init__(place.shown)
        self.place = place
        self.seconds = seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Watch over the reading of http(s) places into a cache folder; `patience` is in seconds."""

    places: Sequence[Place]
    subdirs: Sequence[str]
    cache: Path
    patience: float

    async def over(self, work: Coroutine[object, object, T]) -> T:
        """Wait for the work; raise SilentError when a place has been silent for longer than the patience."""
        task = asyncio.ensure_future(work)
        try:
            await self._wait(task)
            return task.result()
        finally:
            task.cancel()

    async def _wait(self, task: asyncio.Future[T]) -> None:
        beat, quiet, size = self.patience / 2, 0.0, _size(self.cache)
        while not await _done(task, beat):
            grown = _size(self.cache)
            if grown >= size + _ENOUGH:
                quiet, size = 0.0, grown
                continue
            probes = [Probe(place, self.subdirs, beat) for place in self.places]
            if await _done(task, beat):
                return
            quiet += 2 * beat
            silent = [probe.place for probe in probes if not probe.answered]
            if silent or quiet >= _STALLED * self.patience:
                raise SilentError(silent[0] if silent else self.places[0], quiet)


class Probe:
    """Ask a place for the first bytes of its indexes, in threads that never hold up the process."""

    def __init__(self, place: Place, subdirs: Sequence[str], seconds: float) -> None:
        """Start asking."""
        self.place = place
        self._answers: dict[str, bytes | None] = {}
        self._urls = [f"{place.url}/{subdir}/{file}" for subdir in subdirs for file in _FILES]
        self._threads = [threading.Thread(target=self._ask, args=(url, seconds), daemon=True) for url in self._urls]
        for thread in self._threads:
            thread.start()

    @property
    def answered(self) -> bool:
        """Tell whether each of the files was answered for so far, be it with "there is none"."""
        return all(self._answers.get(url) is not None for url in self._urls)

    def starts(self) -> list[bytes]:
        """Wait for the threads and give what the answers start with."""
        for thread in self._threads:
            thread.join()
        return [answer for answer in self._answers.values() if answer]

    def _ask(self, url: str, seconds: float) -> None:
        self._answers[url] = first_bytes(url, seconds)


def first_bytes(url: str, seconds: float) -> bytes | None:
    """Give what a URL's answer starts with, status line included, or None when too little comes in that time.

    A place behind a proxy is not asked (b""): its proxy answers for it. Nor is a certificate judged: that is rattler's.
    """
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    if parts.scheme in getproxies() and not proxy_bypass(host):
        return b""
    deadline = time.monotonic() + seconds
    try:
        plain = socket.create_connection((host, parts.port or (443 if secure else 80)), timeout=seconds)
        with plain, _secured(plain, host, secure) as stream:
            stream.sendall(_request(parts))
            return _received(stream, deadline)
    except ssl.SSLError:
        return b""
    except OSError:
        return None


def _request(parts: SplitResult) -> bytes:
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rsplit("@", 1)[-1]
    lines = (f"GET {target} HTTP/1.1", f"Host: {host}", "Accept: */*", "Connection: close", "", "")
    return "\r\n".join(lines).encode("ascii", "replace")


@contextlib.contextmanager
def _secured(plain: socket.socket, host: str, secure: bool) -> Iterator[socket.socket]:
    if not secure:
        yield plain
        return
    with ssl.create_default_context().wrap_socket(plain, server_hostname=unquote(host)) as stream:
        yield stream


def _received(stream: socket.socket, deadline: float) -> bytes | None:
    received = b""
    while not _suffices(received):
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        stream.settimeout(left)
        chunk = stream.recv(_ENOUGH)
        if not chunk:
            return received or None
        received += chunk
    return received


def _suffices(received: bytes) -> bool:
    head, blank, body = received.partition(b"\r\n\r\n")
    if not blank:
        return False
    length = _LENGTH.search(head)
    wanted = min(_ENOUGH, int(length[1])) if length else _ENOUGH
    return not _OK.match(head) or len(body) >= wanted


async def _done(task: asyncio.Future[T], seconds: float) -> bool:
    done, _ = await asyncio.wait({task}, timeout=seconds)
    return bool(done)


def _size(folder: Path) -> int:
    total = 0
    with contextlib.suppress(OSError):  # files come and go
        for path in folder.rglob("*"):
            with contextlib.suppress(OSError):
                total += path.stat().st_size
    return total
