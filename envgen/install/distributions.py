"""Read and remove the Python distributions of a prefix by their own metadata, without running its Python."""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Hold an installed distribution: `info` is its metadata's folder or file, `files` are relative to the prefix.

    `name` is canonical; `url` is where a distribution that came from no index was installed from; `complete` tells
    that it has a list of its files.
    """

    name: str
    version: str
    info: str
    files: tuple[str, ...]
    url: str = ""
    complete: bool = True

    @property
    def site(self) -> str:
        """Give the folder that it is installed in, relative to the prefix."""
        return self.info.rpartition("/")[0]

    def missing(self, prefix: Path) -> list[str]:
        """List the files that are gone; compiled ones do not count."""
        return [file for file in self.files if _counts(file) and not os.path.lexists(prefix / file)]


def read_distributions(prefix: Path) -> tuple[Distribution, ...]:
    """Read every distribution below `lib/python3*/site-packages`, sorted by name and folder."""
    found = [_read(prefix, info) for site in site_packages(prefix) for info in _infos(site)]
    return tuple(sorted(found, key=lambda each: (each.name, each.info)))


def site_packages(prefix: Path) -> list[Path]:
    """List the folders that hold a prefix's Python modules."""
    folders = (prefix / "lib").glob("python3*/site-packages")
    return sorted(path for path in folders if path.is_dir() and not path.parent.is_symlink())


def remove_distribution(prefix: Path, distribution: Distribution, kept: Collection[str]) -> None:
    """Remove a distribution's files, but those that something else owns; raises OSError."""
    info = prefix / distribution.info
    files = {*distribution.files, *_below(prefix, info)} - set(kept)
    folders: set[Path] = set()
    for file in sorted(files):
        path = prefix / file
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        folders.add(path.parent)
    remove_compiled(prefix, files, kept)
    for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
        _remove_empty(folder, prefix)


def remove_compiled(prefix: Path, files: Iterable[str], kept: Collection[str]) -> None:
    """Remove what Python has compiled of these modules, but what something else owns; raises OSError.

    Python trusts it when the source has the same size and time, which two builds of a package may have; and a folder
    that holds nothing else can still be imported.
    """
    for file in files:
        if not file.endswith(".py"):
            continue
        path = prefix / file
        cache = path.parent / "__pycache__"
        for compiled in cache.glob(f"{path.stem}.*.pyc"):
            if compiled.relative_to(prefix).as_posix() not in kept:
                compiled.unlink()
        with contextlib.suppress(OSError):
            cache.rmdir()


def _counts(file: str) -> bool:
    return not file.endswith(".pyc") and "__pycache__" not in file


def _infos(site: Path) -> Iterator[Path]:
    for pattern in ("*.dist-info", "*.egg-info"):
        yield from sorted(site.glob(pattern))


def _read(prefix: Path, info: Path) -> Distribution:
    metadata = info / ("METADATA" if info.suffix == ".dist-info" else "PKG-INFO") if info.is_dir() else info
    heads = _heads(metadata)
    stem, _, version = info.name.rpartition(".")[0].partition("-")
    record = info / "RECORD"
    return Distribution(
        name=canonicalize_name(heads.get("name", stem)),
        version=heads.get("version", version),
        info=info.relative_to(prefix).as_posix(),
        files=tuple(_listed(prefix, info.parent, record)),
        url=_direct_url(info),
        complete=record.is_file() or info.suffix == ".egg-info",
    )


def _heads(path: Path) -> dict[str, str]:
    heads: dict[str, str] = {}
    with contextlib.suppress(OSError), path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            key, colon, value = line.partition(":")
            if not colon or not line.strip():
                break
            heads.setdefault(key.strip().lower(), value.strip())
    return heads


def _listed(prefix: Path, site: Path, record: Path) -> Iterator[str]:
    try:
        rows = list(csv.reader(record.read_text(encoding="utf-8", errors="replace").splitlines()))
    except OSError:
        return
    for row in rows:
        if row and row[0]:
            path = os.path.relpath(os.path.normpath(site / row[0]), prefix)
            if not path.startswith(".."):
                yield path


def _direct_url(info: Path) -> str:
    try:
        data = json.loads((info / "direct_url.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    url = data.get("url") if isinstance(data, dict) else None
    return url if isinstance(url, str) else ""


def _below(prefix: Path, info: Path) -> Iterator[str]:
    """List what the metadata's folder holds, listed or not."""
    paths = info.rglob("*") if info.is_dir() else iter((info,))
    yield from (path.relative_to(prefix).as_posix() for path in paths if path.is_symlink() or not path.is_dir())


def _remove_empty(folder: Path, prefix: Path) -> None:
    """Remove a folder and the parents that are empty then, up to `site-packages`, `bin` and their like."""
    while folder != prefix and folder.is_relative_to(prefix) and folder.name not in ("site-packages", "bin", "lib"):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
