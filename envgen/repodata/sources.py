"""One channel as rattler reads it, by its URL or from the files of a folder; records in its form and in ours."""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from urllib.parse import urlsplit

import rattler
import zstandard
from rattler import RepoDataRecord
from rattler.exceptions import InvalidChannelError

from envgen.errors import RepodataError
from envgen.models.channel import Channel
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.secrets import without_secrets
from envgen.repodata.locations import Place
from envgen.system.lifetime import scratch_folder
from envgen.system.settings import Ceiling

Reading = rattler.Channel | rattler.SparseRepoData
_LIMIT: int = Ceiling.REPODATA
_CHUNK = 1024 * 1024
_HINT = "make the copy again"
_NAME = re.compile(r"[._-]*[A-Za-z0-9][A-Za-z0-9._-]*")
_LONGEST_TEXT = 4096  # bytes of a record's text: rattler goes down a level for each bracket, and dies of ten thousands
TOO_LONG = "it has a text that is far longer than any of a package"
_BASE_URL = re.compile(rb'"base_url"\s*:\s*("(?:[^"\\]|\\.)*")')
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What rattler reads a channel from: its URL, or one opened file a subdir, which makes it an `OpenedIndex`.

    `names` are all the package names of the target's subdirs.
    """

    channel: Channel
    place: Place
    readings: tuple[Reading, ...]
    names: frozenset[str]
    notes: tuple[str, ...] = field(default=())

    def load(self, names: Sequence[str]) -> list[rattler.RepoDataRecord]:
        """Read the records of these names from opened files; raise OSError for a record that is none.

        Twice as fast as the same question to rattler's gateway, which is there for what comes over http(s).
        """
        opened = [reading for reading in self.readings if isinstance(reading, rattler.SparseRepoData)]
        return [record for reading in opened for name in names for record in reading.load_records(name)]

    def record(self, native: object) -> Record:
        """Convert a record; raise TypeError for what is none of rattler's."""
        if not isinstance(native, rattler.RepoDataRecord):
            raise TypeError(f"not a record of rattler's: {native!r}")
        (adopted,) = self.adopt([native])
        return to_record(adopted, self.channel.url)

    def adopt(self, native: Sequence[rattler.RepoDataRecord]) -> list[rattler.RepoDataRecord]:
        """Return rattler's records under the channel's own URLs, sorted by them, without what a `.conda` twin replaces.

        A URL that the index itself moved elsewhere (CEP 15's `base_url`) is kept, except by a mirror.
        """
        own = f"{self.channel.url}/"
        kept = _without_twins(native) if self.place.url else native
        pairs = sorted(((record.url, record) for record in kept), key=itemgetter(0))
        strange = [(url, record) for url, record in pairs if not url.startswith(own)]
        if strange:
            base = rattler_channel(self.channel, self.place.url or self.channel.url).base_url
            for url, record in strange:
                record.url = self._adopted_url(url, record, base)
                record.channel = own
        return [record for _, record in pairs]

    def _adopted_url(self, url: str, record: rattler.RepoDataRecord, base: str) -> str:
        """Return a record's URL as the channel itself has it; raise RepodataError where a channel may not send one."""
        own = f"{self.channel.url}/"
        if url.startswith(base):
            return own + url.removeprefix(base)
        if self.place.mirror:
            return f"{own}{record.subdir}/{record.file_name}"
        if own.startswith("http") and not url.startswith(("https://", "http://")):
            raise RepodataError(
                f"channel `{self.channel}` has packages at an address that no channel on the web may name: `{url}`",
                hint="tell its maintainers: the `base_url` of its index must be an http(s) address",
            )
        return without_secrets(url)


def labels_of(native: Sequence[rattler.RepoDataRecord]) -> list[tuple[str, str]]:
    """Return the name and the URL of each record; the name is that of its file, as rattler files records."""
    urls = [record.url for record in native]
    return [(url.rsplit("/", 1)[-1].rsplit("-", 2)[0], url) for url in urls]


def _without_twins(native: Sequence[rattler.RepoDataRecord]) -> list[rattler.RepoDataRecord]:
    """Drop each `.tar.bz2` whose `.conda` is there too; rattler itself does so for flat indexes, not for shards."""
    names = [(record.file_name, record) for record in native]
    conda = {(name.removesuffix(".conda"), record.subdir) for name, record in names if name.endswith(".conda")}
    return [
        record
        for name, record in names
        if name.endswith(".conda") or (name.removesuffix(".tar.bz2"), record.subdir) not in conda
    ]


def rattler_channel(channel: Channel, url: str) -> rattler.Channel:
    """Build rattler's channel for a base URL; raise RepodataError for a URL that it refuses."""
    try:
        return rattler.Channel(url, rattler.ChannelConfig(root_dir="/"))  # its own would be the current folder
    except InvalidChannelError as error:
        raise RepodataError(
            f"channel `{channel}` has no valid URL: `{channel.url}`", hint="check its spelling"
        ) from error


def open_folder(channel: Channel, place: Place, folder: Path, platform: Platform) -> Source:
    """Open the indexes of the target's subdirs; raise RepodataError naming the file that cannot be used.

    noarch must be there (CEP 26); a missing platform is a note. Records are read later, name by name.
    """
    if not folder.is_dir():
        raise RepodataError(
            f"channel `{channel}` has no folder `{place.shown}`",
            hint="give the folder that holds noarch/repodata.json",
        )
    files = {subdir: _index_file(folder / subdir) for subdir in platform.subdirs}
    if files["noarch"] is None:
        raise RepodataError(
            f"channel `{channel}` has no noarch/repodata.json in `{place.shown}`",
            hint="give the folder that holds noarch/repodata.json",
        )
    found = [(subdir, file) for subdir, file in files.items() if file is not None]
    with ThreadPoolExecutor(max_workers=len(found)) as pool:
        opened = list(pool.map(lambda item: open_index(channel, *item), found))
    names = frozenset[str]().union(*(index_names(sparse) for sparse in opened))
    missing = (f"channel `{channel}` has no index for {platform.subdir}, noarch alone",)
    return Source(
        channel=channel,
        place=place,
        readings=tuple(opened),
        names=names,
        notes=() if files[platform.subdir] else missing,
    )


def open_index(channel: Channel, subdir: str, file: Path) -> rattler.SparseRepoData:
    """Open one index file, after a look at its shape; raise RepodataError naming it."""
    base = rattler_channel(channel, channel.url)
    try:
        if file.suffix == ".zst":
            with scratch_folder() as scratch:  # rattler keeps the file mapped
                plain = scratch / "repodata.json"
                _decompress(file, plain)
                _refuse_faults(plain, shown=file)
                return _checked(rattler.SparseRepoData(base, subdir, plain), subdir, plain, shown=file)
        if file.stat().st_size > _LIMIT:
            raise broken_index(file, f"it has more than {_LIMIT:,} bytes")
        _refuse_faults(file, shown=file)
        return _checked(rattler.SparseRepoData(base, subdir, file), subdir, file, shown=file)
    except (OSError, zstandard.ZstdError) as error:
        raise broken_index(file, str(error)) from error


def fault_of_texts(file: Path) -> str:
    """Return why an index would end rattler's process, or make it panic, once it is read; "" where nothing does."""
    if not file.stat().st_size:
        return ""
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        starts = range(0, len(content) - _LONGEST_TEXT, _LONGEST_TEXT)
        if any(content.find(b'"', start, start + _LONGEST_TEXT) < 0 for start in starts):  # looks at a few bytes each
            return TOO_LONG
        first = content.find(b'"base_url"')  # twice as quick as the pattern
        addresses = _BASE_URL.findall(content, first) if first >= 0 else ()
        return "" if all(map(_is_address, addresses)) else "its `base_url` is no address"


def is_too_long(record: rattler.RepoDataRecord) -> bool:
    """Return whether a record that came in no file has a text that would end rattler's process."""
    return any(len(text) > _LONGEST_TEXT for texts in (record.depends, record.constrains) for text in texts)


def _is_address(literal: bytes) -> bool:
    """Return whether a JSON string is a relative URL, or one of a host that can be."""
    try:
        parts = urlsplit(json.loads(literal))
        return (not parts.scheme or bool(parts.netloc) or parts.scheme == "file") and (
            not parts.netloc or (bool(_HOST.fullmatch(_host(parts.netloc))) and parts.port != 0)
        )
    except ValueError:  # no JSON, no port, no IPv6 address
        return False


def _host(netloc: str) -> str:
    return re.sub(r":\d*$", "", netloc.rsplit("@", 1)[-1])


def _refuse_faults(file: Path, *, shown: Path) -> None:
    fault = fault_of_texts(file)
    if fault:
        raise broken_index(shown, fault)


def broken_index(file: Path, reason: str) -> RepodataError:
    """Make an error of a file that is no index."""
    return RepodataError(f"{file} is no repodata index: {reason.strip().splitlines()[0]}", hint=_HINT)


def _index_file(folder: Path) -> Path | None:
    candidates = (folder / "repodata.json", folder / "repodata.json.zst")
    return next((file for file in candidates if file.is_file()), None)


def _decompress(file: Path, plain: Path) -> None:
    size = 0
    with file.open("rb") as source, plain.open("wb") as target:
        for chunk in zstandard.ZstdDecompressor().read_to_iter(source, write_size=_CHUNK):
            size += len(chunk)
            if size > _LIMIT:
                raise broken_index(file, f"it unpacks to more than {_LIMIT:,} bytes")
            target.write(chunk)


def _checked(sparse: rattler.SparseRepoData, subdir: str, file: Path, *, shown: Path) -> rattler.SparseRepoData:
    """Refuse what rattler takes for an index without records, and another subdir's index."""
    names = sparse.package_names()
    if not names and not _has_packages(file):
        raise broken_index(shown, "it has no `packages`")
    first = sparse.load_records(names[0]) if names and _NAME.fullmatch(names[0]) else []
    if first and first[0].subdir != subdir:
        raise broken_index(shown, f"it describes {first[0].subdir}, not {subdir}")
    return sparse


def _has_packages(file: Path) -> bool:
    if file.stat().st_size > Ceiling.TEXT:  # without a package
        return False
    try:
        data = json.loads(file.read_bytes())
    except ValueError:  # rattler does not look into what it skips
        return False
    return isinstance(data, dict) and ("packages" in data or "packages.conda" in data)


def index_names(sparse: rattler.SparseRepoData) -> set[str]:
    """Return the package names of an opened index, without what is no name."""
    return {name for name in sparse.package_names() if _NAME.fullmatch(name)}


def broken_record(source: Source) -> RepodataError | None:
    """Look for the record that cannot be read, after a reading has failed."""
    for reading in source.readings:
        if isinstance(reading, rattler.SparseRepoData):
            for name in sorted(index_names(reading)):
                try:
                    reading.load_records(name)
                except OSError as error:
                    file = f"{source.place.shown}/{reading.subdir}/repodata.json"
                    return RepodataError(
                        f"{file} has a broken record of `{name}`: {str(error).splitlines()[0]}", hint=_HINT
                    )
    return None


_LARGEST = 1 << 53  # bytes: a lock holds no more
_MILLISECOND = timedelta(milliseconds=1)
_START = datetime(1970, 1, 1, tzinfo=UTC) - _MILLISECOND / 2  # rounds: rattler's datetimes went through a float


def to_record(native: RepoDataRecord, channel: str) -> Record:
    """Convert one record; `channel` is the channel's base URL without trailing slash."""
    md5, sha256, timestamp, noarch = native.md5, native.sha256, native.timestamp, native.noarch
    size = native.size
    return Record(
        name=native.name.normalized,
        version=str(native.version),
        build=str(native.build),
        build_number=native.build_number,
        subdir=native.subdir,
        channel=channel,
        url=native.url,
        md5=md5.hex() if md5 else "",
        sha256=sha256.hex() if sha256 else "",
        size=size if size is not None and size < _LARGEST else None,
        timestamp=(timestamp - _START) // _MILLISECOND if timestamp and timestamp >= _START else None,
        depends=tuple(native.depends),
        constrains=tuple(native.constrains),
        track_features=tuple(native.track_features),
        license=native.license or "",
        noarch="python" if noarch.python else "generic" if noarch.generic else "",
        python_site_packages_path=native.python_site_packages_path or "",
    )


Packed = dict[str, dict[str, object]]
_LEFT_OUT = ("channel", "url")


def packed(records: Iterable[Record]) -> dict[str, Packed]:
    """Return the repodata of each subdir, in a fixed order whatever that of the records.

    A record goes to the subdir that its URL names; channel and URL are not kept.
    """
    by_subdir: dict[str, Packed] = {}
    for record in sorted(records, key=lambda record: record.url):
        subdir = record.url.rsplit("/", 2)[-2]
        repodata = by_subdir.setdefault(subdir, {"info": {"subdir": subdir}, "packages": {}, "packages.conda": {}})
        kind = "packages.conda" if record.filename.endswith(".conda") else "packages"
        repodata[kind][record.filename] = _entry(record)
    return by_subdir


def _entry(record: Record) -> dict[str, object]:
    fields = {name: value for name, value in asdict(record).items() if name not in _LEFT_OUT}
    kept = {name: value for name, value in fields.items() if value not in ("", (), None)}
    return {**kept, "depends": record.depends}
