"""Repodata whose records are corrected before they are solved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from envgen.errors import RepodataError
from envgen.models.channel import Channel
from envgen.models.record import ChannelRecords, LazySequence, OpenedIndex, Record, Repodata
from envgen.repodata.gateway import CLOSURES_KEPT, CorrectedIndex, read_later

Amendment = Callable[[Record], Record]
"""Returns the very record that it gets where it leaves it alone."""


class AmendedRepodata:
    """Another repodata's records, some of them corrected.

    `amendments` are applied to the records of their package names in `closure` alone, which is what is solved:
    `records` has them as the channel has them, which is what a lock holds. `rewrite`, the user's own word, is applied
    to every record, wherever it is read. A record that is left alone stays rattler's own.
    """

    def __init__(
        self, inner: Repodata, amendments: Mapping[str, Amendment], *, rewrite: Amendment | None = None
    ) -> None:
        self._inner = inner
        self._amendments = amendments
        self._rewrite = rewrite
        self._closures: dict[frozenset[str], tuple[ChannelRecords, ...]] = {}
        self._last: tuple[tuple[ChannelRecords, ...], tuple[ChannelRecords, ...]] = ((), ())
        self._opened: OpenedIndex | None = None

    @property
    def channels(self) -> tuple[Channel, ...]:
        return self._inner.channels

    @property
    def origin(self) -> str:
        return self._inner.origin

    @property
    def complete(self) -> bool:
        return self._inner.complete

    @property
    def notes(self) -> tuple[str, ...]:
        return self._inner.notes

    def names(self) -> frozenset[str]:
        return self._inner.names()

    def records(self, names: Iterable[str]) -> dict[str, tuple[Record, ...]]:
        """Read the records of these names alone, as the channel has them but for what the user rewrites."""
        found = self._inner.records(names)
        if self._rewrite is None:
            return found
        return {name: tuple(map(self._rewrite, records)) for name, records in found.items()}

    def closure(self, names: Iterable[str]) -> tuple[ChannelRecords, ...]:
        """Read the records of these names and of all that they depend on, corrected."""
        wanted = frozenset(names)
        if wanted in self._closures:
            return self._closures[wanted]
        entries = self._inner.closure(wanted)
        if entries is not self._last[0]:
            self._last = (entries, tuple(map(self._amended, entries)))
        if len(self._closures) == CLOSURES_KEPT:
            del self._closures[next(iter(self._closures))]
        self._closures[wanted] = self._last[1]
        return self._closures[wanted]

    def _amended(self, entry: ChannelRecords) -> ChannelRecords:
        opened = self._reopened(entry.opened) if entry.opened and self._rewrite is None else None
        return read_later(entry.channel, lambda: self._corrected(entry), opened) if opened else self._corrected(entry)

    def _reopened(self, opened: OpenedIndex) -> OpenedIndex | None:
        """Put the corrected records before the index of the one channel that there is; all closures share them.

        None where one of them cannot be read, which is a fault only of a closure that holds it.
        """
        if self._opened is None:
            try:
                changed = self._changed()
            except RepodataError:
                return None
            self._opened = CorrectedIndex.of(self.channels[0], opened, changed) if changed else opened
        return self._opened

    def _changed(self) -> list[Record]:
        """List all records of those names that have one to correct, corrected."""
        found = self._inner.records(sorted(self._amendments.keys() & self._inner.names()))
        after = {name: tuple(map(self._amendments[name], before)) for name, before in found.items()}
        return [record for name, records in after.items() if records != found[name] for record in records]

    def _corrected(self, entry: ChannelRecords) -> ChannelRecords:
        changed = dict(self._changes(entry))
        if not changed:
            return entry
        native = None
        if entry.native is not None:
            native = [None if position in changed else record for position, record in enumerate(entry.native)]
        records = LazySequence(len(entry.records), lambda i: changed[i] if i in changed else entry.records[i])
        return ChannelRecords(channel=entry.channel, records=records, native=native, labels=entry.labels)

    def _changes(self, entry: ChannelRecords) -> Iterator[tuple[int, Record]]:
        labels = entry.labels if entry.labels is not None else [(record.name, "") for record in entry.records]
        for position, (name, _) in enumerate(labels):
            amendment = self._amendments.get(name)
            if amendment is None and self._rewrite is None:
                continue
            before = entry.records[position]
            after = self._rewrite(before) if self._rewrite else before
            after = amendment(after) if amendment else after
            if after is not before:
                yield position, after
