"""Two locks of one environment that were made apart: git's conflicts in a file, and the join that keeps to both."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from packaging.version import Version

from envgen.errors import LockfileError, SourceLine
from envgen.lock.model import Lock, LockedWheel, PlatformLock
from envgen.models.match_spec import newer
from envgen.models.record import Record

_OURS, _BASE, _BETWEEN, _THEIRS = "<" * 7, "|" * 7, "=" * 7, ">" * 7
_MARKER = re.compile(r"^(?:<{7} |\|{7} |={7}\r?$|>{7} ).*", re.MULTILINE)
_Package = TypeVar("_Package", Record, LockedWheel)


def merged(ours: Lock, theirs: Lock) -> Lock:
    """Return what either lock has: of a package in both, the same, or the newer one where they differ.

    The result is something to keep to while solving: its packages need not fit together.
    """
    other = {platform.platform.subdir: platform for platform in theirs.platforms}
    own = {platform.platform.subdir: platform for platform in ours.platforms}
    both = [_platform(own[subdir], other[subdir]) for subdir in own if subdir in other]
    alone = [(own | other)[subdir] for subdir in sorted(own.keys() ^ other.keys())]
    return replace(ours, platforms=tuple(sorted([*both, *alone], key=lambda platform: platform.platform.subdir)))


def _platform(ours: PlatformLock, theirs: PlatformLock) -> PlatformLock:
    return replace(
        ours,
        conda=_joined(ours.conda, theirs.conda, _newer_record),
        pypi=_joined(ours.pypi, theirs.pypi, _newer_wheel),
        decisions=tuple(dict.fromkeys([*ours.decisions, *theirs.decisions])),
    )


def _joined(
    ours: Iterable[_Package], theirs: Iterable[_Package], is_newer: Callable[[_Package, _Package], bool]
) -> tuple[_Package, ...]:
    joined = {package.name: package for package in ours}
    for package in theirs:
        own = joined.get(package.name)
        if own is None or is_newer(package, own):
            joined[package.name] = package
    return tuple(joined[name] for name in sorted(joined))


def _newer_record(first: Record, second: Record) -> bool:
    if first.version == second.version:
        return first.build_number > second.build_number
    return newer(first.version, second.version)


def _newer_wheel(first: LockedWheel, second: LockedWheel) -> bool:
    return Version(first.version) > Version(second.version)


def refuse_merge_markers(text: str, file: str) -> None:
    """Raise LockfileError, with its lines, for a file that git left unmerged."""
    lines = [
        SourceLine(file=file, line=text.count("\n", 0, match.start()) + 1, text=match[0].rstrip("\r"))
        for match in _MARKER.finditer(text)
    ]
    if lines:
        hint = "merge envgen.yaml first, then run `envgen lock`: it makes the lock anew"
        raise LockfileError(f"{file} holds merge markers", lines=lines, hint=hint)


def has_conflicts(text: str) -> bool:
    """Return whether a text has a whole conflict of git's in it."""
    ours, theirs = sides(text)
    return ours != theirs


def sides(text: str) -> tuple[str, str]:
    """Return the text as either side has it; what git could merge stands in both."""
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
    """Return a set of files as either side has it."""
    both = {name: sides(text) for name, text in texts.items()}
    return {name: ours for name, (ours, _) in both.items()}, {name: theirs for name, (_, theirs) in both.items()}
