"""The artifacts of a channel, as its repodata describes them, and a sequence that makes them as they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar, overload

from envgen.models.channel import Channel
from envgen.models.package_key import PackageKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One artifact's entry in a channel's repodata (CEP 36).

    `channel` is the channel's base URL without trailing slash; `md5` and `sha256` are lower-case hex or "";
    `timestamp` is in milliseconds since 1970 UTC, or None where the index has none; `noarch` is "", "python" or
    "generic"; `size` is in bytes.
    """

    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    channel: str
    url: str
    md5: str = ""
    sha256: str = ""
    size: int | None = None
    timestamp: int | None = None
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    track_features: tuple[str, ...] = ()
    license: str = ""
    noarch: str = ""
    python_site_packages_path: str = ""

    @property
    def key(self) -> PackageKey:
        return PackageKey("conda", self.name)

    @property
    def published(self) -> datetime | None:
        return None if self.timestamp is None else datetime.fromtimestamp(self.timestamp / 1000, UTC)

    @property
    def filename(self) -> str:
        return self.url.rsplit("/", 1)[-1]

    def __str__(self) -> str:
        """Render as `name=version=build`, the exact pin that environment.yml uses."""
        return f"{self.name}={self.version}={self.build}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualPackage:
    """A property of the system that records may depend on (CEP 30)."""

    name: str
    version: str
    build: str = "0"

    def __str__(self) -> str:
        """Render as `name=version=build`."""
        return f"{self.name}={self.version}={self.build}"


class OpenedIndex(Protocol):
    """A channel's files for rattler's solver to read by itself; its objects are opaque to everybody else."""

    @property
    def readings(self) -> Sequence[object]:
        """Return rattler's opened files; under strict priority, the first to have a name hides it in later ones."""

    def record(self, native: object) -> Record:
        """Return envgen's form of a record that was read from these files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRecords:
    """The records of one channel that a solve may use, for the target's subdir and noarch.

    `native` holds the same records as rattler's own objects where the index was read by rattler, so that its solver
    need not build them again; they are an opaque value for everybody else. An entry is None where the record was
    changed after the reading, and must be built from `records`. `labels` holds each record's name and URL, where
    they are known without looking at the record. Where `opened` is given it holds the same records, and the others
    are read when somebody looks at them.
    """

    channel: Channel
    records: Sequence[Record]
    native: Sequence[object | None] | None = field(default=None, compare=False)
    labels: Sequence[tuple[str, str]] | None = field(default=None, compare=False)
    opened: OpenedIndex | None = field(default=None, compare=False)


class Repodata(Protocol):
    """The records of some channels for one target, of which only what is asked for is read.

    Channels are in order of priority. exclude-newer is already applied.
    """

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Return the channels, highest priority first."""

    @property
    def origin(self) -> str:
        """Return what was read, without machine paths: `conda-forge`, or `starter index of 2026-08-01`."""

    @property
    def complete(self) -> bool:
        """Return whether an absent name means that the channel lacks it; False for the starter index."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the user must know of the reading: fallbacks, records without a date that were left out."""

    def names(self) -> frozenset[str]:
        """Return every package name that the channels have for the target."""

    def records(self, names: Iterable[str]) -> dict[str, tuple[Record, ...]]:
        """Read the records of these names alone; a name without any maps to ()."""

    def closure(self, names: Iterable[str]) -> tuple[ChannelRecords, ...]:
        """Read the records of these names and of all that they depend on, recursively, one entry a channel.

        An entry may hold others that were read before.
        """


def is_excluded(published: datetime | None, until: datetime) -> bool:
    """Return whether `exclude-newer` leaves a record out: it is newer than an aware instant, or nobody knows its age.

    The same for the records of a channel and for those of an earlier lock.
    """
    return published is None or published > until


T = TypeVar("T")


class LazySequence(Sequence[T]):
    """A sequence of `length` items, each made by a function of its index when it is first looked at, and kept.

    A solve of a few hundred packages reads thousands of records, most of which nobody ever looks at.
    """

    __slots__ = ("_length", "_made")

    def __init__(self, length: int | Callable[[], int], make: Callable[[int], T]) -> None:
        self._length = length
        self._made = _Made(make)

    @classmethod
    def of(cls, read: Callable[[], Sequence[T]]) -> LazySequence[T]:
        """Return a sequence that is read as a whole, by a function that remembers its answer."""
        return cls(lambda: len(read()), lambda index: read()[index])

    def __len__(self) -> int:
        """Count the items, made or not."""
        if not isinstance(self._length, int):
            self._length = self._length()
        return self._length

    def __iter__(self) -> Iterator[T]:
        """Yield the items in order, in a fraction of the time of the mixin's loop over `self[index]`."""
        return map(self._made.__getitem__, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        """Return one item, or several as a tuple."""
        if isinstance(index, slice):
            return tuple(map(self._made.__getitem__, range(len(self))[index]))
        return self._made[index if index in self._made else range(len(self))[index]]


class _Made(dict[int, T]):
    def __init__(self, make: Callable[[int], T]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, index: int) -> T:
        item = self[index] = self._make(index)
        return item
