"""Describe what `create` was asked for, what it decided before it changes anything, and what it did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.errors import EnvgenError, InstallError, LockfileError, UsageError
from envgen.install.prefix import PrefixLocation, Surroundings, given_location, named_location
from envgen.install.prefix_diff import Content
from envgen.install.vendored import LISTING
from envgen.lock.model import Lock, PlatformLock, lock_groups, without_groups
from envgen.manifest.model import digest
from envgen.models.match_spec import version_key
from envgen.models.platform import LINUX_GLIBC
from envgen.project.own_projects import with_projects
from envgen.project.project import FOLDER, Environment, generated_texts, open_environment, read_lock
from envgen.project.services import Services
from envgen.system.files import inside
from envgen.system.machine import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOptions:
    """What `create` was asked for.

    `platform` names another platform than this machine's, whose packages are only unpacked and verified; `adopt` lets a
    prefix be changed that another tool made; `vendored` is the folder that alone serves packages.
    """

    name: str
    prefix: Path | None = None
    left_out: tuple[str, ...] = ()
    platform: str = ""
    dry_run: bool = False
    adopt: bool = False
    vendored: Path | None = None
    kernel: bool = False
    local: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallTarget:
    """What will be made where: the platform's lock without the groups left out, and the place.

    `runs` tells that what is installed may be run on this machine; `projects` are the folders of the user's own
    projects, each with whether it is editable.
    """

    environment: Environment
    lock: PlatformLock
    location: PrefixLocation
    left_out: tuple[str, ...]
    runs: bool
    is_mac: bool
    projects: tuple[tuple[Path, bool], ...]
    notes: tuple[str, ...]

    @property
    def prefix(self) -> Path:
        """Return the folder that the environment goes to."""
        return self.location.prefix

    @property
    def content(self) -> Content:
        """Return what the prefix is to hold."""
        urls = tuple(folder.as_uri() for folder, _ in self.projects)
        return Content(records=self.lock.conda, wheels=self.lock.pypi, site=self.site, projects=urls)

    @property
    def site(self) -> str:
        """Return the folder of Python modules, relative to the prefix."""
        python = next((record for record in self.lock.conda if record.name == "python"), None)
        own = python.python_site_packages_path if python else ""
        return own or f"lib/python{self.lock.platform.python}/site-packages"

    @property
    def has_python(self) -> bool:
        """Return whether there is a Python to run."""
        return any(record.name == "python" for record in self.lock.conda)


def target_of(services: Services, wanted: CreateOptions, machine: Machine) -> InstallTarget:
    """Read the lock, choose the platform and the place; nothing is changed.

    Raises:
        UsageError: the call makes no sense. LockfileError: there is no lock, or a damaged one. InstallError: this
            machine cannot have the environment.
    """
    environment, lock = opened(services, wanted)
    left_out = _left_out(environment, lock, wanted.left_out)
    chosen, runs = _platform(wanted, lock, machine)
    around = Surroundings(
        environ=services.settings.environ,
        home=services.home,
        data=services.settings.data_dir,
        subdir=chosen.platform.subdir,
    )
    location = (
        given_location(services.settings.folder / wanted.prefix.expanduser(), around)
        if wanted.prefix
        else named_location(environment.name, around)
    )
    return InstallTarget(
        environment=environment,
        lock=without_groups(chosen, left_out),
        location=replace(location, prefix=_resolved(location.prefix)),
        left_out=left_out,
        runs=runs,
        is_mac=machine.system == "Darwin",
        projects=tuple(_projects(environment)) if wanted.local and runs else (),
        notes=tuple(_notes(environment, lock, chosen, runs=runs)),
    )


def opened(services: Services, wanted: CreateOptions) -> tuple[Environment, Lock]:
    """Read an environment and its lock, from the project or else from the vendored folder."""
    root = services.root
    vendored = wanted.vendored
    if vendored and not (root / FOLDER / wanted.name).is_dir() and (vendored / FOLDER / wanted.name).is_dir():
        root = vendored
    if vendored and not (vendored / LISTING).is_file():
        raise InstallError(
            f"{vendored} is no vendored folder: it has no {LISTING}",
            hint="make one with `envgen vendor --download --to DIR`",
        )
    environment = open_environment(root, wanted.name)
    lock = read_lock(environment.shown, environment.manifest, generated_texts(environment.folder))
    if lock is None:
        raise LockfileError(
            f"{environment.shown} has no lock yet", hint=f"make it with `envgen lock {wanted.name}`, and commit it"
        )
    return _whole(root, environment), lock


def _whole(root: Path, environment: Environment) -> Environment:
    """Read what the user's own projects need, where they are: an environment can be made without them."""
    try:
        return replace(environment, manifest=with_projects(root, environment.manifest))
    except EnvgenError:
        return environment


def _are_known(environment: Environment) -> bool:
    """Return whether the user's own projects are there to be read."""
    try:
        with_projects(environment.folder.parent.parent, environment.manifest)
    except EnvgenError:
        return False
    return True


def _platform(wanted: CreateOptions, lock: Lock, machine: Machine) -> tuple[PlatformLock, bool]:
    """Choose the platform; the flag tells whether it runs here."""
    if not wanted.platform:
        return suitable(wanted.name, lock.platforms, machine), True
    chosen = lock.for_subdir(wanted.platform)
    if chosen is None:
        known = ", ".join(each.platform.subdir for each in lock.platforms)
        raise UsageError(f"{wanted.name} is not locked for `{wanted.platform}`", hint=f"it is locked for {known}")
    try:
        return suitable(wanted.name, (chosen,), machine), True
    except InstallError as error:
        if wanted.prefix is None:
            raise UsageError(
                f"{wanted.platform} does not run here, so it can only be unpacked into a folder that you name",
                hint="add --prefix FOLDER",
            ) from error
        return chosen, False


def _left_out(environment: Environment, lock: Lock, names: tuple[str, ...]) -> tuple[str, ...]:
    known = {*environment.manifest.group_names(), *(group for each in lock.platforms for group in lock_groups(each))}
    unknown = sorted(set(names) - known)
    if unknown:
        raise UsageError(
            f"{environment.name} has no group `{unknown[0]}`",
            hint=f"its groups are {', '.join(sorted(known))}" if known else "it has no groups",
        )
    return tuple(sorted(set(names)))


def _projects(environment: Environment) -> Iterator[tuple[Path, bool]]:
    root = environment.folder.parent.parent
    for project in environment.manifest.local:
        folder = inside(root, project.path)
        if not folder.is_dir():
            raise InstallError(
                f"the project `{project.path}` of envgen.yaml is not there: {folder}",
                hint="check it out, or create the environment without it: --no-local",
            )
        yield folder, project.editable


def _resolved(prefix: Path) -> Path:
    """Return a prefix without symlinks on the way, as the packages will have it written into them."""
    return prefix.parent.resolve() / prefix.name if prefix.name not in ("", "..") else prefix.resolve()


def _notes(environment: Environment, lock: Lock, chosen: PlatformLock, *, runs: bool) -> list[str]:
    notes = []
    if lock.manifest_digest != digest(environment.manifest) and _are_known(environment):
        changed = (
            "what your own projects need, or envgen.yaml, has" if environment.manifest.local else "envgen.yaml has"
        )
        notes.append(
            f"{changed} changed since the lock was made: run `envgen lock {environment.name}` to make it count"
        )
    if not runs:
        notes.append(f"{chosen.platform.subdir} is unpacked and verified; nothing of it is run on this machine")
    return notes


# Tell whether a machine may have an environment, and why not.

_NAMES = {
    "osx-arm64": "an Apple-silicon Mac",
    "osx-64": "an Intel Mac",
    "linux-64": "Linux on x86-64",
    "linux-aarch64": "Linux on arm64",
}


def suitable(name: str, locks: Sequence[PlatformLock], machine: Machine) -> PlatformLock:
    """Choose the platform of a lock that this machine runs.

    Raises:
        InstallError: it runs none of them, or is older than the lock's floor, or this process is translated by
            Rosetta; the hint says what would work.
    """
    if machine.translated:
        raise _refused(
            "this Mac has Apple silicon, but envgen runs as an Intel process under Rosetta, as does all that it starts",
            "use a native Python: `arch -arm64 zsh`, then install envgen again with uv, pipx or Miniforge for arm64",
        )
    lock = next((lock for lock in locks if lock.platform.subdir == machine.subdir), None)
    if lock is None:
        raise _not_locked(name, locks, machine)
    _check_floor(name, lock, machine)
    return lock


def _not_locked(name: str, locks: Sequence[PlatformLock], machine: Machine) -> InstallError:
    locked = [lock.platform.subdir for lock in locks]
    here = _NAMES.get(machine.subdir, f"{machine.system} on {machine.processor}")
    wants = " or ".join(_NAMES[subdir] for subdir in locked)
    ways = [f"create it on {wants}"]
    if machine.subdir:
        ways.append(f"or add `{machine.subdir}` to `platforms` in envgen.yaml and run `envgen lock {name}`")
    ways.append(f"or only unpack and verify it: --platform {locked[0]} --prefix FOLDER" if locked else "")
    return _refused(f"{name} is locked for {', '.join(locked)}, and this is {here}", "; ".join(filter(None, ways)))


def _check_floor(name: str, lock: PlatformLock, machine: Machine) -> None:
    floor = lock.platform.macos
    if floor and machine.macos and version_key(machine.macos) < version_key(floor):
        raise _refused(
            f"{name} is locked for macOS {floor} or newer, and this Mac has {machine.macos}",
            f'update macOS; or write `macos: "{_floor_of(machine.macos)}"` under `platforms` in envgen.yaml '
            f"and run `envgen lock {name}`",
        )
    if not floor and machine.glibc and version_key(machine.glibc) < version_key(LINUX_GLIBC):
        raise _refused(
            f"{name} is locked for glibc {LINUX_GLIBC} or newer, and this machine has {machine.glibc}",
            "create it on a newer Linux, or in a container",
        )


def _floor_of(macos: str) -> str:
    parts = [*macos.split("."), "0"]
    return ".".join(parts[:2])


def _refused(reason: str, hint: str) -> InstallError:
    return InstallError(f"this machine cannot have the environment: {reason}", hint=hint, code="machine")
