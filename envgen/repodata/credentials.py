"""The secrets of channels: the `${VAR}` of an address, put in as a request is sent and kept out of caches."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from rattler.networking.middleware import AddHeadersMiddleware, MirrorMiddleware

from envgen.errors import RepodataError
from envgen.models.channel import Channel

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill_variables(channel: Channel, address: str, environ: Mapping[str, str]) -> str:
    """Return a channel's address with the values of its `${VAR}`; raise RepodataError for one that is not set."""
    for name in _VARIABLE.findall(address):
        if name not in environ:
            raise RepodataError(
                f"the address of channel `{channel}` needs the environment variable {name}", hint=f"set {name}"
            )
    return _VARIABLE.sub(lambda match: environ[match[1]], address)


def secret_middleware(urls: Mapping[str, str]) -> list[AddHeadersMiddleware | MirrorMiddleware]:
    """Return what turns requests for clean URLs into those with secrets, by `urls`; nothing where none has a secret.

    rattler writes the URLs that it is given into its caches, so the secrets are put in only as a request is sent.
    """
    secret = {clean: own for clean, own in urls.items() if own != clean}
    users = {_prefix(clean): header for clean, own in secret.items() if (header := _basic(own))}
    tokens = {f"{clean}/": [f"{_without_user(own)}/"] for clean, own in secret.items()}
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
