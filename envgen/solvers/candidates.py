"""The records of a request that a solver may choose from."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import rattler

from envgen.errors import SolveError, UnsupportedOptionError
from envgen.models.match_spec import MatchSpec
from envgen.models.record import ChannelRecords, LazySequence, Record
from envgen.models.solve import RootSpec, SolveRequest, SolverName

_OLD, _NEW = ".tar.bz2", ".conda"
_MANY = 60_000
_PART = re.compile(r'[\[,](\w+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\])')
_GIVEN = frozenset({"version", "build"})
_PLACES = frozenset({"channel", "subdir", "fn", "url"})
_ATTRIBUTES = frozenset({"build_number", "md5", "sha256", "license", "track_features"})

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class NameIndex:
    """The positions of one channel's records, by package name and by URL.

    Positions count in the channel's `records`, and as well in its `native`. Names and URLs are sorted, because solvers
    let the order of the records break ties; a `.tar.bz2` beside a `.conda` of the same stem is left out, as conda does.
    """

    by_name: Mapping[str, Sequence[int]]
    by_url: Mapping[str, int]

    @classmethod
    def of(cls, names_and_urls: Iterable[tuple[str, str]]) -> NameIndex:
        """Index records, given the name and the URL of each."""
        by_url: dict[str, int] = {}
        names: dict[str, list[str]] = {}
        for position, (name, url) in enumerate(names_and_urls):
            if by_url.setdefault(url, position) == position:
                names.setdefault(name, []).append(url)
        twins = {url for url in by_url if url.endswith(_OLD) and url.removesuffix(_OLD) + _NEW in by_url}
        by_name = {name: [by_url[url] for url in sorted(names[name]) if url not in twins] for name in sorted(names)}
        return cls(by_name=by_name, by_url=by_url)


def candidates(request: SolveRequest, indexes: Sequence[NameIndex]) -> list[Mapping[str, Sequence[int]]]:
    """Return, for each channel of the request, the positions of the records that may be chosen, by name.

    Under strict priority a name that a channel has is hidden in every channel below it, whatever its version and
    whoever asks for it. That is libmamba's meaning; rattler alone would let a named spec through. Specs that name a
    channel, a hash or the like leave out the records that they exclude.
    """
    visible = [index.by_name for index in indexes]
    if request.channel_priority == "strict":
        visible = _hide(visible)
    for name, specs in selective((*request.specs, *request.constraints)).items():
        for number, (entry, by_name) in enumerate(zip(request.channels, visible, strict=True)):
            chosen = [i for i in by_name.get(name, ()) if all(selects(spec, entry.records[i]) for spec in specs)]
            visible[number] = {**by_name, name: chosen}
    return visible


def _hide(visible: Sequence[Mapping[str, Sequence[int]]]) -> list[Mapping[str, Sequence[int]]]:
    seen: set[str] = set()
    result: list[Mapping[str, Sequence[int]]] = []
    for by_name in visible:
        hidden = seen.intersection(by_name)
        result.append({name: found for name, found in by_name.items() if name not in hidden} if hidden else by_name)
        seen.update(by_name)
    return result


def labels(entry: ChannelRecords) -> Sequence[tuple[str, str]]:
    """Return each record's name and URL, if possible without looking at the records, which may be converted lazily."""
    return entry.labels if entry.labels is not None else [(record.name, record.url) for record in entry.records]


def picked(entry: ChannelRecords, positions: Sequence[int]) -> ChannelRecords:
    """Return some of a channel's records, without looking at them."""
    return ChannelRecords(
        channel=entry.channel,
        records=LazySequence(len(positions), lambda index: entry.records[positions[index]]),
        native=None if entry.native is None else [entry.native[position] for position in positions],
        labels=None if entry.labels is None else [entry.labels[position] for position in positions],
    )


class Remembered(Generic[K, T]):
    """What a solver made of objects, so that solving again with nearly the same records is cheap.

    Objects are recognised by identity, since comparing records takes longer than making the most of them anew; the
    `limit` that were used last are kept.
    """

    def __init__(self, make: Callable[[K], T], *, limit: int = _MANY) -> None:
        self._make = make
        self._limit = limit
        self._known: OrderedDict[int, tuple[K, T]] = OrderedDict()

    def knows(self, item: K) -> bool:
        return id(item) in self._known

    def __call__(self, item: K) -> T:
        """Return what was made of an object, or is made now."""
        known = self._known.get(id(item))
        if known is None:
            known = self._known[id(item)] = (item, self._make(item))
            if len(self._known) > self._limit:
                self._known.popitem(last=False)
        self._known.move_to_end(id(item))
        return known[1]


def record_of(url: str, entries: Sequence[ChannelRecords], indexes: Sequence[NameIndex], solver: SolverName) -> Record:
    """Return the record that a solver chose, by its URL; raise SolveError where it was not given to it."""
    for entry, index in zip(entries, indexes, strict=True):
        position = index.by_url.get(url)
        if position is not None:
            return entry.records[position]
    raise SolveError(f"{solver} chose a record that it was not given: {url}")


def bracketed(spec: MatchSpec) -> str:
    """Render name, version and build as `name[version="…",build="…"]`, which every parser reads alike."""
    parts = [("version", spec.version), ("build", spec.build)]
    text = ",".join(f'{key}="{value}"' for key, value in parts if value not in ("", "*"))
    return f"{spec.name}[{text}]" if text else spec.name


def spaced(spec: MatchSpec) -> str:
    """Render name, version and build as repodata writes them: `name version build`."""
    if spec.build in ("", "*"):
        return spec.name if spec.version in ("", "*") else f"{spec.name} {spec.version}"
    return f"{spec.name} {spec.version or '*'} {spec.build}"


def selective(specs: Iterable[RootSpec]) -> Mapping[str, Sequence[MatchSpec]]:
    """Collect, by name, the specs that say more than name, version and build.

    Raise UnsupportedOptionError for a part that no two solvers understand alike (`extras`, `when`, `flags`).
    """
    found: dict[str, list[MatchSpec]] = {}
    for root in specs:
        if "[" not in root.spec.text and ":" not in root.spec.text:
            continue
        parts = _parts(root.spec).keys() - _GIVEN
        if unknown := sorted(parts - _PLACES - _ATTRIBUTES):
            raise UnsupportedOptionError(
                f"`{root.spec}` says `{unknown[0]}`, which envgen cannot solve for",
                lines=[root.origin.line] if root.origin.line else [],
                hint=f"leave `{unknown[0]}` out of the match spec",
            )
        if parts:
            found.setdefault(root.spec.name, []).append(root.spec)
    return found


def selects(spec: MatchSpec, record: Record) -> bool:
    """Return whether a record meets every part of a spec: also its channel, subdir, file name, hashes and licence."""
    parts = _parts(spec)
    channel = rattler.MatchSpec(spec.text).channel
    places = {"subdir": record.subdir, "fn": record.filename, "url": record.url}
    return (
        (channel is None or channel.base_url.rstrip("/") == record.channel)
        and all(value == parts.get(key, value) for key, value in places.items())
        and rattler.MatchSpec(spec.text).matches(_package_record(record))
    )


def _parts(spec: MatchSpec) -> dict[str, str]:
    canonical = rattler.MatchSpec(spec.text).to_canonical_string()
    return {key: value.strip('"') for key, value in _PART.findall(canonical)}


def _package_record(record: Record) -> rattler.PackageRecord:
    package = rattler.PackageRecord(
        name=record.name,
        version=record.version,
        build=rattler.BuildString.new_unchecked(record.build),
        build_number=record.build_number,
        subdir=record.subdir,
        md5=bytes.fromhex(record.md5) if record.md5 else None,
        sha256=bytes.fromhex(record.sha256) if record.sha256 else None,
        license=record.license or None,
    )
    package.track_features = list(record.track_features)
    return package
