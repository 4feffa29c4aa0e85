"""Ask the machine what environments may run on it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

from envgen.gateways.host_probes import Probes, own_probes

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


def read_machine(probes: Probes | None = None, processor: str = "") -> Machine:
    """Look at the machine that this runs on, or at one that is put in its place."""
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
