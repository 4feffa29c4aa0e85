"""The channels that an environment is solved against, as one index."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from envgen.errors import ChannelUnreachableError
from envgen.knowledge.names import name_table
from envgen.manifest.model import Manifest
from envgen.mapping.name_mapper import NameMapper
from envgen.models.channel import Channel
from envgen.models.platform import Platform
from envgen.models.record import Repodata
from envgen.project.services import Services
from envgen.repodata.gateway import open_channels
from envgen.repodata.locations import Access
from envgen.repodata.starter import may_stand_in, open_starter


def open_index(
    services: Services,
    channels: tuple[Channel, ...],
    platform: Platform,
    *,
    exclude_newer: datetime | None = None,
    first: bool = False,
) -> Repodata:
    """Open the channels' repodata, or the starter index that envgen brings along.

    The starter index serves when the call wants it, and where it may stand in; `first` says that there is no lock yet.

    Raises:
        RepodataError: a channel cannot be read, and the starter index may not serve for it.
    """
    options = services.options
    if options.starter:
        return open_starter(platform, exclude_newer=exclude_newer)
    try:
        return open_channels(channels, platform, access(services), exclude_newer=exclude_newer)
    except ChannelUnreachableError:
        if not may_stand_in(channels, first=first, redirected=bool(options.channels or options.mirrors)):
            raise
        return open_starter(platform, exclude_newer=exclude_newer)


def access(services: Services) -> Access:
    """Return how this run may reach channels."""
    settings, options = services.settings, services.options
    return Access(
        cache=settings.cache_dir,
        mirrors=options.mirrors,
        offline=options.offline,
        folder=settings.folder,
        timeout=settings.timeout,
        environ=settings.environ,
    )


def channels_of(services: Services, manifest: Manifest) -> tuple[Channel, ...]:
    """Return the channels of the call, else of the manifest."""
    return tuple(Channel.parse(text) for text in services.options.channels) or manifest.channels


def name_mapper(
    services: Services, mapping: Mapping[str, str | None], repodata: Repodata, platform: Platform
) -> NameMapper:
    """Build the map of names of a manifest, over the channels that it is solved against."""
    return NameMapper(
        repodata=repodata,
        table=name_table(),
        overrides=mapping,
        python=platform.python,
        online=services.online_names,
    )
