"""The secrets of channels: stored in rattler's credentials file, put in as a request is sent, kept out of caches."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from rattler.networking.middleware import AddHeadersMiddleware, MirrorMiddleware

from envgen.errors import RepodataError
from envgen.models.secrets import Secret, Secrets, host_key, same_origin, with_path_token, without_secrets, without_user

ELSEWHERE = "redirects to another host"
_MARK = secrets.token_hex(16)  # nobody's URL can have it in its path
_SECONDS = 10.0
_FILE = Path(".rattler", "credentials.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How a URL and all below it are asked for: at `sent`, where a token may be in the path, with a header.

    `url` has no secret; `header` is the value of Authorization, or "".
    """

    url: str
    sent: str = field(repr=False)
    header: str = field(default="", repr=False)

    @classmethod
    def to(cls, address: str, bound: Secrets) -> Route:
        """Return the route to an address: with what it holds itself, else with what is bound to its host."""
        own, url = without_user(address), without_secrets(address)
        written = Secret.of_address(address)
        if written:
            return cls(url=url, sent=own, header=written.header)
        secret = bound.of(url)
        return cls(url=url, sent=with_path_token(url, secret.path_token), header=secret.header)

    @property
    def is_secret(self) -> bool:
        """Return whether there is anything secret about it."""
        return bool(self.header) or self.sent != self.url


NOWHERE = Route(url="", sent="")


def secret_middleware(routes: Iterable[Route]) -> list[AddHeadersMiddleware | MirrorMiddleware]:
    """Return what turns requests for clean URLs into those with secrets; nothing where no route has one.

    rattler writes the URLs that it is given into its caches, so the secrets are put in only as a request is sent. Its
    callback for headers is told neither the port nor the scheme. So a request below a route is first led through a path
    that none but these routes has, and a stranger's channel on another port of the same host gets no header.
    """
    marked = {f"{_MARK}{number}": route for number, route in enumerate(dict.fromkeys(routes)) if route.is_secret}
    if not marked:
        return []
    inner = {mark: _root(route.url) + mark for mark, route in marked.items()}
    return [
        MirrorMiddleware({f"{route.url}/": [f"{inner[mark]}/"] for mark, route in marked.items()}),
        AddHeadersMiddleware(_headers(marked)),
        MirrorMiddleware({f"{inner[mark]}/": [f"{route.sent}/"] for mark, route in marked.items()}),
    ]


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _headers(marked: Mapping[str, Route]) -> Callable[[str, str], dict[str, str] | None]:
    """Return rattler's callback for the headers of a request."""

    def headers(_host: str, path: str) -> dict[str, str] | None:
        mark, _, rest = path.lstrip("/").partition("/")
        route = marked.get(mark)
        if route is None:
            return None
        if route.sent != route.url and redirected(f"{route.sent}/{rest}", route.header):
            raise RepodataError(ELSEWHERE)
        return {"Authorization": route.header} if route.header else None

    return headers


def redirected(url: str, header: str = "") -> str:
    """Return the URL on another host that a request is sent on to; "" where it is answered, or fails, at its own.

    rattler's client names the address that it comes from to the host that it is sent on to (`Referer`). A token in the
    path would be told to that host, so it is asked for beforehand. RepodataError: nobody can say, or not in time.
    """
    found: Future[str] = Future()

    def ask() -> None:
        try:
            found.set_result(_redirected(url, header))
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
            found.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()  # its own limits are for one byte each, and a head has many
    if not wait([found], timeout=2 * _SECONDS).done:
        raise RepodataError(f"nobody says within {2 * _SECONDS:g} seconds where it leads")
    return found.result()


def _redirected(url: str, header: str) -> str:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

    import truststore

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            """Follow none."""

    opener = build_opener(Stay, HTTPSHandler(context=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)))
    for _ in range(10):
        # S310: what comes here is an http(s) URL
        request = Request(url, headers={"Range": "bytes=0-0", **({"Authorization": header} if header else {})})  # noqa: S310
        try:
            with opener.open(request, timeout=_SECONDS):
                return ""
        except HTTPError as error:
            with error:
                target = urljoin(url, error.headers.get("Location") or "") if 300 <= error.code < 400 else ""
        except (URLError, OSError, ValueError, HTTPException) as error:
            if isinstance(getattr(error, "reason", error), ssl.SSLError):
                raise RepodataError("its certificate is not trusted") from None
            return ""  # rattler will meet the same, and has the words for it
        if not target or target == url:
            return ""
        if not same_origin(url, target):
            return target
        url = target
    return ""


# The file in which rattler keeps credentials, by host.


def credentials_file(environ: Mapping[str, str]) -> Path:
    """Return the file that rattler reads: RATTLER_AUTH_FILE, else the one below the home; ValueError: no home."""
    if own := environ.get("RATTLER_AUTH_FILE"):
        return Path(own)
    if not environ.get("HOME"):
        raise ValueError("HOME is not set")
    return Path(environ["HOME"]) / _FILE


def channel_secrets(environ: Mapping[str, str]) -> Secrets:
    """Return the secrets of channels' hosts: of ENVGEN_TOKENS, else as `envgen auth login` has stored them.

    rattler itself reads the entries without a port, which it gives to every port of a host, and over http, too.
    """
    stored: dict[str, Secret] = {}
    with contextlib.suppress(OSError, ValueError):  # rattler itself passes over a file that it cannot read
        entries = _entries(credentials_file(environ))
        stored = {host: secret for host, value in entries.items() if ":" in host and (secret := _secret(value))}
    return Secrets.configured(environ).before(Secrets.of_hosts(stored))


def store_login(host: str, secret: Secret, environ: Mapping[str, str]) -> Path:
    """Store what a channel's host is told, under `HOST:PORT`, beside all other entries; return the file.

    Raises:
        OSError: it cannot be written. ValueError: it is there and no file of rattler's.
    """
    value: object = {"BasicHTTP": {"username": secret.user, "password": secret.password}}
    if not secret.user:
        value = {"BearerToken": secret.password}
    if secret.path_token:
        value = {"CondaToken": secret.path_token}
    return _change(environ, lambda entries: {**entries, host_key(host): value})


def drop_login(host: str, environ: Mapping[str, str]) -> bool:
    """Take a host's entry out of the file; return whether there was one. Raises OSError or ValueError."""
    path = credentials_file(environ)
    if not path.exists() or host_key(host) not in _entries(path):
        return False
    _change(environ, lambda entries: {name: value for name, value in entries.items() if name != host_key(host)})
    return True


def _change(environ: Mapping[str, str], change: Callable[[dict[str, object]], dict[str, object]]) -> Path:
    path = credentials_file(environ).resolve()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = json.dumps(change(_entries(path) if path.exists() else {}), indent=2) + "\n"
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    return path


def _entries(path: Path) -> dict[str, object]:
    entries = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(entries, dict):
        raise ValueError("not a file of rattler's credentials")
    return entries


def _secret(value: object) -> Secret:
    """Read rattler's form of a credential; an empty secret for the kinds that are no channel's."""
    match value:
        case {"BearerToken": str(token)}:
            return Secret(password=token)
        case {"BasicHTTP": {"username": str(user), "password": str(password)}}:
            return Secret(user=user, password=password)
        case {"CondaToken": str(token)}:
            return Secret(path_token=token)
    return Secret()
