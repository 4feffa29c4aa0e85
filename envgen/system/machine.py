"""The machine that envgen runs on, as far as environments depend on it."""

from __future__ import annotations

import os
import platform
import re
import site
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from envgen.models.platform import APPLE_SILICON
from envgen.system.settings import home_folder

_SUBDIRS = {
    ("Darwin", "arm64"): APPLE_SILICON,
    ("Darwin", "x86_64"): "osx-64",
    ("Linux", "x86_64"): "linux-64",
    ("Linux", "aarch64"): "linux-aarch64",
}
TOOLS = ("conda", "mamba", "micromamba", "pixi", "uv", "pip", "python3", "python")
VARIABLES = (
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE", "CONDA_SUBDIR", "CONDA_PREFIX", "CONDA_EXE"),
    *("MAMBA_ROOT_PREFIX", "VIRTUAL_ENV", "DYLD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "DYLD_FALLBACK_LIBRARY_PATH"),
    *("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_PLATFORM", "PIP_NO_BINARY", "PIP_ONLY_BINARY"),
    "PIP_REQUIRE_VIRTUALENV",
)
_TIMEOUT = 5.0  # seconds
_MOST_LINKS = 3  # a script may name a script
_USUAL_ROOTS = (
    *("miniforge3", "mambaforge", "miniconda3", "anaconda3", "micromamba"),
    *("opt/miniconda3", "opt/anaconda3", "homebrew/Caskroom/miniforge/base"),
)
_SYSTEM_ROOTS = ("/opt/miniforge3", "/opt/miniconda3", "/opt/anaconda3", "/opt/homebrew/Caskroom/miniforge/base")
_SUBDIR = re.compile(r"^\s*subdir\s*:\s*[\"']?([\w-]+)", re.MULTILINE)
_DIST_INFO = re.compile(r"(.+?)-[^-]+\.(?:dist-info|egg-info)$")
HEAD = 4096  # bytes of a program that tell its processors
_MACH_O = b"\xcf\xfa\xed\xfe"  # 64 bits, little-endian, as all Macs since 2006
_FAT = {b"\xca\xfe\xba\xbe": 20, b"\xca\xfe\xba\xbf": 32}  # the size of an entry

ARM, INTEL = "arm64", "x86_64"

_CPUS = {0x0100000C: ARM, 0x01000007: INTEL}
_ELF_MACHINES = {0x3E: INTEL, 0xB7: ARM}
_MOST_CPUS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What decides which packages run on a machine: `macos` and `glibc` are versions or "", `translated` means Rosetta.

    `system` and `processor` are as `platform` names them; a translated process sees an Intel processor.
    """

    system: str
    processor: str
    macos: str = ""
    glibc: str = ""
    translated: bool = False

    @property
    def subdir(self) -> str:
        """Return the platform whose packages this process can run; "" where conda has none."""
        return _SUBDIRS.get((self.system, self.processor), "")


def read_machine(probes: Probes | None = None, processor: str = "") -> Machine:
    """Look at the machine that this runs on, or that `probes` put in its place."""
    seen = probes or own_probes(os.environ)
    is_mac = seen.system == "Darwin"
    library, glibc = ("", "") if is_mac else platform.libc_ver()
    return Machine(
        system=seen.system,
        processor=processor or platform.machine(),
        macos=seen.run(("sw_vers", "-productVersion")) if is_mac else "",
        glibc=glibc if library == "glibc" else "",
        translated=is_mac and seen.run(("sysctl", "-n", "sysctl.proc_translated")) == "1",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """The ways to look at a machine, so that any machine can be put in their place.

    `run` gives what a command prints, "" where it fails; `head` the first bytes of a file, b"" where it cannot be
    read; `names` the entries of a folder, () where there is none.
    """

    system: str
    python: str
    home: str
    environ: Mapping[str, str]
    user_site: str
    run: Callable[[Sequence[str]], str]
    head: Callable[[str], bytes]
    names: Callable[[str], Sequence[str]]


def own_probes(environ: Mapping[str, str]) -> Probes:
    """Return the ways to look at this machine."""
    return Probes(
        system=platform.system(),
        python=sys.executable,
        home=str(home_folder(environ)),
        environ=environ,
        user_site=site.getusersitepackages(),
        run=_run,
        head=_head,
        names=_names,
    )


def read_host_facts(probes: Probes) -> HostFacts:
    """Gather what matters of a machine; what cannot be seen is left out."""
    mac = probes.system == "Darwin"
    return HostFacts(
        system=probes.system,
        apple_silicon=mac and probes.run(("sysctl", "-n", "hw.optional.arm64")) == "1",
        translated=mac and probes.run(("sysctl", "-n", "sysctl.proc_translated")) == "1",
        macos=probes.run(("sw_vers", "-productVersion")) if mac else "",
        python=probes.python,
        python_architectures=_architectures(probes, probes.python),
        tools=tuple(_tools(probes)),
        conda_roots=tuple(_conda_roots(probes)),
        variables={name: probes.environ[name] for name in VARIABLES if probes.environ.get(name)},
        user_site=tuple(sorted(match[1] for match in map(_DIST_INFO.match, probes.names(probes.user_site)) if match)),
        subdir_files=tuple(_subdir_files(probes)),
        xcode=probes.run(("xcode-select", "-p")) if mac else "",
    )


def _tools(probes: Probes) -> Iterator[FoundTool]:
    """Find each tool where a shell would."""
    for name in TOOLS:
        if path := _on_path(probes, name):
            yield FoundTool(name=name, path=path, architectures=_architectures(probes, path))


def _architectures(probes: Probes, path: str) -> tuple[str, ...]:
    """Return a program's processors, those of its interpreter where it is a script."""
    for _ in range(_MOST_LINKS):
        head = probes.head(path)
        found = architectures(head)
        script = interpreter(head)
        if found or not script:
            return found
        path = script if script.startswith("/") else _on_path(probes, script)
    return ()


def _on_path(probes: Probes, name: str) -> str:
    folders = probes.environ.get("PATH", "").split(":")
    return next((f"{folder}/{name}" for folder in folders if folder and probes.head(f"{folder}/{name}")), "")


def _conda_roots(probes: Probes) -> Iterator[CondaRoot]:
    """Find conda installations: those that variables and PATH lead to, and those in the usual places."""
    environ = probes.environ
    leads = [environ.get("MAMBA_ROOT_PREFIX", ""), environ.get("CONDA_EXE", "").removesuffix("/bin/conda")]
    leads += [
        folder.removesuffix("/condabin").removesuffix("/bin")
        for folder in environ.get("PATH", "").split(":")
        if folder.endswith(("/bin", "/condabin"))
    ]
    usual = [*(f"{probes.home}/{name}" for name in _USUAL_ROOTS), *_SYSTEM_ROOTS]
    for path in dict.fromkeys([*leads, *usual]):
        if path and "condabin" in probes.names(path) and "conda-meta" in probes.names(path):
            settings = probes.head(f"{path}/.condarc").decode("utf-8", "replace")
            forced = _SUBDIR.search(settings)
            yield CondaRoot(
                path=path,
                architectures=_architectures(probes, f"{path}/bin/python"),
                subdir=forced[1] if forced else "",
            )


def _subdir_files(probes: Probes) -> Iterator[tuple[str, str]]:
    prefix = probes.environ.get("CONDA_PREFIX", "")
    places = [f"{probes.home}/.condarc", f"{probes.home}/.mambarc", *([f"{prefix}/.condarc"] if prefix else [])]
    for path in places:
        forced = _SUBDIR.search(probes.head(path).decode("utf-8", "replace"))
        if forced:
            yield path, forced[1]


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
            # without this variable, macOS 11 and newer may call themselves 10.16
            env={"SYSTEM_VERSION_COMPAT": "0", "PATH": "/usr/bin:/usr/sbin:/bin:/sbin"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _head(path: str) -> bytes:
    try:
        if not Path(path).is_file():
            return b""
        with Path(path).open("rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def _names(path: str) -> tuple[str, ...]:
    try:
        return tuple(entry.name for entry in Path(path).iterdir())
    except OSError:
        return ()


def architectures(head: bytes) -> tuple[str, ...]:
    """Name the processors of a Mach-O or ELF program, sorted; () for anything else."""
    magic = head[:4]
    if magic in _FAT:
        size, count = _FAT[magic], min(int.from_bytes(head[4:8], "big"), _MOST_CPUS)  # big-endian, unlike the programs
        types = (int.from_bytes(head[8 + size * place : 12 + size * place], "big") for place in range(count))
        return tuple(sorted({_CPUS[cpu] for cpu in types if cpu in _CPUS}))
    if magic == _MACH_O:
        found = [_CPUS.get(int.from_bytes(head[4:8], "little"))]
    elif magic == b"\x7fELF":
        found = [_ELF_MACHINES.get(int.from_bytes(head[18:20], "big" if head[5:6] == b"\x02" else "little"))]
    else:
        found = []
    return tuple(name for name in found if name)


def interpreter(head: bytes) -> str:
    """Return the program that a script's first line names, "" where it names none; `env` stands for what follows it."""
    line, _, _ = head.partition(b"\n")
    if not line.startswith(b"#!"):
        return ""
    words = line[2:].decode("utf-8", "replace").split()
    if len(words) > 1 and words[0].endswith("/env"):
        return words[1]
    return words[0] if words else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTool:
    """A program on PATH.

    `architectures` are those of the program, or of the interpreter that its first line names; () where they could not
    be read.
    """

    name: str
    path: str
    architectures: tuple[str, ...] = ()

    @property
    def is_intel(self) -> bool:
        return self.architectures == (INTEL,)


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaRoot:
    """A conda installation; `architectures` are its python's, `subdir` is what its own settings force on it, or ""."""

    path: str
    architectures: tuple[str, ...] = ()
    subdir: str = ""

    @property
    def is_intel(self) -> bool:
        return self.architectures == (INTEL,)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What was seen of a machine.

    `system` is as `platform.system()` names it; `apple_silicon` speaks of the hardware and `translated` of this
    process; `macos` is a version or ""; `python` is the interpreter that runs this, `python_architectures` what it was
    built for. `variables` are those of the environment that matter; `user_site` lists distributions in the user's own
    site-packages; `subdir_files` are settings files that force a subdir, with it. `xcode` is the folder of the command
    line tools, or "".
    """

    system: str
    apple_silicon: bool = False
    translated: bool = False
    macos: str = ""
    python: str = ""
    python_architectures: tuple[str, ...] = ()
    tools: tuple[FoundTool, ...] = ()
    conda_roots: tuple[CondaRoot, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    user_site: tuple[str, ...] = ()
    subdir_files: tuple[tuple[str, str], ...] = ()
    xcode: str = ""

    @property
    def is_mac(self) -> bool:
        return self.system == "Darwin"
