"""Say how many there are of something."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Give a number with its noun: `1 package`, `2 packages`, `1,200 records`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def is_or_are(number: int) -> str:
    """Give the verb that goes with a number of things."""
    return "is" if number == 1 else "are"
