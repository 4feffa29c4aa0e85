"""The files of a lock, verified where they are or downloaded, from vendored folders, mirrors, channels and indexes."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import url2pathname

from envgen.errors import InstallError, PypiError, PypiUnreachableError, RepodataError
from envgen.install.artifacts import Artifact, ArtifactLocation, record_artifact, wheel_artifact
from envgen.install.download import Download, Patience, Progress, download_all
from envgen.install.vendored import archive_path, wheel_path
from envgen.lock.model import LockedWheel
from envgen.models.channel import Channel
from envgen.models.package_key import PackageKey
from envgen.models.record import Record
from envgen.models.secrets import mask, without_secrets
from envgen.models.wheel import Wheel
from envgen.project.channels import access
from envgen.project.services import Services
from envgen.pypi.http import Session, Timeouts
from envgen.pypi.indexes import Indexes
from envgen.pypi.simple_api import SimpleIndex
from envgen.repodata.credentials import Route, channel_secrets
from envgen.repodata.locations import Place, find_place
from envgen.system.files import reason_of, try_lock

STORE, UNPACKED = "artifacts", "packages"  # folders of the cache
_READERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededFile:
    """A file with the places to look for it: folders (`copies`), then addresses, which are found only if needed.

    A copy counts when it has the locked hash. `locations` raises InstallError or PypiError where none can be found.
    `path` is where it goes below the store, if not where the artifact says.
    """

    artifact: Artifact
    copies: tuple[Path, ...]
    locations: Callable[[], tuple[ArtifactLocation, ...]]
    path: Path | None = None

    def target(self, store: Path) -> Path:
        """Return the path of the file in a store."""
        return store / (self.path or self.artifact.store_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFiles:
    """The path of each file; `downloaded` is the number of bytes that came over the network."""

    paths: dict[Artifact, Path]
    downloaded: int

    def by_key(self) -> dict[PackageKey, Path]:
        """Return the paths by package, for files of one lock: it has each package once."""
        return {artifact.key: path for artifact, path in self.paths.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions:
    """How files are fetched: into which store, after how many seconds a silent server is given up, who is shown it."""

    store: Path
    timeout: float
    report: Callable[[str], None]
    offline: bool = False


def fetch_files(needs: Sequence[NeededFile], options: FetchOptions) -> FetchedFiles:
    """Find or download every file, verified.

    Raises:
        InstallError: a copy is damaged and there is no other, or a download fails; what came so far is kept.
    """
    progress = Progress((need.artifact for need in needs), "verifying", options.report)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="verify") as pool:
        copies = list(pool.map(lambda need: _copy(need, options.store, progress), needs))
    missing = [need for need, copy in zip(needs, copies, strict=True) if copy is None]
    downloaded = _download(missing, options) if missing else 0
    paths = {need.artifact: copy or need.target(options.store) for need, copy in zip(needs, copies, strict=True)}
    return FetchedFiles(paths=paths, downloaded=downloaded)


def _copy(need: NeededFile, store: Path, progress: Progress) -> Path | None:
    for path in (need.target(store), *need.copies):
        with contextlib.suppress(OSError):  # a copy that cannot be read is as good as none
            if path.is_file() and need.artifact.digest.matches(path):
                progress.finish(need.artifact, fetched=0)
                return path
    return None


def _download(needs: Sequence[NeededFile], options: FetchOptions) -> int:
    if options.offline:
        raise _offline(needs)
    progress = Progress((need.artifact for need in needs), "downloading", options.report)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="locate") as pool:
        located = list(pool.map(lambda need: need.locations(), needs))
    downloads = [
        Download(artifact=need.artifact, target=need.target(options.store), locations=locations)
        for need, locations in zip(needs, located, strict=True)
    ]
    download_all(downloads, patience=Patience(silence=options.timeout), progress=progress)
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
    """Use a store of artifacts beside other runs; yield a function that drops files nobody needs any more.

    Files are dropped only while no other run uses the store: it may have verified them and not read them yet.
    """
    try:
        store.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(store, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        hint = "set ENVGEN_CACHE_DIR to a folder you can write"
        raise InstallError(f"cannot use {store}: {reason_of(error)}", hint=hint, code="disk") from error
    try:
        try_lock(descriptor, fcntl.LOCK_SH)
        yield lambda paths: _drop(descriptor, store, paths)
    finally:
        os.close(descriptor)


def _drop(descriptor: int, store: Path, paths: Iterable[Path]) -> None:
    if not try_lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):
        return
    for path in paths:
        if path.is_relative_to(store):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                path.parent.rmdir()


@dataclass(frozen=True)
class Sources:
    """The places where records and wheels may be had.

    `channels` are the call's or the manifest's; `vendored` is a folder that serves alone.
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
        """Return whether nothing may be downloaded."""
        return self.services.options.offline or self.vendored is not None

    def fetch_options(self, store: Path | None = None) -> FetchOptions:
        """Return how files are fetched, into the store of this machine or another."""
        settings = self.services.settings
        return FetchOptions(
            store=store or settings.cache_dir / STORE,
            timeout=settings.timeout,
            report=self.services.progress,
            offline=self.offline,
        )

    def records(self, records: Iterable[Record]) -> list[NeededFile]:
        """Return the archives of records with their places."""
        return [self._record(record) for record in records]

    def wheels(self, wheels: Iterable[LockedWheel]) -> list[NeededFile]:
        """Return wheels with their places."""
        return [self._wheel(wheel) for wheel in wheels]

    def _record(self, record: Record) -> NeededFile:
        artifact = record_artifact(record)
        if self.vendored:
            return NeededFile(artifact=artifact, copies=(self.vendored / archive_path(record),), locations=tuple)
        if not record.url.startswith(f"{record.channel}/"):
            url = without_secrets(record.url)
            route = Route.to(url.rpartition("/")[0], channel_secrets(self.services.settings.environ))
            own = (ArtifactLocation(url=url, shown=url, route=route),)
            return NeededFile(artifact=artifact, copies=(), locations=lambda: own)
        relative = record.url.removeprefix(f"{record.channel}/")
        places = self._places(record)
        remote = tuple(
            ArtifactLocation(url=f"{place.url}/{relative}", shown=f"{place.shown}/{relative}", route=place.route)
            for place in places
            if place.url
        )
        copies = tuple(place.folder / relative for place in places if place.folder)
        return NeededFile(artifact=artifact, copies=copies, locations=lambda: remote)

    def _places(self, record: Record) -> list[Place]:
        """Return the places of a record's channel: a mirror first, which may hold the index alone, then its own."""
        channel = next((each for each in self.channels if each.url == record.channel), Channel.parse(record.channel))
        reach = access(self.services)
        first = find_place(channel, reach)
        try:
            own = find_place(channel, replace(reach, mirrors={}))
        except RepodataError:  # an address that makes no sense, which the mirror does not need
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
        return NeededFile(artifact=artifact, copies=(), locations=lambda: self._wheel_locations.of(wheel.wheel))

    @cached_property
    def _wheel_locations(self) -> WheelLocations:
        environ = self.services.settings.environ
        session = Session(self.indexes, environ, timeouts=Timeouts.configured(environ), offline=self.offline)
        return WheelLocations(session, self.indexes)


class WheelLocations:
    """The addresses of wheels: the lock's own, and those that the indexes of this machine list.

    Where indexes are configured, they come first: behind a company's wall the lock's own address may not be in reach.
    """

    def __init__(self, session: Session, indexes: Indexes) -> None:
        self._session = session
        self._is_configured = any(True for _ in indexes)
        self._index = SimpleIndex(session, indexes)

    def of(self, wheel: Wheel) -> tuple[ArtifactLocation, ...]:
        """Return the addresses of a wheel, the first to try first.

        Raises:
            PypiError: neither the lock nor an index has one.
        """
        urls = self._listed(wheel) if self._is_configured or not wheel.url else []
        urls += [wheel.url] if wheel.url else []
        if not urls:
            hint = "lock again: `envgen lock --upgrade`"
            raise PypiError(f"no index has {wheel.filename} with the locked hash", hint=hint)
        return tuple(ArtifactLocation(url=self._with_password(url), shown=mask(url)) for url in dict.fromkeys(urls))

    def _listed(self, wheel: Wheel) -> list[str]:
        try:
            project = self._index.project(wheel.name)
        except PypiUnreachableError:
            if not wheel.url:
                raise
            return []
        files = project.files if project else ()
        return [file.url for file in files if file.sha256 == wheel.sha256 and file.url]

    def _with_password(self, url: str) -> str:
        password = self._session.password_for(url)
        if password is None:
            return url
        parts = urlsplit(url)
        user = ":".join(quote(part, safe="") for part in password)
        return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))
