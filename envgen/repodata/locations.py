"""The place that a channel's index is read from: its own URL or a mirror."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from envgen.errors import RepodataError
from envgen.models.channel import Channel
from envgen.models.secrets import advice, has_variable, without_secrets
from envgen.repodata.credentials import NOWHERE, Route, channel_secrets
from envgen.system.settings import DEFAULT_TIMEOUT, expanded


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How channels may be reached.

    `cache` is where indexes are kept; `mirrors` map a channel's name or URL to a path or URL, relative paths starting
    at `folder`; `environ` says which secret is for which host; `timeout` is in seconds.
    """

    cache: Path
    mirrors: Mapping[str, str] = field(default_factory=dict)
    offline: bool = False
    folder: Path = field(default_factory=Path.cwd)
    timeout: float = DEFAULT_TIMEOUT
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place that an index is read from: an http(s) URL, or a folder.

    `url` has no trailing slash and no secret; `route` is how it is asked for. `mirror` says whether the place is not
    the channel's own.
    """

    shown: str
    url: str = ""
    folder: Path | None = None
    mirror: bool = False
    route: Route = NOWHERE

    @property
    def sent(self) -> str:
        """Return the URL that requests are sent to; it may have a token in it, so it is never printed."""
        return self.route.sent or self.url

    def mask(self, text: str) -> str:
        """Take the place's secrets out of a text."""
        return without_secrets(text.replace(self.sent, self.shown) if self.url else text)


def find_place(channel: Channel, access: Access) -> Place:
    """Find where a channel is read from; raise RepodataError for an address that makes no sense."""
    mirror = _mirror(channel, access.mirrors)
    text = mirror or channel.address or channel.url
    if "://" not in text:
        return Place(shown=text, folder=access.folder / expanded(Path(text)), mirror=True)
    text, shown = text.rstrip("/"), without_secrets(text)
    scheme, host, path = _split(text)
    if has_variable(text):
        raise RepodataError(
            f"the address of channel `{channel}` names an environment variable, and none is filled in",
            hint=advice(text),
        )
    if scheme == "file":
        from urllib.request import url2pathname  # with all of http

        return Place(shown=shown, folder=Path(url2pathname(path)), mirror=bool(mirror))
    if scheme in ("http", "https") and host:
        route = Route.to(text, channel_secrets(access.environ))
        return Place(shown=shown, url=route.url, mirror=bool(mirror), route=route)
    raise RepodataError(
        f"channel `{channel}` cannot be read from `{shown}`", hint="give an http(s) or file:// URL, or a path"
    )


def _split(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", ""
    return parts.scheme, parts.hostname or "", parts.path


def _mirror(channel: Channel, mirrors: Mapping[str, str]) -> str:
    for key, place in mirrors.items():
        if without_secrets(key.strip().rstrip("/")) in (channel.name, channel.url):
            return place
    return ""
