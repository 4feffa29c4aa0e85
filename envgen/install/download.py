"""Downloads of files, whole or not at all: resumed, verified, and given up when a server is silent.

rattler's client does the requests, so that its credentials, proxies and certificates count, for wheels as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import rattler
from rattler.networking import Client
from rattler.networking.middleware import AddHeadersMiddleware, AuthenticationMiddleware
from rattler.package_streaming import download_to_writer

import envgen
from envgen.errors import InstallError, RepodataError
from envgen.install.artifacts import Artifact, ArtifactLocation
from envgen.models.secrets import LOG_IN
from envgen.repodata.credentials import Route, redirected, secret_middleware
from envgen.system.files import existing_ancestor, reason_of, try_lock
from envgen.system.lifetime import Headway, run
from envgen.system.settings import LEAST_RATE, RATE_WINDOW

PARALLEL = 8
_TRIES = 3  # without a byte more than before
_MOST_TRIES = 12  # in all
_PAUSE, _BEAT = 0.3, 0.05  # seconds
_STATUS = re.compile(r"\((\d{3}) ([^)]*)\)")
_WORTH_RETRYING = frozenset({408, 416, 425, 429, 500, 502, 503, 504})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))
_UNPACKED = 2  # times an archive's size; it is two to five times in truth, so that nobody is refused wrongly
_HINTS = {
    401: LOG_IN,
    403: LOG_IN,
    404: "it was taken away: lock again with `envgen lock --upgrade`, or give a --mirror that still has it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file to download to a path; the locations are tried in order."""

    artifact: Artifact
    target: Path
    locations: tuple[ArtifactLocation, ...]

    @property
    def part(self) -> Path:
        """Return the path of what came so far, from which a later download goes on."""
        return self.target.with_name(f"{self.target.name}.part")


class _FailedError(Exception):
    """A location that did not give the file; `final` tells that trying it again does not help."""

    def __init__(self, reason: str, *, final: bool, hint: str = "") -> None:
        super().__init__(reason)
        self.final = final
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a server is waited for, in seconds: while it is silent, and while it brings less than `rate` bytes each.

    There is no limit on the whole time.
    """

    silence: float
    window: float = RATE_WINDOW
    rate: int = LEAST_RATE


def download_all(downloads: Sequence[Download], *, patience: Patience, progress: Progress) -> None:
    """Download files side by side, each verified before it gets its name; what is there already is verified, too.

    Raises:
        InstallError: one of them cannot be had. What came of the others is kept, and the next call goes on from there.
    """
    run(_download_all(downloads, patience, progress))


async def _download_all(downloads: Sequence[Download], patience: Patience, progress: Progress) -> None:
    gate = asyncio.Semaphore(PARALLEL)

    async def one(download: Download) -> None:
        async with gate:
            await _Transfer(download, patience, progress).run()

    tasks = [asyncio.ensure_future(one(download)) for download in downloads]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Sink:
    """The file that the bytes of an answer go to, with their hash; rattler calls `write`."""

    def __init__(self, stream: IO[bytes], download: Download, progress: Progress) -> None:
        self.error: OSError | None = None
        self.hasher = hashlib.new(download.artifact.digest.algorithm, usedforsecurity=False)
        self.offset = self.size = 0
        self._stream = stream
        self._limit = download.artifact.size
        self._progress = progress

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
        self._progress.advance(self.size)

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
        self._progress.advance(len(data))
        return len(data)


class _Transfer:
    """The download of one file, from one location after the other."""

    def __init__(self, download: Download, patience: Patience, progress: Progress) -> None:
        self._download = download
        self._patience = patience
        self._progress = progress

    async def run(self) -> None:
        download, failures = self._download, []
        try:
            download.target.parent.mkdir(parents=True, exist_ok=True)
            async with claimed(download.part) as stream:
                if self._is_there():
                    return
                for location in download.locations:
                    try:
                        await self._try_location(location, stream)
                    except _FailedError as error:
                        failures.append((location, error))
                        continue
                    self._finish(stream)
                    return
        except OSError as error:
            is_full = error.errno in _FULL
            hint = "free some space on the disk" if is_full else "set ENVGEN_CACHE_DIR to a folder you can write"
            message = f"cannot write {download.target}: {reason_of(error)}"
            raise InstallError(message, hint=hint, code="disk") from error
        raise self._failure(failures)

    def _is_there(self) -> bool:
        target = self._download.target
        if not target.is_file() or not self._download.artifact.digest.matches(target):
            return False
        self._download.part.unlink(missing_ok=True)
        self._progress.finish(self._download.artifact, fetched=0)
        return True

    async def _try_location(self, location: ArtifactLocation, stream: IO[bytes]) -> None:
        tries, before = 0, -1
        for left in range(_MOST_TRIES, 0, -1):
            try:
                await self._attempt(location, stream)
            except _FailedError as error:
                size = stream.seek(0, os.SEEK_END)
                tries = 1 if size > before else tries + 1
                before = max(before, size)
                if error.final or tries >= _TRIES or left == 1:
                    raise
                await asyncio.sleep(_PAUSE * tries)
            else:
                return

    async def _attempt(self, location: ArtifactLocation, stream: IO[bytes]) -> None:
        sink = _Sink(stream, self._download, self._progress)
        sink.take_over()
        try:
            await self._receive(location, sink)
        except (OSError, RuntimeError, _FailedError) as error:
            self._progress.advance(-sink.size)
            if sink.error is not None and sink.error.errno in _FULL:
                raise sink.error from error
            raise _explained(error, sink, stream) from error
        if sink.hasher.hexdigest() != self._download.artifact.digest.hex:
            self._progress.advance(-sink.size)
            stream.truncate(0)
            found = f"{self._download.artifact.digest.algorithm} {sink.hasher.hexdigest()[:12]}…"
            # a part that an earlier attempt left may be what is wrong: then it is tried once more from the start
            reason = f"what is served is not what was locked ({found} instead of {self._download.artifact.digest})"
            raise _FailedError(reason, final=not sink.offset, hint="a damaged copy, or another file under this name")

    async def _receive(self, location: ArtifactLocation, sink: _Sink) -> None:
        """Wait for an answer as long as enough bytes come: a long download is no silent server."""
        patience = self._patience
        window = max(patience.window, patience.silence)
        headway = Headway(lambda: sink.size, patience.rate * window, window)
        url, route = await asyncio.to_thread(_way, location)
        task = asyncio.ensure_future(download_to_writer(_client(url, route, sink.offset), url, sink))
        size, since = sink.size, time.monotonic()
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=min(patience.silence, window / 12))
                if done:
                    task.result()
                    return
                if sink.size != size:
                    size, since = sink.size, time.monotonic()
                elif time.monotonic() - since >= patience.silence:
                    raise _FailedError(f"nothing came for {patience.silence:g} seconds", final=False)
                if not headway.is_enough():
                    reason = f"less than {patience.rate:,} bytes a second came for {window:g} seconds"
                    raise _FailedError(reason, final=True)
        finally:
            task.cancel()

    def _finish(self, stream: IO[bytes]) -> None:
        stream.flush()
        os.fsync(stream.fileno())
        size = stream.tell()
        self._download.part.replace(self._download.target)
        self._progress.finish(self._download.artifact, fetched=size)

    def _failure(self, failures: Sequence[tuple[ArtifactLocation, _FailedError]]) -> InstallError:
        name = self._download.artifact.filename
        if not failures:
            return InstallError(f"there is no address to download {name} from", hint="lock again: `envgen lock`")
        reasons = "; ".join(f"{error} ({location.shown})" for location, error in failures)
        hints = dict.fromkeys(error.hint for _, error in failures if error.hint)
        again = "run it again: it goes on from what is there; or wait longer: ENVGEN_TIMEOUT=SECONDS"
        return InstallError(f"{name} cannot be downloaded: {reasons}", hint="; ".join(hints) or again, code="download")


def _way(location: ArtifactLocation) -> tuple[str, Route | None]:
    """Return the URL to ask, and its route: where a path with a token is sent on to another host, that host's URL."""
    route = location.route
    if route is None or route.sent == route.url:
        return location.url, route
    try:
        elsewhere = redirected(route.sent + location.url.removeprefix(route.url), route.header)
    except RepodataError as error:
        raise _FailedError(error.message, final=True) from error
    return (elsewhere, None) if elsewhere else (location.url, route)


def _client(url: str, route: Route | None, offset: int) -> Client:
    agent = f"envgen/{envgen.__version__}"
    own = secret_middleware([route] if route else [])
    if not (offset or own):  # no retries of rattler's: those of `_try_location` go on from what came
        return rattler.Client.default_client(max_retries=0, user_agent=agent)
    path = urlsplit(url).path

    def resume(_host: str, requested: str) -> dict[str, str] | None:
        return {"Range": f"bytes={offset}-"} if offset and requested == path else None

    return Client([AddHeadersMiddleware(resume), *own, AuthenticationMiddleware()], user_agent=agent)


def _explained(error: Exception, sink: _Sink, stream: IO[bytes]) -> _FailedError:
    """Return why an attempt failed, after emptying a part from which no attempt can go on."""
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
    if status == 416:  # the server's file is shorter than what came so far
        stream.truncate(0)
    return _FailedError(f"{match[1]} {match[2]}", final=status not in _WORTH_RETRYING, hint=_HINTS.get(status, ""))


def _words(text: str) -> str:
    if "error sending request" in text:
        return "no connection"
    if "decoding response body" in text:
        return "the connection broke off"
    return text.strip().splitlines()[-1] if text.strip() else "the connection broke off"


@contextlib.asynccontextmanager
async def claimed(part: Path) -> AsyncIterator[IO[bytes]]:
    """Open a file for this run alone, after waiting for another run that has it. Raises OSError."""
    while True:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        with os.fdopen(descriptor, "r+b") as stream:
            while not try_lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):  # noqa: ASYNC110 - no event of ours says so
                await asyncio.sleep(_BEAT)
            if _is_current(stream, part):
                yield stream
                return


def _is_current(stream: IO[bytes], part: Path) -> bool:
    """Return whether the file still has its name: another run may have finished it meanwhile."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), part.stat())
    except FileNotFoundError:
        return False


def size_text(size: int) -> str:
    """Return a number of bytes as people read it, such as `1.4 GB`."""
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


class Progress:
    """A count of files and bytes; `report` gets a line whenever it has changed, which begins with `verb`.

    `fetched` is the number of bytes that came over the network, `files` the number of files that are done.
    """

    def __init__(self, artifacts: Iterable[Artifact], verb: str, report: Callable[[str], None]) -> None:
        listed = list(artifacts)
        self.total_files = len(listed)
        self.total = sum(artifact.size or 0 for artifact in listed)
        self.files = self.fetched = 0
        self._done = 0
        self._verb = verb
        self._report = report
        self._last = ""

    def advance(self, size: int) -> None:
        """Count bytes of a file that is under way; a negative size takes back what must come again."""
        self._done += size
        self._show()

    def finish(self, artifact: Artifact, *, fetched: int) -> None:
        """Count a file that is done; one that came without a transfer counts in whole."""
        if not fetched:
            self._done += artifact.size or 0
        self.files += 1
        self.fetched += fetched
        self._show()

    def _show(self) -> None:
        bytes_text = f"{size_text(self._done)} of {size_text(self.total)}" if self.total else size_text(self._done)
        line = f"{self._verb}: {self.files} of {self.total_files} files, {bytes_text}"
        if line != self._last:
            self._last = line
            self._report(line)


def check_space(downloaded: Iterable[Artifact], unpacked: Iterable[Artifact], *, store: Path, prefix: Path) -> None:
    """Compare the sizes in the lock with what is free where the files go.

    Raises:
        InstallError: the disk is certainly too small; nothing was changed.
    """
    needs: dict[int, int] = {}
    places: dict[int, Path] = {}
    wanted = (
        (existing_ancestor(store), sum(artifact.size or 0 for artifact in downloaded)),
        (existing_ancestor(prefix), sum(artifact.size or 0 for artifact in unpacked) * _UNPACKED),
    )
    for path, size in wanted:
        device = path.stat().st_dev
        needs[device] = needs.get(device, 0) + size
        places[device] = path
    for device, need in needs.items():
        free = shutil.disk_usage(places[device]).free
        if free < need:
            raise InstallError(
                f"the disk is too full: {size_text(need)} at the least are needed in {places[device]}, "
                f"{size_text(free)} are free; nothing was changed",
                hint="free some space, or choose another disk: --prefix, ENVGEN_CACHE_DIR",
                code="disk",
            )
