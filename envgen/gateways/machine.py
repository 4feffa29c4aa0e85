"""Ask the machine what environments may run on it."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import dataclass

_PATIENCE = 5.0  # seconds
_SUBDIRS = {
    ("Darwin", "arm64"): "osx-arm64",
    ("Darwin", "x86_64"): "osx-64",
    ("Linux", "x86_64"): "linux-64",
    ("Linux", "aarch64"): "linux-aarch64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Hold what counts of a machine: `macos` and `glibc` are versions or "", `translated` means Rosetta.

    `system` and `processor` are as `platform` names them; a translated process sees an Intel processor.
    """

    system: str
    processor: str
    macos: str = ""
    glibc: str = ""
    translated: bool = False

    @property
    def subdir(self) -> str:
        """Give the platform whose packages this process can run; "" where conda has none."""
        return _SUBDIRS.get((self.system, self.processor), "")


def read_machine() -> Machine:
    """Look at the machine that this runs on."""
    system = platform.system()
    is_mac = system == "Darwin"
    library, glibc = ("", "") if is_mac else platform.libc_ver()
    return Machine(
        system=system,
        processor=platform.machine(),
        macos=_answer("sw_vers", "-productVersion") if is_mac else "",
        glibc=glibc if library == "glibc" else "",
        translated=is_mac and _answer("sysctl", "-n", "sysctl.proc_translated") == "1",
    )


def _answer(*command: str) -> str:
    """Give what a small program of the system prints; "" where it fails."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
            env={"SYSTEM_VERSION_COMPAT": "0", "PATH": "/usr/bin:/usr/sbin:/bin:/sbin"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
