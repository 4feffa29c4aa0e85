"""Lock environments, changing as little as may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from envgen import __version__
from envgen.errors import LockfileError, UsageError
from envgen.gateways.disk import exclusive
from envgen.lock.diff import Change, diff
from envgen.lock.model import Lock, PlatformLock
from envgen.lock.normal import normal_form
from envgen.manifest.digest import digest
from envgen.manifest.model import Manifest
from envgen.models.notes import Move
from envgen.staleness import stale_reasons
from envgen.workflows.project import Environment, environment_names, open_environment
from envgen.workflows.reading import generated_texts, read_lock
from envgen.workflows.results import EnvironmentResult
from envgen.workflows.services import Services
from envgen.workflows.solving import Keeping, channels_of, solve_platform
from envgen.writers.formats import omissions, render


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """Say what a lock may move: the packages named, or everything."""

    packages: frozenset[str] = field(default_factory=frozenset)
    everything: bool = False

    def __bool__(self) -> bool:
        """Tell whether anything is meant to move."""
        return self.everything or bool(self.packages)


def lock_environment(services: Services, name: str, updates: Updates) -> EnvironmentResult:
    """Lock one environment and write its files, unless its lock is true already.

    Raises:
        EnvgenError: nothing was written.
    """
    environment = open_environment(services.root, name)
    with exclusive(environment.folder) as writer:
        texts = generated_texts(environment.folder)
        before, notes = _before(environment, texts)
        if before and not updates and is_current(services, environment.manifest, before, texts):
            return _unchanged(environment, before)
        lock, run = solve_lock(services, environment.manifest, before, updates)
        written = writer.write(render(lock, environment.manifest.outputs))
    return EnvironmentResult(
        name=name,
        files=tuple(f"{environment.shown}/{file}" for file in written),
        lock=lock,
        changed=bool(written),
        moved=moves(before, lock),
        notes=(*notes, *run, *omissions(lock, environment.manifest.outputs)),
    )


def lock_environments(services: Services, names: tuple[str, ...], updates: Updates) -> tuple[EnvironmentResult, ...]:
    """Lock these environments, or all of the project, one after the other."""
    return tuple(lock_environment(services, name, updates) for name in chosen_names(services, names))


def chosen_names(services: Services, names: tuple[str, ...]) -> tuple[str, ...]:
    """Give the environments that a call means: those named, else all; raise UsageError where there is none."""
    chosen = tuple(dict.fromkeys(names)) or environment_names(services.root)
    if not chosen:
        raise UsageError("there is no environment here", hint="make one with `envgen new NAME`")
    return chosen


def _before(environment: Environment, texts: Mapping[str, str]) -> tuple[Lock | None, tuple[str, ...]]:
    """Read the lock to keep to; a damaged one is read as far as it goes, and remade."""
    try:
        return read_lock(environment.shown, environment.manifest, texts), ()
    except LockfileError as error:
        notes = (f"the lock is made again: {error.message}",)
    try:
        return read_lock(environment.shown, environment.manifest, texts, sealed=False), notes
    except LockfileError:
        return None, (*notes, "nothing of it could be kept")


def is_current(services: Services, manifest: Manifest, lock: Lock, texts: Mapping[str, str]) -> bool:
    """Tell whether a lock is what the manifest and the call ask for, and the files are what it renders to."""
    wanted = services.options.solver
    return (
        not services.options.starter
        and (wanted is None or all(platform.solver == wanted for platform in lock.platforms))
        and lock.channels == channels_of(services, manifest)
        and lock.manifest_digest == digest(manifest)
        and not stale_reasons(manifest, lock, texts, render(lock, manifest.outputs))
    )


def solve_lock(
    services: Services, manifest: Manifest, before: Lock | None, updates: Updates
) -> tuple[Lock, tuple[str, ...]]:
    """Lock every platform of a manifest; give the lock with notes on this run."""
    solved = [
        solve_platform(services, manifest, platform, _keeping(before, platform.subdir, updates))
        for platform in manifest.platforms()
    ]
    lock = normal_form(
        Lock(
            name=manifest.name,
            created_by=f"envgen {__version__}",
            channels=channels_of(services, manifest),
            manifest_digest=digest(manifest),
            platforms=tuple(item.lock for item in solved),
            exclude_newer=manifest.exclude_newer.isoformat() if manifest.exclude_newer else "",
        )
    )
    return lock, tuple(dict.fromkeys(note for item in solved for note in item.notes))


def _keeping(before: Lock | None, subdir: str, updates: Updates) -> Keeping:
    known = before.for_subdir(subdir) if before else None
    if updates.everything or known is None:
        return Keeping(first=before is None)
    return Keeping(lock=known, update=updates.packages, first=False)


def _unchanged(environment: Environment, lock: Lock) -> EnvironmentResult:
    files = tuple(f"{environment.shown}/{name}" for name in render(lock, environment.manifest.outputs))
    return EnvironmentResult(name=environment.name, files=files, lock=lock, changed=False, moved={})


def moves(before: Lock | None, after: Lock) -> dict[str, tuple[Move, ...]]:
    """List what changed on each platform that was locked before."""
    found = {}
    for platform in after.platforms:
        old = before.for_subdir(platform.platform.subdir) if before else None
        found[platform.platform.subdir] = tuple(_moves(old, platform)) if old else ()
    return found


def _moves(before: PlatformLock, after: PlatformLock) -> Iterator[Move]:
    for change in diff(before, after):
        yield Move(name=change.name, before=change.before, after=change.after, why=_why(change))


def _why(change: Change) -> str:
    half = f" (now from {change.source})" if change.change == "moved" else ""
    return f"{change.change}{half}"
