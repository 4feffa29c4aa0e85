"""The making of an environment from its lock, and its steps: whatever stops one of them, the next run completes it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.errors import EnvgenError, InstallError, InterruptedInstallError
from envgen.install.activation import advice, write_kernel
from envgen.install.artifacts import record_artifact, wheel_artifact
from envgen.install.conda_packages import CondaLinker, StaleCacheError, link, read_unpacked, unpack, unpacked
from envgen.install.containment import META, PackageFiles, PrefixPaths, plain_path, shared_paths
from envgen.install.download import check_space
from envgen.install.fetch import STORE, UNPACKED, FetchedFiles, Sources, fetch_files, shared_store
from envgen.install.location import is_conda_root, register
from envgen.install.prefix import (
    Marker,
    PrefixContents,
    check_contents,
    is_empty,
    is_environment,
    read_coming,
    read_contents,
    read_marker,
    write_marker,
)
from envgen.install.prefix_diff import Difference, PrefixChanges, compare, verify_contents
from envgen.install.smoke_test import SmokeResult, run_smoke_tests
from envgen.install.target import CreateOptions, InstallTarget, find_target
from envgen.install.wheels import (
    WheelInstaller,
    WheelTarget,
    read_wheel,
    remove_compiled,
    remove_distribution,
    remove_files,
)
from envgen.models.record import Record
from envgen.project.services import Services, with_indexes
from envgen.system.files import exclusive, reason_of
from envgen.system.machine import Machine

_SHOWN_PAIRS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateResult:
    """What `create` did, or with a dry run would do.

    `downloaded` is the number of bytes that came over the network; `outcomes` are those of the smoke tests; `advice`
    says how to use the environment.
    """

    name: str
    prefix: Path
    platform: str
    differences: tuple[Difference, ...]
    dry_run: bool = False
    downloaded: int = 0
    outcomes: tuple[SmokeResult, ...] = ()
    advice: tuple[str, ...] = ()
    kernel: Path | None = None
    notes: tuple[str, ...] = ()


def create_environment(services: Services, options: CreateOptions, machine: Machine) -> CreateResult:
    """Make the environment, or bring it to its lock; then try what was installed.

    Raises:
        InstallError: it cannot be made; the message says what state the prefix is in. WriteError: another run is at
            work in it.
    """
    target = find_target(services, options, machine)
    sync = PrefixSync(services, target, _sources(services, options, target))
    if options.dry_run:
        return _result(services, options, target, sync.read_state(adopt=options.adopt))
    with exclusive_prefix(target.prefix):
        state = sync.read_state(adopt=options.adopt)
        result = _result(services, options, target, state)
        # a project of the user's own may have changed without a sign
        needed = bool(state.changes.differences or target.projects) or not state.is_complete
        if needed:
            with sync.fetched(state) as files, sync.incomplete(state, packages := sync.packages(state, files)):
                remove_obsolete(state.contents, state.changes, state.left)
                sync.link(state, packages)
                sync.install_wheels(state, files)  # by the Python that was linked
                sync.install_projects()
                sync.verify()
            shared = _shared_paths(state, packages)
            result = replace(result, downloaded=files.downloaded, notes=(*result.notes, *shared))
    notes = [*result.notes, *_register(services, target)]
    if needed and target.has_usable_python:
        tests = run_smoke_tests(services, target)
        result = replace(result, outcomes=tests.results)
        notes += tests.notes
    if options.kernel:
        environ = services.settings.environ
        kernel = write_kernel(target.prefix, result.name, services.home, environ, is_mac=target.is_mac)
        result = replace(result, kernel=kernel)
    return replace(result, notes=tuple(notes))


def _sources(services: Services, options: CreateOptions, target: InstallTarget) -> Sources:
    manifest = target.environment.manifest
    # a vendored folder serves alone: the manifest's indexes, and the passwords they want, do not count then
    reached = services if options.vendored else with_indexes(services, manifest.indexes)
    return Sources(reached, manifest.channels, options.vendored)


def _result(services: Services, options: CreateOptions, target: InstallTarget, state: PrefixState) -> CreateResult:
    name, environ = target.environment.name, services.settings.environ
    lines = advice(target.prefix, name, target.location.active, environ, given=bool(options.prefix))
    return CreateResult(
        name=name,
        prefix=target.prefix,
        platform=target.lock.platform.subdir,
        differences=state.changes.differences,
        dry_run=options.dry_run,
        advice=tuple(lines) if target.has_usable_python else (),
        notes=target.notes,
    )


def _shared_paths(state: PrefixState, packages: Sequence[PackageFiles]) -> Iterator[str]:
    """Yield a note where two packages have the same path."""
    changed = {each.name for each in state.changes.differences if each.source == "conda"}
    staying = [
        PackageFiles(name=record.name, shown=f"{record.name} {record.version}", files=record.files)
        for record in state.contents.records
        if record.name not in changed
    ]
    found = [f"{first} and {second} ({path})" for first, second, path in shared_paths((*staying, *packages))]
    if found:
        more = f", and {len(found) - _SHOWN_PAIRS} more pairs" if len(found) > _SHOWN_PAIRS else ""
        listed = ", ".join(found[:_SHOWN_PAIRS]) + more
        yield f"some packages have the same file, and only one of each pair has its own there: {listed}"


def _register(services: Services, target: InstallTarget) -> Iterator[str]:
    """List the prefix where conda looks for environments; yield a note where that cannot be done."""
    try:
        if target.runs:
            register(target.prefix, services.home)
    except EnvgenError as error:
        yield f"conda may not list the environment: {error.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixState:
    """What is in a prefix, and what must be changed in it.

    `left` are paths that a run which was stopped has left, without a record.
    """

    marker: Marker | None
    contents: PrefixContents
    changes: PrefixChanges
    left: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        return self.marker is not None and self.marker.state == "complete"


@contextlib.contextmanager
def exclusive_prefix(prefix: Path) -> Iterator[None]:
    """Lock a prefix against other runs, made if need be; one that was made and stays empty is removed again.

    Raises:
        WriteError: another run is at work in it, or it cannot be made. InstallError: it is no folder.
    """
    made = not os.path.lexists(prefix)
    try:
        prefix.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InstallError(f"cannot make {prefix}: {reason_of(error)}", hint="choose another --prefix") from error
    with exclusive(prefix):
        try:
            yield
        finally:
            if made:
                with contextlib.suppress(OSError):  # one that is not empty stays
                    prefix.rmdir()


class PrefixSync:
    """The steps that bring one prefix to its target, in the order in which they are taken."""

    def __init__(self, services: Services, target: InstallTarget, sources: Sources) -> None:
        self._services = services
        self._target = target
        self._sources = sources
        self._store = services.settings.cache_dir / STORE
        self._cache = services.settings.cache_dir / UNPACKED
        self._uv = WheelInstaller(services.settings.environ, sources.indexes, offline=sources.offline)
        self._wheel_target = WheelTarget(
            prefix=target.prefix, platform=target.lock.platform, site=target.site, runnable=target.runs
        )

    def read_state(self, *, adopt: bool) -> PrefixState:
        """Read what is there, and compare it with the lock; raise InstallError for what may not be changed."""
        prefix, target = self._target.prefix, self._target
        marker = read_marker(prefix)
        _refuse(target, marker, adopt=adopt)
        contents = read_contents(prefix)
        changes = compare(contents, target.content, marker.wheels if marker else {})
        left = read_coming(contents) if marker is not None and marker.state == "incomplete" else ()
        return PrefixState(marker=marker, contents=contents, changes=changes, left=left)

    @contextlib.contextmanager
    def fetched(self, state: PrefixState) -> Iterator[FetchedFiles]:
        """Download, verify, unpack and check all packages before the first change; the archives are dropped then.

        Raises InstallError with the state of the prefix, as all steps within do.
        """
        with self._stating("it was not touched"):
            check_contents(state.contents)
            with shared_store(self._store) as drop:  # nobody cleans the cache from now on
                linked = self._linked(state)
                cached = unpacked(linked, self._cache)
                missing = [record for record in linked if record.name not in cached]
                wheels = [wheel_artifact(wheel) for wheel in state.changes.wheels]
                check_space(
                    [*map(record_artifact, missing), *wheels],
                    [*map(record_artifact, linked), *wheels],
                    store=self._store,
                    prefix=self._target.prefix,
                )
                needs = [*self._sources.records(missing), *self._sources.wheels(state.changes.wheels)]
                files = fetch_files(needs, self._sources.fetch_options())
                unpack(missing, files.by_key(), self._cache)
                yield files
                drop(path for artifact, path in files.paths.items() if artifact.key.source == "conda")

    def packages(self, state: PrefixState, files: FetchedFiles) -> tuple[PackageFiles, ...]:
        """Return what the packages that come put into the prefix, checked; raise InstallError where it may not be."""
        with self._stating("it was not touched"):
            site = plain_path(self._target.site, "python's folder for modules")
            conda = [read_unpacked(record, self._cache, site) for record in self._linked(state)]
            packages = (*conda, *self._wheel_files(state, files))
            self._paths().check_packages(packages)
            return packages

    @contextlib.contextmanager
    def incomplete(self, state: PrefixState, packages: Sequence[PackageFiles]) -> Iterator[None]:
        """Mark the prefix as incomplete before the steps within, and as complete after the last of them."""
        prefix, target, before = self._target.prefix, self._target, state.marker
        marker = Marker(
            environment=target.environment.name,
            platform=target.lock.platform.subdir,
            state="incomplete",
            fresh=is_empty(prefix) if before is None else before.fresh,
            groups_left_out=target.left_out,
            wheels={wheel.name: wheel.wheel.sha256 for wheel in target.lock.pypi},
        )
        new = (path for package in packages for path in package.files if not os.path.lexists(f"{prefix}/{path}"))
        write_marker(prefix, marker, {*state.left, *new})
        made = "half made" if marker.fresh else "half changed"
        with self._stating(f"it is {made}, and marked so: the same command completes it"):
            yield
            write_marker(prefix, replace(marker, state="complete", fresh=False))

    def link(self, state: PrefixState, packages: Sequence[PackageFiles]) -> None:
        """Link conda's packages; one whose unpacked copy in the cache is damaged is fetched after all."""
        target = self._target
        linker = CondaLinker(
            prefix=target.prefix,
            subdir=target.lock.platform.subdir,
            records=target.lock.conda,
            relinked=state.changes.relinked,
            cache=self._cache,
            report=self._services.progress,
            copied=self._paths().split_off(packages),
        )
        try:
            link(linker)
        except StaleCacheError:
            linked = self._linked(state)
            files = fetch_files(self._sources.records(linked), self._sources.fetch_options())
            unpack(linked, files.by_key(), self._cache, again=True)
            self._paths().check_packages(read_unpacked(record, self._cache, target.site) for record in linked)
            link(linker)

    def install_wheels(self, state: PrefixState, files: FetchedFiles) -> None:
        """Install the wheels that come, after another look at where their files would go."""
        coming = self._wheel_files(state, files)
        paths = self._paths()
        paths.check_packages(coming)
        if coming:
            check_contents(read_contents(self._target.prefix))  # uv goes by them where it replaces a distribution
            paths.split_off(coming)
        self._services.progress("installing the PyPI packages")
        self._uv.install(state.changes.wheels, files.by_key(), self._wheel_target)

    def _linked(self, state: PrefixState) -> list[Record]:
        return [record for record in self._target.lock.conda if record.name in state.changes.link]

    def _wheel_files(self, state: PrefixState, files: FetchedFiles) -> list[PackageFiles]:
        paths = files.by_key()
        return [read_wheel(wheel, paths[wheel.key], self._wheel_target) for wheel in state.changes.wheels]

    def _paths(self) -> PrefixPaths:
        return PrefixPaths(self._target.prefix, self._target.outside_links)

    def install_projects(self) -> None:
        """Install the user's own projects."""
        for folder, editable in self._target.projects:
            self._services.progress(f"installing {folder.name}")
            self._uv.install_project(folder, self._wheel_target, editable=editable)

    def verify(self) -> None:
        """Compare what is there now with the lock, as if nothing were known of it."""
        self._services.progress("verifying what was installed")
        verify_contents(read_contents(self._target.prefix), self._target.content)

    @contextlib.contextmanager
    def _stating(self, state: str) -> Iterator[None]:
        """Add the state of the prefix to the message of every failure; one that has it already keeps its words."""
        prefix = self._target.prefix
        stated = f"{prefix}: {state}"
        try:
            yield
        except (_StatedError, InterruptedInstallError):  # of a step within this one
            raise
        except KeyboardInterrupt as error:
            raise InterruptedInstallError(f"interrupted\n  {stated}") from error
        except OSError as error:
            message = f"{prefix} cannot be changed: {reason_of(error)}\n  {stated}"
            raise _StatedError(message, code="disk") from error
        except EnvgenError as error:
            message = f"{error.message}\n  {stated}"
            raise _StatedError(message, hint=error.hint, lines=error.lines, code=error.code) from error


def remove_obsolete(contents: PrefixContents, changes: PrefixChanges, left: Iterable[str] = ()) -> None:
    """Remove the distributions that go, what Python has compiled of records that change, and what a run has `left`.

    Of a package with several records all go, with their files: it is linked again.
    """
    remove_files(contents.prefix, left)
    for file in contents.unreadable:  # rattler stops at them; their packages are linked again
        file.unlink()
    for record in contents.doubled:
        (contents.prefix / META / record.file).unlink()
    remove_files(contents.prefix, contents.disowned)
    kept = {*contents.owned}
    for distribution in contents.loose:
        if distribution not in changes.removed:
            kept.update(distribution.files)
    for distribution in changes.removed:
        remove_distribution(contents.prefix, distribution, kept)
    changed = {each.name for each in changes.differences if each.source == "conda"}
    for record in (*contents.records, *contents.doubled):
        if record.name in changed:
            remove_compiled(contents.prefix, record.files, kept)


class _StatedError(InstallError):
    """A failure whose message says what state the prefix is in."""


def _refuse(target: InstallTarget, marker: Marker | None, *, adopt: bool) -> None:
    prefix, name = target.prefix, target.environment.name
    if marker is None and is_conda_root(prefix):  # an environment of ours may hold conda, too
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
