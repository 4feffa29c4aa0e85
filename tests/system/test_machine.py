"""Machines are seen as they are: any machine by injected probes, this one by its own."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from envgen.system.machine import (
    HEAD,
    CondaRoot,
    FoundTool,
    HostFacts,
    Machine,
    Probes,
    architectures,
    interpreter,
    own_probes,
    read_host_facts,
    read_machine,
)


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


ARM = (0x0100000C).to_bytes(4, "little")
INTEL = (0x01000007).to_bytes(4, "little")
OTHER = (0x00000012).to_bytes(4, "little")


def thin(cpu: bytes) -> bytes:
    return b"\xcf\xfa\xed\xfe" + cpu + bytes(24)


def fat(*cpus: bytes, magic: bytes = b"\xca\xfe\xba\xbe", size: int = 20) -> bytes:
    entries = b"".join(cpu[::-1] + bytes(size - 4) for cpu in cpus)
    return magic + len(cpus).to_bytes(4, "big") + entries


def elf(machine: int, order: str = "little") -> bytes:
    return b"\x7fELF\x02" + (b"\x01" if order == "little" else b"\x02") + bytes(12) + machine.to_bytes(2, order)  # type: ignore[arg-type]


HEADS = {
    "arm64": (thin(ARM), ("arm64",)),
    "Intel": (thin(INTEL), ("x86_64",)),
    "PowerPC": (thin(OTHER), ()),
    "universal": (fat(INTEL, ARM), ("arm64", "x86_64")),
    "universal, large": (fat(ARM, INTEL, magic=b"\xca\xfe\xba\xbf", size=32), ("arm64", "x86_64")),
    "universal in name alone": (fat(INTEL), ("x86_64",)),
    "a Java class, which has the same first bytes": (b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + bytes(60), ()),
    "Linux on x86-64": (elf(0x3E), ("x86_64",)),
    "Linux on arm64": (elf(0xB7), ("arm64",)),
    "Linux on something else": (elf(0xF3), ()),
    "a script": (b"#!/bin/sh\n", ()),
    "cut short": (b"\xcf\xfa\xed\xfe", ()),
    "empty": (b"", ()),
}


@pytest.mark.parametrize(("head", "expected"), HEADS.values(), ids=HEADS)
def test_heads(head: bytes, expected: tuple[str, ...]) -> None:
    assert architectures(head) == expected


def test_a_real_program() -> None:
    with Path(sys.executable).open("rb") as file:
        assert architectures(file.read(HEAD))


@pytest.mark.parametrize(
    ("head", "program"),
    [
        (b"#!/opt/python\nimport x", "/opt/python"),
        (b"#! /opt/python -I\n", "/opt/python"),
        (b"#!/usr/bin/env python3\n", "python3"),
        (b"#!/usr/bin/env\n", "/usr/bin/env"),
        (b"#!\n", ""),
        (b"import x", ""),
        (b"", ""),
    ],
)
def test_first_lines_of_scripts(head: bytes, program: str) -> None:
    assert interpreter(head) == program


SAID: Mapping[Sequence[str], str] = {
    ("sysctl", "-n", "hw.optional.arm64"): "1",
    ("sysctl", "-n", "sysctl.proc_translated"): "0",
    ("sw_vers", "-productVersion"): "14.5",
    ("xcode-select", "-p"): "/Library/Developer/CommandLineTools",
}
ROOT = {"/old/condabin/conda": b"", "/old/conda-meta/history": b"", "/old/bin/python": thin(INTEL)}


def seen(
    files: Mapping[str, bytes] | None = None,
    *,
    system: str = "Darwin",
    environ: Mapping[str, str] | None = None,
    said: Mapping[Sequence[str], str] = SAID,
) -> HostFacts:
    have = dict(files or {})

    def names(folder: str) -> list[str]:
        return sorted({path.removeprefix(f"{folder}/").split("/")[0] for path in have if path.startswith(f"{folder}/")})

    return read_host_facts(
        Probes(
            system=system,
            python="/venv/bin/python",
            home="/me",
            environ=environ or {},
            user_site="/me/lib/site-packages",
            run=lambda command: said.get(tuple(command), ""),
            head=lambda path: have.get(path, b""),
            names=names,
        )
    )


def test_hardware_and_system() -> None:
    facts = seen()
    assert (facts.apple_silicon, facts.translated, facts.macos, facts.xcode, facts.is_mac) == (
        True,
        False,
        "14.5",
        "/Library/Developer/CommandLineTools",
        True,
    )


def test_rosetta() -> None:
    facts = seen(said={("sysctl", "-n", "sysctl.proc_translated"): "1"})
    assert (facts.translated, facts.apple_silicon, facts.macos, facts.xcode) == (True, False, "", "")


def test_elsewhere_nothing_of_a_macs_is_asked() -> None:
    facts = seen(system="Linux")
    assert (facts.apple_silicon, facts.translated, facts.macos, facts.xcode, facts.is_mac) == (
        False,
        False,
        "",
        "",
        False,
    )


class TestTools:
    def tools(self, files: Mapping[str, bytes], path: str = "/a:/b::/c") -> list[FoundTool]:
        return list(seen(files, environ={"PATH": path}).tools)

    def test_the_first_on_path_counts(self) -> None:
        assert self.tools({"/b/uv": thin(ARM), "/c/uv": thin(INTEL)}) == [
            FoundTool(name="uv", path="/b/uv", architectures=("arm64",))
        ]

    def test_scripts_are_what_their_interpreters_are(self) -> None:
        files = {"/a/conda": b"#!/old/bin/python\n", "/old/bin/python": thin(INTEL)}
        assert self.tools(files) == [FoundTool(name="conda", path="/a/conda", architectures=("x86_64",))]

    def test_env_looks_on_path(self) -> None:
        files = {"/a/pip": b"#!/usr/bin/env python3\n", "/b/python3": fat(ARM, INTEL)}
        assert self.tools(files)[0].architectures == ("arm64", "x86_64")

    def test_what_leads_nowhere_is_not_known(self) -> None:
        assert self.tools({"/a/conda": b"#!/gone\n"})[0].architectures == ()
        assert self.tools({"/a/conda": b"#!/a/conda\n"})[0].architectures == ()

    def test_without_path_there_is_none(self) -> None:
        assert list(seen({"/a/uv": thin(ARM)}).tools) == []


class TestRoots:
    @pytest.mark.parametrize(
        "environ",
        [
            {"PATH": "/old/condabin"},
            {"PATH": "/old/bin"},
            {"CONDA_EXE": "/old/bin/conda"},
            {"MAMBA_ROOT_PREFIX": "/old"},
        ],
        ids=["condabin", "bin", "CONDA_EXE", "MAMBA_ROOT_PREFIX"],
    )
    def test_they_are_found_where_variables_lead(self, environ: dict[str, str]) -> None:
        assert seen(ROOT, environ=environ).conda_roots == (CondaRoot(path="/old", architectures=("x86_64",)),)

    def test_and_in_the_usual_places_once(self) -> None:
        files = {
            "/me/miniforge3/condabin/conda": b"",
            "/me/miniforge3/conda-meta/history": b"",
            "/me/miniforge3/bin/python": thin(ARM),
            "/me/miniforge3/.condarc": b"channels: []\nsubdir: 'osx-64'\n",
        }
        assert seen(files, environ={"PATH": "/me/miniforge3/bin"}).conda_roots == (
            CondaRoot(path="/me/miniforge3", architectures=("arm64",), subdir="osx-64"),
        )

    def test_other_folders_are_none(self) -> None:
        assert seen({"/old/bin/python": thin(ARM)}, environ={"PATH": "/old/bin"}).conda_roots == ()


def test_settings_that_force_a_subdir() -> None:
    files = {"/me/.condarc": b"subdir: osx-64\n", "/env/.condarc": b'# subdir: linux-64\nsubdir : "osx-arm64"'}
    assert seen(files, environ={"CONDA_PREFIX": "/env"}).subdir_files == (
        ("/me/.condarc", "osx-64"),
        ("/env/.condarc", "osx-arm64"),
    )


def test_the_users_own_packages() -> None:
    site = "/me/lib/site-packages"
    files = {f"{site}/numpy-1.26.4.dist-info": b"x", f"{site}/six-1.0.egg-info": b"x", f"{site}/README": b"x"}
    assert seen(files).user_site == ("numpy", "six")


def test_only_variables_that_matter_are_kept() -> None:
    environ = {"PYTHONPATH": "/x", "CONDA_SUBDIR": "", "SECRET": "token"}
    assert seen(environ=environ).variables == {"PYTHONPATH": "/x"}


class TestThisMachine:
    def test_it_can_be_looked_at(self) -> None:
        facts = read_host_facts(own_probes(os.environ))
        assert facts.system == platform.system()
        assert facts.python == sys.executable
        assert facts.python_architectures

    def test_what_cannot_be_read_is_left_out(self, tmp_path: Path) -> None:
        probes = own_probes({})
        assert probes.head(str(tmp_path)) == b""
        assert probes.head(str(tmp_path / "gone")) == b""
        assert probes.names(str(tmp_path / "gone")) == ()
        assert probes.run(("no-such-program-here",)) == ""
        assert probes.run(("false",)) == ""
        assert probes.run(("echo", "said")) == "said"
        (tmp_path / "file").write_bytes(b"abc")
        assert probes.head(str(tmp_path / "file")) == b"abc"
        assert list(probes.names(str(tmp_path))) == ["file"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_file_that_may_not_be_read_is_left_out(self, tmp_path: Path) -> None:
        (tmp_path / "shut").write_bytes(b"abc")
        (tmp_path / "shut").chmod(0)
        assert own_probes({}).head(str(tmp_path / "shut")) == b""
