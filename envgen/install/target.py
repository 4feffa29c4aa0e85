"""The target of an installation: which lock goes where on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.errors import EnvgenError, InstallError, LockfileError, UsageError
from envgen.install.location import PrefixLocation, Surroundings, given_location, named_location
from envgen.install.prefix_diff import WantedContents
from envgen.install.vendored import LISTING
from envgen.lock.groups import lock_groups, without_groups
from envgen.lock.model import Lock, PlatformLock
from envgen.manifest.model import digest
from envgen.models.match_spec import version_key
from envgen.models.platform import APPLE_SILICON, LINUX_GLIBC
from envgen.project.own_projects import with_projects
from envgen.project.project import FOLDER, Environment, generated_texts, open_environment, read_lock
from envgen.project.services import Services
from envgen.system.files import inside
from envgen.system.machine import Machine
from envgen.system.settings import expanded

_SHEBANG = 100  # bytes: a script's first line may have 127 on Linux, with the path below the prefix
_NAMES = {
    APPLE_SILICON: "an Apple-silicon Mac",
    "osx-64": "an Intel Mac",
    "linux-64": "Linux on x86-64",
    "linux-aarch64": "Linux on arm64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOptions:
    """The options of `create`.

    `left_out` are groups; `platform` is another platform than this machine's, whose packages are only unpacked and
    verified; `adopt` lets a prefix be changed that another tool made; `vendored` is the one folder to take packages of;
    `outside_links` are the names of conda packages that may have links out of the prefix.
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
    outside_links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallTarget:
    """What will be made where: the platform's lock without the groups left out, and the place.

    `runs` tells that what is installed runs on this machine; `projects` are the folders of the user's own projects,
    each with whether it is editable.
    """

    environment: Environment
    lock: PlatformLock
    location: PrefixLocation
    left_out: tuple[str, ...]
    runs: bool
    is_mac: bool
    projects: tuple[tuple[Path, bool], ...]
    outside_links: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def prefix(self) -> Path:
        return self.location.prefix

    @property
    def content(self) -> WantedContents:
        urls = tuple(folder.as_uri() for folder, _ in self.projects)
        return WantedContents(records=self.lock.conda, wheels=self.lock.pypi, site=self.site, projects=urls)

    @property
    def site(self) -> str:
        """Return the folder of Python modules, relative to the prefix."""
        python = next((record for record in self.lock.conda if record.name == "python"), None)
        own = python.python_site_packages_path if python else ""
        return own or f"lib/python{self.lock.platform.python}/site-packages"

    @property
    def has_usable_python(self) -> bool:
        """Return whether the environment has a Python that runs on this machine."""
        return self.runs and any(record.name == "python" for record in self.lock.conda)


def find_target(services: Services, options: CreateOptions, machine: Machine) -> InstallTarget:
    """Read the lock, choose the platform and the place; nothing is changed.

    Raises:
        UsageError: the call makes no sense. LockfileError: there is no lock, or a damaged one. InstallError: this
            machine cannot have the environment.
    """
    environment, lock = open_locked(services, options)
    root = _root(services, options)
    try:
        environment = replace(environment, manifest=with_projects(root, environment.manifest))
        is_outdated = lock.manifest_digest != digest(environment.manifest)
    except EnvgenError:  # an environment can be made without the user's own projects, which may be elsewhere
        is_outdated = False
    left_out = _left_out(environment, lock, options.left_out)
    known = {record.name for each in lock.platforms for record in each.conda}
    if unknown := sorted({*options.outside_links} - known):
        raise UsageError(
            f"{environment.name} has no conda package `{unknown[0]}`",
            hint="--allow-outside-links takes the name of a package of the lock",
        )
    chosen, runs = _platform(options, lock, machine)
    around = Surroundings.of(services, chosen.platform.subdir)
    if options.prefix:
        location = given_location(services.settings.folder / expanded(options.prefix), around)
    else:
        location = named_location(environment.name, around)
    prefix = _resolved(location.prefix)
    _check_path(str(prefix))
    return InstallTarget(
        environment=environment,
        lock=without_groups(chosen, left_out),
        location=replace(location, prefix=prefix),
        left_out=left_out,
        runs=runs,
        is_mac=machine.system == "Darwin",
        projects=tuple(_projects(root, environment)) if options.local and runs else (),
        outside_links=options.outside_links,
        notes=tuple(_notes(environment, chosen, is_outdated=is_outdated, runs=runs)),
    )


def open_locked(services: Services, options: CreateOptions) -> tuple[Environment, Lock]:
    """Read an environment's manifest with its lock, from the project or else from the vendored folder."""
    if options.vendored and not (options.vendored / LISTING).is_file():
        hint = "make one with `envgen vendor --download --to DIR`"
        raise InstallError(f"{options.vendored} is no vendored folder: it has no {LISTING}", hint=hint)
    environment = open_environment(_root(services, options), options.name)
    lock = read_lock(environment.shown, environment.manifest, generated_texts(environment.folder))
    if lock is None:
        hint = f"make it with `envgen lock {options.name}`, and commit it"
        raise LockfileError(f"{environment.shown} has no lock yet", hint=hint)
    return environment, lock


def _root(services: Services, options: CreateOptions) -> Path:
    folders = [root for root in (services.root, options.vendored) if root and (root / FOLDER / options.name).is_dir()]
    return folders[0] if folders else services.root


def _platform(options: CreateOptions, lock: Lock, machine: Machine) -> tuple[PlatformLock, bool]:
    """Return the platform's lock, and whether it runs here."""
    if not options.platform:
        return choose_platform(options.name, lock.platforms, machine), True
    chosen = lock.for_subdir(options.platform)
    if chosen is None:
        known = ", ".join(each.platform.subdir for each in lock.platforms)
        raise UsageError(f"{options.name} is not locked for `{options.platform}`", hint=f"it is locked for {known}")
    try:
        return choose_platform(options.name, (chosen,), machine), True
    except InstallError as error:
        if options.prefix is None:
            raise UsageError(
                f"{options.platform} does not run here, so it can only be unpacked into a folder that you name",
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


def _projects(root: Path, environment: Environment) -> Iterator[tuple[Path, bool]]:
    for project in environment.manifest.local:
        folder = inside(root, project.path)
        if not folder.is_dir():
            raise InstallError(
                f"the project `{project.path}` of envgen.yaml is not there: {folder}",
                hint="check it out, or create the environment without it: --no-local",
            )
        yield folder, project.editable


def _resolved(prefix: Path) -> Path:
    """Return a prefix without symlinks on the way: packages have its path written into them."""
    return prefix.parent.resolve() / prefix.name if prefix.name not in ("", "..") else prefix.resolve()


def _check_path(prefix: str) -> None:
    """Refuse a path that a PATH cannot hold, or that a script's first lines would have a shell evaluate."""
    reason = ""
    if ":" in prefix or not prefix.isprintable():
        reason = "no PATH can hold a colon or a control character"
    elif set(prefix) & set('$`"\\') and (" " in prefix or len(prefix.encode()) > _SHEBANG):
        reason = "scripts of packages would start Python by a shell, which would evaluate it"
    if reason:
        hint = "choose another --prefix"
        raise InstallError(f"an environment cannot be in {prefix!r}: {reason}", hint=hint, code="prefix")


def _notes(environment: Environment, chosen: PlatformLock, *, is_outdated: bool, runs: bool) -> Iterator[str]:
    if is_outdated:
        what = "what your own projects need, or envgen.yaml," if environment.manifest.local else "envgen.yaml"
        yield f"{what} has changed since the lock was made: run `envgen lock {environment.name}` to make it count"
    if not runs:
        yield f"{chosen.platform.subdir} is unpacked and verified; nothing of it is run on this machine"


def choose_platform(name: str, locks: Sequence[PlatformLock], machine: Machine) -> PlatformLock:
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
    if locked:
        ways.append(f"or only unpack and verify it: --platform {locked[0]} --prefix FOLDER")
    return _refused(f"{name} is locked for {', '.join(locked)}, and this is {here}", "; ".join(ways))


def _check_floor(name: str, lock: PlatformLock, machine: Machine) -> None:
    floor = lock.platform.macos
    if floor and machine.macos and version_key(machine.macos) < version_key(floor):
        own = ".".join([*machine.macos.split("."), "0"][:2])
        raise _refused(
            f"{name} is locked for macOS {floor} or newer, and this Mac has {machine.macos}",
            f'update macOS; or write `macos: "{own}"` under `platforms` in envgen.yaml and run `envgen lock {name}`',
        )
    if not floor and machine.glibc and version_key(machine.glibc) < version_key(LINUX_GLIBC):
        raise _refused(
            f"{name} is locked for glibc {LINUX_GLIBC} or newer, and this machine has {machine.glibc}",
            "create it on a newer Linux, or in a container",
        )


def _refused(reason: str, hint: str) -> InstallError:
    return InstallError(f"this machine cannot have the environment: {reason}", hint=hint, code="machine")
