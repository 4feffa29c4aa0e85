"""Download files whole or not at all: resumed, verified, and given up when a server is silent.

rattler's client does the requests, so that its credentials, proxies and certificates count, for wheels as well.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import rattler
from rattler.networking import Client
from rattler.networking.middleware import AddHeadersMiddleware, AuthenticationMiddleware
from rattler.package_streaming import download_to_writer

import envgen
from envgen.errors import InstallError
from envgen.install.artifacts import Artifact
from envgen.install.holding import claimed
from envgen.install.tally import Tally
from envgen.system.event_loop import run

PARALLEL = 8
_TRIES = 3  # without a byte more than before
_MOST_TRIES = 12
_PAUSE = 0.3  # seconds
_STATUS = re.compile(r"\((\d{3}) ([^)]*)\)")
_WORTH_RETRYING = frozenset({408, 416, 425, 429, 500, 502, 503, 504})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Hold an address of a file: `url` may hold secrets, so it is never printed; `shown` may be."""

    url: str = field(repr=False)
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """Say what is downloaded to where: the locations are tried in order."""

    artifact: Artifact
    target: Path
    locations: tuple[Location, ...]

    @property
    def part(self) -> Path:
        """Give the file that holds what came so far; a later download goes on from there."""
        return self.target.with_name(f"{self.target.name}.part")


class _FailedError(Exception):
    """Report why a location did not give the file, and whether trying it again may help."""

    def __init__(self, reason: str, *, final: bool, hint: str = "") -> None:
        super().__init__(reason)
        self.final = final
        self.hint = hint


def download_all(downloads: Sequence[Download], *, patience: float, tally: Tally) -> None:
    """Download files side by side, each verified before it gets its name; what is there already is verified, too.

    `patience` is the number of seconds after which a silent server is given up.

    Raises:
        InstallError: one of them cannot be had. What came of the others is kept, and the next call goes on from there.
    """
    run(_download_all(downloads, patience, tally))


async def _download_all(downloads: Sequence[Download], patience: float, tally: Tally) -> None:
    gate = asyncio.Semaphore(PARALLEL)

    async def one(download: Download) -> None:
        async with gate:
            await _Transfer(download, patience, tally).run()

    tasks = [asyncio.ensure_future(one(download)) for download in downloads]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Sink:
    """Take the bytes of an answer into a file, and their hash; rattler calls `write`."""

    def __init__(self, stream: IO[bytes], download: Download, tally: Tally) -> None:
        self.error: OSError | None = None
        self.hasher = hashlib.new(download.artifact.digest.algorithm, usedforsecurity=False)
        self.offset = self.size = 0
        self._stream = stream
        self._limit = download.artifact.size
        self._tally = tally

    def take_over(self) -> None:
        """Hash what an earlier attempt has left, and go on behind it; start anew where it is too much."""
        self._stream.seek(0)
        while chunk := self._stream.read(1 << 20):
            self.hasher.update(chunk)
            self.size += len(chunk)
        if self._limit is not None and self.size >= self._limit:
            self.size = 0
            self.hasher = hashlib.new(self.hasher.name, usedforsecurity=False)
            self._stream.truncate(0)
            self._stream.seek(0)
        self.offset = self.size
        self._tally.advance(self.size)

    def write(self, data: bytes) -> int:
        if self._limit is not None and self.size + len(data) > self._limit:
            self.error = OSError(errno.EFBIG, "longer than the lock says")
            raise self.error
        try:
            self._stream.write(data)
        except OSError as error:
            self.error = error
            raise
        self.hasher.update(data)
        self.size += len(data)
        self._tally.advance(len(data))
        return len(data)


class _Transfer:
    """Download one file."""

    def __init__(self, download: Download, patience: float, tally: Tally) -> None:
        self._download = download
        self._patience = patience
        self._tally = tally

    async def run(self) -> None:
        download, failures = self._download, []
        try:
            download.target.parent.mkdir(parents=True, exist_ok=True)
            async with claimed(download.part) as stream:
                if self._is_there():
                    return
                for location in download.locations:
                    try:
                        await self._from(location, stream)
                    except _FailedError as error:
                        failures.append((location, error))
                        continue
                    self._finish(stream)
                    return
        except OSError as error:
            raise _disk_error(download, error) from error
        raise self._failure(failures)

    def _is_there(self) -> bool:
        target = self._download.target
        if not target.is_file() or not self._download.artifact.digest.matches(target):
            return False
        self._download.part.unlink(missing_ok=True)
        self._tally.finish(self._download.artifact, fetched=0)
        return True

    async def _from(self, location: Location, stream: IO[bytes]) -> None:
        tries, before = 0, -1
        for left in range(_MOST_TRIES, 0, -1):
            try:
                await self._once(location, stream)
            except _FailedError as error:
                size = stream.seek(0, os.SEEK_END)
                tries = 1 if size > before else tries + 1
                before = max(before, size)
                if error.final or tries >= _TRIES or left == 1:
                    raise
                await asyncio.sleep(_PAUSE * tries)
            else:
                return

    async def _once(self, location: Location, stream: IO[bytes]) -> None:
        sink = _Sink(stream, self._download, self._tally)
        sink.take_over()
        try:
            await self._watched(location, sink)
        except (OSError, RuntimeError, _FailedError) as error:
            self._tally.advance(-sink.size)
            if sink.error is not None and sink.error.errno in _FULL:
                raise sink.error from error
            raise _explained(error, sink, stream) from error
        if sink.hasher.hexdigest() != self._download.artifact.digest.hex:
            self._tally.advance(-sink.size)
            stream.truncate(0)
            found = f"{self._download.artifact.digest.algorithm} {sink.hasher.hexdigest()[:12]}…"
            reason = f"what is served is not what was locked ({found} instead of {self._download.artifact.digest})"
            raise _FailedError(reason, final=not sink.offset, hint="a damaged copy, or another file under this name")

    async def _watched(self, location: Location, sink: _Sink) -> None:
        """Wait for an answer as long as bytes come."""
        client = _client(location.url, sink.offset)
        task = asyncio.ensure_future(download_to_writer(client, location.url, sink))
        try:
            while True:
                before = sink.size
                done, _ = await asyncio.wait({task}, timeout=self._patience)
                if done:
                    task.result()
                    return
                if sink.size == before:
                    raise _FailedError(f"nothing came for {self._patience:g} seconds", final=False)
        finally:
            task.cancel()

    def _finish(self, stream: IO[bytes]) -> None:
        stream.flush()
        os.fsync(stream.fileno())
        size = stream.tell()
        self._download.part.replace(self._download.target)
        self._tally.finish(self._download.artifact, fetched=size)

    def _failure(self, failures: Sequence[tuple[Location, _FailedError]]) -> InstallError:
        name = self._download.artifact.filename
        if not failures:
            return InstallError(f"there is no address to download {name} from", hint="lock again: `envgen lock`")
        told = "; ".join(f"{error} ({location.shown})" for location, error in failures)
        hints = dict.fromkeys(error.hint for _, error in failures if error.hint)
        return InstallError(
            f"{name} cannot be downloaded: {told}",
            hint="; ".join(hints)
            or "run it again: it goes on from what is there; or wait longer: ENVGEN_TIMEOUT=SECONDS",
            code="download",
        )


def _client(url: str, offset: int) -> Client:
    agent = f"envgen/{envgen.__version__}"
    if not offset:
        return rattler.Client.default_client(max_retries=0, user_agent=agent)
    path = urlsplit(url).path

    def resume(_host: str, asked: str) -> dict[str, str] | None:
        return {"Range": f"bytes={offset}-"} if asked == path else None

    return Client([AddHeadersMiddleware(resume), AuthenticationMiddleware()], user_agent=agent)


def _explained(error: Exception, sink: _Sink, stream: IO[bytes]) -> _FailedError:
    """Say why an attempt failed; a part that cannot be gone on from is emptied."""
    if isinstance(error, _FailedError):
        return error
    if sink.error is not None:
        stream.truncate(0)
        return _FailedError("it is longer than the lock says", final=not sink.offset)
    text = str(error)
    match = _STATUS.search(text)
    if match is None:
        return _FailedError(_words(text), final=False)
    status = int(match[1])
    if status == 416:
        stream.truncate(0)
    return _FailedError(f"{match[1]} {match[2]}", final=status not in _WORTH_RETRYING, hint=_HINTS.get(status, ""))


_LOG_IN = "log in through RATTLER_AUTH_FILE, or give the index's password to uv"
_HINTS = {
    401: _LOG_IN,
    403: _LOG_IN,
    404: "it was taken away: lock again with `envgen lock --upgrade`, or give a --mirror that still has it",
}


def _words(text: str) -> str:
    if "error sending request" in text:
        return "no connection"
    if "decoding response body" in text:
        return "the connection broke off"
    return text.strip().splitlines()[-1] if text.strip() else "the connection broke off"


def _disk_error(download: Download, error: OSError) -> InstallError:
    reason = (error.strerror or str(error)).lower()
    hint = "free some space on the disk" if error.errno in _FULL else "set ENVGEN_CACHE_DIR to a folder you can write"
    return InstallError(f"cannot write {download.target}: {reason}", hint=hint, code="disk")
