"""Get every file that is needed into reach, verified, before anything is changed."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from envgen.errors import InstallError
from envgen.install.artifacts import Artifact
from envgen.install.holding import hold
from envgen.install.tally import Tally
from envgen.install.transfer import Download, Location, download_all

_READERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Say where a file may be had: in a folder (`copies`), or at addresses, which are asked for only when they must be.

    A copy counts when it has the locked hash. `locations` raises InstallError or PypiError where none can be found.
    `path` is where it goes below the store, if not where the artifact says.
    """

    artifact: Artifact
    copies: tuple[Path, ...]
    locations: Callable[[], tuple[Location, ...]]
    path: Path | None = None

    def target(self, store: Path) -> Path:
        """Give the place of the file in a store."""
        return store / (self.path or self.artifact.store_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtained:
    """Hold the path of each file by its artifact's key, and how many bytes came over the network."""

    paths: dict[str, Path]
    fetched: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """Say how files are got: into which store, how long a silent server is waited for, and who hears of it."""

    store: Path
    patience: float
    report: Callable[[str], None]
    offline: bool = False


def obtain(needs: Sequence[Need], fetching: Fetching) -> Obtained:
    """Find or download every file, verified.

    Raises:
        InstallError: a copy is damaged and there is no other, or a download fails; what came so far is kept.
    """
    tally = Tally((need.artifact for need in needs), "verifying", fetching.report)
    found = _found(needs, fetching.store, tally)
    missing = [need for need in needs if need.artifact.key not in found]
    fetched = _download(missing, fetching) if missing else 0
    paths = {need.artifact.key: need.target(fetching.store) for need in missing}
    return Obtained(paths={**found, **paths}, fetched=fetched)


def _found(needs: Sequence[Need], store: Path, tally: Tally) -> dict[str, Path]:
    with ThreadPoolExecutor(_READERS, thread_name_prefix="verify") as pool:
        paths = pool.map(lambda need: _copy(need, store, tally), needs)
        return {need.artifact.key: path for need, path in zip(needs, paths, strict=True) if path is not None}


def _copy(need: Need, store: Path, tally: Tally) -> Path | None:
    for path in (need.target(store), *need.copies):
        with contextlib.suppress(OSError):
            if path.is_file() and need.artifact.digest.matches(path):
                tally.finish(need.artifact, fetched=0)
                return path
    return None


def _download(needs: Sequence[Need], fetching: Fetching) -> int:
    if fetching.offline:
        raise _offline(needs)
    tally = Tally((need.artifact for need in needs), "downloading", fetching.report)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="locate") as pool:
        located = list(pool.map(lambda need: need.locations(), needs))
    downloads = [
        Download(artifact=need.artifact, target=need.target(fetching.store), locations=locations)
        for need, locations in zip(needs, located, strict=True)
    ]
    download_all(downloads, patience=fetching.patience, tally=tally)
    return tally.fetched


def _offline(needs: Sequence[Need]) -> InstallError:
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
    """Hold a store of artifacts beside other runs; gives a function that drops files nobody else needs any more.

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
