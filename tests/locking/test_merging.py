"""Test that git merges what two branches add, and that `lock` mends the lock."""

from __future__ import annotations

import pytest

from tests.fakes.projects import CHANNEL, Locked, Project, Repository, oldest
from tests.fakes.tiny_wheels import build_wheel


@pytest.fixture(params=["merge", "diff3"])
def git(living: Project, request: pytest.FixtureRequest) -> Repository:
    repository = Repository(living.root / "project")
    repository("config", "merge.conflictStyle", request.param)
    return repository


def start(living: Project, git: Repository) -> None:
    living.serve(oldest(CHANNEL))
    assert living.run("new", "demo", "--python", "3.12", "--add", "pandas", "--add", "six").code == 0
    git.commit("make demo")
    living.serve(CHANNEL)


def on_branch(git: Repository, name: str) -> None:
    assert git("switch", "--quiet", "main") == 0
    assert git("switch", "--quiet", "--create", name) == 0


def merge(git: Repository) -> str:
    """Merge `theirs` into `ours`; give the lock as git leaves it."""
    assert git("switch", "--quiet", "ours") == 0
    assert git("merge", "--quiet", "theirs") == 1
    return (git.folder / "environments/demo/conda-lock.yml").read_text()


def mended(living: Project) -> Locked:
    assert living.run("lock", "--check").code == 1
    again = living.lock()
    assert living.run("lock", "--check").code == 0
    return again


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("flask", "requests"), ("django", "flask"), ("requests", "flask"), ("requests", "urllib3")],
)
def test_two_branches_that_each_add_a_package(living: Project, git: Repository, ours: str, theirs: str) -> None:
    start(living, git)
    for branch, name in (("ours", ours), ("theirs", theirs)):
        on_branch(git, branch)
        living.json("add", "demo", name)
        git.commit(f"add {name}")
    assert "<<<<<<<" in merge(git)
    manifest = (living.folder() / "envgen.yaml").read_text()
    assert "<<<<<<<" not in manifest
    assert manifest.count(f"- {ours}\n") == manifest.count(f"- {theirs}\n") == 1
    again = mended(living)
    assert {ours, theirs, "pandas", "six"} <= again.versions.keys()
    assert again.versions["pandas"] == "2.0.3"  # as both sides have it
    note = "the lock held merge markers and is made again: what both sides of the merge agree on is kept"
    assert again.environment["notes"][0].startswith(note)


def test_what_one_side_updated_stays_updated(living: Project, git: Repository) -> None:
    start(living, git)
    on_branch(git, "ours")
    living.json("lock", "--update", "six")
    git.commit("update six")
    on_branch(git, "theirs")
    living.json("add", "demo", "flask")
    git.commit("add flask")
    merge(git)
    again = mended(living)
    assert (again.versions["six"], again.versions["pandas"]) == ("1.17.0", "2.0.3")


def test_wheels_are_joined_too(living: Project, git: Repository) -> None:
    for name in ("one", "two"):
        for version in ("1.0", "2.0"):
            living.index.add(build_wheel(name, version))
    start(living, git)
    for branch, name in (("ours", "one"), ("theirs", "two")):
        on_branch(git, branch)
        living.json("add", "demo", f"{name}==1.0")
        living.json("add", "demo", name)
        git.commit(f"add {name}")
    merge(git)
    assert mended(living).versions.items() >= {"one": "1.0", "two": "1.0"}.items()


def test_a_lock_of_which_nothing_can_be_read_is_made_anew(living: Project) -> None:
    living.manifest("six")
    living.lock()
    path = living.folder() / "conda-lock.yml"
    path.write_text("<<<<<<< ours\nx: 1\n=======\nx: 2\n>>>>>>> theirs\n")
    again = mended(living)
    assert "nothing of it could be kept" in again.environment["notes"][0]
    assert again.versions["six"] == "1.17.0"


def test_one_readable_side_is_kept(living: Project) -> None:
    living.serve(oldest(CHANNEL))
    living.manifest("six")
    living.lock()
    living.serve(CHANNEL)
    path = living.folder() / "conda-lock.yml"
    path.write_text(f"<<<<<<< ours\n{path.read_text()}=======\nx: 2\n>>>>>>> theirs\n")
    again = mended(living)
    assert "what one side holds is kept" in again.environment["notes"][0]
    assert again.versions["six"] == "1.16.0"


def test_a_manifest_with_markers_is_refused_with_its_line(living: Project) -> None:
    path = living.manifest("six")
    path.write_text(path.read_text() + "<<<<<<< ours\n  - flask\n=======\n  - click\n>>>>>>> theirs\n")
    answer = living.run("lock")
    assert answer.code == 1
    assert "environments/demo/envgen.yaml:6" in answer.err


def test_a_lock_that_was_edited_is_kept_to_as_it_stands(living: Project) -> None:
    living.serve(oldest(CHANNEL))
    living.manifest("six")
    living.lock()
    living.serve(CHANNEL)
    path = living.folder() / "conda-lock.yml"
    path.write_text(path.read_text() + "# a remark\n")
    again = mended(living)
    note = "the lock is made again: environments/demo/conda-lock.yml was edited or cut after it was written"
    assert again.environment["notes"][0] == note
    assert again.versions["six"] == "1.16.0"
    path.write_text("nothing\n")
    assert "nothing of it could be kept" in mended(living).environment["notes"][1]
