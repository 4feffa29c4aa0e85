"""The secrets that a user binds to hosts, and the addresses and texts that may hold none.

A manifest or a lock may be a stranger's. So neither names a secret: it names a host, and whoever runs envgen says by
ENVGEN_TOKENS or `envgen auth login` which secret is for that host, and for no other.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from envgen.errors import UsageError

TOKENS = "ENVGEN_TOKENS"
TOKEN_USER = "__token__"  # noqa: S105 - the user that uv and pip name where there is a token alone
LOG_IN = f"log in with `envgen auth login HOST`, or set {TOKENS}='HOST=TOKEN' (or 'HOST=USER:PASSWORD')"
_HINT = f"write {TOKENS}='HOST=USER:PASSWORD', 'HOST=TOKEN' or 'HOST=/t/TOKEN', with blanks between several"
_USER_INFO = re.compile(r"(?<=://)[^/\s]*@")
# From each "://" to the next at most: a text that is full of them would cost its square.
_TOKEN = re.compile(r"(://(?:(?!://)\S)*?)/t/[^/\s]+")
_SHOWN_USER = re.compile(r"(?<=://)[^/\s]+(?=@)")
_SHOWN_TOKEN = re.compile(r"(?<=[\w\]}]/t/)[^/\s\"'`\],}]+")
_SHOWN_QUERY = re.compile(r"(://(?:(?!://)[^\s?#\"'`])*)\?[^\s\"'`)\],}]+")
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_HOST = r"(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::(?P<port>\d{1,5}))?"
_NAMED = re.compile(_HOST, re.IGNORECASE)
# What any two readers of URLs could read in two ways (user info, backslashes, odd signs) has no host here.
_ADDRESS = re.compile(rf"(?P<scheme>https?)://{_HOST}(?P<rest>[/?#].*)?", re.IGNORECASE)
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|\[::1\]")
_PORTS = {"https": 443, "http": 80}


def without_secrets(text: str) -> str:
    """Return a text without the user info and the tokens (`/t/TOKEN/`) of its URLs."""
    return _TOKEN.sub(r"\1", _USER_INFO.sub("", text))


def without_user(url: str) -> str:
    """Return a URL without its user name and password."""
    return _USER_INFO.sub("", url)


def lockable(url: str) -> str:
    """Return a file's URL as a lock may hold it: an index may list it with a token in its query, for some hours."""
    return re.split(r"[?#]", without_user(url), maxsplit=1)[0]


def mask(text: str) -> str:
    """Put `***` in the place of the user info, the tokens and the query of every URL in a text."""
    return _SHOWN_QUERY.sub(r"\1?***", _SHOWN_TOKEN.sub("***", _SHOWN_USER.sub("***", text)))


def has_variable(address: str) -> bool:
    """Return whether an address names an environment variable, which none may."""
    return "$" in address


def has_secret(address: str) -> bool:
    """Return whether a URL holds a user, a password, a token, or a variable in the place of one."""
    return has_variable(address) or without_secrets(address) != address


def plain_address(text: str) -> str:
    """Return an address of a lock; raise ValueError for one with a secret or a variable, which no writer writes."""
    if has_secret(text):
        raise ValueError(f"an address with a secret or a variable in it: `{mask(text)}`")
    return text


def advice(address: str) -> str:
    """Return what to write in the place of an address with a secret or a variable, and the line to set beside it.

    A variable is shown by its name; what was written out is not shown.
    """
    clean = without_secrets(address)
    parts = _ADDRESS.fullmatch(clean)
    if has_variable(clean) or parts is None:
        return "write the address out: no variable is filled in; a secret is bound to its host with " + TOKENS
    clean = clean if origin_key(clean) else f"https{clean[len(parts['scheme']) :]}"  # no secret goes out over http
    host = origin_key(clean).removesuffix(":443")
    user = _USER_INFO.search(address)
    token = re.search(r"/t/([^/\s]+)", address)
    values = [":".join(_placeholders(user[0][:-1]))] if user else []
    values += [f"/t/{_placeholder(token[1], 'TOKEN')}"] if token else []
    return f"write {clean}, and set {TOKENS}='{' '.join(f'{host}={value}' for value in values)}'"


def _placeholders(user_info: str) -> list[str]:
    name, colon, password = user_info.partition(":")
    return [_placeholder(name, "USER"), _placeholder(password, "TOKEN")] if colon else [_placeholder(name, "TOKEN")]


def _placeholder(written: str, otherwise: str) -> str:
    match = _VARIABLE.fullmatch(written)
    return match[1] if match else otherwise


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Secret:
    """What one host is told: a password with its user, or a token alone; and a token that goes into the path.

    `user` is "" for a token alone: a bearer token for channels, the password of `__token__` for package indexes.
    """

    user: str = ""
    password: str = ""
    path_token: str = ""

    @classmethod
    def of_address(cls, address: str) -> Secret:
        """Return what a URL of the command line holds by itself."""
        user_info = _USER_INFO.search(address)
        token = re.search(r"/t/([^/\s?#]+)", address)
        user, _, password = user_info[0][:-1].partition(":") if user_info else ("", "", "")
        return cls(user=unquote(user), password=unquote(password), path_token=unquote(token[1]) if token else "")

    @property
    def header(self) -> str:
        """Return the Authorization that a channel is sent (RFC 7617, RFC 6750); "" for none."""
        if self.user:
            return f"Basic {b64encode(f'{self.user}:{self.password}'.encode()).decode()}"
        return f"Bearer {self.password}" if self.password else ""

    @property
    def login(self) -> tuple[str, str] | None:
        """Return the user and password that a package index is sent, or None."""
        return (self.user or TOKEN_USER, self.password) if self.user or self.password else None

    def joined(self, other: Secret) -> Secret:
        """Return a secret with what another has beside it."""
        return Secret(
            user=self.user or other.user,
            password=self.password or other.password,
            path_token=self.path_token or other.path_token,
        )

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self.user or self.password or self.path_token)


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """The secrets of hosts: each is for exactly that host and port, over https, or http on the loopback."""

    _hosts: Mapping[str, Secret] = field(default_factory=dict)

    @classmethod
    def configured(cls, environ: Mapping[str, str]) -> Secrets:
        """Read ENVGEN_TOKENS: pairs `HOST[:PORT]=VALUE` with blanks between them.

        A value with a colon is `user:password`, one that begins with `/t/` a token of conda's for the path, any other
        a token. Values are percent-decoded once. UsageError, without any value: a pair makes no sense.
        """
        hosts: dict[str, Secret] = {}
        for number, pair in enumerate(environ.get(TOKENS, "").split(), 1):
            name, equals, value = pair.partition("=")
            host = host_key(name)
            if not (equals and host and (secret := read_value(value))):
                raise UsageError(f"{TOKENS}: entry {number} is not HOST=VALUE", hint=_HINT)
            known = hosts.get(host, Secret())
            if (known.path_token and secret.path_token) or (known.login and secret.login):
                raise UsageError(f"{TOKENS} has two values for {name}", hint="give one for each host")
            hosts[host] = known.joined(secret)
        return cls(hosts)

    @classmethod
    def of_hosts(cls, hosts: Mapping[str, Secret]) -> Secrets:
        """Return secrets by hosts as people write them; what names no host is left out."""
        return cls({key: secret for host, secret in hosts.items() if (key := host_key(host))})

    def before(self, others: Secrets) -> Secrets:
        """Return these secrets, and others' for the hosts that have none here."""
        return Secrets({**others._hosts, **self._hosts})

    def of(self, url: str) -> Secret:
        """Return what a URL's host may be told; an empty secret for any other host, port or way to it."""
        return self._hosts.get(origin_key(url), Secret()) if self._hosts else Secret()


def read_value(text: str) -> Secret:
    """Read a value of ENVGEN_TOKENS; an empty secret where it is none."""
    if text.startswith("/t/"):
        token = unquote(text.removeprefix("/t/"))
        return Secret(path_token=token) if _is_plain(token) else Secret()
    user, colon, password = (unquote(part) for part in text.partition(":"))
    if not all(map(_is_plain, (user, password))):
        return Secret()
    return Secret(user=user, password=password) if colon and user else Secret(password="" if colon else user)


def _is_plain(text: str) -> bool:
    return text.isprintable()


def host_key(name: str) -> str:
    """Return a host as people write it (`packages.example.org`, `127.0.0.1:8000`) with its port; "" for no host.

    The port is that of https where none is written. A host with a dot at its end is none.
    """
    match = _NAMED.fullmatch(name)
    return _key(match, "https") if match else ""


def origin_key(url: str) -> str:
    """Return the host of a URL that may be told a secret, as `host_key` does; "" for any other.

    That is https, or http to this machine itself, and no URL that two readers could take for two hosts.
    """
    match = _ADDRESS.fullmatch(url)
    if match is None or not (match["scheme"].lower() == "https" or is_loopback(match["host"])):
        return ""
    return _key(match, match["scheme"])


def is_loopback(host: str) -> bool:
    """Return whether a host, without its port, is this machine itself."""
    return _LOOPBACK.fullmatch(host.lower()) is not None


def same_origin(one: str, other: str) -> bool:
    """Return whether two URLs lead to one host by the same scheme and port (RFC 6454)."""
    first, second = _ADDRESS.fullmatch(one), _ADDRESS.fullmatch(other)
    if first is None or second is None:
        return False
    schemes = (first["scheme"].lower(), second["scheme"].lower())
    return schemes[0] == schemes[1] and _key(first, schemes[0]) == _key(second, schemes[1])


def _key(match: re.Match[str], scheme: str) -> str:
    return f"{match['host'].lower()}:{int(match['port'] or _PORTS[scheme.lower()])}"


def with_path_token(url: str, token: str) -> str:
    """Return a URL with a token of conda's before its path: `https://host/t/TOKEN/channel`."""
    parts = _ADDRESS.fullmatch(url)
    if parts is None or not token:
        return url
    rest = parts["rest"] or ""
    return f"{url[: len(url) - len(rest)]}/t/{quote(token, safe='')}{rest}"
