"""Lock environments, changing as little as may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from envgen import __version__
from envgen.errors import LockfileError, PlanError
from envgen.formats.registry import omissions, render
from envgen.lock.custom_metadata import normal_form
from envgen.lock.merge import has_conflicts, merged, sides_of_all
from envgen.lock.model import Lock
from envgen.lock.package_fields import checked_record, checked_wheel
from envgen.lock.staleness import left_files, stale_reasons
from envgen.locking.updates import Updates, refuse_unknown
from envgen.manifest.model import Manifest, digest
from envgen.models.findings import Move
from envgen.project.own_projects import with_projects
from envgen.project.project import MANIFEST, Environment, generated_texts, meant_names, open_environment, read_lock
from envgen.project.services import Services, with_indexes
from envgen.system.files import FolderWriter, exclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentResult:
    """What a `new`, an edit or a `lock` did to one environment.

    `files` are relative to the project's root, in the order of writing; `changed` is False where the committed lock was
    already true; `moved` maps each subdir that was locked before to what changed since.
    """

    name: str
    files: tuple[str, ...]
    lock: Lock
    changed: bool
    moved: Mapping[str, tuple[Move, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvedLock:
    """A lock, what moved on each platform that was locked before, and notes on this run."""

    lock: Lock
    moved: Mapping[str, tuple[Move, ...]]
    notes: tuple[str, ...]


def lock_environments(services: Services, names: tuple[str, ...], updates: Updates) -> tuple[EnvironmentResult, ...]:
    """Lock these environments, or all of the project, one after the other; a true lock is left as it is.

    Raises:
        LockfileError: a package to update is in none of the locks. EnvgenError: an environment cannot be locked; those
        before it were written, itself and those after it were not.
    """
    environments = [open_environment(services.root, name) for name in meant_names(services.root, names)]
    if updates.packages:
        kept = [_lock_to_keep(each, generated_texts(each.folder))[0] for each in environments]
        refuse_unknown([lock for lock in kept if lock], updates)
    results = []
    for environment in environments:
        whole = replace(environment, manifest=with_projects(services.root, environment.manifest))
        with exclusive(environment.folder) as writer:
            results.append(relock(services, whole, writer, updates))
    return tuple(results)


def relock(
    services: Services, environment: Environment, writer: FolderWriter, updates: Updates, *, edited: bool = False
) -> EnvironmentResult:
    """Lock an environment whose folder nobody else may write, unless its lock is true already, and write its files.

    With `edited` the manifest's text is written with them: all or none.
    """
    manifest, texts = environment.manifest, generated_texts(environment.folder)
    before, notes = _lock_to_keep(environment, texts)
    manifests = {MANIFEST: environment.text} if edited else {}
    if before and not updates and not notes and _is_current(services, manifest, before, texts):
        writer.write(manifests)
        files = tuple(f"{environment.shown}/{file}" for file in render(before, manifest.outputs))
        return EnvironmentResult(name=environment.name, files=files, lock=before, changed=False)
    solved = solve_lock(services, manifest, before, updates)
    rendered = render(solved.lock, manifest.outputs)
    written = writer.write({**rendered, **manifests})
    left = left_files(texts, rendered)
    writer.remove(left)
    gone = (f"{name} was removed: it was left from other outputs or platforms" for name in left)
    return EnvironmentResult(
        name=environment.name,
        files=tuple(f"{environment.shown}/{file}" for file in written),
        lock=solved.lock,
        changed=bool(written or left),
        moved=solved.moved,
        notes=(*notes, *solved.notes, *gone, *omissions(solved.lock, manifest.outputs)),
    )


def solve_lock(services: Services, manifest: Manifest, before: Lock | None, updates: Updates) -> SolvedLock:
    """Lock every platform of a manifest, keeping to the lock before."""
    # Slow to import, with the planner and all that reads channels; a question about a lock does without.
    from envgen.locking.lock_platform import Preferences, solve_platform
    from envgen.project.channels import channels_of

    services = with_indexes(services, manifest.indexes)
    earlier = {each.platform.subdir: each for each in before.platforms} if before else {}
    solved = {}
    for platform in manifest.platforms():
        preferences = Preferences(lock=earlier.get(platform.subdir), updates=updates, first=before is None)
        solved[platform.subdir] = solve_platform(services, manifest, platform, preferences)
    lock = Lock(
        name=manifest.name,
        created_by=f"envgen {__version__}",
        channels=channels_of(services, manifest),
        manifest_digest=digest(manifest),
        platforms=tuple(each.lock for each in solved.values()),
        exclude_newer=manifest.exclude_newer_text,
        indexes=manifest.indexes,
        projects=manifest.projects,
    )
    try:
        normal = normal_form(lock)
        for each in normal.platforms:
            _ = [*map(checked_record, each.conda), *map(checked_wheel, each.pypi)]
    except ValueError as error:
        hint = "leave the package that needs it out, or tell its channel"
        raise PlanError(f"the solution cannot be locked: {error}", hint=hint) from error
    return SolvedLock(
        lock=normal,
        moved={subdir: each.moved for subdir, each in solved.items() if subdir in earlier},
        notes=tuple(dict.fromkeys(note for each in solved.values() for note in each.notes)),
    )


def _is_current(services: Services, manifest: Manifest, lock: Lock, texts: Mapping[str, str]) -> bool:
    """Return whether a lock is what the manifest and the call ask for, and the files are what it renders to."""
    from envgen.project.channels import channels_of

    wanted = services.options.solver
    return (
        not services.options.starter
        and (wanted is None or all(platform.solver == wanted for platform in lock.platforms))
        and lock.channels == channels_of(services, manifest)
        and lock.manifest_digest == digest(manifest)
        and not stale_reasons(manifest, lock, texts, render(lock, manifest.outputs))
    )


def _lock_to_keep(environment: Environment, texts: Mapping[str, str]) -> tuple[Lock | None, tuple[str, ...]]:
    """Read the lock of a folder, mending what git left unmerged and reading what is damaged as far as it goes.

    The notes say what is made again. None where there is no lock, or nothing of it can be kept.
    """
    if any(has_conflicts(text) for text in texts.values()):
        return _both_sides(environment, texts)
    try:
        return read_lock(environment.shown, environment.manifest, texts), ()
    except LockfileError as error:
        note = f"the lock is made again: {error.message}"
    lock = _readable(environment, texts)
    return lock, (note,) if lock else (note, "nothing of it could be kept")


def _both_sides(environment: Environment, texts: Mapping[str, str]) -> tuple[Lock | None, tuple[str, ...]]:
    ours, theirs = (_readable(environment, side) for side in sides_of_all(texts))
    lock = merged(ours, theirs) if ours and theirs else ours or theirs
    if ours and theirs:
        kept = "what both sides of the merge agree on is kept, and the newer of what they do not"
    else:
        kept = "what one side holds is kept" if lock else "nothing of it could be kept"
    return lock, (f"the lock held merge markers and is made again: {kept}",)


def _readable(environment: Environment, texts: Mapping[str, str]) -> Lock | None:
    try:
        return read_lock(environment.shown, environment.manifest, texts, sealed=False)
    except LockfileError:
        return None
