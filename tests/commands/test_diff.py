"""Test that locks are compared, from folders, environments and revisions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.projects import CHANNEL, Made, Project, Repository, made_once, oldest
from tests.fakes.tiny_wheels import build_wheel


def commit_two(living: Project) -> None:
    """Commit a lock, then another one with everything that may differ; `old` and `HEAD` are tags."""
    repository = Repository(living.root / "project")
    living.index.add(build_wheel("leaf", "1.0"))
    living.index.add(build_wheel("click", "8.1.0"))
    living.serve(oldest(CHANNEL))
    living.manifest("pandas", "six", "flask", "leaf")
    living.lock()
    repository.commit("old")
    repository("tag", "old")
    living.serve(CHANNEL.replace("six 1.17.0 0: python", "six 1.16.0 1: python"))
    living.index.forget("leaf")
    living.index.add(build_wheel("leaf", "0.9", padding=100))
    living.manifest("pandas", "six", "click", "leaf", "requests", more="mapping: {click: null}\n")
    living.json("lock", "--upgrade")
    repository.commit("new")


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with made_once(tmp_path_factory.mktemp("committed"), commit_two) as made:
        yield made


@pytest.fixture
def git(living: Project, committed: Made) -> Repository:
    living.start_from(committed)
    return Repository(living.root / "project")


def changes(answer: Any) -> dict[str, tuple[str, str, str]]:
    (platform,) = answer["platforms"].values()
    return {change["name"]: (change["change"], change["from"], change["to"]) for change in platform}


EXPECTED = {
    "click": ("moved", "8.1.0", "8.1.0"),
    "flask": ("removed", "3.0.0", ""),
    "leaf": ("downgraded", "1.0", "0.9"),
    "libblas": ("upgraded", "3.9.0", "3.10.0"),
    "numpy": ("upgraded", "1.26.4", "2.1.3"),
    "pandas": ("upgraded", "2.0.3", "2.2.3"),
    "python": ("upgraded", "3.12.4", "3.12.8"),
    "requests": ("added", "", "2.32.0"),
    "six": ("rebuilt", "1.16.0=0", "1.16.0=1"),
    "urllib3": ("added", "", "2.2.0"),
}


def test_says_what_changed_in_which_way(living: Project, git: Repository) -> None:
    answer = living.json("diff", "old:environments/demo", "demo")
    assert changes(answer) == EXPECTED
    by_name = {change["name"]: change for change in answer["platforms"]["osx-arm64"]}
    assert (by_name["click"]["previous"], by_name["click"]["source"]) == ("conda", "pypi")
    assert (by_name["requests"]["size_from"], by_name["requests"]["size_to"]) == (None, 8000)
    sizes = answer["sizes"]["osx-arm64"]
    assert sizes["unknown"] == 0
    assert sizes["to"] > sizes["from"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("HEAD~1:environments/demo", "HEAD:environments/demo", id="revisions"),
        pytest.param("old:environments/demo/", "environments/demo", id="a-folder"),
        pytest.param("old:demo", "environments/demo/conda-lock.yml", id="names-and-files"),
    ],
)
def test_ways_to_name_a_side(living: Project, git: Repository, first: str, second: str) -> None:
    assert changes(living.json("diff", first, second)) == EXPECTED


def test_one_name_is_compared_with_what_is_committed(living: Project, git: Repository) -> None:
    assert changes(living.json("diff", "demo")) == {}
    living.json("add", "demo", "django")
    assert changes(living.json("diff", "demo")) == {"django": ("added", "", "5.0.0")}


def test_a_project_below_the_top_of_its_repository(living: Project) -> None:
    repository = Repository(living.root)
    living.manifest("six")
    living.lock()
    repository.commit("all")
    assert changes(living.json("diff", "demo")) == {}
    assert changes(living.json("diff", "HEAD:project/environments/demo", "demo")) == {}


def test_text(living: Project, git: Repository) -> None:
    answer = living.run("diff", "old:environments/demo", "demo")
    lines = answer.out.splitlines()
    assert lines[0].startswith("osx-arm64: 2 added, 1 downgraded, 1 moved, 1 rebuilt, 1 removed, 4 upgraded; ")
    assert lines[1].split() == ["PACKAGE", "CHANGE", "FROM", "TO", "SOURCE", "SIZE"]
    assert "requests  added       -         2.32.0    conda         +8.0 kB" in answer.out
    assert "conda → pypi" in answer.out


def test_markdown(living: Project, git: Repository) -> None:
    answer = living.run("diff", "old:environments/demo", "demo", "--markdown")
    lines = answer.out.splitlines()
    assert lines[0] == "#### osx-arm64"
    assert lines[4:6] == ["| package | change | from | to | source | size |", "| --- | --- | --- | --- | --- | --- |"]
    assert "| requests | added | - | 2.32.0 | conda | +8.0 kB |" in lines
    assert {line.count("|") for line in lines[4:] if line} == {7}


def test_what_is_not_about_packages(living: Project, git: Repository) -> None:
    path = living.folder() / "envgen.yaml"
    path.write_text(path.read_text().replace('"13.0"', '"14.0"'))
    living.lock()
    answer = living.json("diff", "demo")
    assert answer["facts"] == {"osx-arm64": ["macOS: 13.0 → 14.0"]}
    assert "- macOS: 13.0 → 14.0" in living.run("diff", "demo", "--markdown").out


def test_a_platform_that_comes(living: Project, git: Repository) -> None:
    path = living.folder() / "envgen.yaml"
    path.write_text(path.read_text().replace("platforms: [", "platforms: [linux-64, "))
    living.serve(CHANNEL, "osx-arm64", "linux-64")
    living.index.add(build_wheel("leaf", "1.0"))
    living.json("lock")
    answer = living.json("diff", "demo")
    assert answer["facts"]["linux-64"] == ["the platform was added"]
    assert {change["change"] for change in answer["platforms"]["linux-64"]} == {"added"}
    back = living.json("diff", "demo", "HEAD:demo")
    assert back["facts"]["linux-64"] == ["the platform was removed"]


def test_an_environment_that_was_not_there(living: Project, git: Repository) -> None:
    living.manifest("six", name="fresh")
    living.json("lock", "fresh")
    answer = living.json("diff", "fresh")
    versions = {"pip": "24.0", "python": "3.12.8", "six": "1.16.0"}
    assert changes(answer) == {name: ("added", "", version) for name, version in versions.items()}
    assert answer["notes"] == ["HEAD:environments/fresh is not there: everything counts as added"]
    assert "> HEAD:environments/fresh is not there" in living.run("diff", "fresh", "--markdown").out


def test_a_lock_that_was_edited_is_read_as_it_stands(living: Project, git: Repository) -> None:
    path = living.folder() / "conda-lock.yml"
    path.write_text(path.read_text().replace("urllib3-2.2.0-0", "urllib3-2.2.0-1"))
    answer = living.json("diff", "demo")
    assert changes(answer) == {"urllib3": ("rebuilt", "2.2.0=0", "2.2.0=1")}
    assert answer["notes"] == ["demo/conda-lock.yml was edited or cut after it was written"]


def test_explicit_files(living: Project) -> None:
    living.manifest("six", more="outputs: [explicit]\n")
    living.lock()
    repository = Repository(living.root / "project")
    repository.commit("explicit")
    assert changes(living.json("diff", "demo")) == {}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["nothing", "demo"], 2, "`nothing` is no environment, folder or lock", id="no-environment"),
        pytest.param(["a/b", "demo"], 1, "there is no file or folder a/b", id="no-folder"),
        pytest.param(["v9:environments/demo", "demo"], 2, "git knows no revision `v9`", id="no-revision"),
        pytest.param(["HEAD:a", "HEAD:b"], 1, "neither HEAD:a nor HEAD:b has a lock", id="neither"),
        pytest.param(["HEAD:demo", "pyproject.toml"], 1, "there is no file or folder pyproject.toml", id="no-file"),
    ],
)
def test_refusals(living: Project, git: Repository, words: list[str], code: int, said: str) -> None:
    answer = living.run("diff", *words)
    assert answer.code == code
    assert said in answer.err


def test_a_damaged_lock(living: Project, git: Repository) -> None:
    (living.folder() / "conda-lock.yml").write_bytes(b"\xff")
    git.commit("damage")
    answer = living.run("diff", "HEAD:demo", "old:demo")
    assert (answer.code, "HEAD:environments/demo/conda-lock.yml is not UTF-8 text" in answer.err) == (1, True)
    (living.folder() / "conda-lock.yml").write_text("version: 1\n")
    answer = living.run("diff", "old:demo", "demo")
    assert (answer.code, "demo/conda-lock.yml" in answer.err) == (1, True)


def test_a_checkout_that_is_laid_out_as_a_repository_runs_nothing(living: Project) -> None:
    """Its settings are a stranger's: here, what is run to fetch the object that it lacks."""
    living.manifest("six")
    living.lock()
    root, evil = living.root / "project", living.root / "evil"
    shutil.copytree(root, checkout := living.root / "checkout" / "project")
    subprocess.run(["git", "init", "-q", checkout.parent], check=True)
    subprocess.run(["git", "init", "-q", "--bare", evil], check=True)
    shutil.copytree(evil, checkout, dirs_exist_ok=True)
    (checkout / "refs" / "heads" / "main").write_text(f"{'1' * 40}\n")
    (checkout / "HEAD").write_text("ref: refs/heads/main\n")
    (checkout / "config").write_text(
        "[core]\nrepositoryformatversion = 1\nbare = true\n[extensions]\npartialClone = origin\n"
        f'[remote "origin"]\nurl = {evil}\npromisor = true\nuploadpack = "touch {evil}/ran; false"\n'
    )
    for words in (["diff", "demo"], ["check", "demo"]):
        subprocess.run([sys.executable, "-m", "envgen", *words], cwd=checkout, check=False, capture_output=True)
        assert not (evil / "ran").exists()


def test_without_git_or_repository(living: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    living.manifest("six")
    living.lock()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(living.root))
    answer = living.run("diff", "demo")
    assert (answer.code, "not a git repository" in answer.err) == (2, True)
    (living.root / ".git").mkdir()
    monkeypatch.setenv("PATH", os.devnull)
    answer = living.run("diff", "demo")
    assert (answer.code, "git is not installed" in answer.err) == (2, True)
