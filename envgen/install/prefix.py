"""Read what a prefix holds: conda's records, the files they own, and the distributions beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from envgen.install.distributions import Distribution, read_distributions
from envgen.models.record import Record

META = "conda-meta"
_READERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledRecord:
    """Hold one record of `conda-meta`; `files` are relative to the prefix."""

    name: str
    version: str
    build: str
    url: str
    sha256: str
    md5: str
    files: tuple[str, ...]

    def is_of(self, record: Record) -> bool:
        """Tell whether this is what a lock's record asks for: the same artifact by its hash, else by its name."""
        if (self.name, self.version, self.build) != (record.name, record.version, record.build):
            return False
        if self.sha256 and record.sha256:
            return self.sha256 == record.sha256
        return not (self.md5 and record.md5) or self.md5 == record.md5


@dataclass(frozen=True)
class Contents:
    """Hold what a prefix has; `unreadable` are the files of `conda-meta` that are damaged."""

    prefix: Path
    records: tuple[InstalledRecord, ...]
    distributions: tuple[Distribution, ...]
    unreadable: tuple[Path, ...]

    @cached_property
    def owned(self) -> frozenset[str]:
        """Give the files that conda's records own."""
        return frozenset(file for record in self.records for file in record.files)

    @cached_property
    def loose(self) -> tuple[Distribution, ...]:
        """Give the distributions that no record owns."""
        return tuple(each for each in self.distributions if not self._is_condas(each))

    @cached_property
    def broken(self) -> frozenset[str]:
        """Give the names of the records that miss a file."""
        with ThreadPoolExecutor(_READERS, thread_name_prefix="stat") as pool:
            missing = pool.map(self._misses, self.records)
            return frozenset(record.name for record, is_broken in zip(self.records, missing, strict=True) if is_broken)

    def record(self, name: str) -> InstalledRecord | None:
        """Give the record of a name."""
        return next((record for record in self.records if record.name == name), None)

    def _misses(self, record: InstalledRecord) -> bool:
        return any(not os.path.lexists(self.prefix / file) for file in record.files)

    def _is_condas(self, distribution: Distribution) -> bool:
        names = ("", "/METADATA", "/PKG-INFO")
        return any(f"{distribution.info}{name}" in self.owned for name in names)


def read_contents(prefix: Path) -> Contents:
    """Read a prefix; one that does not exist holds nothing. Raises OSError."""
    records, unreadable = [], []
    for file in sorted((prefix / META).glob("*.json")):
        record = _read(file)
        if record is None:
            unreadable.append(file)
        else:
            records.append(record)
    return Contents(prefix, tuple(records), read_distributions(prefix), tuple(unreadable))


def is_environment(prefix: Path) -> bool:
    """Tell whether a folder is an environment by conda's own sign."""
    return (prefix / META / "history").exists() or any((prefix / META).glob("*.json"))


def is_empty(prefix: Path) -> bool:
    """Tell whether there is nothing at a path, or an empty folder.

    A mark that was being written when the run was killed does not count: it comes before anything else.
    """
    return not os.path.lexists(prefix) or (prefix.is_dir() and not any(_entries(prefix)))


def _entries(prefix: Path) -> Iterator[Path]:
    for entry in prefix.iterdir():
        if entry.name == META and entry.is_dir():
            yield from (each for each in entry.iterdir() if not each.name.startswith(".envgen"))
        elif entry.name != ".DS_Store":
            yield entry


def _read(file: Path) -> InstalledRecord | None:
    try:
        data = json.loads(file.read_bytes())
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    texts = {key: data.get(key) or "" for key in ("name", "version", "build", "url", "sha256", "md5")}
    files = data.get("files")
    if not all(isinstance(text, str) for text in texts.values()) or not texts["name"] or not isinstance(files, list):
        return None
    return InstalledRecord(**texts, files=tuple(file for file in files if isinstance(file, str)))
