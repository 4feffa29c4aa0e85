"""Records between rattler's form, envgen's own, and repodata."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from rattler import RepoDataRecord

from envgen.models.record import Record

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
