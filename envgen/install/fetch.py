"""Get every file that is needed into reach, verified, before anything is changed."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from envgen.errors import InstallError, RepodataError
from envgen.install.artifacts import Artifact, record_artifact, wheel_artifact
from envgen.install.download import ArtifactLocation, Download, Progress, download_all, hold
from envgen.install.vendored import archive_path, wheel_path
from envgen.install.wheels import WheelLocations
from envgen.lock.model import LockedWheel
from envgen.models.channel import Channel, without_secrets
from envgen.models.package_key import PackageKey
from envgen.models.record import Record
from envgen.project.channels import access
from envgen.project.services import Services
from envgen.pypi.http import Session, Timeouts
from envgen.pypi.indexes import Indexes
from envgen.repodata.locations import Place, find_place

_READERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededFile:
    """Where a file is: in a folder (`copies`), or at addresses, which are asked for only when they must be.

    A copy counts when it has the locked hash. `locations` raises InstallError or PypiError where none can be found.
    `path` is where it goes below the store, if not where the artifact says.
    """

    artifact: Artifact
    copies: tuple[Path, ...]
    locations: Callable[[], tuple[ArtifactLocation, ...]]
    path: Path | None = None

    def target(self, store: Path) -> Path:
        """Return the place of the file in a store."""
        return store / (self.path or self.artifact.store_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFiles:
    """The path of each file, and how many bytes came over the network."""

    paths: dict[Artifact, Path]
    fetched: int

    def by_key(self) -> dict[PackageKey, Path]:
        """Return the paths by package, for files of one lock: it has each package once."""
        return {artifact.key: path for artifact, path in self.paths.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Describe how files are got: into which store, how long a silent server is waited for, and who hears of it."""

    store: Path
    timeout: float
    report: Callable[[str], None]
    offline: bool = False


def obtain(needs: Sequence[NeededFile], fetching: Fetch) -> FetchedFiles:
    """Find or download every file, verified.

    Raises:
        InstallError: a copy is damaged and there is no other, or a download fails; what came so far is kept.
    """
    progress = Progress((need.artifact for need in needs), "verifying", fetching.report)
    found = _found(needs, fetching.store, progress)
    missing = [need for need in needs if need.artifact not in found]
    fetched = _download(missing, fetching) if missing else 0
    paths = {need.artifact: need.target(fetching.store) for need in missing}
    return FetchedFiles(paths={**found, **paths}, fetched=fetched)


def _found(needs: Sequence[NeededFile], store: Path, progress: Progress) -> dict[Artifact, Path]:
    with ThreadPoolExecutor(_READERS, thread_name_prefix="verify") as pool:
        paths = pool.map(lambda need: _copy(need, store, progress), needs)
        return {need.artifact: path for need, path in zip(needs, paths, strict=True) if path is not None}


def _copy(need: NeededFile, store: Path, progress: Progress) -> Path | None:
    for path in (need.target(store), *need.copies):
        with contextlib.suppress(OSError):
            if path.is_file() and need.artifact.digest.matches(path):
                progress.finish(need.artifact, fetched=0)
                return path
    return None


def _download(needs: Sequence[NeededFile], fetching: Fetch) -> int:
    if fetching.offline:
        raise _offline(needs)
    progress = Progress((need.artifact for need in needs), "downloading", fetching.report)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="locate") as pool:
        located = list(pool.map(lambda need: need.locations(), needs))
    downloads = [
        Download(artifact=need.artifact, target=need.target(fetching.store), locations=locations)
        for need, locations in zip(needs, located, strict=True)
    ]
    download_all(downloads, timeout=fetching.timeout, progress=progress)
    return progress.fetched


def _offline(needs: Sequence[NeededFile]) -> InstallError:
    damaged = [path for need in needs for path in need.copies if path.exists()]
    if damaged:
        return InstallError(
            f"not what was locked: {_listed(str(path) for path in damaged)}",
            hint="the copy is damaged, or of another lock: make it again with `envgen vendor --download`",
            code="damaged",
        )
    return InstallError(
        f"not at hand: {_listed(need.artifact.filename for need in needs)}",
        hint="run it once with the network, or from a folder that `envgen vendor --download` made for this lock",
        code="download",
    )


def _listed(names: Iterable[str], limit: int = 5) -> str:
    listed = list(names)
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more


@contextlib.contextmanager
def shared_store(store: Path) -> Iterator[Callable[[Iterable[Path]], None]]:
    """A store of artifacts beside other runs; gives a function that drops files nobody else needs any more.

    Files are dropped only while no other run holds the store: it may have verified them and not read them yet.
    """
    try:
        store.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(store, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise InstallError(
            f"cannot use {store}: {(error.strerror or str(error)).lower()}",
            hint="set ENVGEN_CACHE_DIR to a folder you can write",
            code="disk",
        ) from error
    try:
        hold(descriptor, fcntl.LOCK_SH)
        yield lambda paths: _drop(descriptor, store, paths)
    finally:
        os.close(descriptor)


def _drop(descriptor: int, store: Path, paths: Iterable[Path]) -> None:
    if not hold(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
        return
    for path in paths:
        if path.is_relative_to(store):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                path.parent.rmdir()


# Say where the files of a lock may be had: a vendored folder, mirrors, the channels, the package indexes.

STORE, UNPACKED = "artifacts", "packages"


@dataclass(frozen=True)
class Sources:
    """Answer for each record and wheel where it may be had.

    `channels` are the manifest's, whose addresses may hold what a lock may not; `vendored` is a folder that serves
    alone.
    """

    services: Services
    channels: tuple[Channel, ...]
    vendored: Path | None = None

    @cached_property
    def indexes(self) -> Indexes:
        """Return the package indexes that are configured here."""
        return Indexes.configured(self.services.settings.environ)

    @property
    def offline(self) -> bool:
        """Return whether the network may not be asked."""
        return self.services.options.offline or self.vendored is not None

    def fetching(self, store: Path | None = None) -> Fetch:
        """Return how files are got, into the store of this machine or another."""
        settings = self.services.settings
        return Fetch(
            store=store or settings.cache_dir / STORE,
            timeout=settings.timeout,
            report=self.services.progress,
            offline=self.offline,
        )

    def records(self, records: Iterable[Record]) -> list[NeededFile]:
        """Return where the archives of records may be had."""
        return [self._record(record) for record in records]

    def wheels(self, wheels: Iterable[LockedWheel]) -> list[NeededFile]:
        """Return where wheels may be had."""
        return [self._wheel(wheel) for wheel in wheels]

    def _record(self, record: Record) -> NeededFile:
        artifact = record_artifact(record)
        if self.vendored:
            return NeededFile(artifact=artifact, copies=(self.vendored / archive_path(record),), locations=tuple)
        if not record.url.startswith(f"{record.channel}/"):
            own = (ArtifactLocation(url=record.url, shown=without_secrets(record.url)),)
            return NeededFile(artifact=artifact, copies=(), locations=lambda: own)
        relative = record.url.removeprefix(f"{record.channel}/")
        places = self._places(record)
        remote = tuple(_below(place, relative) for place in places if place.url)
        copies = tuple(place.folder / relative for place in places if place.folder)
        return NeededFile(artifact=artifact, copies=copies, locations=lambda: remote)

    def _places(self, record: Record) -> list[Place]:
        """Return the places of a record's channel: a mirror first, which may hold the index alone, then its own."""
        channel = next((each for each in self.channels if each.url == record.channel), Channel.parse(record.channel))
        reach = access(self.services)
        first = find_place(channel, reach)
        try:
            own = find_place(channel, replace(reach, mirrors={}))
        except RepodataError:  # a password is not set that the mirror does not need
            return [first]
        return [first] if own == first else [first, own]

    def _wheel(self, wheel: LockedWheel) -> NeededFile:
        artifact = wheel_artifact(wheel)
        if self.vendored:
            copy = self.vendored / wheel_path(wheel.wheel.filename)
            return NeededFile(artifact=artifact, copies=(copy,), locations=tuple)
        parts = urlsplit(wheel.wheel.url)
        if parts.scheme == "file":
            return NeededFile(artifact=artifact, copies=(Path(url2pathname(parts.path)),), locations=tuple)
        return NeededFile(artifact=artifact, copies=(), locations=lambda: self._wheel_locations(wheel))

    def _wheel_locations(self, wheel: LockedWheel) -> tuple[ArtifactLocation, ...]:
        return tuple(ArtifactLocation(url=found.url, shown=found.shown) for found in self._finder.of(wheel.wheel))

    @cached_property
    def _finder(self) -> WheelLocations:
        environ = self.services.settings.environ
        session = Session(self.indexes, environ, timeouts=Timeouts.configured(environ), offline=self.offline)
        return WheelLocations(session, self.indexes)


def _below(place: Place, relative: str) -> ArtifactLocation:
    return ArtifactLocation(url=f"{place.url}/{relative}", shown=f"{place.shown}/{relative}")
