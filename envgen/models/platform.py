"""The machine that an environment is made for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
    kernel: str = ""


APPLE_SILICON = "osx-arm64"
_MAC = {"system": "Darwin", "os_name": "posix", "sys_platform": "darwin"}
_LINUX = {"system": "Linux", "os_name": "posix", "sys_platform": "linux"}
_SUBDIRS: Mapping[str, _Subdir] = {
    APPLE_SILICON: _Subdir(
        machine="arm64",
        archspec="m1",
        triple="aarch64-apple-darwin",
        minimum_macos="11.0",
        kernel="RELEASE_ARM64_T6000",
        **_MAC,
    ),
    "osx-64": _Subdir(
        machine="x86_64",
        archspec="x86_64",
        triple="x86_64-apple-darwin",
        minimum_macos="10.15",
        kernel="RELEASE_X86_64",
        **_MAC,
    ),
    "linux-64": _Subdir(machine="x86_64", archspec="x86_64", triple="x86_64-manylinux_2_28", **_LINUX),
    "linux-aarch64": _Subdir(machine="aarch64", archspec="aarch64", triple="aarch64-manylinux_2_28", **_LINUX),
}
SUBDIRS: tuple[str, ...] = tuple(_SUBDIRS)
LINUX_GLIBC = "2.28"
KERNEL_MARKERS = ("platform_release", "platform_version")
"""The markers that name the kernel, which changes with each macOS."""
_MACOS_MAJORS = (11, 12, 13, 14, 15, 26)
_LAST_DARWIN_MINOR = 6


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

        `platform_release` and `platform_version` are those of the macOS floor. Elsewhere they are empty: the manifest
        names no kernel of Linux.
        """
        facts = _SUBDIRS[self.subdir]
        release = _darwin(self.macos_version) if self.is_mac else ""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": facts.os_name,
            "platform_machine": facts.machine,
            "platform_python_implementation": "CPython",
            "platform_release": release,
            "platform_system": facts.system,
            "platform_version": _kernel(release, facts.kernel),
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": facts.sys_platform,
        }

    def later_markers(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield each known macOS above the floor that has a newer kernel, and the marker environment there."""
        before = self.markers()["platform_release"]
        for major in _MACOS_MAJORS if self.is_mac else ():
            for minor in range(_LAST_DARWIN_MINOR + 1):
                release = _darwin((major, minor))
                if (major, minor) > self.macos_version and release != before:
                    before = release
                    kernel = _kernel(release, _SUBDIRS[self.subdir].kernel)
                    yield (
                        f"{major}.{minor}",
                        {**self.markers(), **dict(zip(KERNEL_MARKERS, (release, kernel), strict=True))},
                    )


def _darwin(macos: tuple[int, int]) -> str:
    """Return the release of Darwin that a macOS has, as `uname -r` says it.

    Machines say so of themselves: 13.0 has 22.1.0, 13.5 to 13.7 22.6.0, 14.1 23.1.0, 15.6 and 15.7 24.6.0, 26.3 25.3.0.
    Until 13 the minor is one ahead. What was to be macOS 16 is 26, which python may still call 16; each year adds one.
    """
    major, minor = macos
    if major == 10:
        return f"{minor + 4}.0.0"
    darwin = major + 9 if major <= 15 else max(major - 1, 25)
    ahead = 1 if major <= 13 else 0
    return f"{darwin}.{min(minor + ahead, _LAST_DARWIN_MINOR)}.0"


def _kernel(release: str, build: str) -> str:
    """Return a text in the form of `uname -v`, without the date and xnu's own version, which no lock may hang on."""
    return f"Darwin Kernel Version {release}: root:xnu-{release}~1/{build}" if release else ""


def _numbers(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)
