"""Match specs (CEP 29); the home of rattler's version and spec engine."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

import rattler
from rattler.exceptions import InvalidMatchSpecError, InvalidVersionError, InvalidVersionSpecError

from envgen.models.record import Record, VirtualPackage

_LONGEST = 10_000  # characters of a spec: rattler goes down a level for each bracket, and dies of a hundred thousand
_NAME = re.compile(r"\s*(?:[^\s\[]*::)?([A-Za-z0-9_][A-Za-z0-9_.-]*)")


@dataclass(frozen=True, slots=True)
class MatchSpec:
    """A query that selects records, parsed once.

    `text` is what was written, with one space between the parts; two specs are equal when their texts are.
    """

    text: str
    name: str = field(compare=False)
    version: str = field(compare=False)
    build: str = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> MatchSpec:
        """Read a match spec; raise ValueError with the reason when it is none."""
        clean = " ".join(text.split())
        parsed = _rattler_spec(clean)
        name = parsed.name.normalized
        if not name:
            raise ValueError(f"not a match spec: `{text}` names no package")
        return cls(text=clean, name=name, version=parsed.version or "", build=parsed.build or "")

    @classmethod
    def readable(cls, texts: Iterable[str]) -> Iterator[MatchSpec]:
        """Yield the specs of a record, but for malformed ones, from which nothing follows."""
        for text in texts:
            with contextlib.suppress(ValueError):
                yield cls.parse(text)

    @staticmethod
    def name_of(text: str) -> str:
        """Return the name that a depends or constrains entry is about, in small letters; "" where it starts with none.

        Records have thousands of entries, of most of which only the names are wanted: nothing is parsed for that.
        """
        found = _NAME.match(text)
        return found[1].lower() if found else ""

    @classmethod
    def exact(cls, record: Record) -> MatchSpec:
        """Build the spec that only this record's version and build meet."""
        return cls.parse(f"{record.name}=={record.version}={record.build}")

    def matches(self, package: Record | VirtualPackage) -> bool:
        """Return whether a record or a virtual package meets the spec, by name, version, build and build number."""
        number = package.build_number if isinstance(package, Record) else 0
        return _matches(self.text, package.name, package.version, package.build, number)

    def matches_version(self, version: str) -> bool:
        """Return whether a version, whatever the build, meets the spec's version part."""
        return not self.version or version_matches(self.version, version)

    def __str__(self) -> str:
        """Render as it was written."""
        return self.text


# rattler parses in a few microseconds, but a solve or a proof asks the same few thousand texts again and again.


@cache
def _rattler_spec(text: str) -> rattler.MatchSpec:
    if len(text) > _LONGEST:
        raise ValueError(f"not a match spec: `{text[:40]}…` (it is too long)")
    try:
        return rattler.MatchSpec(text)
    except (InvalidMatchSpecError, ValueError) as error:
        raise ValueError(f"not a match spec: `{text}` ({_first_line(error)})") from error


@cache
def _rattler_version(text: str) -> rattler.Version:
    return rattler.Version(text)


@cache
def _version_spec(text: str) -> rattler.VersionSpec:
    if len(text) > _LONGEST:
        raise ValueError("it is too long")
    return rattler.VersionSpec(text)


@cache
def _matches(text: str, name: str, version: str, build: str, number: int) -> bool:
    return _rattler_spec(text).matches(_package(name, version, build, number))


@cache
def _package(name: str, version: str, build: str, number: int) -> rattler.PackageRecord:
    # A match spec of envgen's looks at no more than the first four; rattler demands the rest.
    return rattler.PackageRecord(
        name=name,
        version=version,
        build=rattler.BuildString.new_unchecked(build),
        build_number=number,
        subdir="noarch",
        arch=None,
        platform=None,
    )


def version_matches(spec: str, version: str) -> bool:
    """Return whether a version meets a conda version spec such as `>=1.2,<2`; raise ValueError for a malformed spec."""
    try:
        return _version_spec(spec).matches(_rattler_version(version))
    except (InvalidVersionSpecError, ValueError) as error:
        raise ValueError(f"not a version spec: `{spec}` ({_first_line(error)})") from error


@cache
def is_version(text: str) -> bool:
    """Return whether a text is a version that conda can compare (CEP 33)."""
    try:
        _rattler_version(text)
    except (InvalidVersionError, ValueError):
        return False
    return True


def newer(first: str, second: str) -> bool:
    """Return whether the first version sorts after the second in conda's order (CEP 33)."""
    return _rattler_version(first) > _rattler_version(second)


def version_key(text: str) -> rattler.Version:
    """Return a value that sorts as conda sorts versions."""
    return _rattler_version(text)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
