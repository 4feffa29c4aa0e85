"""The installation of a lock by another tool, in the form that this tool takes.

The forms differ once there are PyPI packages: conda and older mambas take explicit files and know nothing of wheels;
micromamba and mamba 2 take conda-lock.yml when its name ends in `-lock.yml`; conda-lock drives a conda of its choice.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.errors import InstallError, UsageError
from envgen.formats import conda_lock, explicit
from envgen.install.prefix import is_empty
from envgen.install.target import CreateOptions, find_target, open_locked
from envgen.lock.model import Lock
from envgen.models.secrets import TOKENS
from envgen.project.services import Services
from envgen.system.files import exclusive
from envgen.system.machine import Machine

TOOLS = ("conda", "mamba", "micromamba", "conda-lock")
_TIMEOUT = 30.0  # seconds, for a version
_NEVER = "that the packages can be imported, and what they require of each other"
_MD5 = "sha256: conda compares the md5 of what it downloads"
_FLOOR = "the macOS floor: nothing is solved, so `__osx` is not looked at (envgen has looked at this machine)"
_PIP = "that nothing else is installed from PyPI: pip is told --no-deps, and takes wheels from its own index by hash"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverResult:
    """The commands that were run, and what the tool does not check."""

    name: str
    tool: str
    commands: tuple[tuple[str, ...], ...]
    unchecked: tuple[str, ...]


def hand_over(
    services: Services, options: CreateOptions, tool: str, machine: Machine, *, quiet: bool
) -> HandoverResult:
    """Write the files that the tool takes, and run it; with a dry run only say how.

    Raises:
        UsageError: there is no such tool here, or it cannot do what was asked. InstallError: it failed.
    """
    program = _program(services, options, tool)
    target = find_target(services, options, machine)
    if not target.runs:
        raise UsageError("another tool cannot unpack a platform that does not run here", hint="leave --with out")
    if not is_empty(target.prefix):
        raise InstallError(
            f"{target.prefix} is there already, and {tool} would remove it first",
            hint=f"`envgen create {options.name}` without --with changes what must change; or choose another --prefix",
            code="prefix",
        )
    _, lock = open_locked(services, options)
    # what is installed alone, and all of it main: each tool reads the categories of conda-lock.yml in its own way
    handover = _Handover(
        program=program,
        lock=replace(lock, platforms=(replace(target.lock, groups={}),)),
        prefix=target.prefix,
        folder=services.settings.cache_dir / "handover" / options.name,
    )
    plan = _Handover.by_conda if tool == "mamba" and _major(program, services.settings.environ) < 2 else _PLANS[tool]
    commands, unchecked = plan(handover)
    if not options.dry_run:
        for command in commands:
            _run(tool, command, services, quiet=quiet)
    own = target.environment.manifest.projects if options.local else ()
    left = (f"your own projects, which are not installed: pip install --no-deps {shlex.join(own)}",) if own else ()
    return HandoverResult(name=options.name, tool=tool, commands=commands, unchecked=(*unchecked, _NEVER, *left))


def _program(services: Services, options: CreateOptions, tool: str) -> str:
    if tool not in TOOLS:
        raise UsageError(f"envgen cannot hand over to `{tool}`", hint=f"one of {', '.join(TOOLS)}")
    clashing = {"--from-vendored": options.vendored, "--kernel": options.kernel, "--adopt": options.adopt}
    for option, given in clashing.items():
        if given:
            raise UsageError(f"{option} and --with do not go together", hint="leave one of them out")
    program = shutil.which(tool, path=services.settings.environ.get("PATH"))
    if program is None:
        raise UsageError(f"{tool} is not installed here", hint=f"`envgen create {options.name}` needs no other tool")
    return program


_Plan = tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]
"""The commands, and what they leave unchecked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Handover:
    """What is installed by whom: the program, the lock of one platform alone, and the folder of its files."""

    program: str
    lock: Lock
    prefix: Path
    folder: Path

    def by_conda(self) -> _Plan:
        """Create from the explicit file, then install the wheels by pip: conda's reader of lock files refuses them."""
        files = explicit.write(self.lock)
        self._write(files)
        listed = next(name for name in files if name.startswith("explicit."))
        create = (self.program, "create", "--yes", "--prefix", str(self.prefix), "--file", str(self.folder / listed))
        pip = (str(self.prefix / "bin" / "python"), "-m", "pip", "install", "--no-deps", "--require-hashes")
        wheels = [str(self.folder / name) for name in files if name.startswith("requirements.")]
        commands = (create, *((*pip, "--requirement", file) for file in wheels))
        return commands, (_MD5, _FLOOR, *((_PIP,) if wheels else ()))

    def by_micromamba(self) -> _Plan:
        command = (self.program, "create", "--yes", "--prefix", str(self.prefix), "--file", self._lock_file())
        return (command,), (_FLOOR, *self._pip())

    def by_conda_lock(self) -> _Plan:
        command = (self.program, "install", "--prefix", str(self.prefix), self._lock_file())
        return (command,), (_MD5, _FLOOR, *self._pip())

    def _pip(self) -> tuple[str, ...]:
        return (_PIP,) if any(platform.pypi for platform in self.lock.platforms) else ()

    def _lock_file(self) -> str:
        """Write conda-lock.yml under a name that ends in `-lock.yml`, as micromamba wants it."""
        name = f"{self.lock.name}-lock.yml"
        self._write({name: conda_lock.write(self.lock)[conda_lock.FILE]})
        return str(self.folder / name)

    def _write(self, files: Mapping[str, str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with exclusive(self.folder, timeout=5.0) as writer:
            writer.write(files)


_PLANS: Mapping[str, Callable[[_Handover], _Plan]] = {
    "conda": _Handover.by_conda,
    "mamba": _Handover.by_micromamba,
    "micromamba": _Handover.by_micromamba,
    "conda-lock": _Handover.by_conda_lock,
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
        environ = {name: value for name, value in services.settings.environ.items() if name != TOKENS}
        stdout = subprocess.DEVNULL if quiet else sys.stderr
        done = subprocess.run(command, env=environ, stdout=stdout, check=False)
    except OSError as error:
        raise InstallError(f"{command[0]} cannot be run ({error.strerror})", code="handover") from error
    if done.returncode:
        raise InstallError(
            f"{tool} failed with exit code {done.returncode}: {shlex.join(command)}",
            hint="its own words are above; the environment may be half made",
            code="handover",
        )
