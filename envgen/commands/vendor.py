"""Gather what serves where there is no network: a folder with every package of environments, and the starter index."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from envgen.commands.new import pythons_of
from envgen.errors import (
    InstallError,
    PlanError,
    PypiUnsatisfiableError,
    RepodataError,
    UnsatisfiableError,
    WriteError,
)
from envgen.install.artifacts import Digest
from envgen.install.download import check_space
from envgen.install.fetch import NeededFile, Sources, fetch_files
from envgen.install.vendored import (
    CHANNELS,
    LISTING,
    SIMPLE,
    WHEELS,
    VendoredFile,
    archive_path,
    channel_folder,
    listing_text,
    read_listing,
    repodata_text,
    simple_pages,
    verify_folder,
    wheel_path,
)
from envgen.lock.model import Lock, LockedWheel
from envgen.locking.lock_platform import Preferences, solve_platform
from envgen.manifest.edit import set_python
from envgen.manifest.model import Manifest, load_manifest
from envgen.manifest.templates import template_names, template_text
from envgen.models.record import Record
from envgen.project.project import (
    FOLDER,
    MANIFEST,
    Environment,
    environment_names,
    generated_texts,
    locked_environment,
    meant_names,
)
from envgen.project.services import Services, with_indexes
from envgen.repodata.starter import STARTER_FILE, write_starter
from envgen.solvers.choose import available_solvers
from envgen.system.files import FolderWriter, exclusive, inside, reason_of

MAX_BYTES = 1_500_000
_Package = TypeVar("_Package", Record, LockedWheel)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendoredFolder:
    """What a vendored folder has, in files and bytes, and how many bytes came over the network for it."""

    folder: Path
    environments: tuple[str, ...]
    files: int
    size: int
    downloaded: int
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StarterReport:
    """A starter index: the date of its newest record, its size in bytes, and the environments that it serves."""

    date: date
    records: int
    size: int
    served: tuple[str, ...]
    refused: tuple[str, ...]


def vendor_environments(services: Services, names: tuple[str, ...], folder: Path) -> VendoredFolder:
    """Gather these environments, or all of the project, beside those that the folder has already.

    Every file is verified, also those that are there; what came before a failure stays, and the next run goes on.

    Raises:
        LockfileError: one has no lock. InstallError: a file cannot be had. WriteError: the folder cannot be written.
    """
    chosen = [locked_environment(services.root, name) for name in meant_names(services.root, names)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InstallError(f"cannot make {folder}: {reason_of(error)}", hint="name another folder: --to DIR") from error
    with exclusive(folder) as writer:
        union = {environment.name: (environment, lock) for environment, lock in chosen}
        others = [name for name in environment_names(folder) if name not in union]  # a run may have left half of ours
        union |= {name: locked_environment(folder, name) for name in others}
        gathering = _Gathering(services, folder, [union[name] for name in sorted(union)])
        before = {file.path for file in read_listing(folder)} if (folder / LISTING).is_file() else set()
        downloaded = gathering.gather()
        files = [*gathering.artifacts(), *gathering.write_texts()]
        writer.write({LISTING: listing_text(files)})
        dropped = sorted(before - {file.path for file in files})
        _drop(folder, dropped)
    return VendoredFolder(
        folder=folder,
        environments=tuple(sorted(union)),
        files=len(files),
        size=sum(file.size for file in files),
        downloaded=downloaded,
        dropped=tuple(dropped),
    )


def verify_vendored(folder: Path) -> int:
    """Compare a vendored folder's files with its listing; return their number, raise InstallError with all faults."""
    faults = verify_folder(folder)
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise InstallError(
            f"{folder} is not what was vendored\n{listed}",
            hint="make it whole again where there is a network: `envgen vendor --download --to` this folder",
            code="damaged",
        )
    return len(read_listing(folder))


def vendor_starter(services: Services) -> StarterReport:
    """Solve every template for every python that the channel has, and pack the records into the starter index.

    Raises:
        WriteError: the index would be larger than 1.5 MB.
        EnvgenError: a template cannot be solved for the python that it names.
    """
    records: dict[str, Record] = {}
    served, refused = [], []
    for label, manifest, own in _manifests(services):
        try:
            found = list(_records(_without_pypi(services, manifest), manifest))
        except (PlanError, PypiUnsatisfiableError, UnsatisfiableError) as error:
            if own:
                raise
            refused.append(f"{label}: {error.message.splitlines()[0]}")
            continue
        records.update((record.url, record) for record in found)
        served.append(label)
    if not records:
        raise RepodataError("no template could be solved: the channel has no python", hint="read another channel")
    newest = datetime.fromtimestamp(max(record.timestamp or 0 for record in records.values()) / 1000, UTC).date()
    data = write_starter(records.values(), newest)
    if len(data) > MAX_BYTES:
        raise WriteError(f"the starter index would have {len(data):,} bytes, more than {MAX_BYTES:,}")
    STARTER_FILE.parent.mkdir(exist_ok=True)
    with exclusive(STARTER_FILE.parent) as writer:
        writer.write({STARTER_FILE.name: data})
    return StarterReport(
        date=newest, records=len(records), size=len(data), served=tuple(served), refused=tuple(refused)
    )


class _Gathering:
    """The gathering of the files of some environments into one folder."""

    def __init__(self, services: Services, folder: Path, environments: Sequence[tuple[Environment, Lock]]) -> None:
        self._services = services
        self._folder = folder
        self._environments = environments
        platforms = [platform for _, lock in environments for platform in lock.platforms]
        self._records = _unique((archive_path(record), record) for platform in platforms for record in platform.conda)
        self._wheels = _unique((wheel_path(wheel.wheel.filename), wheel) for each in platforms for wheel in each.pypi)
        self._needs: list[NeededFile] = []

    def gather(self) -> int:
        """Get every archive and wheel to its place; return the number of bytes that came over the network."""
        channels = tuple(channel for environment, _ in self._environments for channel in environment.manifest.channels)
        indexes = (index for environment, _ in self._environments for index in environment.manifest.indexes)
        sources = Sources(with_indexes(self._services, dict.fromkeys(indexes)), channels)
        records = zip(self._records, sources.records(self._records.values()), strict=True)
        wheels = zip(self._wheels, sources.wheels(self._wheels.values()), strict=True)
        self._needs = [replace(need, path=Path(path)) for path, need in (*records, *wheels)]
        for path in (*self._records, *self._wheels, *self._texts()):
            inside(self._folder, Path(path).parent, error=InstallError)  # a link there may lead anywhere
        missing = [need.artifact for need in self._needs if not need.target(self._folder).exists()]
        check_space(missing, (), store=self._folder, prefix=self._folder)
        fetched = fetch_files(self._needs, sources.fetch_options(self._folder))
        for need in self._needs:
            _copy(fetched.paths[need.artifact], need.target(self._folder))
        return fetched.downloaded

    def artifacts(self) -> Iterator[VendoredFile]:
        """Yield the archives and wheels."""
        for need in self._needs:
            yield VendoredFile.of(need.target(self._folder), need.artifact, self._folder)

    def write_texts(self) -> list[VendoredFile]:
        """Write and return the channels' repodata, the index's pages and the environments' own files."""
        texts = self._texts()
        for path, text in texts.items():
            target = self._folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            FolderWriter(target.parent).write({target.name: text})
        return [_text_file(path, text) for path, text in texts.items()]

    def _texts(self) -> dict[str, str]:
        return {**self._repodata(), **self._pages(), **self._own_files()}

    def _repodata(self) -> dict[str, str]:
        """Return an index for noarch, which a channel must have, and for every platform that is locked."""
        grouped: dict[tuple[str, str], list[Record]] = {}
        for _, lock in self._environments:
            for platform in lock.platforms:
                for record in platform.conda:
                    for subdir in platform.platform.subdirs:
                        grouped.setdefault((channel_folder(record.channel), subdir), [])
        for record in self._records.values():
            grouped.setdefault((channel_folder(record.channel), record.subdir), []).append(record)
        return {
            f"{CHANNELS}/{channel}/{subdir}/repodata.json": repodata_text(subdir, records)
            for (channel, subdir), records in sorted(grouped.items())
        }

    def _pages(self) -> dict[str, str]:
        if not self._wheels:
            return {}
        pages = simple_pages(self._wheels.values(), up=f"../../{WHEELS}")
        return {f"{SIMPLE}/{path}": text for path, text in pages.items()}

    def _own_files(self) -> dict[str, str]:
        files: dict[str, str] = {}
        for environment, _ in self._environments:
            # the manifest comes last: it makes an environment of a folder
            texts = {**generated_texts(environment.folder), MANIFEST: environment.text}
            files |= {f"{FOLDER}/{environment.name}/{name}": text for name, text in texts.items()}
        return files


def _unique(items: Iterable[tuple[str, _Package]]) -> dict[str, _Package]:
    """Return one item for each path; raise InstallError where two files of one name differ."""
    found: dict[str, _Package] = {}
    for path, item in items:
        known = found.setdefault(path, item)
        if _hash(known) != _hash(item):
            raise InstallError(
                f"two locks have different files named {path}",
                hint="vendor these environments into folders of their own",
            )
    return found


def _hash(item: Record | LockedWheel) -> str:
    return item.sha256 or item.md5 if isinstance(item, Record) else item.wheel.sha256


def _copy(source: Path, target: Path) -> None:
    if source == target:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(f"{target.name}.part")
    try:
        staged.unlink(missing_ok=True)  # it may be a link, or a part that has another name elsewhere
        shutil.copyfile(source, staged)
        staged.replace(target)
    except OSError as error:
        raise InstallError(f"cannot write {target}: {reason_of(error)}", hint="free some space", code="disk") from error


def _text_file(path: str, text: str) -> VendoredFile:
    content = text.encode()
    digest = Digest(algorithm="sha256", hex=hashlib.sha256(content).hexdigest())
    return VendoredFile(path=path, digest=digest, size=len(content))


def _drop(folder: Path, paths: Iterable[str]) -> None:
    """Remove what an earlier listing had and this one has not."""
    for path in paths:
        target = folder / path
        if target.resolve().is_relative_to(folder.resolve()):
            with contextlib.suppress(OSError):
                target.unlink()


def _manifests(services: Services) -> Iterator[tuple[str, Manifest, bool]]:
    """Yield every template for every python, with a label, and whether that python is the template's own."""
    for name in template_names():
        text = template_text(name)
        manifest = load_manifest(text, f"templates/{name}.yaml")
        for python in pythons_of(services, manifest):
            chosen = load_manifest(set_python(text, python), manifest.file)
            yield f"{name} on python {python}", chosen, python == manifest.python


def _without_pypi(services: Services, manifest: Manifest) -> Services:
    """Return services that keep conda's templates from falling back to PyPI on a python that conda does not serve."""
    return services if manifest.accelerator == "metal" else replace(services, pypi=None)


def _records(services: Services, manifest: Manifest) -> Iterator[Record]:
    for solver in available_solvers():
        for platform in manifest.platforms():
            yield from solve_platform(services.using(solver), manifest, platform, Preferences(first=False)).lock.conda
