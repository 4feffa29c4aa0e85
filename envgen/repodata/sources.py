"""Connect to channels over http(s) through rattler's gateway: sharded or flat, cached, conditional, with auth."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

import rattler
import zstandard
from rattler.exceptions import GatewayError, InvalidChannelError
from rattler.networking.middleware import (
    AuthenticationMiddleware,
    GCSMiddleware,
    OciMiddleware,
    RetryMiddleware,
    S3Middleware,
)

import envgen
from envgen.errors import RepodataError
from envgen.models.channel import Channel, without_secrets
from envgen.models.platform import Platform
from envgen.repodata.locations import Access, Place, secret_middleware
from envgen.repodata.unreachable import (
    Probe,
    SilentError,
    Watch,
    explain,
    explain_page,
    explain_silence,
    is_broken_index,
    is_page,
)
from envgen.system.event_loop import run

T = TypeVar("T")
_RETRIES = 1  # of a refused or broken connection; a second one costs a whole second more


class _UnreadableError(Exception):
    """Report what rattler said of one channel, until it can be explained outside the event loop."""

    def __init__(self, channel: Channel, place: Place, text: str) -> None:
        super().__init__(text)
        self.channel = channel
        self.place = place


def _client(channels: Sequence[tuple[Channel, Place]]) -> rattler.Client:
    """Make rattler's standard client, which puts the secrets of places in as it sends."""
    return rattler.Client(
        [
            *secret_middleware([place for _, place in channels]),
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
        """Prepare the client; nothing is asked yet."""
        self.channels = channels
        self._platform = platform
        self._offline = access.offline
        cache = access.cache / "repodata"
        action = rattler.SourceConfig(cache_action="force-cache-only" if access.offline else "cache-or-fetch")
        self.gateway = rattler.Gateway(cache_dir=cache, default_config=action, client=_client(channels))
        self._watch = Watch(
            places=[place for _, place in channels], subdirs=platform.subdirs, cache=cache, timeout=access.timeout
        )

    def run(self, work: Coroutine[object, object, T]) -> T:
        """Wait for work that reads the channels; raise ChannelUnreachableError when one of them is silent."""
        try:
            return run(self._watch.over(work))
        except SilentError as error:
            channel = next(channel for channel, place in self.channels if place is error.place)
            raise explain_silence(channel, error.place, error.seconds) from error

    def connect(self) -> list[Source]:
        """Fetch what each channel's index says of names, all channels at once.

        Raises:
            ChannelUnreachableError: a channel does not answer. RepodataError: it answers with something else.
        """
        try:
            return self.run(self._connect())
        except _UnreadableError as error:
            raise self._explained(error.channel, error.place, str(error)) from error.__cause__

    async def _connect(self) -> list[Source]:
        return list(await asyncio.gather(*(self._source(channel, place) for channel, place in self.channels)))

    async def _source(self, channel: Channel, place: Place) -> Source:
        base = rattler_channel(channel, place.clean)
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

    def _explained(self, channel: Channel, place: Place, text: str) -> RepodataError:
        if is_broken_index(text) and not self._offline:
            self._forget(channel, place)
            starts = Probe(place, self._platform.subdirs, self._watch.timeout / 2).starts()
            if any(is_page(start) for start in starts):
                return explain_page(channel, place)
        return explain(channel, place, text)

    def _forget(self, channel: Channel, place: Place) -> None:
        """Take a broken index out of the cache, where it would be served again until it is stale.

        By a gateway of its own: one with a reading under way would wait for that, and that for it.
        """
        rattler.Gateway(cache_dir=self._watch.cache).clear_repodata_cache(
            rattler_channel(channel, place.clean), clear_disk=True
        )


# Open a channel that is a folder: `<folder>/<subdir>/repodata.json`, or `.json.zst`.

_LIMIT = 4 * 1024**3  # bytes; conda-forge's largest index has about 0.4 GB
_CHUNK = 1024 * 1024
_HINT = "make the copy again"
_NAME = re.compile(r"[._-]*[A-Za-z0-9][A-Za-z0-9._-]*")


def open_folder(channel: Channel, place: Place, folder: Path, platform: Platform) -> Source:
    """Open the indexes of the target's subdirs; raise RepodataError naming the file that cannot be used.

    noarch must be there (CEP 26); a missing platform is a note. Records are read later, name by name.
    """
    if not folder.is_dir():
        raise RepodataError(
            f"channel `{channel}` has no folder `{place.shown}`",
            hint="give the folder that holds noarch/repodata.json",
        )
    files = {subdir: _index_file(folder / subdir) for subdir in platform.subdirs}
    if files["noarch"] is None:
        raise RepodataError(
            f"channel `{channel}` has no noarch/repodata.json in `{place.shown}`",
            hint="give the folder that holds noarch/repodata.json",
        )
    found = [(subdir, file) for subdir, file in files.items() if file is not None]
    with ThreadPoolExecutor(max_workers=len(found)) as pool:
        opened = list(pool.map(lambda item: open_index(channel, *item), found))
    names = frozenset[str]().union(*(index_names(sparse) for sparse in opened))
    missing = (f"channel `{channel}` has no index for {platform.subdir}, noarch alone",)
    return Source(
        channel=channel,
        place=place,
        readings=tuple(opened),
        names=names,
        notes=() if files[platform.subdir] else missing,
    )


def open_index(channel: Channel, subdir: str, file: Path) -> rattler.SparseRepoData:
    """Open one index file, after a look at its shape; raise RepodataError naming it."""
    base = rattler_channel(channel, channel.url)
    try:
        if file.suffix == ".zst":
            with tempfile.TemporaryDirectory(prefix="envgen-") as scratch:  # rattler keeps the file mapped
                plain = Path(scratch) / "repodata.json"
                _decompress(file, plain)
                return _checked(rattler.SparseRepoData(base, subdir, plain), subdir, plain, shown=file)
        return _checked(rattler.SparseRepoData(base, subdir, file), subdir, file, shown=file)
    except (OSError, zstandard.ZstdError) as error:
        raise broken_index(file, str(error)) from error


def broken_index(file: Path, reason: str) -> RepodataError:
    """Make an error of a file that is no index."""
    return RepodataError(f"{file} is no repodata index: {reason.strip().splitlines()[0]}", hint=_HINT)


def _index_file(folder: Path) -> Path | None:
    candidates = (folder / "repodata.json", folder / "repodata.json.zst")
    return next((file for file in candidates if file.is_file()), None)


def _decompress(file: Path, plain: Path) -> None:
    size = 0
    with file.open("rb") as source, plain.open("wb") as target:
        for chunk in zstandard.ZstdDecompressor().read_to_iter(source, write_size=_CHUNK):
            size += len(chunk)
            if size > _LIMIT:
                raise broken_index(file, f"it unpacks to more than {_LIMIT:,} bytes")
            target.write(chunk)


def _checked(sparse: rattler.SparseRepoData, subdir: str, file: Path, *, shown: Path) -> rattler.SparseRepoData:
    """Refuse what rattler takes for an index without records, and another subdir's index."""
    names = sparse.package_names()
    if not names and not _has_packages(file):
        raise broken_index(shown, "it has no `packages`")
    first = sparse.load_records(names[0]) if names and _NAME.fullmatch(names[0]) else []
    if first and first[0].subdir != subdir:
        raise broken_index(shown, f"it describes {first[0].subdir}, not {subdir}")
    return sparse


def _has_packages(file: Path) -> bool:
    try:
        data = json.loads(file.read_bytes())
    except ValueError:  # rattler does not look into what it skips
        return False
    return isinstance(data, dict) and ("packages" in data or "packages.conda" in data)


def index_names(sparse: rattler.SparseRepoData) -> set[str]:
    """Return the package names of an opened index, without what is no name."""
    return {name for name in sparse.package_names() if _NAME.fullmatch(name)}


def broken_record(source: Source) -> RepodataError | None:
    """Look for the record that cannot be read, after a reading has failed."""
    for reading in source.readings:
        if isinstance(reading, rattler.SparseRepoData):
            for name in sorted(index_names(reading)):
                try:
                    reading.load_records(name)
                except OSError as error:
                    file = f"{source.place.shown}/{reading.subdir}/repodata.json"
                    return RepodataError(
                        f"{file} has a broken record of `{name}`: {str(error).splitlines()[0]}", hint=_HINT
                    )
    return None


# Hold one channel as rattler reads it.

Reading = rattler.Channel | rattler.SparseRepoData


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What rattler's gateway is asked with: a channel's URL, or one opened file a subdir.

    `names` are all the package names of the target's subdirs.
    """

    channel: Channel
    place: Place
    readings: tuple[Reading, ...]
    names: frozenset[str]
    notes: tuple[str, ...] = field(default=())

    def load(self, names: Sequence[str]) -> list[rattler.RepoDataRecord]:
        """Read the records of these names from opened files; raise OSError for a record that is none.

        Twice as fast as the same question to rattler's gateway, which is there for what comes over http(s).
        """
        opened = [reading for reading in self.readings if isinstance(reading, rattler.SparseRepoData)]
        return [record for reading in opened for name in names for record in reading.load_records(name)]

    def adopt(self, native: Sequence[rattler.RepoDataRecord]) -> list[rattler.RepoDataRecord]:
        """Return rattler's records the channel's own URLs, drop what a `.conda` twin replaces, and sort them by URL.

        A URL that the index itself moved elsewhere (CEP 15's `base_url`) is kept, except by a mirror.
        """
        own = f"{self.channel.url}/"
        kept = _without_twins(native) if self.place.url else native
        pairs = sorted(((record.url, record) for record in kept), key=itemgetter(0))
        strange = [(url, record) for url, record in pairs if not url.startswith(own)]
        if strange:
            base = rattler_channel(self.channel, self.place.clean or self.channel.url).base_url
            for url, record in strange:
                moved = not (self.place.mirror or url.startswith(base))
                record.url = without_secrets(url) if moved else f"{own}{record.subdir}/{record.file_name}"
                record.channel = own
        return [record for _, record in pairs]


def labels_of(native: Sequence[rattler.RepoDataRecord]) -> list[tuple[str, str]]:
    """Return the name and the URL of each record; the name is that of its file, as rattler files records."""
    urls = [record.url for record in native]
    return [(url.rsplit("/", 1)[-1].rsplit("-", 2)[0], url) for url in urls]


def _without_twins(native: Sequence[rattler.RepoDataRecord]) -> list[rattler.RepoDataRecord]:
    """Drop each `.tar.bz2` whose `.conda` is there too; rattler itself does so for flat indexes, not for shards."""
    names = [(record.file_name, record) for record in native]
    conda = {(name.removesuffix(".conda"), record.subdir) for name, record in names if name.endswith(".conda")}
    return [
        record
        for name, record in names
        if name.endswith(".conda") or (name.removesuffix(".tar.bz2"), record.subdir) not in conda
    ]


def rattler_channel(channel: Channel, url: str) -> rattler.Channel:
    """Build rattler's channel for a base URL; raise RepodataError for a URL that it refuses."""
    try:
        return rattler.Channel(url)
    except InvalidChannelError as error:
        raise RepodataError(
            f"channel `{channel}` has no valid URL: `{channel.url}`", hint="check its spelling"
        ) from error
