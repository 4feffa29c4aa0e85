"""The place that a channel's index is read from: its own URL or a mirror, with the secrets filled in."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rattler.networking.middleware import AddHeadersMiddleware, MirrorMiddleware

from envgen.errors import RepodataError
from envgen.models.channel import Channel, without_secrets
from envgen.system.settings import DEFAULT_TIMEOUT

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How channels may be reached.

    `cache` is where indexes are kept; `mirrors` map a channel's name or URL to a path or URL, relative paths starting
    at `folder`; `environ` fills `${VAR}` in addresses; `timeout` is in seconds.
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

    `url` has no trailing slash and holds the secrets, so it is never printed; `shown` may be. `mirror` says whether
    the place is not the channel's own.
    """

    shown: str
    url: str = field(default="", repr=False)
    folder: Path | None = None
    mirror: bool = False

    @property
    def clean(self) -> str:
        """Return the URL without its secrets: what a cache may hold."""
        return without_secrets(self.url)

    def mask(self, text: str) -> str:
        """Take the place's secrets out of a text."""
        return without_secrets(text.replace(self.url, self.shown) if self.url else text)


def find_place(channel: Channel, access: Access) -> Place:
    """Find where a channel is read from; raise RepodataError for an address that makes no sense."""
    mirror = _mirror(channel, access.mirrors)
    text = mirror or channel.address or channel.url
    if "://" not in text:
        return Place(shown=text, folder=access.folder / Path(text).expanduser(), mirror=True)
    filled, shown = _fill(channel, text, access.environ).rstrip("/"), without_secrets(text)
    scheme, host, path = _split(filled)
    if scheme == "file":
        from urllib.request import url2pathname  # with all of http

        return Place(shown=shown, folder=Path(url2pathname(path)), mirror=bool(mirror))
    if scheme in ("http", "https") and host:
        return Place(shown=shown, url=filled, mirror=bool(mirror))
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


def _fill(channel: Channel, text: str, environ: Mapping[str, str]) -> str:
    for name in _VARIABLE.findall(text):
        if name not in environ:
            raise RepodataError(
                f"the address of channel `{channel}` needs the environment variable {name}", hint=f"set {name}"
            )
    return _VARIABLE.sub(lambda match: environ[match[1]], text)


def secret_middleware(places: Sequence[Place]) -> list[AddHeadersMiddleware | MirrorMiddleware]:
    """Return what turns requests for places' clean URLs into those for their own; nothing where none has a secret.

    rattler writes the URLs that it is given into its caches, so the secrets are put in only as a request is sent.
    """
    secret = [place for place in places if place.url != place.clean]
    users = {_prefix(place.clean): header for place in secret if (header := _basic(place.url))}
    tokens = {f"{place.clean}/": [f"{_without_user(place.url)}/"] for place in secret}
    found: list[AddHeadersMiddleware | MirrorMiddleware] = []
    if users:
        found.append(AddHeadersMiddleware(_Users(users)))
    if moved := {clean: own for clean, own in tokens.items() if own != [clean]}:
        found.append(MirrorMiddleware(moved))
    return found


class _Users:
    """rattler's callback for the headers of a request."""

    def __init__(self, users: Mapping[tuple[str, str], str]) -> None:
        self._users = users

    def __call__(self, host: str, path: str) -> dict[str, str] | None:
        fitting = (
            (prefix, header)
            for (name, prefix), header in self._users.items()
            if name == host and path.startswith(prefix)
        )
        best = max(fitting, default=None)
        return {"Authorization": best[1]} if best else None


def _prefix(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.hostname or "", f"{parts.path}/"


def _basic(url: str) -> str:
    """Return the header that a URL's user and password stand for (RFC 7617); "" where it has none."""
    user, separator, _ = urlsplit(url).netloc.rpartition("@")
    name, _, password = user.partition(":")
    plain = f"{unquote(name)}:{unquote(password)}"
    return f"Basic {b64encode(plain.encode()).decode()}" if separator else ""


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
