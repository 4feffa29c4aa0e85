"""Put off the reading of records."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.models.record import ChannelRecords, Record
from envgen.repodata.gateway import read_later
from tests.fakes.tables import ALPHA, record

RECORDS = (record("a 1.0"), record("a 2.0"), record("b 1.0"))


class Unread:
    """Stand for opened files."""

    readings: Sequence[object] = ()

    def record(self, native: object) -> Record:
        raise AssertionError(native)


def test_nothing_is_read_until_somebody_looks_and_then_once() -> None:
    read: list[int] = []

    def reading() -> ChannelRecords:
        read.append(1)
        labels = [(each.name, each.url) for each in RECORDS]
        return ChannelRecords(channel=ALPHA, records=RECORDS, native=[1, None, 3], labels=labels)

    opened = Unread()
    entry = read_later(ALPHA, reading, opened)
    assert (entry.channel, entry.opened, read) == (ALPHA, opened, [])
    assert entry.native is not None
    assert entry.labels is not None
    assert list(entry.records) == list(RECORDS)
    assert (len(entry.records), entry.records[1], entry.records[1:]) == (3, RECORDS[1], RECORDS[1:])
    assert (list(entry.native), entry.native[1], entry.labels[2]) == ([1, None, 3], None, ("b", RECORDS[2].url))
    assert read == [1]


def test_what_is_not_known_is_empty() -> None:
    entry = read_later(ALPHA, lambda: ChannelRecords(channel=ALPHA, records=()), Unread())
    assert (entry.native, entry.labels) != (None, None)
    assert [list(entry.native or ()), list(entry.labels or ())] == [[], []]
