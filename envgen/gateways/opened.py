"""Let rattler's solver read opened files by itself, some of their records corrected."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import rattler

from envgen.gateways.conversion import to_record
from envgen.gateways.packing import packed
from envgen.gateways.source import Source, rattler_channel
from envgen.models.channel import Channel
from envgen.models.record import OpenedIndex, Record


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """Stand for the records of a channel whose files are open."""

    source: Source

    @property
    def readings(self) -> Sequence[object]:
        """List the files of the target's subdirs."""
        return self.source.readings

    def record(self, native: object) -> Record:
        """Convert a record; raise TypeError for what is none of rattler's."""
        if not isinstance(native, rattler.RepoDataRecord):
            raise TypeError(f"not a record of rattler's: {native!r}")
        (adopted,) = self.source.adopt([native])
        return to_record(adopted, self.source.channel.url)


@dataclass(frozen=True, slots=True)
class CorrectedIndex:
    """Put corrected records before an index, in files of their own that hide those of the same names.

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
        """Convert a record, or give the corrected one."""
        known = self.records.get(_place(native.url)) if isinstance(native, rattler.RepoDataRecord) else None
        return known or self.inner.record(native)


def _place(url: str) -> str:
    """Give the subdir and the file name that a record's URL ends in."""
    return "/".join(url.rsplit("/", 2)[-2:])


def _written(channel: Channel, records: Sequence[Record]) -> list[rattler.SparseRepoData]:
    """Write one index a subdir, of a channel that is another to rattler, and open it."""
    own = rattler_channel(channel, f"{channel.url}/corrected")
    opened = []
    with tempfile.TemporaryDirectory(prefix="envgen-") as scratch:  # rattler keeps the files mapped
        for subdir, repodata in packed(records).items():
            file = Path(scratch) / f"{subdir}.json"
            file.write_text(json.dumps(repodata), encoding="utf-8")
            opened.append(rattler.SparseRepoData(own, subdir, file))
    return opened
