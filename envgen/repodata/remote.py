"""Channels over http(s), read through rattler's gateway and given up where their servers are silent.

rattler waits for ever, or for a total time that a slow line may need. So its work is watched: as long as its cache
grows, all is well; when it does not, the same files are asked for a second time, a few bytes of each, and a server that
does not even give those is silent. It also unpacks whatever it gets, an index to the cache and shards in memory, and
aborts where there is no more of that: so both are watched for more than any index has.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import resource
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import rattler
from rattler.exceptions import GatewayError
from rattler.networking.middleware import (
    AuthenticationMiddleware,
    GCSMiddleware,
    OciMiddleware,
    RetryMiddleware,
    S3Middleware,
)
from rattler.package_streaming import download_bytes

import envgen
from envgen.errors import EnvgenError, RepodataError
from envgen.models.channel import Channel
from envgen.models.platform import Platform
from envgen.repodata.credentials import secret_middleware
from envgen.repodata.locations import (
    Access,
    Place,
    explain,
    explain_changing,
    explain_fault,
    explain_flood,
    explain_page,
    explain_panic,
    explain_silence,
    explain_slowness,
    explain_wrong_shard,
    is_broken_index,
    is_page,
)
from envgen.repodata.shards import INDEX, ShardIndex, ShardLedger, kept_index, unpacked
from envgen.repodata.sources import Source, fault_of_texts, rattler_channel
from envgen.system.files import hold_folder, read_text
from envgen.system.lifetime import ChildLimits, EndedError, Headway, run, run_child
from envgen.system.settings import LEAST_RATE, RATE_WINDOW, Ceiling

T = TypeVar("T")
_GLANCE, _LOOK = 0.1, 0.5  # seconds between two looks at memory, and at the cache
_LARGE = 256 << 20  # bytes: no file on its way to the cache has as many
_HEAD = 1 << 16  # bytes that an answer's head may have
_ENOUGH = 512  # bytes: whoever sends fewer in all that time will not send an index
_STALLED = 5  # times the timeout: the server answers, but rattler gets nothing
_OK = re.compile(rb"HTTP/[\d.]+ 200\b")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,12})\b", re.IGNORECASE)
_FILES = ("repodata_shards.msgpack.zst", "repodata.json.zst", "repodata.json")
_READINGS = 8  # a shard that was wrong once may be right when it is asked for again, and name further ones
_AT_ONCE = 20  # requests for shards
_CLEAR = """
import sys, rattler
rattler.Gateway(cache_dir=sys.argv[1]).clear_repodata_cache(rattler.Channel(sys.argv[2]), clear_disk=True)
"""
_CLEAR_SECONDS = 10.0
_RETRIES = 1  # of a refused or broken connection; a second one costs a whole second more


class _UnreadableError(Exception):
    """What rattler said of one channel, until it can be explained outside the event loop."""

    def __init__(self, channel: Channel, place: Place, text: str) -> None:
        super().__init__(text)
        self.channel = channel
        self.place = place


def _client(channels: Sequence[tuple[Channel, Place]]) -> rattler.Client:
    """Make rattler's standard client, which puts the secrets of places in as it sends."""
    return rattler.Client(
        [
            *secret_middleware(place.route for _, place in channels),
            RetryMiddleware(_RETRIES),
            AuthenticationMiddleware(),
            OciMiddleware(),
            GCSMiddleware(),
            S3Middleware(),
        ],
        user_agent=f"envgen/{envgen.__version__}",
    )


class Remote:
    """Reach http(s) channels; every call ends within the timeout when a server is silent."""

    def __init__(self, channels: Sequence[tuple[Channel, Place]], platform: Platform, access: Access) -> None:
        self.channels = channels
        self._platform = platform
        self._offline = access.offline
        cache = access.cache / "repodata"
        hold_folder(self, cache)
        self._client = _client(channels)
        self._ledger = ShardLedger(cache)
        self._ledger.drop_changed()
        if access.offline:
            self._ledger.drop_unverified()
        else:
            self._ledger.drop_old()
        self.gateway = self._open(cache)
        self._watch = Watch(
            places=[place for _, place in channels], subdirs=platform.subdirs, cache=cache, timeout=access.timeout
        )

    def _open(self, cache: Path) -> rattler.Gateway:
        action = rattler.SourceConfig(cache_action="force-cache-only" if self._offline else "cache-or-fetch")
        return rattler.Gateway(cache_dir=cache, default_config=action, client=self._client)

    def query(self, ask: Callable[[rattler.Gateway], Coroutine[object, object, T]]) -> T:
        """Ask for records, and verify the shards that they came in before anything else sees them.

        Raises:
            ChannelUnreachableError: a channel is silent. RepodataError: it sends a shard that is not the one its index
                names. GatewayError: rattler cannot read what it got; nothing of that is kept.
        """
        for _ in range(_READINGS):
            started = time.time() - 1  # a file system's clock may be behind
            try:
                answer = self.run(ask(self.gateway))
            except GatewayError:
                self._ledger.drop_since(started)
                raise
            if self._offline or self._are_verified():
                return answer
            self.gateway = self._open(self._watch.cache)  # it has a wrong shard in memory
        channel, place = self.channels[0]
        raise explain_changing(channel, place)

    def _are_verified(self) -> bool:
        """Return whether all shards in the cache are good; the wrong ones are removed."""
        digests = self._ledger.unverified()
        if not digests:
            return True
        try:
            return self.run(self._verify(digests))
        except _UnreadableError as error:
            raise explain_wrong_shard(error.channel, error.place, str(error)) from error.__cause__
        finally:
            self._ledger.save()

    async def _verify(self, digests: Sequence[str]) -> bool:
        gate = asyncio.Semaphore(_AT_ONCE)
        wanted = frozenset(digests)

        async def one(channel: Channel, place: Place, digest: str, url: str) -> bool:
            async with gate:
                try:
                    return self._ledger.accept(digest, await download_bytes(self._client, url))
                except (GatewayError, OSError, RuntimeError, ValueError) as error:
                    raise _UnreadableError(channel, place, f"{digest[:12]}… ({error})") from error

        work = [
            one(channel, place, digest, url)
            for channel, place in self.channels
            for subdir in self._platform.subdirs
            for digest, url in (await self._shards(channel, place, subdir)).items()
            if digest in wanted
        ]
        return all(await asyncio.gather(*work))

    async def _shards(self, channel: Channel, place: Place, subdir: str) -> Mapping[str, str]:
        """Return the addresses of a subdir's shards; none where the channel is not sharded."""
        url = f"{place.url}/{subdir}/{INDEX}"
        try:
            plain = kept_index(self._watch.cache, url)
            if plain is None:  # rattler keeps it in another form, or read another kind of index
                with contextlib.suppress(GatewayError, OSError, RuntimeError):
                    plain = unpacked(await download_bytes(self._client, url))
            return ShardIndex.read(plain, url).urls if plain else {}
        except ValueError as error:
            raise explain_fault(channel, url, "what it says of its parts cannot be read") from error

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Wait for work that reads the channels.

        Raises:
            ChannelUnreachableError: one of them is silent or too slow. RepodataError: one gives more than an index has.
        """
        try:
            return run(self._watch.over(work))
        except SilentError as error:
            channel = next(channel for channel, place in self.channels if place is error.place)
            raise explain_silence(channel, error.place, error.seconds) from error
        except SlowError as error:
            raise explain_slowness(self.channels, error.rate, error.seconds) from error
        except FloodError as error:
            raise explain_flood(self.channels, error.limit) from error
        except Exception as error:
            if type(error).__name__ != "RustPanic":  # which has no module that could be imported
                raise
            channel, place = self.channels[0]
            raise explain_panic(channel, place) from error

    def connect(self) -> list[Source]:
        """Fetch what each channel's index says of names, all channels at once.

        Raises:
            ChannelUnreachableError: a channel does not answer. RepodataError: it answers with something else.
        """
        try:
            sources = self.run(self._connect())
        except _UnreadableError as error:
            raise self._explained(error.channel, error.place, str(error)) from error.__cause__
        for channel, place in self.channels:
            self._refuse_faults(channel, place)
        return sources

    async def _connect(self) -> list[Source]:
        return list(await asyncio.gather(*(self._source(channel, place) for channel, place in self.channels)))

    async def _source(self, channel: Channel, place: Place) -> Source:
        base = rattler_channel(channel, place.url)
        try:
            here, noarch = await asyncio.gather(*(self._names(base, subdir) for subdir in self._platform.subdirs))
        except GatewayError as error:
            raise _UnreadableError(channel, place, str(error)) from error
        missing = (f"channel `{channel}` has no packages for {self._platform.subdir}, noarch alone",)
        return Source(
            channel=channel, place=place, readings=(base,), names=here | noarch, notes=() if here else missing
        )

    async def _names(self, base: rattler.Channel, subdir: str) -> frozenset[str]:
        names = await self.gateway.names([base], [rattler.Subdir(subdir)], channel_relations="disabled")
        return frozenset(name.normalized for name in names)

    def _refuse_faults(self, channel: Channel, place: Place) -> None:
        """Refuse what rattler would die of in the indexes that lie in the cache as files, which have no shards."""
        for note in sorted(self._watch.cache.glob("*.info.json")):
            with contextlib.suppress(
                OSError, EnvgenError, ValueError, KeyError, TypeError
            ):  # another run's, on its way
                url = str(json.loads(read_text(note))["url"])
                fault = fault_of_texts(Path(f"{str(note).removesuffix('.info.json')}.json"))
                if fault and url.startswith(f"{place.url}/"):
                    break
        else:
            return
        if not self._offline:
            self._forget(place)
        raise explain_fault(channel, url, fault)

    def _explained(self, channel: Channel, place: Place, text: str) -> RepodataError:
        if is_broken_index(text) and not self._offline:
            self._forget(place)
            starts = Probe(place, self._platform.subdirs, self._watch.timeout / 2).starts()
            if any(is_page(start) for start in starts):
                return explain_page(channel, place)
        return explain(channel, place, text)

    def _forget(self, place: Place) -> None:
        """Take a broken index out of the cache, where it would be served again until it is stale.

        By a process of its own: rattler waits for the index's file while it keeps Python from running, and a reading
        that is still under way has that file and may wait for Python, which makes the headers of its requests.
        """
        command = [sys.executable, "-c", _CLEAR, str(self._watch.cache), place.url]
        with contextlib.suppress(EndedError, OSError):
            run_child(command, ChildLimits(seconds=_CLEAR_SECONDS, output=Ceiling.OUTPUT))


class SilentError(Exception):
    """A place that gave nothing for `seconds`."""

    def __init__(self, place: Place, seconds: float) -> None:
        super().__init__(place.shown)
        self.place = place
        self.seconds = seconds


class SlowError(Exception):
    """Places that gave less than `rate` bytes a second for `seconds`."""

    def __init__(self, rate: int, seconds: float) -> None:
        super().__init__(rate, seconds)
        self.rate = rate
        self.seconds = seconds


class FloodError(Exception):
    """Places that gave more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A watch over the reading of http(s) places into a cache folder; `timeout` and `window` are in seconds.

    `limit` is the most bytes that the cache or this process may grow by, for each place.
    """

    places: Sequence[Place]
    subdirs: Sequence[str]
    cache: Path
    timeout: float
    window: float = RATE_WINDOW
    rate: int = LEAST_RATE
    limit: int = Ceiling.REPODATA

    async def over(self, work: Coroutine[object, object, T]) -> T:
        """Wait for the work.

        Raises:
            SilentError: a place has been silent for longer than the timeout. SlowError: too little came in a window.
            FloodError: far too much came.
        """
        task = asyncio.ensure_future(work)
        try:
            await self._wait(task)
            return task.result()
        finally:
            task.cancel()

    async def _wait(self, task: asyncio.Future[T]) -> None:
        beat, quiet, size = self.timeout / 2, 0.0, _size(self.cache)
        window = max(self.window, self.timeout)
        headway = Headway(lambda: _size(self.cache), self.rate * window, window)
        guard = _Guard(self.cache, self.limit * len(self.places))
        while not await _done(task, beat, guard):
            grown = _size(self.cache)
            if not headway.is_enough():
                raise SlowError(self.rate, window)
            if grown >= size + _ENOUGH:
                quiet, size = 0.0, grown
                continue
            probes = [Probe(place, self.subdirs, beat) for place in self.places]
            if await _done(task, beat, guard):
                return
            quiet += 2 * beat
            silent = [probe.place for probe in probes if not probe.answered]
            if silent or quiet >= _STALLED * self.timeout:
                raise SilentError(silent[0] if silent else self.places[0], quiet)


class _Guard:
    """A look at how much the cache and this process have grown since the start."""

    def __init__(self, cache: Path, limit: int) -> None:
        self._cache = cache
        self._limit = limit
        self._most_memory = _memory() + limit
        self._most_disk = _size(cache) + limit
        self._next = time.monotonic() + _LOOK

    def check(self) -> None:
        """Raise FloodError where it is too much, after the removal of what rattler would leave of it in the cache."""
        if _memory() > self._most_memory:
            raise FloodError(self._limit)
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LOOK
        if _size(self._cache) > self._most_disk:
            for path in self._cache.rglob(".tmp*"):
                with contextlib.suppress(OSError):
                    if path.stat().st_size > _LARGE:
                        path.unlink()
            raise FloodError(self._limit)


def _memory() -> int:
    """Return the bytes of memory that this process uses; on a Mac, where that takes a program, the most so far."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except OSError:  # Linux would count the memory of who started us, too
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class Probe:
    """A request for the first bytes of a place's indexes, in threads that never delay the process's end."""

    def __init__(self, place: Place, subdirs: Sequence[str], seconds: float) -> None:
        self.place = place
        self._answers: dict[str, bytes | None] = {}
        self._urls = [f"{place.sent}/{subdir}/{file}" for subdir in subdirs for file in _FILES]
        self._threads = [threading.Thread(target=self._ask, args=(url, seconds), daemon=True) for url in self._urls]
        for thread in self._threads:
            thread.start()

    @property
    def answered(self) -> bool:
        """Return whether each of the files was answered for so far, be it with "there is none"."""
        return all(self._answers.get(url) is not None for url in self._urls)

    def starts(self) -> list[bytes]:
        """Wait for the threads and return what the answers start with."""
        for thread in self._threads:
            thread.join()
        return [answer for answer in self._answers.values() if answer]

    def _ask(self, url: str, seconds: float) -> None:
        self._answers[url] = first_bytes(url, seconds)


def first_bytes(url: str, seconds: float) -> bytes | None:
    """Return what a URL's answer starts with, status line included, or None when too little comes in that time.

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
        if len(received) > _HEAD:
            return None
    return received


def _suffices(received: bytes) -> bool:
    head, blank, body = received.partition(b"\r\n\r\n")
    if not blank:
        return False
    length = _LENGTH.search(head)
    wanted = min(_ENOUGH, int(length[1])) if length else _ENOUGH
    return not _OK.match(head) or len(body) >= wanted


async def _done(task: asyncio.Future[T], seconds: float, guard: _Guard) -> bool:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        done, _ = await asyncio.wait({task}, timeout=min(left, _GLANCE))
        if done:
            return True
        guard.check()
    return False


def _size(folder: Path) -> int:
    total = 0
    with contextlib.suppress(OSError):  # files come and go
        for path in folder.rglob("*"):
            with contextlib.suppress(OSError):
                total += path.stat().st_size
    return total
