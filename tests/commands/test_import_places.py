"""Test that what is said of an imported manifest is said of the file's lines."""

from __future__ import annotations

from pathlib import Path

from envgen.cli.options import services_for
from envgen.commands.import_file import Imported, ImportOptions, blame_file, import_file, source_lines
from envgen.diagnosis.request import case_of_file
from envgen.errors import EnvgenError, SourceLine
from envgen.project.project import PlatformOptions
from tests.fakes.tiny_project import Project

TEXT = "dependencies:\n- python=3.12\n- numpy >=2\n- libfoo\n- pip: [six]\n"


def made(project: Project, text: str = TEXT, name: str = "e.yml") -> Imported:
    (project.folder / name).write_text(text)
    return import_file(services_for(progress=lambda _: None), Path(name), ImportOptions())


def test_the_lines_behind_a_manifest(project: Project) -> None:
    imported = made(project)
    lines = imported.text.split("\n")
    found = {lines[number - 1].strip(): line.line for number, line in source_lines(imported).items()}
    assert found == {"- numpy>=2": 3, "- libfoo": 4, "- six": 5}


def test_an_error_speaks_of_the_file(project: Project) -> None:
    written = ['python: "3.12"', "  - numpy>=2", "  - numpy>=2", "- added"]
    lines = [SourceLine(file="envgen.yaml", line=at, text=text) for at, text in enumerate(written, 1)]
    error = EnvgenError("no", lines=lines)
    error = blame_file(error, made(project))
    assert [str(line) for line in error.lines] == [
        "e.yml:2: - python=3.12",
        "e.yml:3: - numpy >=2",
        "envgen.yaml:4: - added",
    ]


def test_an_error_of_a_file_without_python(project: Project) -> None:
    error = EnvgenError("no", lines=[SourceLine(file="envgen.yaml", line=9, text="  - six")])
    error = blame_file(error, made(project, "six\n", "r.txt"))
    assert [str(line) for line in error.lines] == ["r.txt:1: six"]


def test_what_describes_a_project_is_counted(project: Project) -> None:
    text = "[project]\nname = 'x'\nversion = '1'\ndependencies = ['numpy', 'x @ https://h/x.zip']\n[tool.ruff]\na = 1\n"
    (project.folder / "pyproject.toml").write_text(text)
    services = services_for(progress=lambda _: None)
    notes = case_of_file(services, Path("pyproject.toml"), PlatformOptions(), "").notes
    assert notes[-1] == "3 parts of pyproject.toml ask for no package here; `envgen import -v` lists them"
    assert notes[-2].startswith("pyproject.toml:4: dependencies")
    assert len(notes) == 2
