"""Hand an environment over to another tool, in the form that this tool takes.

The forms differ once there are PyPI packages: conda and older mambas take explicit files and know nothing of wheels;
micromamba and mamba 2 take conda-lock.yml when its name ends in `-lock.yml`; conda-lock drives a conda of its choice.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.errors import InstallError, UsageError
from envgen.formats import conda_lock, explicit
from envgen.install.prefix import is_empty
from envgen.install.target import CreateOptions, InstallTarget, opened, target_of
from envgen.lock.model import Lock
from envgen.project.services import Services
from envgen.system.files import exclusive
from envgen.system.machine import Machine

TOOLS = ("conda", "mamba", "micromamba", "conda-lock")
_TIMEOUT = 30.0
_NEVER = "that the packages can be imported, and what they require of each other"
_MD5 = "sha256: conda compares the md5 of what it downloads"
_FLOOR = "the macOS floor: nothing is solved, so `__osx` is not looked at (envgen has looked at this machine)"
_PIP = "that nothing else is installed from PyPI: pip is told --no-deps, and takes wheels from its own index by hash"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverResult:
    """Describe which commands were run, and what the tool does not check."""

    name: str
    tool: str
    commands: tuple[tuple[str, ...], ...]
    unchecked: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What is to be installed by whom: the program, the lock of one platform alone, and its texts' folder."""

    program: str
    lock: Lock
    prefix: Path
    folder: Path

    @property
    def has_wheels(self) -> bool:
        return any(platform.pypi for platform in self.lock.platforms)

    def pip(self, file: Path) -> tuple[str, ...]:
        python = str(self.prefix / "bin" / "python")
        return (python, "-m", "pip", "install", "--no-deps", "--require-hashes", "--requirement", str(file))


def hand_over(services: Services, wanted: CreateOptions, tool: str, machine: Machine, *, quiet: bool) -> HandoverResult:
    """Write the files that the tool takes, and run it; with a dry run only say how.

    Raises:
        UsageError: there is no such tool here, or it cannot do what was asked. InstallError: it failed.
    """
    program = _program(services, wanted, tool)
    target = target_of(services, wanted, machine)
    if not target.runs:
        raise UsageError("another tool cannot unpack a platform that does not run here", hint="leave --with out")
    if not is_empty(target.prefix):
        raise InstallError(
            f"{target.prefix} is there already, and {tool} would remove it first",
            hint=f"`envgen create {wanted.name}` without --with changes what must change; or choose another --prefix",
            code="prefix",
        )
    order = _Order(
        program=program,
        lock=_one_platform(services, wanted, target),
        prefix=target.prefix,
        folder=services.settings.cache_dir / "handover" / wanted.name,
    )
    plan = _by_conda if tool == "mamba" and _major(program, services.settings.environ) < 2 else _PLANS[tool]
    commands, unchecked = plan(order)
    if not wanted.dry_run:
        for command in commands:
            _run(tool, command, services, quiet=quiet)
    own = target.environment.manifest.projects if wanted.local else ()
    left = (f"your own projects, which are not installed: pip install --no-deps {' '.join(own)}",) if own else ()
    return HandoverResult(name=wanted.name, tool=tool, commands=commands, unchecked=(*unchecked, _NEVER, *left))


def _program(services: Services, wanted: CreateOptions, tool: str) -> str:
    if tool not in TOOLS:
        raise UsageError(f"envgen cannot hand over to `{tool}`", hint=f"one of {', '.join(TOOLS)}")
    for option, given in (("--from-vendored", wanted.vendored), ("--kernel", wanted.kernel), ("--adopt", wanted.adopt)):
        if given:
            raise UsageError(f"{option} and --with do not go together", hint="leave one of them out")
    program = shutil.which(tool, path=services.settings.environ.get("PATH"))
    if program is None:
        raise UsageError(f"{tool} is not installed here", hint=f"`envgen create {wanted.name}` needs no other tool")
    return program


def _one_platform(services: Services, wanted: CreateOptions, target: InstallTarget) -> Lock:
    """Return the lock with what is to be installed alone, all of it main: each tool reads categories in its own way."""
    _, lock = opened(services, wanted)
    return replace(lock, platforms=(replace(target.lock, groups={}),))


def _write(order: _Order, files: Mapping[str, str]) -> None:
    order.folder.mkdir(parents=True, exist_ok=True)
    with exclusive(order.folder, timeout=5.0) as writer:
        writer.write(files)


_Plan = tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]


def _by_conda(order: _Order) -> _Plan:
    """Take the explicit file, then the wheels by pip: conda's own reader of lock files refuses PyPI entries."""
    files = explicit.write(order.lock)
    _write(order, files)
    listed = next(name for name in files if name.startswith("explicit."))
    create = (order.program, "create", "--yes", "--prefix", str(order.prefix), "--file", str(order.folder / listed))
    wheels = [name for name in files if name.startswith("requirements.")]
    commands = (create, *(order.pip(order.folder / name) for name in wheels))
    return commands, (_MD5, _FLOOR, *((_PIP,) if wheels else ()))


def _by_micromamba(order: _Order) -> _Plan:
    file = _lock_file(order)
    command = (order.program, "create", "--yes", "--prefix", str(order.prefix), "--file", str(file))
    return (command,), (_FLOOR, *((_PIP,) if order.has_wheels else ()))


def _by_conda_lock(order: _Order) -> _Plan:
    command = (order.program, "install", "--prefix", str(order.prefix), str(_lock_file(order)))
    return (command,), (_MD5, _FLOOR, *((_PIP,) if order.has_wheels else ()))


def _lock_file(order: _Order) -> Path:
    """Write conda-lock.yml under a name that ends in `-lock.yml`, as micromamba wants it."""
    name = f"{order.lock.name}-lock.yml"
    _write(order, {name: conda_lock.write(order.lock)[conda_lock.FILE]})
    return order.folder / name


_PLANS: Mapping[str, Callable[[_Order], _Plan]] = {
    "conda": _by_conda,
    "mamba": _by_micromamba,
    "micromamba": _by_micromamba,
    "conda-lock": _by_conda_lock,
}


def _major(program: str, environ: Mapping[str, str]) -> int:
    """Return the major version of a mamba; 1 where it does not say."""
    try:
        done = subprocess.run(
            [program, "--version"], env=dict(environ), capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return 1
    match = re.search(r"^(?:mamba )?(\d+)\.", done.stdout, re.MULTILINE)
    return int(match[1]) if match else 1


def _run(tool: str, command: Sequence[str], services: Services, *, quiet: bool) -> None:
    try:
        done = subprocess.run(
            command,
            env=dict(services.settings.environ),
            stdout=subprocess.DEVNULL if quiet else sys.stderr,
            check=False,
        )
    except OSError as error:
        raise InstallError(f"{command[0]} cannot be run ({error.strerror})", code="handover") from error
    if done.returncode:
        raise InstallError(
            f"{tool} failed with exit code {done.returncode}: {' '.join(command)}",
            hint="its own words are above; the environment may be half made",
            code="handover",
        )
