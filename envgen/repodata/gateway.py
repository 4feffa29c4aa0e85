"""The records of channels, wherever their indexes are."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

import rattler
from rattler.exceptions import GatewayError

from envgen.errors import RepodataError
from envgen.models.channel import Channel
from envgen.models.platform import Platform
from envgen.models.record import ChannelRecords, LazySequence, OpenedIndex, Record, Repodata, is_excluded
from envgen.repodata.locations import Access, Place, explain, explain_fault, find_place
from envgen.repodata.sources import (
    TOO_LONG,
    Source,
    broken_record,
    is_too_long,
    labels_of,
    open_folder,
    packed,
    rattler_channel,
    to_record,
)
from envgen.system.lifetime import run, scratch_folder

if TYPE_CHECKING:
    from envgen.repodata.remote import Remote

Natives = list[rattler.RepoDataRecord]
CLOSURES_KEPT = 2  # each may have tens of thousands of records


def open_channels(
    channels: tuple[Channel, ...], platform: Platform, access: Access, *, exclude_newer: datetime | None = None
) -> Repodata:
    """Reach every channel and read which names it has; records are read when they are needed.

    Channels are in order of priority. `exclude_newer` is an aware instant; records later than it, or without a date,
    are as good as absent, but their names are not.

    Raises:
        ChannelUnreachableError: a channel does not answer. RepodataError: an index cannot be used.
    """
    placed = [(channel, find_place(channel, access)) for channel in dict.fromkeys(channels)]
    _refuse_shared(placed)
    local = {
        channel: open_folder(channel, place, place.folder, platform)
        for channel, place in placed
        if place.folder is not None
    }
    http = [(channel, place) for channel, place in placed if place.folder is None]
    remote = None
    if http:
        from envgen.repodata.remote import Remote  # with all of http, which folders do without

        remote = Remote(http, platform, access)
    sources = {**local, **{source.channel: source for source in (remote.connect() if remote else ())}}
    return ChannelsRepodata(
        [sources[channel] for channel, _ in placed], platform, remote=remote, exclude_newer=exclude_newer
    )


def _refuse_shared(placed: Sequence[tuple[Channel, Place]]) -> None:
    """Refuse two channels at one URL: rattler reads it once, and its records can only carry one channel's URLs."""
    taken: dict[str, Channel] = {}
    for channel, place in placed:
        if place.url and taken.setdefault(place.url, channel) != channel:
            raise RepodataError(
                f"channels `{taken[place.url]}` and `{channel}` are both read from {place.shown}",
                hint="list one of them, or give each a mirror of its own",
            )


class ChannelsRepodata:
    """The records of opened channels, highest priority first; a `Repodata`.

    Everything asked for at once is read at once: shards in parallel, files in one pass. What was read is kept.
    `starter` is the origin of an index that is incomplete.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        platform: Platform,
        *,
        remote: Remote | None = None,
        exclude_newer: datetime | None = None,
        starter: str = "",
    ) -> None:
        self._sources = sources
        self._subdirs = [rattler.Subdir(subdir) for subdir in platform.subdirs]
        self._remote = remote
        self._until = exclude_newer.astimezone(UTC) if exclude_newer else None
        self._starter = starter
        self._undated: set[str] = set()
        self._records: dict[str, tuple[Record, ...]] = {}
        self._closures: dict[frozenset[str], tuple[ChannelRecords, ...]] = {}
        self._readings: list[tuple[frozenset[str], tuple[ChannelRecords, ...]]] = []
        self._names = frozenset[str]().union(*(source.names for source in sources))

    @property
    def channels(self) -> tuple[Channel, ...]:
        return tuple(source.channel for source in self._sources)

    @property
    def origin(self) -> str:
        """Name the channels, or the starter index; a mirror is a note, so that it does not change the lock."""
        return self._starter or ", ".join(str(channel) for channel in self.channels)

    @property
    def complete(self) -> bool:
        return not self._starter

    @property
    def notes(self) -> tuple[str, ...]:
        """List mirrors, missing platforms, and how many of the records read so far have no date and were left out."""
        mirrored = [source.channel for source in self._sources if source.place.mirror]
        mirrors = [f"channel `{channel}` was read from a mirror" for channel in mirrored]
        sources = [note for source in self._sources for note in source.notes]
        count = len(self._undated)
        undated = f"{count:,} records without a date were" if count > 1 else "1 record without a date was"
        return (*mirrors, *sources, *([f"{undated} left out"] if count else []))

    def names(self) -> frozenset[str]:
        """Return every package name that the channels have for the target, whatever the dates of its records."""
        return self._names

    def records(self, names: Iterable[str]) -> dict[str, tuple[Record, ...]]:
        """Read the records of these names alone, by channel and then by URL; a name without any maps to ()."""
        wanted = list(dict.fromkeys(names))
        fresh = [name for name in wanted if name not in self._records]
        found: dict[str, list[Record]] = {name: [] for name in fresh}
        for entry in self._read(fresh, recursive=False):
            for record in entry.records:
                if record.name in found:  # a damaged index may file a record under another name
                    found[record.name].append(record)
        self._records.update((name, tuple(records)) for name, records in found.items())
        return {name: self._records[name] for name in wanted}

    def closure(self, names: Iterable[str]) -> tuple[ChannelRecords, ...]:
        """Read the records of these names and of all that they depend on, recursively, one entry a channel."""
        wanted = frozenset(names)
        if wanted not in self._closures:
            if len(self._closures) == CLOSURES_KEPT:
                del self._closures[next(iter(self._closures))]
            self._closures[wanted] = self._later(wanted) or self._whole(wanted)
        return self._closures[wanted]

    def _whole(self, names: frozenset[str]) -> tuple[ChannelRecords, ...]:
        """Read the records of names and of all that they lead to; a reading that has them and more serves, too."""
        known = self._names & names
        for covered, entries in self._readings:
            if known and known <= covered:
                return entries
        entries = self._read(names, recursive=True)
        covered = known.union(name for entry in entries for name, _ in entry.labels or ())
        self._readings = [(covered, entries), *self._readings][:CLOSURES_KEPT]
        return entries

    def _later(self, names: frozenset[str]) -> tuple[ChannelRecords, ...]:
        """Put the reading off where all records of the one channel are in files that rattler's solver can read."""
        if self._remote or self._until or len(self._sources) > 1:
            return ()
        (source,) = self._sources
        return (read_later(source.channel, lambda: self._whole(names)[0], source),)

    def _read(self, names: Iterable[str], *, recursive: bool) -> tuple[ChannelRecords, ...]:
        known = sorted(self._names.intersection(names))
        query = known and (recursive or self._remote)
        try:
            lists = self._query(known, recursive=recursive) if query else [each.load(known) for each in self._sources]
        except (GatewayError, OSError) as error:
            raise self._explained(str(error)) from error
        return tuple(self._entry(source, native) for source, native in zip(self._sources, lists, strict=True))

    def _entry(self, source: Source, native: Natives) -> ChannelRecords:
        kept = self._dated(source.adopt(native))
        if source.place.url and any(map(is_too_long, kept)):  # files were looked at as they were opened
            raise explain_fault(source.channel, source.place.shown, TOO_LONG)
        records = LazySequence(len(kept), lambda position: to_record(kept[position], source.channel.url))
        return ChannelRecords(channel=source.channel, records=records, native=kept, labels=labels_of(kept))

    def _dated(self, native: Natives) -> Natives:
        if self._until is None:
            return native
        dated = [(record, record.timestamp or None) for record in native]  # a timestamp of 0 stays a 0 with rattler
        self._undated.update(record.url for record, published in dated if not published)
        return [record for record, published in dated if not is_excluded(published, self._until)]

    def _query(self, names: Sequence[str], *, recursive: bool) -> list[Natives]:
        """Ask rattler for all channels at once; it gives one list for each reading and subdir."""
        readings = [reading for source in self._sources for reading in source.readings]

        def ask(gateway: rattler.Gateway) -> Coroutine[object, object, list[Natives]]:
            return gateway.query(
                readings,  # type: ignore[arg-type]  # rattler takes SparseRepoData too; its annotation forgot it
                self._subdirs,
                names,
                recursive=recursive,
                channel_relations="disabled",
            )

        lists = iter(self._remote.query(ask) if self._remote else run(ask(rattler.Gateway())))
        counts = [len(source.readings) * len(self._subdirs) for source in self._sources]
        return [[record for _ in range(count) for record in next(lists)] for count in counts]

    def _explained(self, text: str) -> RepodataError:
        """Find the channel that rattler's message is about."""
        remote = [source for source in self._sources if source.place.url]
        named = [source for source in remote if source.place.shown in source.place.mask(text)]
        broken = None if named else next(filter(None, map(broken_record, self._sources)), None)
        if broken is not None:
            return broken
        source = (*named, *remote, *self._sources)[0]
        return explain(source.channel, source.place, text)


def read_later(channel: Channel, read: Callable[[], ChannelRecords], opened: OpenedIndex) -> ChannelRecords:
    """Return a channel's records so that they are read, all at once, when somebody first looks at one."""
    entry = cache(read)
    return ChannelRecords(
        channel=channel,
        records=LazySequence.of(lambda: entry().records),
        native=LazySequence.of(lambda: entry().native or ()),
        labels=LazySequence.of(lambda: entry().labels or ()),
        opened=opened,
    )


@dataclass(frozen=True, slots=True)
class CorrectedIndex:
    """An `OpenedIndex` with corrected records before it, in files of their own that hide those of the same names.

    `records` holds every record of the names that are hidden, by subdir and file name.
    """

    readings: Sequence[object]
    inner: OpenedIndex
    records: Mapping[str, Record]

    @classmethod
    def of(cls, channel: Channel, inner: OpenedIndex, records: Sequence[Record]) -> CorrectedIndex:
        """Write the records of some names, all that the channel has of them, where rattler can read them."""
        readings = (*_written(channel, records), *inner.readings)
        return cls(readings, inner, {_place(record.url): record for record in records})

    def record(self, native: object) -> Record:
        """Return the corrected record, or else the converted one."""
        known = self.records.get(_place(native.url)) if isinstance(native, rattler.RepoDataRecord) else None
        return known or self.inner.record(native)


def _place(url: str) -> str:
    """Return the subdir and the file name that a record's URL ends in."""
    return "/".join(url.rsplit("/", 2)[-2:])


def _written(channel: Channel, records: Sequence[Record]) -> list[rattler.SparseRepoData]:
    """Write one index a subdir, of a channel that is another to rattler, and open it."""
    own = rattler_channel(channel, f"{channel.url}/corrected")
    opened = []
    with scratch_folder() as scratch:  # rattler keeps the files mapped
        for subdir, repodata in packed(records).items():
            file = scratch / f"{subdir}.json"
            file.write_text(json.dumps(repodata), encoding="utf-8")
            opened.append(rattler.SparseRepoData(own, subdir, file))
    return opened
