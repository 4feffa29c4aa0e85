"""Tell whether a machine may have an environment, and why not."""

from __future__ import annotations

from collections.abc import Sequence

from envgen.errors import InstallError
from envgen.lock.model import PlatformLock
from envgen.models.match_spec import version_key
from envgen.models.platform import LINUX_GLIBC
from envgen.system.machine import Machine

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
