"""Test several platforms in one manifest: markers, groups, and one conda-lock.yml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.projects import CHANNEL, Project
from tests.fakes.tiny_wheels import build_wheel
from tests.real_project import SOLVERS, needs_channel, real_project

SUBDIRS = ("linux-64", "osx-64", "osx-arm64")
PLATFORMS = 'platforms: [{platform: osx-arm64, macos: "13.0"}, osx-64, linux-64]\n'


@pytest.fixture
def demo(living: Project) -> Project:
    living.serve(CHANNEL, *SUBDIRS)
    for tag in ("macosx_11_0_arm64", "macosx_10_15_x86_64", "manylinux_2_17_x86_64"):
        living.index.add(build_wheel("leaf", "1.0", tag=f"cp312-cp312-{tag}"))
    path = living.manifest(
        "leaf",
        "\"six; sys_platform == 'darwin'\"",
        "\"click; sys_platform == 'darwin' and platform_machine == 'arm64'\"",
        more="groups:\n  dev: [flask, \"requests; sys_platform == 'linux'\"]\n",
    )
    lines = [PLATFORMS if line.startswith("platforms:") else f"{line}\n" for line in path.read_text().splitlines()]
    path.write_text("".join(lines))
    return living


def names(platform: Any) -> set[str]:
    return {each["name"] for half in ("conda", "pypi") for each in platform[half]}


def test_markers_choose_for_each_platform(demo: Project) -> None:
    (environment,) = demo.json("lock")["environments"]
    platforms = environment["platforms"]
    assert sorted(platforms) == list(SUBDIRS)
    everywhere = {"python", "pip", "leaf", "flask", "click"}
    assert names(platforms["linux-64"]) == {*everywhere, "requests", "urllib3"}
    assert names(platforms["osx-64"]) == {*everywhere, "six"}
    assert names(platforms["osx-arm64"]) == {*everywhere, "six"}
    tags = {subdir: each["pypi"][0]["url"].rsplit("-", 1)[1] for subdir, each in platforms.items()}
    assert tags == {
        "linux-64": "manylinux_2_17_x86_64.whl",
        "osx-64": "macosx_10_15_x86_64.whl",
        "osx-arm64": "macosx_11_0_arm64.whl",
    }
    assert [Path(file).name for file in environment["files"]] == [
        *(f"environment.{subdir}.yml" for subdir in SUBDIRS),
        "conda-lock.yml",
    ]
    assert demo.run("check", "--deep").code == 0


def test_groups_are_told_for_each_platform(demo: Project) -> None:
    demo.json("lock")
    text = (demo.folder() / "conda-lock.yml").read_text()
    blocks = [block for block in text.split("\n- name: ") if block.startswith("click\n")]
    found = {
        block.split("platform: ")[1].split("\n")[0]: block.split("category: ")[1].split("\n")[0] for block in blocks
    }
    assert found == {"linux-64": "dev", "osx-64": "dev", "osx-arm64": "main"}


def test_each_platform_moves_by_itself(demo: Project) -> None:
    demo.json("lock")
    path = demo.folder() / "envgen.yaml"
    path.write_text(path.read_text().replace("'linux'", "'darwin'"))
    (environment,) = demo.json("lock")["environments"]
    moved = {
        subdir: {move["name"]: move["to"] for move in each["moved"]}
        for subdir, each in environment["platforms"].items()
    }
    come = {"requests": "2.32.0", "urllib3": "2.2.0"}
    assert moved == {"linux-64": dict.fromkeys(come, ""), "osx-64": come, "osx-arm64": come}


def test_a_platform_that_goes_takes_its_files_with_it(demo: Project) -> None:
    demo.json("lock")
    (demo.folder() / "environment.yml").write_text("name: mine\n")  # not generated: it stays
    path = demo.folder() / "envgen.yaml"
    path.write_text(path.read_text().replace(", osx-64", ""))
    (environment,) = demo.json("lock")["environments"]
    assert sorted(environment["platforms"]) == ["linux-64", "osx-arm64"]
    note = "environment.osx-64.yml was removed: it was left from other outputs or platforms"
    assert note in environment["notes"]
    assert sorted(file.name for file in demo.folder().iterdir()) == [
        *("conda-lock.yml", "envgen.yaml", "environment.linux-64.yml", "environment.osx-arm64.yml", "environment.yml")
    ]
    assert demo.run("check").code == 0


@pytest.mark.shared
@needs_channel
@pytest.mark.parametrize("solver", SOLVERS)
def test_tensorflow_for_two_macs_and_linux(tmp_path: Path, solver: str) -> None:
    text = (
        f'name: many\npython: "3.11"\n{PLATFORMS}channels: [conda-forge]\n'
        "dependencies: [tensorflow, pandas]\ngroups: {dev: [pytest]}\n"
    )
    with real_project(tmp_path) as project:
        project.write("many", text)
        ran = project.run("lock", "many", "--solver", solver, "--json")
        assert ran.code == 0, ran.out
        platforms = ran.json["environments"][0]["platforms"]
        assert all({"tensorflow", "pandas", "pytest"} <= names(each) for each in platforms.values())
        codes = {subdir: [each["code"] for each in found["findings"]] for subdir, found in platforms.items()}
        assert "AVX" in codes["osx-64"]
        assert "AVX" not in codes["linux-64"] + codes["osx-arm64"]
        assert project.run("check", "many").code == 0
