"""Connect to channels over http(s) through rattler's gateway: sharded or flat, cached, conditional, with auth."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import TypeVar

import rattler
from rattler.exceptions import GatewayError
from rattler.networking.middleware import (
    AuthenticationMiddleware,
    GCSMiddleware,
    OciMiddleware,
    RetryMiddleware,
    S3Middleware,
)

import envgen
from envgen.errors import RepodataError
from envgen.gateways.credentials import secret_middleware
from envgen.gateways.faults import explain, explain_page, explain_silence, is_broken_index, is_page
from envgen.gateways.places import Access, Place
from envgen.gateways.source import Source, rattler_channel
from envgen.gateways.watch import Probe, SilentError, Watch
from envgen.models.channel import Channel
from envgen.models.platform import Platform
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
    """Reach http(s) channels; every call ends within the patience when a server is silent."""

    def __init__(self, channels: Sequence[tuple[Channel, Place]], platform: Platform, access: Access) -> None:
        """Prepare the client; nothing is asked yet."""
        self.channels = channels
        self._platform = platform
        self._offline = access.offline
        cache = access.cache / "repodata"
        action = rattler.SourceConfig(cache_action="force-cache-only" if access.offline else "cache-or-fetch")
        self.gateway = rattler.Gateway(cache_dir=cache, default_config=action, client=_client(channels))
        self._watch = Watch(
            places=[place for _, place in channels], subdirs=platform.subdirs, cache=cache, patience=access.patience
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
            starts = Probe(place, self._platform.subdirs, self._watch.patience / 2).starts()
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
