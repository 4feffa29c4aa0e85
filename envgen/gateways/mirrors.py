"""Read where a channel's index is to be found instead of at the channel's own URL."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envgen.errors import UsageError
from envgen.models.channel import without_secrets


def parse_mirror(text: str) -> tuple[str, str]:
    """Read one `CHANNEL=PATH_OR_URL`; raise UsageError for anything else."""
    channel, equals, place = (part.strip() for part in text.partition("="))
    if not (equals and channel and place):
        hint = "write CHANNEL=PATH_OR_URL, as in conda-forge=../conda-forge"
        raise UsageError(f"not a mirror: `{without_secrets(text)}`", hint=hint)
    return channel, place


def parse_mirrors(text: str) -> dict[str, str]:
    """Read ENVGEN_MIRRORS, pairs `CHANNEL=PATH_OR_URL` with commas or blanks between them.

    A place that holds a comma or a blank can only be given with `--mirror`. Raises UsageError.
    """
    return collect_mirrors(part for part in re.split(r"[,\s]+", text) if part)


def collect_mirrors(texts: Iterable[str]) -> dict[str, str]:
    """Read pairs `CHANNEL=PATH_OR_URL`; raise UsageError for a bad pair or a channel with two places."""
    mirrors: dict[str, str] = {}
    for text in texts:
        channel, place = parse_mirror(text)
        if mirrors.setdefault(channel, place) != place:
            raise UsageError(f"channel `{channel}` has two mirrors", hint="give one place for each channel")
    return mirrors
