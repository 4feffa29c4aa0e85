"""Whole runs over a tiny channel and a tiny index give the files that are kept under tests/golden."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Golden
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_project import Project, manifest
from tests.fakes.tiny_wheels import build_wheel

GROUPS = """\
conda: ["libfoo >=1"]
groups:
  dev: [pytest]
  docs: [{include-group: dev}, tqdm]
constraints: [numpy<2.2]
"""


@pytest.fixture(autouse=True)
def _a_version_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envgen.locking.lock.__version__", "1.2.3")


def generated(folder: Path) -> dict[str, str]:
    """Read the files of an environment, but for git's."""
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if not path.name.startswith(".")}


def test_new(project: Project, golden: Golden) -> None:
    words = ("--python", "3.12", "--add", "pandas>=2", "--add", "tqdm", "--solver", "rattler")
    assert project.run("new", "demo", *words).code == 0
    golden("new-conda", generated(project.environment("demo")))


def test_lock_with_groups_and_constraints(project: Project, golden: Golden) -> None:
    folder = project.write("demo", manifest("demo", "pandas", "six ; sys_platform == 'darwin'", more=GROUPS))
    assert project.run("lock", "demo", "--solver", "rattler").code == 0
    golden("lock-groups", generated(folder))


def test_lock_of_both_halves(
    project: Project, index: IndexServer, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Take outputs without addresses: the index is at another port each time."""
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    index.add(build_wheel("upper", "2.0", requires=("lower>=1", "six<1.17", "numpy>=2"), requires_python=">=3.10"))
    index.add(build_wheel("lower", "1.5", tag="cp312-cp312-macosx_12_0_arm64"))
    index.add(build_wheel("lower", "1.6", tag="cp312-cp312-macosx_14_0_arm64"))
    index.add(build_wheel("six", "1.16.0"))
    folder = project.write("demo", manifest("demo", "upper", more="outputs: [environment.yml, explicit]\n"))
    ran = project.run("lock", "demo", "--solver", "rattler")
    assert ran.code == 0, ran.err
    golden("lock-both-halves", generated(folder))


def test_lock_of_two_platforms(project: Project, golden: Golden) -> None:
    linux = project.channel / "linux-64"
    linux.mkdir()
    native = (project.channel / "osx-arm64" / "repodata.json").read_text(encoding="utf-8")
    text = native.replace("osx-arm64", "linux-64").replace("__osx >=11.0", "__glibc >=2.17")
    (linux / "repodata.json").write_text(text, encoding="utf-8")
    both = manifest("demo", "six", "numpy ; sys_platform == 'linux'").replace("}]", "}, linux-64]")
    folder = project.write("demo", both)
    ran = project.run("lock", "demo", "--solver", "rattler")
    assert ran.code == 0, ran.err
    golden("lock-two-platforms", generated(folder))
