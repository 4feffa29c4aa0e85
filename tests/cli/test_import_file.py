"""Run `envgen import` over a tiny channel."""

from __future__ import annotations

import pytest

from envgen.manifest.model import load_manifest
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_project import Project
from tests.json_shapes import FAILURE, TEXT, TEXTS, assert_shape, listing, record

FILE = """\
name: demo
channels: [apple, conda-forge]
dependencies:
  - python=3.12
  - numpy=2.3.1=py312_0
  - libfoo
  - cudatoolkit
  - cudnn
  - pip:
      - six>=1
      - -e .
"""
NUMBER = {"type": "integer"}
IMPORTED = record(
    manifest=TEXT,
    name=TEXT,
    format=TEXT,
    files=TEXTS,
    solved={"type": "boolean"},
    counts={"type": "object", "additionalProperties": NUMBER},
    notes=TEXTS,
    lines=listing(record(file=TEXT, line=NUMBER, last=NUMBER, text=TEXT, outcome=TEXT, becomes=TEXT, why=TEXT)),
)


def write(project: Project, text: str = FILE, name: str = "environment.yml") -> str:
    (project.folder / name).write_text(text, encoding="utf-8")
    return name


def test_the_manifest_is_on_stdout_and_the_account_on_stderr(project: Project) -> None:
    ran = project.run("import", write(project))
    assert ran.code == 0
    assert load_manifest(ran.out, "m").name == "demo"
    assert ran.err == (
        "LINE  TEXT                   WHAT BECAME OF IT           WHY\n2     channels: [apple, conda-forge]  dropped\n"
    ) or ran.err.splitlines()[0].split() == ["LINE", "TEXT", "WHAT", "BECAME", "OF", "IT", "WHY"]
    rows = ran.err.splitlines()
    assert any(row.startswith("5     - numpy=2.3.1=py312_0") and "dependencies: numpy==2.3.1" in row for row in rows)
    assert any(row.startswith("7-8   - cudatoolkit …") and row.endswith("CUDA does not exist on a Mac") for row in rows)
    assert not any(row.startswith("10 ") for row in rows)
    assert rows[-2].startswith("environment.yml: 2 mapped (asked for under the name of PyPI), 1 conda")
    assert rows[-1] == "warning: 1 line needs a decision of yours; it stands at the end of the manifest"


def test_verbose_tells_of_every_line(project: Project) -> None:
    ran = project.run("import", write(project), "--verbose")
    assert any(row.startswith("10 ") for row in ran.err.splitlines())


def test_a_long_account_is_cut(project: Project) -> None:
    text = "".join(f"git+https://h/x{at}.git\n" for at in range(70))
    ran = project.run("import", write(project, text, "r.txt"))
    assert "… and 10 more (-v)\n" in ran.err
    assert "… and" not in project.run("import", "r.txt", "-v").err


def test_nothing_is_said_of_nothing(project: Project) -> None:
    ran = project.run("import", write(project, "numpy\n", "r.txt"))
    assert ran.err == "r.txt: 1 mapped (asked for under the name of PyPI)\n"


def test_quiet_prints_the_warning_alone(project: Project) -> None:
    ran = project.run("import", write(project), "--quiet")
    assert ran.err.startswith("warning: 1 line needs a decision of yours; it stands")


def test_the_json(project: Project) -> None:
    ran = project.run("import", write(project), "--json", "--name", "other", "--python", "3.11")
    assert (ran.code, ran.err) == (0, "")
    assert_shape(ran.json, IMPORTED)
    assert (ran.json["name"], ran.json["python"], ran.json["format"]) == ("other", "3.11", "environment.yml")
    assert load_manifest(ran.json["manifest"], "m").python == "3.11"
    told = {line["line"]: line["outcome"] for line in ran.json["lines"]}
    assert told == {1: "setting", 2: "mapped", 3: "heading", 4: "setting", 5: "loosened", 6: "conda"} | {
        7: "dropped",
        8: "dropped",
        9: "heading",
        10: "mapped",
        11: "decision",
    }
    assert sum(ran.json["counts"].values()) == len(ran.json["lines"])


def test_the_manifest_goes_where_it_is_wanted(project: Project) -> None:
    words = ["-o", "m.yaml", "--macos", "14.0", "--accelerator", "metal", "--pins", "free"]
    ran = project.run("import", write(project), *words)
    assert (ran.code, ran.out) == (0, "wrote m.yaml\n")
    manifest = load_manifest((project.folder / "m.yaml").read_text(), "m")
    assert (manifest.accelerator, manifest.platforms()[0].macos) == ("metal", "14.0")
    assert project.run("import", "environment.yml", "-o", "m.yaml").code == 1


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["import", "absent.txt"], 1, "foreign-file"),
        (["import", "environment.yml", "--accelerator", "x"], 2, "usage"),
        (["import", "environment.yml", "--pins", "x"], 2, "usage"),
        (["import", "environment.yml", "--python", "x"], 2, "usage"),
    ],
)
def test_what_goes_wrong(project: Project, words: list[str], code: int, error: str) -> None:
    write(project)
    ran = project.run(*words, "--json")
    assert ran.code == code
    assert_shape(ran.json, FAILURE)
    assert ran.json["error"]["code"] == error


def test_a_new_environment_starts_from_a_file(project: Project) -> None:
    ran = project.run("new", "mine", "--from", write(project), "--add", "tqdm")
    assert ran.code == 0, ran.err
    text = (project.environment("mine") / "envgen.yaml").read_text(encoding="utf-8")
    manifest = load_manifest(text, "m")
    assert (manifest.name, manifest.python) == ("mine", "3.12")
    assert {item.requirement.name for item in manifest.requirements()} == {"numpy", "six", "tqdm"}
    assert "CUDA does not exist on a Mac" in ran.err
    assert project.run("lock", "--check", "mine").code == 0


def test_the_python_is_chosen_where_the_file_names_none(project: Project) -> None:
    ran = project.run("new", "mine", "--from", write(project, "numpy==2.1.3\n", "r.txt"), "--offline")
    assert ran.code == 0, ran.err
    assert 'python: "3.12"' in (project.environment("mine") / "envgen.yaml").read_text(encoding="utf-8")


def test_a_template_and_a_file_contradict(project: Project) -> None:
    ran = project.run("new", "mine", "--from", write(project), "--template", "data-science")
    assert ran.code == 2
    assert "leave out --template or --from" in ran.err


def test_a_list_that_a_solver_made_is_loosened_until_it_locks(project: Project, index: IndexServer) -> None:
    many = "".join(f"- libthing{at}=1.{at}=h_0\n" for at in range(30))
    text = f"dependencies:\n- python=3.12.4=h_0\n- pandas=2.0.3=py_0\n{many}- pip:\n  - scikit-learn==1.4.2\n"
    ran = project.run("new", "mine", "--from", write(project, text))
    assert ran.code == 0, ran.err
    manifest = load_manifest((project.environment("mine") / "envgen.yaml").read_text(), "m")
    assert [item.requirement.text for item in manifest.requirements()] == ["pandas==2.*", "scikit-learn==1.*"]
    assert "the major version (1.*) is kept" in ran.err


def test_a_list_that_a_person_made_is_not(project: Project) -> None:
    ran = project.run("new", "mine", "--from", write(project, "scikit-learn==1.4.2\n", "r.txt"), "--offline")
    assert ran.code == 1
    assert not project.environment("mine").exists()


def test_what_no_loosening_helps_fails(project: Project, index: IndexServer) -> None:
    many = "".join(f"- libthing{at}=1.{at}=h_0\n" for at in range(30))
    text = f"dependencies:\n- python=3.12.4=h_0\n{many}- pip:\n  - absent==1.0\n"
    ran = project.run("new", "mine", "--from", write(project, text))
    assert ran.code == 1
    assert "`absent` is not on the package index" in ran.err


def test_lines_of_other_files_say_which(project: Project) -> None:
    (project.folder / "b.txt").write_text("git+https://h/x.git\n")
    ran = project.run("import", write(project, "-r b.txt\ngit+https://h/y.git\n", "r.txt"))
    assert [row.split()[0] for row in ran.err.splitlines()[1:3]] == ["b.txt:1", "2"]
    assert "#   b.txt:1: git+https://h/x.git: what a URL serves" in ran.out


def test_neighbours_that_are_left_out_for_one_reason_are_one_row(project: Project) -> None:
    text = "[project]\nname = 'x'\nversion = '1'\nreadme = 'r'\ndependencies = ['numpy']\nurls.x = 'y'\n"
    rows = project.run("import", write(project, text, "pyproject.toml")).err.splitlines()
    assert rows[1].split(maxsplit=1)[0] == "3-4"
    assert rows[1].endswith("  it describes the project")
    assert rows[2].endswith("  `project.urls.x`: it describes the project")


def test_a_failure_speaks_of_the_lines_of_the_file(project: Project) -> None:
    ran = project.run(
        "new", "mine", "--from", write(project, "dependencies:\n- python=3.12\n- libfoo =99\n"), "--offline"
    )
    assert ran.code == 1
    assert "\n  environment.yml:3: - libfoo =99\n" in ran.err
    assert ran.err.rstrip().endswith("`envgen diagnose environment.yml` looks for what locks")
    assert not (project.folder / "environments" / "mine").exists()
