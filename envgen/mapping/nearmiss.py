"""Guess what a misspelt name was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

_LIMIT = 3
_CUTOFF = 0.8
_LENGTH = 3
_COMMON = 0.75
_OTHER_WORLDS = ("r-", "_")


def near_misses(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Give up to three known names that differ from a name by a letter or two, nearest first.

    Names that cannot be near by their length or their letters are passed over before they are compared, and R's always.
    """
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name)
    letters = frozenset(name)
    found = []
    for other in known:
        if abs(len(other) - len(name)) > _LENGTH or other == name or other.startswith(_OTHER_WORLDS):
            continue
        if len(letters & frozenset(other)) < _COMMON * len(letters):
            continue
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() >= _CUTOFF and matcher.quick_ratio() >= _CUTOFF:
            ratio = matcher.ratio()
            found.extend([(-ratio, other)] if ratio >= _CUTOFF else [])
    return tuple(other for _, other in sorted(found)[:_LIMIT])
