"""A machine that cannot have an environment is refused, with the reason and what would work."""

from __future__ import annotations

import pytest

from envgen.errors import InstallError
from envgen.install.target import choose_platform
from envgen.models.platform import Platform
from envgen.system.machine import Machine
from tests.fakes.locks import make_platform

M1 = Machine(system="Darwin", processor="arm64", macos="14.5")
INTEL = Machine(system="Darwin", processor="x86_64", macos="13.6")
LINUX = Machine(system="Linux", processor="x86_64", glibc="2.39")
VENTURA = make_platform(platform=Platform(subdir="osx-arm64", python="3.12", macos="13.0"))
LINUX_LOCK = make_platform(platform=Platform(subdir="linux-64", python="3.12"))


@pytest.mark.parametrize(
    ("machine", "subdir"),
    [
        (M1, "osx-arm64"),
        (Machine(system="Darwin", processor="arm64", macos="13.0"), "osx-arm64"),
        (Machine(system="Darwin", processor="arm64", macos="26.1"), "osx-arm64"),
        (Machine(system="Darwin", processor="arm64", macos=""), "osx-arm64"),
        (LINUX, "linux-64"),
        (Machine(system="Linux", processor="x86_64", glibc="2.28"), "linux-64"),
        (Machine(system="Linux", processor="x86_64", glibc=""), "linux-64"),
    ],
    ids=["newer", "the floor itself", "much newer", "unknown macOS", "linux", "the oldest glibc", "no glibc"],
)
def test_machines_that_may(machine: Machine, subdir: str) -> None:
    assert choose_platform("demo", (VENTURA, LINUX_LOCK), machine).platform.subdir == subdir


REFUSED = {
    "an Intel Mac": (
        INTEL,
        (VENTURA,),
        "demo is locked for osx-arm64, and this is an Intel Mac",
        "create it on an Apple-silicon Mac; or add `osx-64` to `platforms` in envgen.yaml and run `envgen lock demo`; "
        "or only unpack and verify it: --platform osx-arm64 --prefix FOLDER",
    ),
    "Linux": (
        LINUX,
        (VENTURA,),
        "demo is locked for osx-arm64, and this is Linux on x86-64",
        "create it on an Apple-silicon Mac; or add `linux-64` to `platforms` in envgen.yaml and run `envgen lock demo`"
        "; or only unpack and verify it: --platform osx-arm64 --prefix FOLDER",
    ),
    "a system that conda does not have": (
        Machine(system="FreeBSD", processor="amd64"),
        (VENTURA, LINUX_LOCK),
        "demo is locked for osx-arm64, linux-64, and this is FreeBSD on amd64",
        "create it on an Apple-silicon Mac or Linux on x86-64; or only unpack and verify it: "
        "--platform osx-arm64 --prefix FOLDER",
    ),
    "macOS below the floor": (
        Machine(system="Darwin", processor="arm64", macos="12.7.6"),
        (VENTURA,),
        "demo is locked for macOS 13.0 or newer, and this Mac has 12.7.6",
        'update macOS; or write `macos: "12.7"` under `platforms` in envgen.yaml and run `envgen lock demo`',
    ),
    "macOS by one minor": (
        Machine(system="Darwin", processor="arm64", macos="14.4"),
        (make_platform(platform=Platform(subdir="osx-arm64", python="3.12", macos="14.5")),),
        "demo is locked for macOS 14.5 or newer, and this Mac has 14.4",
        'update macOS; or write `macos: "14.4"` under `platforms` in envgen.yaml and run `envgen lock demo`',
    ),
    "a macOS without a minor": (
        Machine(system="Darwin", processor="arm64", macos="12"),
        (VENTURA,),
        "demo is locked for macOS 13.0 or newer, and this Mac has 12",
        'update macOS; or write `macos: "12.0"` under `platforms` in envgen.yaml and run `envgen lock demo`',
    ),
    "Rosetta": (
        Machine(system="Darwin", processor="x86_64", macos="14.5", translated=True),
        (VENTURA, LINUX_LOCK),
        "this Mac has Apple silicon, but envgen runs as an Intel process under Rosetta, as does all that it starts",
        "use a native Python: `arch -arm64 zsh`, then install envgen again with uv, pipx or Miniforge for arm64",
    ),
    "an old glibc": (
        Machine(system="Linux", processor="x86_64", glibc="2.17"),
        (LINUX_LOCK,),
        "demo is locked for glibc 2.28 or newer, and this machine has 2.17",
        "create it on a newer Linux, or in a container",
    ),
}


@pytest.mark.parametrize(("machine", "locks", "reason", "hint"), REFUSED.values(), ids=list(REFUSED))
def test_machines_that_may_not(machine: Machine, locks: tuple, reason: str, hint: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InstallError) as caught:
        choose_platform("demo", locks, machine)
    assert caught.value.message == f"this machine cannot have the environment: {reason}"
    assert caught.value.hint == hint
    assert caught.value.code == "machine"
