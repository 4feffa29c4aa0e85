"""Ranges of versions, as facts and users write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

_LEADING = re.compile(r"\d+(?:\.\d+)*")


@cache
def to_version(text: str) -> Version:
    """Return a version; what PEP 440 does not know (conda's `9e`) is read by its leading numbers."""
    try:
        return Version(text)
    except InvalidVersion:
        leading = _LEADING.match(text)
        return Version(leading.group() if leading else "0")


@cache
def satisfies(specifier: str, version: str) -> bool:
    """Return whether a version meets a specifier as its writer meant it, pre-releases included (PEP 440)."""
    return _specifiers(specifier).contains(to_version(version), prereleases=True)


@cache
def covers(scope: str, version: str) -> bool:
    """Return whether a fact about a range of releases speaks of a version.

    A pre-release or a local build counts as the release it is named after: what holds for `>=2.20` holds for 2.22.0rc0.
    """
    parsed = to_version(version)
    post = f".post{parsed.post}" if parsed.post is not None else ""
    release = ".".join(str(part) for part in parsed.release)
    return satisfies(scope, f"{release}{post}")


@cache
def overlaps(*specifiers: str) -> bool:
    """Return whether some version could meet all the specifiers.

    The ends of the ranges, and points just above them, stand for all versions, whether or not they were released.
    """
    return any(all(satisfies(text, probe) for text in specifiers) for probe in _probes(specifiers))


@cache
def escapes(specifier: str, scopes: tuple[str, ...]) -> bool:
    """Return whether some version could meet a specifier and be spoken of by none of the facts' ranges."""
    probes = _probes((specifier, *scopes))
    return any(satisfies(specifier, probe) and not any(covers(scope, probe) for scope in scopes) for probe in probes)


def named_versions(specifier: str) -> tuple[str, ...]:
    """Return the versions that a specifier spells out, as `2.15` for `==2.15.*`, the lowest first."""
    found = (item.version.removesuffix(".*") for item in _specifiers(specifier))
    return tuple(sorted(dict.fromkeys(found), key=to_version))


def minor_of(version: str) -> str:
    """Return a version's first two numbers, as `2.19`."""
    parsed = to_version(version)
    return f"{parsed.major}.{parsed.minor}"


def to_numbers(macos: str) -> tuple[int, int]:
    """Return a macOS version, `MAJOR.MINOR`, as numbers that can be compared."""
    major, minor = macos.split(".")
    return int(major), int(minor)


def joined(*specifiers: str) -> str:
    """Return the specifier that demands all of these, in `packaging`'s order."""
    return str(_specifiers(",".join(text for text in specifiers if text)))


@cache
def _specifiers(text: str) -> SpecifierSet:
    return SpecifierSet(text)


def _probes(specifiers: tuple[str, ...]) -> Iterator[str]:
    yield from ("0", "99999")
    for specifier in specifiers:
        for text in named_versions(specifier):
            yield text
            release = to_version(text).release
            yield ".".join(map(str, (*release, 0, 0, 1)))  # just above it
            yield ".".join(map(str, (*release[:-1], release[-1] + 1)))  # the next of as many numbers: outside `.*`
