"""A prefix: what is installed in it, and the mark that envgen leaves in it."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Literal

from envgen.errors import EnvgenError, InstallError
from envgen.install.containment import META, PrefixPaths, plain_path, unsafe
from envgen.install.wheels import Distribution, read_distributions
from envgen.models.record import Record
from envgen.system.files import FolderWriter, read_bytes, read_text, reason_of

MARKER = "envgen"  # below META; no `.json`, as conda takes every such file there for a record
_COMING = "envgen-paths"  # beside it while the prefix is incomplete: what the run that is at work puts there
MARKER_FORMAT = 1
State = Literal["incomplete", "complete"]
_READERS = 4
# in small letters, since conda takes two names that differ in case for one
_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*-[\w.!+~]+-[\w.!+~-]*\.json", re.ASCII)
_LONGEST = 255  # characters of a file's name


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledRecord:
    """A record of `conda-meta`; `files` are relative to the prefix.

    `file` is the record's own name there; `listed` are the paths that rattler removes with it; `has_menus` tells that
    it names menu entries of the desktop, which are anywhere.
    """

    file: str
    name: str
    version: str
    build: str
    url: str
    sha256: str
    md5: str
    files: tuple[str, ...]
    listed: tuple[str, ...]
    has_menus: bool

    @property
    def shown(self) -> str:
        return f"{self.version}={self.build}"

    def is_of(self, record: Record) -> bool:
        """Return whether this is what a lock's record asks for: the same artifact by its hash, else by its name."""
        if (self.name, self.version, self.build) != (record.name, record.version, record.build):
            return False
        if self.sha256 and record.sha256:
            return self.sha256 == record.sha256
        return not (self.md5 and record.md5) or self.md5 == record.md5


@dataclass(frozen=True)
class PrefixContents:
    """What is in a prefix; `unreadable` are the files of `conda-meta` that are damaged.

    `doubled` are the records of packages that have several there, of which nobody knows the true one.
    """

    prefix: Path
    records: tuple[InstalledRecord, ...]
    distributions: tuple[Distribution, ...]
    unreadable: tuple[Path, ...]
    doubled: tuple[InstalledRecord, ...] = ()

    @cached_property
    def owned(self) -> frozenset[str]:
        """Return the files that conda's records own."""
        return frozenset(file for record in self.records for file in record.files)

    @cached_property
    def disowned(self) -> frozenset[str]:
        """Return the files of doubled records that no other record owns."""
        return frozenset(file for record in self.doubled for file in record.files) - self.owned

    @cached_property
    def loose(self) -> tuple[Distribution, ...]:
        """Return the distributions that no record owns."""
        return tuple(each for each in self.distributions if not self._is_condas(each))

    @cached_property
    def broken(self) -> frozenset[str]:
        """Return the names of the records that miss a file."""
        with ThreadPoolExecutor(_READERS, thread_name_prefix="stat") as pool:
            missing = pool.map(self._misses, self.records)
            return frozenset(record.name for record, is_broken in zip(self.records, missing, strict=True) if is_broken)

    def record(self, name: str) -> InstalledRecord | None:
        return next((record for record in self.records if record.name == name), None)

    def _misses(self, record: InstalledRecord) -> bool:
        return any(not os.path.lexists(self.prefix / file) for file in record.files)

    def _is_condas(self, distribution: Distribution) -> bool:
        files = (f"{distribution.info}{name}" for name in ("", "/METADATA", "/PKG-INFO"))
        return any(file in self.owned or file in self.disowned for file in files)


def read_contents(prefix: Path) -> PrefixContents:
    """Read a prefix, which is empty where it does not exist; raise InstallError for a record that is no file."""
    records, unreadable = [], []
    for file in sorted((prefix / META).glob("*.json")):
        if record := _read(file):
            records.append(record)
        else:
            unreadable.append(file)
    count = Counter(record.name for record in records)
    single = tuple(record for record in records if count[record.name] == 1)
    doubled = tuple(record for record in records if count[record.name] > 1)
    return PrefixContents(prefix, single, read_distributions(prefix), tuple(unreadable), doubled)


def _read(file: Path) -> InstalledRecord | None:
    """Return a record, None for one that is damaged, or that rattler would stop at: its package is linked again."""
    from rattler import PrefixRecord

    try:
        data = json.loads(read_bytes(file))
        PrefixRecord.from_path(file)
    except OSError as error:
        hint = "remove it, or choose another --prefix"
        raise InstallError(f"cannot read {file}: {reason_of(error)}", hint=hint, code="prefix") from error
    except Exception:  # noqa: BLE001 - rattler's own have no common kind
        return None
    if not isinstance(data, dict):
        return None
    texts = {key: data.get(key) or "" for key in ("name", "version", "build", "url", "sha256", "md5")}
    files = data.get("files")
    if not all(isinstance(text, str) for text in texts.values()) or not isinstance(files, list):
        return None
    name = f"{texts['name']}-{texts['version']}-{texts['build']}.json"  # of a file: rattler would panic, or be stopped
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        return None
    paths = data.get("paths_data", {})
    rows = paths.get("paths", []) if isinstance(paths, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None  # rattler takes a list of values for an object
    listed = [row.get("_path") for row in rows]
    return InstalledRecord(
        file=file.name,
        **texts,
        files=tuple(each for each in files if isinstance(each, str)),
        listed=tuple(each for each in listed if isinstance(each, str)),
        has_menus=bool(data.get("installed_system_menus")),
    )


def check_contents(contents: PrefixContents) -> None:
    """Check that all that the records and the metadata of a prefix call their own is in it, in truth.

    Raises:
        InstallError: a path of theirs lies elsewhere, or leads there, and would be removed with its package.
    """
    paths = PrefixPaths(contents.prefix)
    paths.check_own()
    try:
        for record in (*contents.records, *contents.doubled):
            owner = f"{META}/{record.file}"
            if record.has_menus or "/" in f"{record.name}{record.version}{record.build}":
                raise unsafe(f"{owner} of {contents.prefix} claims what is outside of it")
            paths.check_owned(owner, {*record.files, *record.listed})
        for each in contents.distributions:
            paths.check_owned(each.info, (*each.files, f"{each.info}/RECORD"))
    except InstallError as error:
        raise error.with_hint("that prefix is not to be trusted: choose another --prefix") from error


def is_environment(prefix: Path) -> bool:
    """Return whether a folder is an environment by conda's own sign."""
    return (prefix / META / "history").exists() or any((prefix / META).glob("*.json"))


def is_empty(prefix: Path) -> bool:
    """Return whether there is nothing at a path, or an empty folder.

    A mark that a killed run was writing does not count: it comes before anything else.
    """
    return not os.path.lexists(prefix) or (prefix.is_dir() and not any(_entries(prefix)))


def _entries(prefix: Path) -> Iterator[Path]:
    for entry in prefix.iterdir():
        if entry.name == META and entry.is_dir():
            yield from (each for each in entry.iterdir() if not each.name.startswith(".envgen"))
        elif entry.name != ".DS_Store":  # macOS leaves it in every folder that was looked at
            yield entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """The mark in a prefix: which environment it is for which platform, and whether it is complete.

    It says "incomplete" before the first change, and "complete" only after the last: a run that is killed in between
    leaves a prefix that says so.

    `wheels` maps the distributions from PyPI to their
    sha256; `fresh` tells that it has never been complete.
    """

    environment: str
    platform: str
    state: State
    fresh: bool = False
    groups_left_out: tuple[str, ...] = ()
    wheels: Mapping[str, str] = field(default_factory=dict)


def read_marker(prefix: Path) -> Marker | None:
    """Read the mark of a prefix; None where there is none, and one that says "incomplete" for a damaged one."""
    path = prefix / META / MARKER
    try:
        data = json.loads(read_bytes(path))
        if data.pop("format") != MARKER_FORMAT:
            hint = "use that one, or another --prefix"
            raise InstallError(f"{prefix} was made by another version of envgen", hint=hint)
        data["groups_left_out"], data["wheels"] = tuple(data["groups_left_out"]), dict(data["wheels"])
        return Marker(**{field.name: data[field.name] for field in fields(Marker)})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Marker(environment="", platform="", state="incomplete")


def write_marker(prefix: Path, marker: Marker, coming: Iterable[str] | None = None) -> None:
    """Write the mark in one instant, with the paths that are about to come; raise WriteError.

    The caller has locked the prefix. Without such paths there are none left to come.
    """
    folder = prefix / META
    folder.mkdir(parents=True, exist_ok=True)
    data = {"format": MARKER_FORMAT, **asdict(marker)}
    files = {MARKER: json.dumps(data, indent=2, sort_keys=True) + "\n"}
    if coming is not None:
        files[_COMING] = json.dumps(sorted(coming), indent=0) + "\n"
    writer = FolderWriter(folder)
    writer.write(files)
    if coming is None:
        writer.remove([_COMING])


def read_coming(contents: PrefixContents) -> tuple[str, ...]:
    """Return the paths that a run which was stopped has put, or was to put, and that no record and no metadata has.

    Without them a half-made prefix could only be emptied, and all that is the user's own in it with it.
    """
    try:
        data = json.loads(read_text(contents.prefix / META / _COMING))
        paths = {plain_path(path, _COMING) for path in data}
    except (EnvgenError, ValueError, TypeError, AttributeError, RecursionError):
        return ()
    owned = {file for each in contents.distributions for file in each.files}
    return tuple(sorted(paths - contents.owned - owned))
