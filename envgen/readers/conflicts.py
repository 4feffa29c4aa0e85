"""Take apart what git left unmerged in a file."""

from __future__ import annotations

from collections.abc import Mapping

_OURS, _BASE, _BETWEEN, _THEIRS = "<" * 7, "|" * 7, "=" * 7, ">" * 7


def has_conflicts(text: str) -> bool:
    """Tell whether a text holds a whole conflict of git's."""
    ours, theirs = sides(text)
    return ours != theirs


def sides(text: str) -> tuple[str, str]:
    """Give the text as either side has it; what git could merge stands in both."""
    parts: dict[str, list[str]] = {_OURS: [], _THEIRS: []}
    within = ""
    for line in text.splitlines(keepends=True):
        mark = line[:7]
        if (mark == _OURS and not within) or (within and mark in (_BASE, _BETWEEN)):
            within = mark
        elif within and mark == _THEIRS:
            within = ""
        else:
            if within in ("", _OURS):
                parts[_OURS].append(line)
            if within in ("", _BETWEEN):
                parts[_THEIRS].append(line)
    return "".join(parts[_OURS]), "".join(parts[_THEIRS])


def sides_of_all(texts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Give a set of files as either side has it."""
    both = {name: sides(text) for name, text in texts.items()}
    return {name: ours for name, (ours, _) in both.items()}, {name: theirs for name, (_, theirs) in both.items()}
