"""The place that a channel's index is read from, its own URL or a mirror, with the words for what cannot be read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from envgen.errors import ChannelUnreachableError, RepodataError
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.secrets import LOG_IN, advice, has_variable, without_secrets
from envgen.repodata.credentials import ELSEWHERE, NOWHERE, Route, channel_secrets
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


@dataclass(frozen=True, slots=True)
class _Fault:
    """What one of rattler's messages means; `{reason}` is its innermost cause, `{where}` the place."""

    sign: re.Pattern[str]
    message: str
    hint: str
    error: type[RepodataError] = RepodataError


_OTHERWISE = "read a copy with --mirror {channel}=PATH_OR_URL, or what is cached with --offline"
_STARTER = "; or start from the index that envgen ships with --starter"
_COLD = "run it once without --offline, or read a copy with --mirror {channel}=PATH_OR_URL"
_FAULTS = (
    _Fault(
        re.compile(r"no usable repodata cache|is not in the cache"),
        "channel `{channel}` cannot be read with --offline: {reason}",
        _COLD,
    ),
    _Fault(
        re.compile(r"could not find subdir"),
        "channel `{channel}` has no index for noarch at {where}",
        "check the channel's name or URL",
    ),
    _Fault(
        re.compile(r"\((?P<status>50[234] [^)]*)\)"),
        "channel `{channel}` does not answer: {status} from {where}",
        _OTHERWISE,
        ChannelUnreachableError,
    ),
    _Fault(
        re.compile(r"\((?P<status>(?:401|403|407) [^)]*)\)"),
        "channel `{channel}` refuses to be read: {status} from {where}",
        LOG_IN,
    ),
    _Fault(
        re.compile(ELSEWHERE),
        "channel `{channel}` redirects to another host, which would be told the token in its address ({where})",
        "use a token that is sent as a header, ENVGEN_TOKENS='HOST=TOKEN', or " + _OTHERWISE,
    ),
    _Fault(
        re.compile(r"HTTP status [a-z ]*\((?P<status>[^)]*)\)"),
        "channel `{channel}` cannot be read: {status} from {where}",
        _OTHERWISE,
    ),
    _Fault(
        re.compile(r"error sending request"),
        "channel `{channel}` does not answer: {reason} ({where})",
        _OTHERWISE,
        ChannelUnreachableError,
    ),
    _Fault(
        re.compile(r"error decoding response body|failed to download"),
        "channel `{channel}` broke off in the middle of its index: {reason} ({where})",
        "try again; " + _OTHERWISE,
    ),
    _Fault(
        re.compile(r"failed to (?:decode|parse|extract)"),
        "what channel `{channel}` serves is no index: {reason} ({where})",
        "open the address in a browser: a log-in page, or a file that was cut short? Else " + _OTHERWISE,
    ),
    _Fault(
        re.compile(r"failed to create|failed to write|No space left|Permission denied"),
        "the cache cannot be used: {reason}",
        "set ENVGEN_CACHE_DIR to a folder that can be written",
    ),
    _Fault(re.compile(""), "channel `{channel}` cannot be read: {reason} ({where})", _OTHERWISE),
)


def is_broken_index(text: str) -> bool:
    """Return whether rattler's message says that what it read is no index."""
    return bool(re.search(r"failed to (?:decode|parse|extract)", text))


def is_page(answer: bytes) -> bool:
    """Return whether an HTTP answer, head included, starts a web page."""
    body = answer.partition(b"\r\n\r\n")[2].lstrip().lower()
    return body.startswith((b"<!doctype html", b"<html"))


def explain(channel: Channel, place: Place, text: str) -> RepodataError:
    """Make an error of rattler's message about a channel."""
    masked = place.mask(text)
    fault, match = next((fault, match) for fault in _FAULTS if (match := fault.sign.search(masked)))
    words = {"channel": str(channel), "where": place.shown, "reason": _reason(masked), **match.groupdict()}
    starter = _starter(channel) if fault.error is ChannelUnreachableError else ""
    return fault.error(fault.message.format(**words), hint=fault.hint.format(**words) + starter)


def explain_silence(channel: Channel, place: Place, seconds: float) -> ChannelUnreachableError:
    """Make an error of a channel that was given up."""
    return ChannelUnreachableError(
        f"channel `{channel}` does not answer: nothing in {seconds:g} seconds ({place.shown})",
        hint=_OTHERWISE.format(channel=channel) + "; or wait longer: ENVGEN_TIMEOUT=SECONDS" + _starter(channel),
    )


def explain_slowness(channels: Sequence[tuple[Channel, Place]], rate: int, seconds: float) -> ChannelUnreachableError:
    """Make an error of channels that were given up because too little came of them."""
    channel, _ = channels[0]
    return ChannelUnreachableError(
        f"{_listed(channels)} too slow: less than {rate:,} bytes a second for {seconds:g} s ({_places(channels)})",
        hint=_OTHERWISE.format(channel=channel) + "; or try again from a better network" + _starter(channel),
    )


def explain_flood(channels: Sequence[tuple[Channel, Place]], limit: int) -> RepodataError:
    """Make an error of channels that give more than any index has."""
    channel, _ = channels[0]
    return RepodataError(
        f"{_listed(channels)} too large: more than {limit:,} bytes came, unpacked ({_places(channels)})",
        hint="is it a channel's address? Else " + _OTHERWISE.format(channel=channel),
    )


def _listed(channels: Sequence[tuple[Channel, Place]]) -> str:
    names = ", ".join(f"`{channel}`" for channel, _ in channels)
    return f"channel {names} is" if len(channels) == 1 else f"one of the channels {names} is"


def _places(channels: Sequence[tuple[Channel, Place]]) -> str:
    return ", ".join(place.shown for _, place in channels)


def explain_wrong_shard(channel: Channel, place: Place, reason: str) -> RepodataError:
    """Make an error of a channel that sends a shard which its index does not name."""
    return RepodataError(
        f"channel `{channel}` sends a part of its index that is not what the index says: shard {place.mask(reason)}"
        f" ({place.shown})",
        hint="nothing of it was kept: try again later; " + _OTHERWISE.format(channel=channel),
    )


def explain_changing(channel: Channel, place: Place) -> RepodataError:
    """Make an error of a channel whose shards are other ones each time."""
    return RepodataError(
        f"channel `{channel}` sends other parts of its index each time it is asked ({place.shown})",
        hint="nothing of it was kept: try again later; " + _OTHERWISE.format(channel=channel),
    )


def explain_fault(channel: Channel, url: str, fault: str) -> RepodataError:
    """Make an error of an index that would end the process."""
    return RepodataError(
        f"channel `{channel}` has an index that cannot be used: {fault} ({url})",
        hint=f"tell its maintainers; {_OTHERWISE.format(channel=channel)}",
    )


def explain_panic(channel: Channel, place: Place) -> RepodataError:
    """Make an error of an index that rattler gives up on, such as one whose `base_url` is no URL."""
    return RepodataError(
        f"channel `{channel}`, or one beside it, has an index that cannot be read ({place.shown})",
        hint=_OTHERWISE.format(channel=channel),
    )


def explain_page(channel: Channel, place: Place) -> RepodataError:
    """Make an error of a channel that answers with a web page."""
    return RepodataError(
        f"channel `{channel}` answers with a web page instead of an index ({place.shown})",
        hint=f"is there a log-in page in the way? Else {_OTHERWISE.format(channel=channel)}",
    )


def _starter(channel: Channel) -> str:
    """Offer the starter index where it serves as well: for conda-forge alone."""
    return _STARTER if channel == CONDA_FORGE else ""


def _reason(text: str) -> str:
    return text.strip().rsplit("\n", 1)[-1].removeprefix("Caused by: ")
