"""Put the secrets of places into requests as they are sent: rattler's caches hold the URLs that it is given."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

from rattler.networking.middleware import AddHeadersMiddleware, MirrorMiddleware

from envgen.gateways.places import Place


def secret_middleware(places: Sequence[Place]) -> list[AddHeadersMiddleware | MirrorMiddleware]:
    """Give what turns requests for places' clean URLs into those for their own; nothing where none has a secret."""
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
    """Answer rattler's question for the headers of a request."""

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
    """Give the header that a URL's user and password stand for (RFC 7617); "" where it has none."""
    user, separator, _ = urlsplit(url).netloc.rpartition("@")
    name, _, password = user.partition(":")
    plain = f"{unquote(name)}:{unquote(password)}"
    return f"Basic {b64encode(plain.encode()).decode()}" if separator else ""


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
