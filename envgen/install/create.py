"""Make an environment from its lock, or bring one to what its lock says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from envgen.errors import EnvgenError
from envgen.install.activation import advice, write_kernel
from envgen.install.fetch import Sources
from envgen.install.prefix import register
from envgen.install.prefix_diff import Difference
from envgen.install.smoke_test import SmokeResult, try_environment
from envgen.install.sync import PrefixState, PrefixSync, held
from envgen.install.target import CreateOptions, InstallTarget, target_of
from envgen.project.services import Services, with_indexes
from envgen.system.machine import Machine


def create_environment(services: Services, wanted: CreateOptions, machine: Machine) -> CreateResult:
    """Make the environment, or bring it to its lock; then try what was installed.

    Raises:
        InstallError: it cannot be made; the message says what state the prefix is in. WriteError: another run is at
            work in it.
    """
    target = target_of(services, wanted, machine)
    manifest = target.environment.manifest
    asked = services if wanted.vendored else with_indexes(services, manifest.indexes)
    sources = Sources(asked, manifest.channels, wanted.vendored)
    syncing = PrefixSync(services, target, sources)
    if wanted.dry_run:
        return _created(services, wanted, target, syncing.look(adopt=wanted.adopt))
    with held(target.prefix):
        found = syncing.look(adopt=wanted.adopt)
        changes = _changes(target, found)
        created = _created(services, wanted, target, found)
        if changes:
            created = replace(created, downloaded=syncing.bring(found))
    return _finished(services, wanted, target, created, tried=changes)


def _changes(target: InstallTarget, found: PrefixState) -> bool:
    """Return whether anything must be done: a project of the user's own may have changed without a sign."""
    return bool(found.sync.differences or target.projects) or not found.whole


def _created(services: Services, wanted: CreateOptions, target: InstallTarget, found: PrefixState) -> CreateResult:
    environ = services.settings.environ
    usable = target.runs and target.has_python
    lines = advice(target.prefix, target.environment.name, target.location.active, environ, given=bool(wanted.prefix))
    return CreateResult(
        name=target.environment.name,
        prefix=target.prefix,
        platform=target.lock.platform.subdir,
        differences=found.sync.differences,
        dry_run=wanted.dry_run,
        advice=tuple(lines) if usable else (),
        notes=target.notes,
    )


def _finished(
    services: Services, wanted: CreateOptions, target: InstallTarget, created: CreateResult, *, tried: bool
) -> CreateResult:
    """Register, try and offer to Jupyter what is installed now."""
    notes = list(created.notes)
    home = services.home
    try:
        if target.runs:
            register(target.prefix, home)
    except EnvgenError as error:
        notes.append(f"conda may not list the environment: {error.message}")
    if target.runs and target.has_python and tried:
        tries = try_environment(services, target)
        created = replace(created, outcomes=tries.outcomes)
        notes += tries.notes
    if wanted.kernel:
        environ = services.settings.environ
        path = write_kernel(target.prefix, created.name, home, environ, is_mac=target.is_mac)
        created = replace(created, kernel=path)
    return replace(created, notes=tuple(notes))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateResult:
    """What `create` did, or with a dry run would do.

    `download` is the size in bytes of what had to come over the network; `outcomes` are the tries that were made
    afterwards; `advice` says how to use the environment.
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
