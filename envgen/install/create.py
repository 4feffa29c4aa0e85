"""The making of an environment from its lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.errors import EnvgenError
from envgen.install.activation import advice, write_kernel
from envgen.install.containment import PackageFiles, shared_paths
from envgen.install.fetch import Sources
from envgen.install.location import register
from envgen.install.prefix_diff import Difference
from envgen.install.smoke_test import SmokeResult, run_smoke_tests
from envgen.install.sync import PrefixState, PrefixSync, exclusive_prefix, remove_obsolete
from envgen.install.target import CreateOptions, InstallTarget, find_target
from envgen.project.services import Services, with_indexes
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
