"""Tell whether specs of the two worlds can be met together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from envgen.models.match_spec import MatchSpec

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


def can_meet(wanted: SpecifierSet, spec: MatchSpec | SpecifierSet) -> bool:
    """Tell whether some version could meet a specifier and another, or the version part of a match spec.

    The versions that they spell out, and points just below and above them, stand for all versions, whether or not they
    were released.
    """
    return any(wanted.contains(probe, prereleases=True) and _meets(spec, probe) for probe in _probes(wanted, spec))


def _meets(spec: MatchSpec | SpecifierSet, version: str) -> bool:
    if isinstance(spec, MatchSpec):
        return spec.matches_version(version)
    return spec.contains(version, prereleases=True)


def _probes(*specs: MatchSpec | SpecifierSet) -> Iterator[str]:
    yield from ("0", "99999")
    for text in (spec.version if isinstance(spec, MatchSpec) else str(spec) for spec in specs):
        for found in dict.fromkeys([*_versions(text), *_NUMBERS.findall(text)]):
            release = Version(found).release
            yield found
            yield from _around(release)


def _around(release: tuple[int, ...]) -> Iterator[str]:
    """Give a point just above a release, the release after it, and one below it."""
    yield ".".join(map(str, (*release, 0, 0, 1)))
    yield ".".join(map(str, (*release[:-1], release[-1] + 1)))
    if lower := _below(release):
        yield ".".join(map(str, lower))


def _below(release: Iterable[int]) -> tuple[int, ...]:
    numbers = list(release)
    while numbers and not numbers[-1]:
        numbers.pop()
    return (*numbers[:-1], numbers[-1] - 1, 99999) if numbers else ()


def _versions(text: str) -> Iterator[str]:
    """List the whole versions that a text spells out, pre-releases and the like included."""
    for part in re.split(r"[,|\s=<>!~]+", text):
        try:
            yield str(Version(part.removesuffix(".*").removesuffix("*").rstrip(".")))
        except InvalidVersion:
            continue
