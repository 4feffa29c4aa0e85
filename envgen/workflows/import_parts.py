"""Judge the smaller parts of a file: groups that take each other in, wheels of other platforms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from envgen.readers.foreign import Asked

_TAGS = re.compile(r"-([^-/]+)\.whl$")
_OURS = re.compile(r"any|macosx_\d+_\d+_(arm64|universal2)")


class Includes:
    """Follow which group takes which in; a manifest's groups may not form a circle."""

    def __init__(self, groups: Iterable[str]) -> None:
        """Take the groups that something is asked for in."""
        self._groups = frozenset(groups)
        self._included: dict[str, set[str]] = {}

    def refuse(self, group: str, included: str) -> str:
        """Say why a group cannot take another in; "" where it can, which is then kept."""
        if included not in self._groups:
            return f"there is nothing in `{included}`"
        if group == included:
            return f"`{group}` would include itself"
        if group in self._reached(included):
            return f"`{included}` includes `{group}` already, and groups may not form a circle"
        self._included.setdefault(group, set()).add(included)
        return ""

    def _reached(self, start: str) -> set[str]:
        reached: set[str] = set()
        queue = [start]
        for name in queue:
            fresh = self._included.get(name, set()) - reached
            reached |= fresh
            queue += sorted(fresh)
        return reached


def groups_of(items: Iterable[Asked]) -> frozenset[str]:
    """Give the groups that something is asked for in."""
    return frozenset(filter(None, (getattr(item, "group", "") for item in items)))


def foreign_wheel(url: str) -> str:
    """Give the platforms that a wheel is for, by its name, where none of them is Apple silicon; else ""."""
    try:
        found = _TAGS.search(unquote(urlsplit(url).path))
    except ValueError:
        return ""
    tags = found[1].split(".") if found else []
    return "" if any(_OURS.fullmatch(tag) for tag in tags) else ", ".join(tags)
