"""Test `envgen doctor` on this machine, and on others by injected probes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from envgen.commands import doctor
from envgen.system import machine
from envgen.system.machine import Probes
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_project import Project, manifest
from tests.fakes.tiny_wheels import build_wheel
from tests.json_shapes import TEXT, TEXTS, assert_shape, listing, record
from tests.system.test_machine import INTEL, thin

BOOLEAN = {"type": "boolean"}
CHECKUP = record(
    ok=BOOLEAN,
    findings=listing(record(code=TEXT, severity=TEXT, what=TEXT, why=TEXT, fix=TEXT)),
    machine=record(
        system=TEXT,
        apple_silicon=BOOLEAN,
        rosetta=BOOLEAN,
        macos=TEXT,
        python=TEXT,
        xcode=TEXT,
        tools=listing(record(name=TEXT, path=TEXT, architectures=TEXTS)),
        conda_roots=listing(record(path=TEXT, architectures=TEXTS, subdir=TEXT)),
    ),
    reached=listing(record(name=TEXT, ok=BOOLEAN, message=TEXT)),
)


@pytest.fixture
def old_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an Apple-silicon Mac on macOS 12.6 with an Intel conda in this machine's place."""
    said = {"hw.optional.arm64": "1", "-productVersion": "12.6"}
    files = {"/old/bin/conda": b"#!/old/lib/python\n", "/old/lib/python": thin(INTEL)}

    def run(command: Sequence[str]) -> str:
        return said.get(command[-1], "")

    probes = Probes(
        system="Darwin",
        python="/venv/bin/python",
        home="/me",
        environ={"PATH": "/old/bin"},
        user_site="/none",
        run=run,
        head=lambda path: files.get(path, b""),
        names=lambda _: (),
    )
    monkeypatch.setattr(doctor, "own_probes", lambda _: probes)


def codes(project: Project, *words: str) -> list[str]:
    ran = project.run("doctor", *words, "--json")
    assert_shape(ran.json, CHECKUP)
    assert ran.code == (0 if ran.json["ok"] else 1)
    return [finding["code"] for finding in ran.json["findings"]]


def test_this_machine(project: Project, index: IndexServer) -> None:
    index.add(build_wheel("pip", "24.0"))
    found = codes(project)
    assert "CHANNEL" not in found
    assert "INDEX" not in found
    assert "CACHE" not in found
    assert machine.own_probes({}).system


def test_what_cannot_be_reached_is_told(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVGEN_MIRRORS", f"conda-forge={tmp_path}/gone")
    assert {"CHANNEL", "INDEX"} <= set(codes(project))


def test_an_index_that_has_nothing_is_none(project: Project, index: IndexServer) -> None:
    assert "INDEX" in codes(project)


def test_a_cache_that_cannot_be_written(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: IndexServer
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ENVGEN_CACHE_DIR", str(tmp_path / "file" / "cache"))
    ran = project.run("doctor", "--json")
    assert ran.code == 1
    assert ran.json["findings"][0]["code"] == "CACHE"


@pytest.mark.usefixtures("old_mac")
class TestOnAMac:
    def test_errors_come_first_and_fail(self, project: Project, index: IndexServer) -> None:
        index.add(build_wheel("pip", "24.0"))
        assert codes(project) == ["INTEL-CONDA", "NO-XCODE"]

    def test_an_environments_floor(self, project: Project, index: IndexServer) -> None:
        index.add(build_wheel("pip", "24.0"))
        project.write("ml", manifest("ml", "numpy", macos="13.0"))
        assert codes(project, "ml") == ["MACOS-FLOOR", "INTEL-CONDA", "NO-XCODE"]

    def test_text(self, project: Project, index: IndexServer) -> None:
        index.add(build_wheel("pip", "24.0"))
        ran = project.run("doctor")
        assert ran.code == 1
        lines = ran.out.splitlines()
        assert lines[0] == "macOS 12.6, Apple silicon"
        assert "conda  x86_64   /old/bin/conda" in lines
        assert "error: INTEL-CONDA: `conda` on PATH is an Intel program: /old/bin/conda" in lines
        assert lines[-1] == "1 finding"
        assert "NO-XCODE" not in ran.out
        assert "NO-XCODE" in project.run("doctor", "-v").out


def test_an_environment_that_is_not_there(project: Project) -> None:
    assert project.run("doctor", "gone").code == 2
