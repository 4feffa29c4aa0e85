"""The rule of `exclude-newer`, the same for the records of a channel and for those of an earlier lock."""

from __future__ import annotations

from datetime import datetime


def is_excluded(published: datetime | None, until: datetime) -> bool:
    """Return whether a record is left out: it was published after an aware instant, or nobody knows when."""
    return published is None or published > until
