"""pip installs the pip section of environment.yml by its hashes over what conda installed, and touches none of that."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_project import Project, manifest
from tests.fakes.tiny_wheels import build_wheel


@pytest.fixture
def section(project: Project, index: IndexServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lock both halves, and give the pip section."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    index.add(build_wheel("upper", "2.0", requires=("lower[more]>=1", "six<1.17", "numpy>=2", "none; os_name == 'nt'")))
    index.add(build_wheel("lower", "1.5", requires=("pandas>=2; extra == 'more'",), extras=("more",)))
    for name, version in (("numpy", "9.0"), ("six", "1.16.9"), ("pandas", "9.0")):
        index.add(build_wheel(name, version))  # what pip would take, were conda's not good enough
    folder = project.write("demo", manifest("demo", "upper"))
    ran = project.run("lock", "demo")
    assert ran.code == 0, ran.err
    entries = YAML(typ="safe").load((folder / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    return list(entries[-1]["pip"])


def pip(python: Path, *words: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    options = ["--disable-pip-version-check", "--no-input", "--isolated"]
    run = subprocess.run(
        [str(python), "-m", "pip", *words, *options], capture_output=True, text=True, check=False, env=environment
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.slow
def test_over_stand_ins_of_condas_versions(
    project: Project, index: IndexServer, section: list[str], tmp_path: Path
) -> None:
    conda = {"numpy": "2.3.1", "six": "1.16.0", "pandas": "2.2.3"}
    written = (project.environment("demo") / "environment.yml").read_text(encoding="utf-8")
    assert all(f"  - {name}={version}=" in written for name, version in conda.items())
    stand_ins = tmp_path / "stand-ins"
    stand_ins.mkdir()
    for name, version in conda.items():
        wheel = build_wheel(name, version)
        (stand_ins / wheel.filename).write_bytes(wheel.content)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip(python, "install", "--no-index", *map(str, sorted(stand_ins.glob("*.whl"))))
    before = set(pip(python, "freeze", "--all").split())
    (tmp_path / "section.txt").write_text("\n".join(section), encoding="utf-8")
    pip(python, "install", "--require-hashes", "-r", str(tmp_path / "section.txt"), "--index-url", index.url)
    after = {line.split("@")[0] for line in pip(python, "freeze", "--all").split()}
    assert {line for line in before if line.split("==")[0] in conda} <= after
    assert {line.split("==")[0] for line in after} - {line.split("==")[0].split("@")[0] for line in before} == {
        "upper",
        "lower",
    }
    pip(python, "check")
