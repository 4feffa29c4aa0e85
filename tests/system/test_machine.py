"""Machines are told apart by what their own programs say."""

from __future__ import annotations

import sys

import pytest

from envgen.system.machine import Machine, Probes, read_machine


def probes(system: str, answers: dict[str, str]) -> Probes:
    """Put a machine in this one's place, by what its programs print."""
    return Probes(
        system=system,
        python="/usr/bin/python3",
        home="/home",
        environ={},
        user_site="",
        run=lambda command: answers.get(" ".join(command), ""),
        head=lambda path: b"",
        names=lambda path: (),
    )


MACS = {
    "apple silicon": (
        "arm64",
        {"sw_vers -productVersion": "14.5"},
        Machine(system="Darwin", processor="arm64", macos="14.5"),
        "osx-arm64",
    ),
    "apple silicon, translated": (
        "x86_64",
        {"sw_vers -productVersion": "14.5", "sysctl -n sysctl.proc_translated": "1"},
        Machine(system="Darwin", processor="x86_64", macos="14.5", translated=True),
        "osx-64",
    ),
    "intel": (
        "x86_64",
        {"sw_vers -productVersion": "12.7", "sysctl -n sysctl.proc_translated": "0"},
        Machine(system="Darwin", processor="x86_64", macos="12.7"),
        "osx-64",
    ),
}


@pytest.mark.parametrize(("processor", "answers", "machine", "subdir"), MACS.values(), ids=list(MACS))
def test_macs(processor: str, answers: dict[str, str], machine: Machine, subdir: str) -> None:
    seen = read_machine(probes("Darwin", answers), processor)
    assert seen == machine
    assert seen.subdir == subdir


def test_another_system_has_no_platform() -> None:
    assert read_machine(probes("FreeBSD", {}), "amd64").subdir == ""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux")
def test_this_machine() -> None:
    seen = read_machine()
    assert (seen.system, seen.macos, seen.translated) == ("Linux", "", False)
    assert seen.subdir.startswith("linux-")
