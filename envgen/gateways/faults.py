"""Say in the user's words why rattler could not read a channel."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envgen.errors import ChannelUnreachableError, RepodataError
from envgen.gateways.places import Place
from envgen.models.channel import CONDA_FORGE, Channel


@dataclass(frozen=True, slots=True)
class _Fault:
    """Recognise one of rattler's messages; `{reason}` is its innermost cause, `{where}` the place."""

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
        "log in through RATTLER_AUTH_FILE, or in the address: --mirror {channel}=https://${{USER}}:${{PASSWORD}}@HOST/…",
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
    """Tell whether rattler's message says that what it read is no index."""
    return bool(re.search(r"failed to (?:decode|parse|extract)", text))


def is_page(answer: bytes) -> bool:
    """Tell whether an HTTP answer, head included, starts a web page."""
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


def explain_page(channel: Channel, place: Place) -> RepodataError:
    """Make an error of a channel that answers with a web page."""
    return RepodataError(
        f"channel `{channel}` answers with a web page instead of an index ({place.shown})",
        hint=f"is there a log-in page in the way? Else {_OTHERWISE.format(channel=channel)}",
    )


def _starter(channel: Channel) -> str:
    """Offer the starter index where it can stand in: for conda-forge alone."""
    return _STARTER if channel == CONDA_FORGE else ""


def _reason(text: str) -> str:
    return text.strip().rsplit("\n", 1)[-1].removeprefix("Caused by: ")
