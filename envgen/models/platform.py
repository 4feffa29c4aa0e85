"""The machine that an environment is made for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from envgen.models.record import VirtualPackage

DEFAULT_MACOS = "13.0"
DEFAULT_PYTHON = "3.12"


@dataclass(frozen=True, slots=True)
class _Subdir:
    """What differs between the subdirs that an environment may be made for."""

    machine: str
    system: str
    os_name: str
    sys_platform: str
    archspec: str
    triple: str
    minimum_macos: str = ""


APPLE_SILICON = "osx-arm64"
_MAC = {"system": "Darwin", "os_name": "posix", "sys_platform": "darwin"}
_LINUX = {"system": "Linux", "os_name": "posix", "sys_platform": "linux"}
_SUBDIRS: Mapping[str, _Subdir] = {
    APPLE_SILICON: _Subdir(machine="arm64", archspec="m1", triple="aarch64-apple-darwin", minimum_macos="11.0", **_MAC),
    "osx-64": _Subdir(machine="x86_64", archspec="x86_64", triple="x86_64-apple-darwin", minimum_macos="10.15", **_MAC),
    "linux-64": _Subdir(machine="x86_64", archspec="x86_64", triple="x86_64-manylinux_2_28", **_LINUX),
    "linux-aarch64": _Subdir(machine="aarch64", archspec="aarch64", triple="aarch64-manylinux_2_28", **_LINUX),
}
SUBDIRS: tuple[str, ...] = tuple(_SUBDIRS)
LINUX_GLIBC = "2.28"


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A target: its subdir, its macOS floor and its python.

    `macos` is the lowest macOS that must work, `MAJOR.MINOR`, and "" elsewhere; `python` is a minor version such as
    "3.12". Both halves of a solve take the floor from here: `__osx` and the wheel tags.
    """

    subdir: str
    python: str
    macos: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError with the reason for what is no target."""
        if self.subdir not in _SUBDIRS:
            raise ValueError(f"unknown platform `{self.subdir}` (known: {', '.join(SUBDIRS)})")
        if not re.fullmatch(r"3\.\d{1,2}", self.python):
            raise ValueError(f"not a python minor version: `{self.python}`")
        if self.macos and not self.is_mac:
            raise ValueError(f"`macos` has no meaning on {self.subdir}")
        if self.is_mac and not re.fullmatch(r"\d{2}\.\d{1,2}", self.macos):
            raise ValueError(f"not a macOS version: `{self.macos}` (write it as 13.0)")
        floor = _SUBDIRS[self.subdir].minimum_macos
        if floor and self.macos_version < _numbers(floor):
            raise ValueError(f"{self.subdir} starts at macOS {floor}, not {self.macos}")

    @property
    def is_mac(self) -> bool:
        return self.subdir.startswith("osx-")

    @property
    def is_apple_silicon(self) -> bool:
        """Return whether the target is a Mac with Apple's own processor."""
        return self.subdir == APPLE_SILICON

    @property
    def macos_version(self) -> tuple[int, int]:
        """Return the macOS floor as numbers; (0, 0) elsewhere."""
        return _numbers(self.macos) if self.macos else (0, 0)

    @property
    def python_version(self) -> tuple[int, int]:
        return _numbers(self.python)

    @property
    def subdirs(self) -> tuple[str, str]:
        """Return the two subdirs of a channel that serve this target."""
        return (self.subdir, "noarch")

    @property
    def triple(self) -> str:
        """Return uv's name of the target (`--python-platform`)."""
        return _SUBDIRS[self.subdir].triple

    def virtual_packages(self) -> tuple[VirtualPackage, ...]:
        """List the virtual packages that a solve for this target sees (CEP 30)."""
        archspec = VirtualPackage(name="__archspec", version="1", build=_SUBDIRS[self.subdir].archspec)
        unix = VirtualPackage(name="__unix", version="0")
        if self.is_mac:
            return (archspec, VirtualPackage(name="__osx", version=self.macos), unix)
        glibc = VirtualPackage(name="__glibc", version=LINUX_GLIBC)
        return (archspec, glibc, VirtualPackage(name="__linux", version="5.10"), unix)

    def markers(self) -> dict[str, str]:
        """Return the PEP 508 marker environment of the target, never of the host.

        `platform_release` and `platform_version` are empty: no lock may depend on them.
        """
        facts = _SUBDIRS[self.subdir]
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": facts.os_name,
            "platform_machine": facts.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": facts.system,
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": facts.sys_platform,
        }


def _numbers(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)
