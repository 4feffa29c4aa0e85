"""Run `envgen lock` over a tiny channel."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from envgen.errors import SolverUnavailableError
from envgen.formats.conda_lock import read_conda_lock
from envgen.formats.registry import render
from envgen.models.solve import Solver, SolverName
from envgen.solvers import choose
from tests.fakes.tiny_project import NOARCH, Project, empty_project, manifest, tiny_channel
from tests.json_shapes import CHECK, ENVIRONMENTS, FAILURE, assert_shape

LINES = ("pandas>=2", "numpy<2.2", "tqdm", "six", "scikit-learn")


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    with pytest.MonkeyPatch.context() as patch:
        made = empty_project(tmp_path_factory.mktemp("locked"), patch)
        made.write("demo", manifest("demo", *LINES))
        assert made.run("lock", "demo").code == 0
        return made


@pytest.fixture
def demo(project: Project, locked: Project) -> Path:
    """Return a locked environment."""
    project.start_from(locked)
    return project.environment("demo")


def test_a_first_lock_says_what_was_decided(project: Project) -> None:
    project.write("demo", manifest("demo", "pandas"))
    ran = project.run("lock", "demo")
    assert ran.code == 0
    assert ran.out.startswith("demo: locked\nosx-arm64, macOS 13.0+, python 3.12: 4 packages from conda, ")
    assert sorted(ran.out.splitlines()[-2:]) == [
        "  environments/demo/conda-lock.yml",
        "  environments/demo/environment.yml",
    ]


def test_the_json_has_the_promised_shape(project: Project) -> None:
    project.write("demo", manifest("demo", "pandas"))
    ran = project.run("lock", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert_shape(ran.json, ENVIRONMENTS)
    assert ran.json["environments"][0]["changed"] is True


def test_a_current_lock_reads_no_channel(project: Project, demo: Path) -> None:
    shutil.rmtree(project.channel)
    before = project.files()
    ran = project.run("lock", "demo")
    assert (ran.code, ran.out) == (0, "demo: the lock is current; nothing was solved\n")
    ran = project.run("lock", "--json")
    assert_shape(ran.json, ENVIRONMENTS)
    assert ran.json["environments"][0]["changed"] is False
    assert project.files() == before


def test_an_upgrade_that_moves_nothing_says_so(project: Project, demo: Path) -> None:
    before = project.files()
    ran = project.run("lock", "demo", "--upgrade")
    assert (ran.code, ran.out) == (0, "demo: the lock is current; solved again, and nothing moved\n")
    assert project.files() == before


def test_what_fell_comes_first_and_is_marked(project: Project, demo: Path) -> None:
    project.write("demo", manifest("demo", "pandas>=2", "numpy<2.2", "six<1.17", "scikit-learn"))
    ran = project.run("lock", "demo", "--json")
    moves = ran.json["environments"][0]["platforms"]["osx-arm64"]["moved"]
    assert [(move["name"], move["to"], move["fell"]) for move in moves] == [
        ("six", "1.16.0", True),
        ("tqdm", "", False),
    ]
    project.write("demo", manifest("demo", "pandas>=2", "numpy<2", "tqdm", "six", "scikit-learn"))
    shown = project.run("lock", "demo").out
    assert "1.26.4 (older)" in shown


def test_what_moved_is_told_with_its_reason(project: Project, demo: Path) -> None:
    tiny_channel(project.channel, noarch=NOARCH + "six 1.18.0 pyh_0 : python >=3.6\n")
    assert project.run("lock", "demo").out == "demo: the lock is current; nothing was solved\n"
    ran = project.run("lock", "demo", "--update", "six", "--json")
    assert_shape(ran.json, ENVIRONMENTS)
    (move,) = ran.json["environments"][0]["platforms"]["osx-arm64"]["moved"]
    assert (move["name"], move["from"], move["to"]) == ("six", "1.17.0", "1.18.0")
    assert move["why"]


def test_the_second_run_gives_the_same_bytes(project: Project, demo: Path) -> None:
    before = project.files()
    for name in ("conda-lock.yml", "environment.yml"):
        (demo / name).unlink()
    assert project.run("lock", "demo").code == 0
    assert project.files() == before


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_dependencies_does_not_matter(project: Project, demo: Path, seed: int) -> None:
    before = project.files()
    shuffled = random.Random(seed).sample(LINES, len(LINES))
    for name in ("conda-lock.yml", "environment.yml"):
        (demo / name).unlink()
    project.write("demo", manifest("demo", *shuffled))
    assert project.run("lock", "demo").code == 0
    same = {name: text for name, text in project.files().items() if not name.endswith("envgen.yaml")}
    assert same == {name: text for name, text in before.items() if not name.endswith("envgen.yaml")}


def test_a_shuffled_manifest_is_not_stale(project: Project, demo: Path) -> None:
    project.write("demo", manifest("demo", *reversed(LINES)))
    assert project.run("lock", "--check", "demo").code == 0


def test_the_machine_does_not_show(project: Project, demo: Path, tmp_path: Path) -> None:
    for path in demo.iterdir():
        text = path.read_text(encoding="utf-8")
        assert str(tmp_path) not in text
        assert str(project.channel) not in text


def test_all_environments_are_locked_in_order(project: Project) -> None:
    for name in ("b", "a", "c"):
        project.write(name, manifest(name, "six"))
    ran = project.run("lock", "--json")
    assert [environment["name"] for environment in ran.json["environments"]] == ["a", "b", "c"]


def test_a_failure_keeps_what_was_locked_before_it(project: Project) -> None:
    project.write("a", manifest("a", "six"))
    project.write("b", manifest("b", more='conda: ["six >=9"]\n'))
    project.write("c", manifest("c", "six"))
    ran = project.run("lock", "--json")
    assert ran.code == 1
    assert_shape(ran.json, FAILURE)
    locked = [name for name in ("a", "b", "c") if (project.environment(name) / "conda-lock.yml").exists()]
    assert locked == ["a"]


def test_without_an_environment_there_is_nothing_to_lock(project: Project) -> None:
    ran = project.run("lock")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: there is no environment here\nhint: make one with `envgen new NAME`\n"


def test_an_unknown_environment(project: Project, demo: Path) -> None:
    ran = project.run("lock", "demp")
    assert ran.code == 2
    assert "there is no environment `demp` here" in ran.err
    assert "known: demo" in ran.err


def test_check_of_a_current_lock(project: Project, demo: Path) -> None:
    ran = project.run("lock", "--check")
    assert (ran.code, ran.out, ran.err) == (0, "demo: the lock is current\n", "")
    ran = project.run("lock", "--check", "--json")
    assert_shape(ran.json, CHECK)
    assert [(item["name"], item["ok"], item["reasons"]) for item in ran.json["environments"]] == [("demo", True, [])]


STALE = {
    "a new requirement": (manifest("demo", *LINES, "pytest"), "pytest"),
    "a stricter bound": (manifest("demo", *LINES, "six<1.17"), "six"),
    "another python": (manifest("demo", *LINES, python="3.11"), "python 3.12"),
    "another macOS": (manifest("demo", *LINES, macos="14.0"), "macOS 13.0"),
    "another channel": (manifest("demo", *LINES).replace("conda-forge", "ours"), "channels"),
}


@pytest.mark.parametrize(("text", "reason"), STALE.values(), ids=STALE)
def test_check_of_a_stale_lock(project: Project, demo: Path, text: str, reason: str) -> None:
    project.write("demo", text)
    before = project.files()
    ran = project.run("lock", "--check")
    assert ran.code == 1
    assert ran.out.startswith("demo: the lock is stale\n  ")
    assert ran.err.startswith("error: ")
    assert "stale: demo\nhint: run `envgen lock demo`" in ran.err
    as_json = project.run("lock", "--check", "--json")
    assert (as_json.code, as_json.err) == (1, "")
    assert_shape(as_json.json, CHECK)
    (environment,) = as_json.json["environments"]
    assert environment["ok"] is False
    told = " ".join(f"{item['code']} {item['message']}" for item in environment["reasons"])
    assert reason.lower() in told.lower()
    assert project.files() == before


def test_check_of_a_lock_that_is_missing_damaged_or_edited(project: Project, demo: Path) -> None:
    lock = demo / "conda-lock.yml"
    text = lock.read_text(encoding="utf-8")

    def codes() -> list[str]:
        ran = project.run("lock", "--check", "--json")
        assert ran.code == 1
        return [reason["code"] for reason in ran.json["environments"][0]["reasons"]]

    lock.write_text(text.replace("six-1.17.0", "six-1.16.0"), encoding="utf-8")
    assert codes() == ["DAMAGED"]
    lock.unlink()
    assert codes() == ["NO-LOCK"]
    lock.write_text(text, encoding="utf-8")
    (demo / "environment.yml").write_text("name: demo\n", encoding="utf-8")
    assert codes() == ["FILE-DIFFERS"]


def test_quiet_check(project: Project, demo: Path) -> None:
    ran = project.run("lock", "--check", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_a_solver_that_is_missing_here_is_replaced_with_a_note(
    project: Project, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = read_conda_lock((demo / "conda-lock.yml").read_text(encoding="utf-8"), "conda-lock.yml")
    (platform,) = lock.platforms
    other = replace(lock, platforms=(replace(platform, solver="libmamba"),))
    for name, text in render(other, ["environment.yml", "conda-lock.yml"]).items():
        (demo / name).write_text(text, encoding="utf-8")

    opened = choose._opened

    def without(name: SolverName | None) -> tuple[Solver, SolverName, str]:
        if name == "libmamba":
            raise SolverUnavailableError("libmamba is not available: it is gone", hint="get it")
        return opened(name or "rattler")

    monkeypatch.setattr(choose, "_opened", without)
    project.write("demo", manifest("demo", *LINES, "pytest"))
    ran = project.run("lock", "demo", "--json")
    assert ran.code == 0
    (environment,) = ran.json["environments"]
    assert any("the lock was solved with libmamba, now with rattler" in note for note in environment["notes"])
    assert environment["platforms"]["osx-arm64"]["solver"] == "rattler"
    ran = project.run("lock", "demo", "--solver", "libmamba", "--json")
    assert ran.code == 1
    assert ran.json["error"] == {
        "code": "solver-unavailable",
        "message": "libmamba is not available: it is gone",
        "hint": "get it",
        "lines": [],
    }


def test_another_channel_for_one_run(project: Project, demo: Path) -> None:
    ran = project.run("lock", "demo", "--channel", project.channel.as_uri(), "--json")
    assert ran.code == 0, ran.out
    platform = ran.json["environments"][0]["platforms"]["osx-arm64"]
    assert all(package["url"].startswith(project.channel.as_uri()) for package in platform["conda"])
    assert project.run("lock", "--check", "demo").code == 1
