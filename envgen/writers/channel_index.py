"""Write the repodata of records, such that a folder of their archives is a channel (CEP 36)."""

from __future__ import annotations

import json
from collections.abc import Iterable

from envgen.models.record import Record

_LEFT_OUT = frozenset({"channel", "url"})
_ALWAYS = frozenset({"depends", "build_number"})


def repodata_text(subdir: str, records: Iterable[Record]) -> str:
    """Give the repodata.json of one subdir; the same records, in whatever order, give the same text."""
    entries: dict[str, dict[str, dict[str, object]]] = {"packages": {}, "packages.conda": {}}
    for record in sorted(records, key=lambda record: record.filename):
        kind = "packages.conda" if record.filename.endswith(".conda") else "packages"
        entries[kind][record.filename] = _entry(record)
    data = {"info": {"subdir": subdir}, **entries, "removed": [], "repodata_version": 1}
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _entry(record: Record) -> dict[str, object]:
    fields = {name: getattr(record, name) for name in Record.__dataclass_fields__ if name not in _LEFT_OUT}
    return {name: value for name, value in fields.items() if name in _ALWAYS or value not in ("", (), None)}
