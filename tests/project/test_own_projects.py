"""Test that what the user's own projects need is locked, proved, explained and let go of again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.projects import Made, Project, made_once
from tests.fakes.tiny_wheels import build_wheel

LOCAL = "local:\n  - {path: ., editable: true}\n"
PYPROJECT = '[project]\nname = "ours"\nversion = "1.0"\ndependencies = [\n  "six<1.17",\n  "pandas>=2.1",\n]\n'


def write(living: Project, text: str = PYPROJECT, folder: str = ".") -> Path:
    path = living.root / "project" / folder / "pyproject.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def lock_owned(living: Project) -> None:
    write(living)
    living.manifest("click", more=LOCAL)
    living.lock()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with made_once(tmp_path_factory.mktemp("locked"), lock_owned) as made:
        yield made


@pytest.fixture
def owned(living: Project, locked: Made) -> Project:
    """Return a locked environment of a project's own."""
    living.start_from(locked)
    return living


def versions(living: Project) -> dict[str, str]:
    locked = living.json("lock", "--check", "demo")
    assert locked["environments"][0]["ok"], locked
    text = (living.folder() / "environment.yml").read_text()
    return dict(
        line.strip("- ").split("=")[:2] for line in text.splitlines() if line.startswith("  - ") and "=" in line
    )


def reasons(living: Project) -> list[tuple[str, str]]:
    (environment,) = living.json("check", "demo", code=1)["environments"]
    return [(each["code"], each["message"]) for each in environment["reasons"]]


def test_are_locked_with_the_rest(owned: Project) -> None:
    found = versions(owned)
    assert (found["six"], found["pandas"]) == ("1.16.0", "2.2.3")
    assert "ours" not in found


def test_bounds_count(owned: Project) -> None:
    write(owned, PYPROJECT.replace("pandas>=2.1", "pandas<2.1"))
    owned.lock()
    assert versions(owned)["pandas"] == "2.0.3"


def test_what_only_pypi_has(living: Project) -> None:
    living.index.add(build_wheel("leaf", "1.0", requires=["six"]))
    write(living, PYPROJECT.replace("six<1.17", "leaf"))
    living.manifest(more=LOCAL)
    living.lock()
    assert "leaf==1.0 --hash=sha256:" in (living.folder() / "environment.yml").read_text()
    assert living.run("check", "demo").code == 0


def test_a_change_of_the_project_makes_the_lock_stale(owned: Project) -> None:
    write(owned, PYPROJECT.replace('"six<1.17"', '"six>=1.17"'))
    assert reasons(owned) == [("REQUIREMENT", "`six>=1.17` of pyproject.toml, line 5, is not what was locked")]
    assert owned.run("lock", "--check", "demo").code == 1
    write(owned, PYPROJECT.replace("\n]\n", '\n  "flask",\n]\n'))
    assert reasons(owned) == [("REQUIREMENT", "`flask` of pyproject.toml, line 7, is not what was locked")]
    write(owned, PYPROJECT.replace('  "six<1.17",\n', ""))
    assert reasons(owned) == [("LEFT-BEHIND", "nothing needs six any more")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PYPROJECT.replace("six<1.17", "six"), id="satisfied anyway"),
        pytest.param(PYPROJECT.replace("1.0", "2.0"), id="another version of its own"),
        pytest.param(f"# a comment\n{PYPROJECT}", id="another line"),
        pytest.param(PYPROJECT + '[dependency-groups]\ndev = ["flask"]\n', id="a group of its own"),
    ],
)
def test_what_the_lock_satisfies_leaves_it_true(owned: Project, text: str) -> None:
    write(owned, text)
    assert owned.run("check", "demo").code == 0


def test_a_missing_project_is_an_error(owned: Project) -> None:
    (owned.root / "project" / "pyproject.toml").unlink()
    (reason,) = reasons(owned)
    assert reason[0] == "LOCAL"
    assert "`.` holds no Python project: there is no pyproject.toml in it" in reason[1]
    owned.manifest("click", more=LOCAL.replace("path: .", "path: libs/gone"))
    answer = owned.run("lock", "demo")
    assert answer.code == 1
    assert answer.err.startswith("error: there is no project at `libs/gone`\n  environments/demo/envgen.yaml:7: ")


def test_a_project_that_leads_out(living: Project) -> None:
    (living.root / "elsewhere").mkdir()
    (living.root / "project" / "libs").symlink_to(living.root / "elsewhere")
    living.manifest("six", more=LOCAL.replace("path: .", "path: libs"))
    answer = living.run("lock", "demo")
    assert answer.code == 1
    assert "leads out of" in answer.err


def test_all_faults_at_once(living: Project) -> None:
    write(living, "[project\n", "a")
    living.manifest("six", more="local:\n  - path: a\n  - path: b\n")
    answer = living.run("lock", "demo")
    assert answer.code == 1
    assert "2 projects cannot be read" in answer.err
    assert "a/pyproject.toml:1:" in answer.err
    assert "there is no project at `b`" in answer.err


def test_a_conflict_names_the_line(living: Project) -> None:
    write(living)
    living.manifest("six>=1.17", more=LOCAL)
    answer = living.run("lock", "demo")
    assert answer.code == 1
    assert 'pyproject.toml:5: "six<1.17",' in answer.err
    assert "environments/demo/envgen.yaml:5: - six>=1.17" in answer.err
    assert not (living.folder() / "conda-lock.yml").exists()


def test_why_shows_the_chain_from_the_project(owned: Project) -> None:
    shown = owned.run("why", "demo", "numpy")
    assert shown.code == 0
    assert "pyproject.toml:6" in shown.out
    assert "pandas>=2.1" in shown.out
    assert "six" in owned.run("tree", "demo").out
    told = owned.run("why-not", "demo", "six>=1.17")
    assert "pyproject.toml:5" in told.out


def test_taking_it_out_lets_go_of_what_it_needed(owned: Project) -> None:
    owned.manifest("click")
    assert "LOCAL" in [code for code, _ in reasons(owned)]
    answer: Any = owned.json("lock", "demo")
    moved = {item["name"] for item in answer["environments"][0]["platforms"]["osx-arm64"]["moved"]}
    assert {"six", "pandas", "numpy"} <= moved
    assert "pandas" not in versions(owned)


def test_adding_it_says_what_asks(living: Project) -> None:
    write(living)
    living.manifest("click")
    living.lock()
    living.manifest("click", more=LOCAL)
    answer: Any = living.json("lock", "demo")
    moved = {item["name"]: item["why"] for item in answer["environments"][0]["platforms"]["osx-arm64"]["moved"]}
    assert moved["six"] == 'asked for: pyproject.toml:5: "six<1.17",'


def test_add_keeps_to_it(owned: Project) -> None:
    assert owned.run("add", "demo", "flask").code == 0
    assert versions(owned)["six"] == "1.16.0"


def test_extras_are_locked_where_they_are_named(living: Project) -> None:
    write(living, PYPROJECT + '[project.optional-dependencies]\nweb = ["flask"]\n')
    living.manifest(more="local: [{path: ., extras: [web]}]\n")
    living.lock()
    assert "flask" in versions(living)
    living.manifest(more="local: [{path: .}]\n")
    assert reasons(living) == [("LEFT-BEHIND", "nothing needs flask any more")]


def test_projects_that_need_each_other(living: Project) -> None:
    write(living, '[project]\nname = "our-core"\ndependencies = ["six"]\n', "libs/core")
    write(living, '[project]\nname = "our-app"\ndependencies = ["Our.Core>=1", "click"]\n', "libs/app")
    living.manifest(more="local: [{path: libs/core}, {path: libs/app, editable: true}]\n")
    living.lock()
    assert {"six", "click"} <= versions(living).keys()
    text = (living.folder() / "environment.yml").read_text()
    assert "pip install --no-deps ./libs/core -e ./libs/app" in text


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        pytest.param(
            "pyproject.toml",
            '[project]\nname = "ours"\ndynamic = ["dependencies"]\n',
            "pyproject.toml leaves them to the build program: dynamic (line 3)",
            id="dynamic",
        ),
        pytest.param("setup.py", "", "it has no pyproject.toml, and setup.py would have to be run", id="setup.py"),
    ],
)
def test_what_cannot_be_read_is_a_note(living: Project, file: str, text: str, why: str) -> None:
    (living.root / "project" / file).write_text(text)
    living.manifest("six", more=LOCAL)
    answer: Any = living.json("lock", "demo")
    notes = answer["environments"][0]["platforms"]["osx-arm64"]["notes"]
    said = f"what your project `.` needs could not be read, so it is not locked: {why}; list it under `dependencies`"
    assert said in notes
    assert living.run("check", "demo").code == 0


@pytest.mark.parametrize(
    ("bound", "code"),
    [
        pytest.param(">=3.12", 0, id="admitted"),
        pytest.param(">=3.12.4,<3.13", 0, id="by a later micro"),
        pytest.param("<3.12.5", 0, id="by an earlier micro"),
        pytest.param(">=3.13", 1, id="newer"),
        pytest.param("<3.12", 1, id="older"),
    ],
)
def test_the_python_that_it_needs(living: Project, bound: str, code: int) -> None:
    write(living, f'[project]\nname = "ours"\nrequires-python = "{bound}"\n')
    living.manifest("six", more=LOCAL)
    answer = living.run("lock", "demo")
    assert answer.code == code, answer.err
    if code:
        assert f"your own project needs python {bound}, and the environment has python 3.12" in answer.err
        assert "pyproject.toml:3:" in answer.err
        assert "environments/demo/envgen.yaml:2:" in answer.err


def test_files_for_other_tools_say_what_is_not_in_them(owned: Project) -> None:
    words = "pip install --no-deps -e ."
    assert words in (owned.folder() / "environment.yml").read_text()
    for wanted in ("environment", "explicit", "conda-only", "pixi"):
        answer = owned.run("export", "demo", "--format", wanted, "--output", "out/")
        assert answer.code == 0, answer.err
        assert (
            f"left out: the project of your own, which `envgen create` installs last; after another tool: {words}"
            in (answer.err)
        )


def test_explicit_files_are_read_back_with_it(living: Project) -> None:
    write(living)
    living.manifest(more=LOCAL + "outputs: [explicit]\n")
    living.lock()
    assert "-e ." in (living.folder() / "explicit.osx-arm64.txt").read_text()
    assert living.run("check", "demo").code == 0
    living.manifest(more="local: [{path: .}]\noutputs: [explicit]\n")
    assert reasons(living) == [("LOCAL", "locked with the projects -e ., and the manifest says .")]


def test_a_diagnosis_says_that_it_does_not_look_at_it(owned: Project) -> None:
    answer = owned.run("diagnose", "demo")
    assert (
        "note: what your own projects need is not looked at: `.`; diagnose their pyproject.toml for that" in answer.err
    )
