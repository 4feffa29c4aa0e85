"""The starter index: a small dated piece of conda-forge that the wheel ships.

The file is one zstd frame around lines of JSON: a header (`format`, `date`, `channel`, `subdirs`), then the repodata of
each of those subdirs, in that order. It holds no URLs: records get the channel's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import zstandard

import envgen
from envgen.errors import RepodataError
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.platform import Platform
from envgen.models.record import Record, Repodata
from envgen.repodata.gateway import ChannelsRepodata
from envgen.repodata.locations import Place
from envgen.repodata.sources import Source, index_names, open_index, packed
from envgen.system.lifetime import scratch_folder
from envgen.system.settings import Ceiling

FORMAT = 1
STARTER_FILE = Path(envgen.__file__).parent / "starter" / "conda-forge.json.zst"
_LEVEL = 19
_HINT = "install envgen again; or read a channel with --mirror conda-forge=PATH_OR_URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterHeader:
    """The first line of a starter index: `date` is an ISO date, that of the index it was made from."""

    format: int
    date: str
    channel: str
    subdirs: tuple[str, ...]


def write_starter(records: Iterable[Record], made_from: date, channel: Channel = CONDA_FORGE) -> bytes:
    """Pack records of a channel, in any order, into the bytes of a starter index.

    The same records give the same bytes, with one version of zstandard. Raises ValueError for a record whose URL is not
    the channel's own, because the URL is not kept.
    """
    known = list(records)
    for record in known:
        if record.url != f"{channel.url}/{record.url.rsplit('/', 2)[-2]}/{record.filename}":
            raise ValueError(f"not a record of {channel}: {record.url}")
    by_subdir = packed(known)
    header = StarterHeader(
        format=FORMAT, date=made_from.isoformat(), channel=channel.name, subdirs=tuple(sorted(by_subdir))
    )
    lines = [asdict(header), *(by_subdir[subdir] for subdir in header.subdirs)]
    text = "".join(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines)
    return zstandard.ZstdCompressor(level=_LEVEL).compress(text.encode())


def may_stand_in(channels: tuple[Channel, ...], *, first: bool, redirected: bool) -> bool:
    """Return whether the starter index may serve for channels that cannot be reached.

    It serves for conda-forge alone, for an environment that has no lock yet (`first`) and a call without channels or
    mirrors of its own (`redirected`): an older index must never move packages that somebody relies on.
    """
    return first and not redirected and channels == (CONDA_FORGE,)


def open_starter(platform: Platform, *, exclude_newer: datetime | None = None, file: Path = STARTER_FILE) -> Repodata:
    """Open the starter index that was shipped; raise RepodataError where it does not serve the target."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise RepodataError("this envgen has no starter index", hint=_HINT) from error
    return read_starter(data, platform, exclude_newer=exclude_newer)


def read_starter(data: bytes, platform: Platform, *, exclude_newer: datetime | None = None) -> Repodata:
    """Open the bytes of a starter index as repodata that is not complete.

    Raises:
        RepodataError: the bytes are damaged, of another format, or hold nothing for the target.
    """
    header, lines = _unpack(data)
    if platform.subdir not in header.subdirs:
        others = ", ".join(subdir for subdir in header.subdirs if subdir != "noarch")
        raise RepodataError(f"the starter index has nothing for {platform.subdir}, only for {others}", hint=_HINT)
    channel = Channel.parse(header.channel)
    with scratch_folder() as scratch:  # rattler keeps the files mapped
        opened = []
        for subdir, line in zip(header.subdirs, lines, strict=True):
            if subdir in platform.subdirs:
                file = scratch / f"{subdir}.json"
                file.write_bytes(line)
                opened.append(open_index(channel, subdir, file))
    origin = f"starter index of {header.date}"
    source = Source(
        channel=channel,
        place=Place(shown=f"the {origin}"),
        readings=tuple(opened),
        names=frozenset[str]().union(*(index_names(index) for index in opened)),
        notes=(
            f"solved against the {origin}, which envgen ships: `{channel}` was not asked, or could not be reached; "
            "run `envgen lock --upgrade` where it can be",
        ),
    )
    return ChannelsRepodata([source], platform, exclude_newer=exclude_newer, starter=origin)


def _unpack(data: bytes) -> tuple[StarterHeader, list[bytes]]:
    try:
        text = zstandard.ZstdDecompressor().decompress(data, max_output_size=Ceiling.STARTER)
        head, *lines = text.splitlines()
        found = json.loads(head)
        if found["format"] != FORMAT:
            raise RepodataError(f"the starter index has format {found['format']}, not {FORMAT}", hint=_HINT)
        header = StarterHeader(
            format=FORMAT,
            date=date.fromisoformat(found["date"]).isoformat(),
            channel=str(found["channel"]),
            subdirs=tuple(found["subdirs"]),
        )
        if len(lines) != len(header.subdirs):
            raise ValueError("lines are missing")
    except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
        raise RepodataError("the starter index is damaged", hint=_HINT) from error
    return header, lines
