"""Show that pip and uv install the written PyPI halves by hash, and refuse a file that is another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from uv import find_uv_bin

from envgen.formats.registry import render
from envgen.lock.model import LockedWheel
from envgen.models.wheel import Wheel
from tests.fakes.locks import make_lock, make_platform, make_record
from tests.fakes.tiny_wheels import build_wheel


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write two wheels, of which one requires the other, and the files of a lock of both."""
    root = tmp_path_factory.mktemp("pip")
    locked = []
    for tiny in (build_wheel("tiny-app", "1.2", requires=["tiny-lib>=2"]), build_wheel("tiny-lib", "2.0")):
        (root / tiny.filename).write_bytes(tiny.content)
        wheel = Wheel(
            name=tiny.name,
            version=tiny.version,
            filename=tiny.filename,
            url=f"https://files.example/{tiny.filename}",
            sha256=tiny.sha256,
        )
        locked.append(LockedWheel(wheel=wheel))
    lock = make_lock(make_platform([make_record("pip")], locked))
    for name, text in render(lock, ["environment.yml", "explicit"]).items():
        (root / name).write_text(text, encoding="utf-8")
    section = YAML(typ="safe").load((root / "environment.yml").read_text(encoding="utf-8"))["dependencies"][-1]["pip"]
    (root / "section.txt").write_text("\n".join(section), encoding="utf-8")
    return root


def install(command: list[str], requirements: Path, site: Path) -> subprocess.CompletedProcess[str]:
    where = ["--no-index", "--find-links", str(requirements.parent), "--target", str(site), "-r", str(requirements)]
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
    return subprocess.run([*command, *where], capture_output=True, text=True, check=False, env=environment)


PIP = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
UV = [find_uv_bin(), "pip", "install", "--python", sys.executable, "--no-config", "--no-cache"]


@pytest.mark.parametrize(
    ("command", "file"),
    [
        pytest.param([*PIP, "--no-deps", "--require-hashes"], "requirements.osx-arm64.txt", id="pip, requirements"),
        pytest.param([*UV, "--no-deps", "--require-hashes"], "requirements.osx-arm64.txt", id="uv, requirements"),
        pytest.param(PIP, "section.txt", id="pip, environment.yml as conda does"),
    ],
)
def test_the_wheels_are_taken_by_their_hashes(folder: Path, command: list[str], file: str, tmp_path: Path) -> None:
    run = install(command, folder / file, tmp_path)
    assert run.returncode == 0, run.stderr
    assert {path.name for path in tmp_path.glob("*.dist-info")} == {"tiny_app-1.2.dist-info", "tiny_lib-2.0.dist-info"}


@pytest.mark.parametrize("command", [PIP, UV], ids=["pip", "uv"])
def test_another_file_is_refused(folder: Path, command: list[str], tmp_path: Path) -> None:
    for path in folder.glob("*.whl"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    edited = (folder / "section.txt").read_text(encoding="utf-8").replace("sha256:", "sha256:f00", 1)
    edited = "\n".join(line[: line.index("sha256:") + 71] for line in edited.splitlines())
    (tmp_path / "section.txt").write_text(edited, encoding="utf-8")
    run = install(command, tmp_path / "section.txt", tmp_path / "site")
    assert run.returncode != 0
    assert "hash" in run.stderr.lower()
    assert not list(tmp_path.glob("site/*.dist-info"))
