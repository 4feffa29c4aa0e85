"""Read the real partial channel beside the checkout as records."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from envgen.models.channel import CONDA_FORGE
from envgen.models.record import ChannelRecords, Record

ROOT = Path(__file__).parents[2] / ".." / "shared" / "channel" / "conda-forge"


@cache
def by_name(subdir: str = "osx-arm64") -> dict[str, list[Record]]:
    """Read every record for a target, by name."""
    found: dict[str, list[Record]] = defaultdict(list)
    for folder in (subdir, "noarch"):
        index = json.loads((ROOT / folder / "repodata.json").read_bytes())
        for group in ("packages", "packages.conda"):
            for filename, entry in index[group].items():
                found[entry["name"]].append(_record(folder, filename, entry))
    return found


def _record(subdir: str, filename: str, entry: dict[str, object]) -> Record:
    def text(key: str) -> str:
        return str(entry.get(key) or "")

    def texts(key: str) -> tuple[str, ...]:
        value = entry.get(key) or ()
        return tuple(value.split()) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]

    number, timestamp = entry.get("build_number", 0), entry.get("timestamp")
    return Record(
        name=text("name"),
        version=text("version"),
        build=text("build"),
        build_number=int(str(number)),
        subdir=subdir,
        channel=CONDA_FORGE.url,
        url=f"{CONDA_FORGE.url}/{subdir}/{filename}",
        md5=text("md5"),
        sha256=text("sha256"),
        timestamp=int(str(timestamp)) if timestamp else None,
        depends=texts("depends"),
        constrains=texts("constrains"),
        track_features=texts("track_features"),
        license=text("license"),
        noarch=text("noarch"),
    )


def closure(names: Iterable[str], subdir: str = "osx-arm64") -> ChannelRecords:
    """Return the records of these names and of all that they depend on, recursively."""
    known, wanted, found = by_name(subdir), set(names), []
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        seen.add(name)
        for record in known.get(name, ()):
            found.append(record)
            wanted.update({depend.split(" ", 1)[0] for depend in record.depends} - seen)
    return ChannelRecords(channel=CONDA_FORGE, records=tuple(found))
