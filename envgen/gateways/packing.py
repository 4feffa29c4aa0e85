"""Write records as the repodata that they came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from envgen.models.record import Record

Packed = dict[str, dict[str, object]]
_LEFT_OUT = ("channel", "url")


def packed(records: Iterable[Record]) -> dict[str, Packed]:
    """Give the repodata of each subdir, in a fixed order whatever that of the records.

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
