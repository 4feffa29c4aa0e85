"""The names most like one that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


def near_names(name: str, known: Iterable[str], *, limit: int = 1, cutoff: float = 0.6) -> tuple[str, ...]:
    """Return the known names most like a name, the nearest first; the equally near stay in the order given.

    Likeness is difflib's ratio, from 0 to 1. `difflib.get_close_matches` finds the same, but puts the last of the
    alphabet first among equals, so that no caller could choose.
    """
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name)  # what is prepared for the second text is kept from one known name to the next
    near = []
    for other in known:
        matcher.set_seq1(other)
        # The first two are cheap upper bounds of the ratio.
        if matcher.real_quick_ratio() >= cutoff and matcher.quick_ratio() >= cutoff:
            ratio = matcher.ratio()
            near += [(ratio, other)] if ratio >= cutoff else []
    near.sort(key=lambda found: -found[0])
    return tuple(other for _, other in near[:limit])
