"""Hold one channel as rattler reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import rattler
from rattler.exceptions import InvalidChannelError

from envgen.errors import RepodataError
from envgen.gateways.places import Place
from envgen.models.channel import Channel, without_secrets

Reading = rattler.Channel | rattler.SparseRepoData


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Hold what rattler's gateway is asked with: a channel's URL, or one opened file a subdir.

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
        """Give rattler's records the channel's own URLs, drop what a `.conda` twin replaces, and sort them by URL.

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
    """Give the name and the URL of each record; the name is that of its file, as rattler files records."""
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
