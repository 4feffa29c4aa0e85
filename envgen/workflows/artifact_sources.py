"""Say where the files of a lock may be had: a vendored folder, mirrors, the channels, the package indexes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from envgen.errors import RepodataError
from envgen.install.artifacts import record_artifact, wheel_artifact
from envgen.install.obtaining import Fetching, Need
from envgen.install.transfer import Location
from envgen.install.vendored import archive_path, wheel_path
from envgen.lock.model import LockedWheel
from envgen.models.channel import Channel, without_secrets
from envgen.models.record import Record
from envgen.project.channels import access
from envgen.project.services import Services
from envgen.pypi.http import Session, Timeouts
from envgen.pypi.indexes import Indexes
from envgen.pypi.wheel_locations import WheelLocations
from envgen.repodata.locations import Place, find_place

STORE, UNPACKED = "artifacts", "packages"


@dataclass(frozen=True)
class Sources:
    """Answer for each record and wheel where it may be had.

    `channels` are the manifest's, whose addresses may hold what a lock may not; `vendored` is a folder that serves
    alone.
    """

    services: Services
    channels: tuple[Channel, ...]
    vendored: Path | None = None

    @cached_property
    def indexes(self) -> Indexes:
        """Give the package indexes that are configured here."""
        return Indexes.configured(self.services.settings.environ)

    @property
    def offline(self) -> bool:
        """Tell whether the network may not be asked."""
        return self.services.options.offline or self.vendored is not None

    def fetching(self, store: Path | None = None) -> Fetching:
        """Say how files are got, into the store of this machine or another."""
        settings = self.services.settings
        return Fetching(
            store=store or settings.cache_dir / STORE,
            patience=settings.patience,
            report=self.services.progress,
            offline=self.offline,
        )

    def records(self, records: Iterable[Record]) -> list[Need]:
        """Say where the archives of records may be had."""
        return [self._record(record) for record in records]

    def wheels(self, wheels: Iterable[LockedWheel]) -> list[Need]:
        """Say where wheels may be had."""
        return [self._wheel(wheel) for wheel in wheels]

    def _record(self, record: Record) -> Need:
        artifact = record_artifact(record)
        if self.vendored:
            return Need(artifact=artifact, copies=(self.vendored / archive_path(record),), locations=tuple)
        if not record.url.startswith(f"{record.channel}/"):
            own = (Location(url=record.url, shown=without_secrets(record.url)),)
            return Need(artifact=artifact, copies=(), locations=lambda: own)
        relative = record.url.removeprefix(f"{record.channel}/")
        places = self._places(record)
        remote = tuple(_below(place, relative) for place in places if place.url)
        copies = tuple(place.folder / relative for place in places if place.folder)
        return Need(artifact=artifact, copies=copies, locations=lambda: remote)

    def _places(self, record: Record) -> list[Place]:
        """Give the places of a record's channel: a mirror first, which may hold the index alone, then its own."""
        channel = next((each for each in self.channels if each.url == record.channel), Channel.parse(record.channel))
        reach = access(self.services)
        first = find_place(channel, reach)
        try:
            own = find_place(channel, replace(reach, mirrors={}))
        except RepodataError:  # a password is not set that the mirror does not need
            return [first]
        return [first] if own == first else [first, own]

    def _wheel(self, wheel: LockedWheel) -> Need:
        artifact = wheel_artifact(wheel)
        if self.vendored:
            copy = self.vendored / wheel_path(wheel.wheel.filename)
            return Need(artifact=artifact, copies=(copy,), locations=tuple)
        parts = urlsplit(wheel.wheel.url)
        if parts.scheme == "file":
            return Need(artifact=artifact, copies=(Path(url2pathname(parts.path)),), locations=tuple)
        return Need(artifact=artifact, copies=(), locations=lambda: self._wheel_locations(wheel))

    def _wheel_locations(self, wheel: LockedWheel) -> tuple[Location, ...]:
        return tuple(Location(url=found.url, shown=found.shown) for found in self._finder.of(wheel.wheel))

    @cached_property
    def _finder(self) -> WheelLocations:
        environ = self.services.settings.environ
        session = Session(self.indexes, environ, timeouts=Timeouts.configured(environ), offline=self.offline)
        return WheelLocations(session, self.indexes)


def _below(place: Place, relative: str) -> Location:
    return Location(url=f"{place.url}/{relative}", shown=f"{place.shown}/{relative}")
