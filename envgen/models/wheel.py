"""The wheels of PyPI that fit a target, as a resolver is asked for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Protocol

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from envgen.models.package_key import PackageKey
from envgen.models.platform import LINUX_GLIBC, Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """The one wheel of a distribution that the target's pip would choose.

    `name` is canonical (PEP 503), `sha256` lower-case hex, `size` in bytes or None.
    """

    name: str
    version: str
    filename: str
    url: str = field(repr=False)  # an index may have put a token into it
    sha256: str
    size: int | None = None

    @property
    def key(self) -> PackageKey:
        return PackageKey("pypi", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageIndex:
    """A package index that a manifest names; `packages`, if any, come from it alone, and nothing else does.

    Names are canonical (PEP 503) and sorted. As a text, which a lock has: `URL`, or `one,other=URL`.
    """

    url: str
    packages: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> PackageIndex:
        """Read the text of one."""
        names, equals, url = text.partition("=")
        if not equals or "://" in names:
            return cls(url=text)
        return cls(url=url, packages=tuple(names.split(",")))

    def __str__(self) -> str:
        """Render as a lock has it."""
        return f"{','.join(self.packages)}={self.url}" if self.packages else self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelMetadata:
    """The core metadata that a proof needs, read from the very wheel that was chosen."""

    name: str
    version: str
    requires_dist: tuple[str, ...] = ()
    requires_python: str = ""
    provides_extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Stub:
    """A distribution that conda provides, with conda's version made PEP 440."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveRequest:
    """Everything that a PyPI resolution for one target depends on.

    All texts are PEP 508. `stubs` are provided by conda: they satisfy requirements and are left out of the answer.
    `exclude_newer` is an aware UTC instant. `preferred` are wheels of an earlier answer, which are taken again where
    nothing stands against them. `known` is what certain wheels require, whatever their own metadata says.
    """

    platform: Platform
    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    stubs: tuple[Stub, ...] = ()
    exclude_newer: datetime | None = None
    preferred: tuple[Wheel, ...] = ()
    known: tuple[WheelMetadata, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The wheels that meet a request, sorted by name, without the stubs; `notes` are for the user.

    `wheelless` are names that keep a requirement from a newer version, because some of them have no wheel that fits.
    `runs` is the number of a resolver's runs that it took.
    """

    wheels: tuple[Wheel, ...]
    notes: tuple[str, ...] = ()
    wheelless: tuple[str, ...] = ()
    runs: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectReleases:
    """The releases of a project that a target's pip could take, by file names, Requires-Python and yanks alone.

    `fitting` has the newest of each minor series, newest first, of the latest few series; `published` has the instant
    of each release's first upload, whatever the release, where the index says it. `later` is the newest release that
    only a newer macOS would take, "" where none is, and `macos` that macOS.
    """

    fitting: tuple[str, ...] = ()
    published: Mapping[str, datetime] = field(default_factory=dict)
    later: str = ""
    macos: str = ""


class PypiResolver(Protocol):
    """A resolver of PyPI's distributions for a target."""

    def releases(
        self, wanted: Mapping[str, str], platform: Platform, until: datetime | None
    ) -> Mapping[str, ProjectReleases]:
        """Return the releases of projects within specifiers, by name, uploaded before an instant.

        A project that no index has is left out. PypiUnreachableError where an index does not answer.
        """

    def resolve(self, request: ResolveRequest) -> Resolution:
        """Return the wheels that meet the request; raise PypiUnsatisfiableError when none do."""

    def metadata(self, wheel: Wheel) -> WheelMetadata:
        """Read the core metadata of this very wheel."""

    def metadata_many(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        """Read the core metadata of many wheels side by side, in the order asked."""

    def release_metadata(self, name: str, version: str, platform: Platform) -> WheelMetadata | None:
        """Read the core metadata of a release, from the wheel that fits a target if one does; None without a wheel."""


_LEGACY_MANYLINUX: Mapping[tuple[int, int], str] = {
    (2, 17): "manylinux2014",
    (2, 12): "manylinux2010",
    (2, 5): "manylinux1",
}
_MOST_TAGS = 10_000
_OLDEST_GLIBC: Mapping[str, int] = {"x86_64": 5, "aarch64": 17}


@cache
def target_tags(platform: Platform) -> tuple[Tag, ...]:
    """Return the tags that the target's pip accepts (PEP 425), best first; nothing of the host enters.

    macOS minors after 10 do not count: pip on macOS 14.5 takes `macosx_14_0`, never `macosx_14_5`.
    """
    python = platform.python_version
    interpreter = f"cp{python[0]}{python[1]}"
    systems = tuple(_system_tags(platform))
    return (
        *cpython_tags(python, abis=(interpreter,), platforms=systems),
        *compatible_tags(python, interpreter=interpreter, platforms=systems),
    )


def wheel_parts(filename: str) -> tuple[str, Version, tuple[int, str] | tuple[()], frozenset[Tag]]:
    """Return the name, version, build and tags of a wheel's file name; raise ValueError where it is none.

    A name of some thousand letters can say some million tags, which no wheel has.
    """
    sets = [part.count(".") + 1 for part in filename.removesuffix(".whl").split("-")[-3:]]
    if math.prod(sets) > _MOST_TAGS:
        raise InvalidWheelFilename(f"Invalid wheel filename (too many tags): {filename[:80]}…")
    return parse_wheel_filename(filename)


def wheel_tags(filename: str) -> frozenset[Tag]:
    """Read the tags of a wheel's file name; raise ValueError where it is not a valid wheel name."""
    try:
        return wheel_parts(filename)[3]
    except ValueError as error:
        raise ValueError(f"not a wheel: `{filename}` ({error})") from error


def wheel_rank(filename: str, platform: Platform) -> int | None:
    """Return the place of the wheel's best tag among the target's, 0 being the best, or None where none fits.

    Of two wheels of one release pip takes the lower rank. A file whose name is no valid wheel name fits nothing.
    """
    ranks = _ranks(platform)
    try:
        tags = wheel_tags(filename)
    except ValueError:
        return None
    return min((ranks[tag] for tag in tags if tag in ranks), default=None)


@cache
def _ranks(platform: Platform) -> Mapping[Tag, int]:
    return MappingProxyType({tag: rank for rank, tag in enumerate(target_tags(platform))})


def _system_tags(platform: Platform) -> Iterator[str]:
    machine = platform.markers()["platform_machine"]
    if platform.is_mac:
        yield from mac_platforms(platform.macos_version, machine)
        return
    yield f"linux_{machine}"
    newest = int(LINUX_GLIBC.split(".")[1])
    for minor in range(newest, _OLDEST_GLIBC[machine] - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if legacy := _LEGACY_MANYLINUX.get((2, minor)):
            yield f"{legacy}_{machine}"
