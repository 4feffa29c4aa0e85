"""Bring a prefix to what a lock says, step by step, such that every stop on the way can be told and made good."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.errors import EnvgenError, InstallError, InterruptedInstallError
from envgen.install.artifacts import record_artifact, wheel_artifact
from envgen.install.conda_packages import CondaLinker, StaleCacheError, link, remove_unreadable, unpacked
from envgen.install.download import check_space
from envgen.install.fetch import STORE, UNPACKED, Sources, obtain, shared_store
from envgen.install.prefix import (
    Contents,
    Marker,
    content_digest,
    is_conda_root,
    is_empty,
    is_environment,
    read_contents,
    read_marker,
    write_marker,
)
from envgen.install.prefix_diff import Sync, compare, verify_contents
from envgen.install.target import InstallTarget
from envgen.install.wheels import WheelInstaller, WheelTarget, remove_compiled, remove_distribution
from envgen.models.package_key import PackageKey
from envgen.models.record import Record
from envgen.project.services import Services
from envgen.system.files import exclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixState:
    """What stands in a prefix, and what must be done to it.

    `afresh` tells that what is there is the rest of a first attempt with another lock, which goes altogether.
    """

    marker: Marker | None
    contents: Contents
    sync: Sync
    afresh: bool

    @property
    def whole(self) -> bool:
        """Return whether the prefix is marked as whole."""
        return self.marker is not None and self.marker.state == "complete"


@contextlib.contextmanager
def held(prefix: Path) -> Iterator[None]:
    """A prefix against other runs, made if need be; an empty one that was made for it is taken away again.

    Raises:
        WriteError: another run is at work in it, or it cannot be made. InstallError: it is no folder.
    """
    made = not os.path.lexists(prefix)
    try:
        prefix.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InstallError(
            f"cannot make {prefix}: {(error.strerror or str(error)).lower()}", hint="choose another --prefix"
        ) from error
    with exclusive(prefix):
        try:
            yield
        finally:
            if made and is_empty(prefix):
                with contextlib.suppress(OSError):
                    prefix.rmdir()


class PrefixSync:
    """Bring one prefix to its target."""

    def __init__(self, services: Services, target: InstallTarget, sources: Sources) -> None:
        """Prepare; nothing is read or changed."""
        self._services = services
        self._target = target
        self._sources = sources
        self._store = services.settings.cache_dir / STORE
        self._cache = services.settings.cache_dir / UNPACKED
        self._wheels = WheelInstaller(services.settings.environ, sources.indexes, offline=sources.offline)
        self._place = WheelTarget(
            prefix=target.prefix, platform=target.lock.platform, site=target.site, runnable=target.runs
        )

    def look(self, *, adopt: bool) -> PrefixState:
        """Look at what is there, and compare it with the lock.

        Raises:
            InstallError: the prefix is something that may not be changed.
        """
        prefix, target = self._target.prefix, self._target
        marker = read_marker(prefix)
        _refuse(target, marker, adopt=adopt)
        digest = content_digest(target.lock.conda, target.lock.pypi)
        afresh = marker is not None and marker.state == "incomplete" and marker.fresh and marker.content != digest
        contents = Contents(prefix, (), (), ()) if afresh else read_contents(prefix)
        sync = compare(contents, target.content, marker.wheels if marker else {})
        return PrefixState(marker=marker, contents=contents, sync=sync, afresh=afresh)

    def bring(self, found: PrefixState) -> int:
        """Change the prefix; give the number of bytes that came over the network.

        Everything is downloaded and verified before the first change. Raises InstallError with the state of the prefix.
        """
        target, sync = self._target, found.sync
        with self._telling("it was not touched"):
            linked = [record for record in target.lock.conda if record.name in sync.link]
            cached = unpacked(linked, self._cache)
            missing = [record for record in linked if record.name not in cached]
            self._check_space(missing, linked, sync)
            with shared_store(self._store) as drop:
                needs = [*self._sources.records(missing), *self._sources.wheels(sync.wheels)]
                obtained = obtain(needs, self._sources.fetching())
                self._change(found, obtained.by_key())
                drop(path for key, path in obtained.by_key().items() if key.source == "conda")
        return obtained.fetched

    def _check_space(self, missing: Iterable[Record], linked: Iterable[Record], sync: Sync) -> None:
        wheels = [wheel_artifact(wheel) for wheel in sync.wheels]
        check_space(
            [*map(record_artifact, missing), *wheels],
            [*map(record_artifact, linked), *wheels],
            store=self._store,
            prefix=self._target.prefix,
        )

    def _change(self, found: PrefixState, files: dict[PackageKey, Path]) -> None:
        prefix, target = self._target.prefix, self._target
        marker = self._marker(found)
        state = "half made" if marker.fresh else "half changed"
        write_marker(prefix, marker)
        with self._telling(f"it is {state}, and marked so: the same command completes it"):
            if found.afresh:
                _empty(prefix)
                write_marker(prefix, marker)
            remove_unreadable(found.contents.unreadable)
            self._remove(found)
            self._link(found, files)
            self._services.progress("installing the PyPI packages")
            self._wheels.install(found.sync.wheels, files, self._place)
            for folder, editable in target.projects:
                self._services.progress(f"installing {folder.name}")
                self._wheels.install_projects([(folder, editable)], self._place)
            self._services.progress("verifying what was installed")
            verify_contents(read_contents(prefix), target.content)
            write_marker(prefix, replace(marker, state="complete", fresh=False))

    def _marker(self, found: PrefixState) -> Marker:
        target, before = self._target, found.marker
        return Marker(
            environment=target.environment.name,
            platform=target.lock.platform.subdir,
            content=content_digest(target.lock.conda, target.lock.pypi),
            state="incomplete",
            fresh=is_empty(target.prefix) if before is None else before.fresh,
            groups_left_out=target.left_out,
            wheels={wheel.name: wheel.wheel.sha256 for wheel in target.lock.pypi},
        )

    def _remove(self, found: PrefixState) -> None:
        contents, sync = found.contents, found.sync
        kept = {*contents.owned}
        for each in contents.loose:
            if each not in sync.removed:
                kept.update(each.files)
        for each in sync.removed:
            remove_distribution(contents.prefix, each, kept)
        changed = {each.name for each in sync.differences if each.source == "conda"}
        for record in contents.records:
            if record.name in changed:
                remove_compiled(contents.prefix, record.files, kept)

    def _link(self, found: PrefixState, files: dict[PackageKey, Path]) -> None:
        target = self._target
        linking = CondaLinker(
            prefix=target.prefix,
            subdir=target.lock.platform.subdir,
            records=target.lock.conda,
            archives=files,
            again=found.sync.again,
            cache=self._cache,
            report=self._services.progress,
        )
        try:
            link(linking)
        except StaleCacheError:
            rest = [record for record in target.lock.conda if record.key not in files]
            files |= obtain(self._sources.records(rest), self._sources.fetching()).by_key()
            link(replace(linking, archives=files))

    @contextlib.contextmanager
    def _telling(self, state: str) -> Iterator[None]:
        """Yield of every failure what state the prefix is in; one that says so already keeps its words."""
        prefix = self._target.prefix
        told = f"{prefix}: {state}"
        try:
            yield
        except _ToldError:
            raise
        except KeyboardInterrupt as error:
            raise InterruptedInstallError(f"interrupted\n  {told}") from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise _ToldError(f"{prefix} cannot be changed: {reason}\n  {told}", code="disk") from error
        except EnvgenError as error:
            raise _ToldError(
                f"{error.message}\n  {told}", hint=error.hint, lines=error.lines, code=error.code
            ) from error


class _ToldError(InstallError):
    """Report a failure whose message says what state the prefix is in."""


def _refuse(target: InstallTarget, marker: Marker | None, *, adopt: bool) -> None:
    """Refuse a prefix that is not ours to change."""
    prefix, name = target.prefix, target.environment.name
    if is_conda_root(prefix):
        raise _refused(f"{prefix} is conda's own installation", "choose another --prefix")
    if marker is None:
        if is_empty(prefix):
            return
        if not is_environment(prefix):
            raise _refused(f"{prefix} is there, and is no environment", "choose another --prefix, or empty that folder")
        if not adopt:
            raise _refused(
                f"{prefix} was made by another tool",
                "see what would change with --dry-run --adopt, and change it with --adopt; or choose another --prefix",
            )
        return
    if marker.environment not in ("", name):
        raise _refused(f"{prefix} holds the environment `{marker.environment}`", "choose another --prefix")
    if marker.platform not in ("", target.lock.platform.subdir):
        raise _refused(
            f"{prefix} holds packages for {marker.platform}", "choose another --prefix, or empty that folder"
        )


def _refused(message: str, hint: str) -> InstallError:
    return InstallError(message, hint=hint, code="prefix")


def _empty(prefix: Path) -> None:
    for entry in prefix.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
