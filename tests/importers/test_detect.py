"""Test which kind of file a file is, and that files which ask for nothing are refused."""

from __future__ import annotations

import pytest

from envgen.errors import ForeignFileError
from envgen.importers.source_files import format_of, read_foreign
from tests.importers.item_texts import lines_of, no_files


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("requirements.txt", "numpy\n", "requirements.txt"),
        ("requirements-dev.in", "-r x\n", "requirements.txt"),
        ("list", "numpy\npandas", "requirements.txt"),
        ("environment.yml", "dependencies:\n- numpy", "environment.yml"),
        ("env.yaml", "name: x", "environment.yml"),
        ("environment.txt", "name: x\ndependencies:\n  - numpy\n", "environment.yml"),
        ("x.yml", "- numpy", "environment.yml"),
        ("conda-lock.yml", "version: 1\nmetadata:\n  a: b\npackage:\n- name: x\n", "conda-lock.yml"),
        ("x.yml", "metadata:\npackage:\n- x\nname: x\n", "environment.yml"),
        ("lock.txt", "version: 1\nmetadata:\n  a: b\npackage:\n- name: x\n", "conda-lock.yml"),
        ("pyproject.toml", "[project]\nname = 'x'", "pyproject.toml"),
        ("pyproject.toml", "[tool.pixi.dependencies]\nx = '*'\n[dependencies]", "pyproject.toml"),
        ("pixi.toml", "[project]\nname = 'x'", "pixi.toml"),
        ("workspace.toml", "[workspace]\nname = 'x'", "pixi.toml"),
        ("x.txt", "[build-system]\nrequires = []\n", "pyproject.toml"),
    ],
)
def test_kinds(name: str, text: str, expected: str) -> None:
    assert format_of(text, f"folder/{name}") == expected


@pytest.mark.parametrize(
    ("name", "text", "message", "hint"),
    [
        ("r.txt", "", "r.txt is empty", "asks for packages"),
        ("r.txt", " \n\n", "r.txt is empty", "asks for packages"),
        ("uv.lock", "version = 1", "uv.lock is not read", "give pyproject.toml"),
        ("setup.py", "setup()", "setup.py is not read", "requirements.txt"),
        ("envgen.yaml", "name: x", "envgen.yaml is not read", "`envgen lock` it"),
        ("Pipfile", "[packages]", "Pipfile is not read", "pipenv requirements"),
        ("Pipfile.lock", "{}", "Pipfile.lock is not read", "pipenv requirements"),
        ("poetry.lock", "x = 1", "poetry.lock is not read", "give pyproject.toml"),
        ("pdm.lock", "x = 1", "pdm.lock is not read", "give pyproject.toml"),
        ("pylock.toml", "x = 1", "pylock.toml is not read", "give pyproject.toml"),
        ("pixi.lock", "version: 6", "pixi.lock is not read", "give pixi.toml"),
        ("setup.cfg", "[metadata]", "setup.cfg is not read", "requirements.txt"),
        ("x.txt", "# c\n@EXPLICIT\nhttps://h/x.conda", "x.txt is an explicit file", "--from-history"),
        ("package.json", "{}", "package.json is none", "are read"),
        ("x.txt", "<html>", "x.txt is none", "are read"),
        ("x.py", "numpy", "x.py is none", "are read"),
        ("x.json", "[]", "x.json is none", "are read"),
        ("x.ipynb", "numpy", "x.ipynb is none", "are read"),
        ("x.html", "numpy", "x.html is none", "are read"),
        ("r.txt", "# a\n # b\n", "r.txt holds nothing but comments", "asks for packages"),
        ("e.yml", "# a\n", "e.yml holds nothing but comments", "asks for packages"),
        ("r.txt", "a\n<<<<<<< HEAD\nb\n", "r.txt holds an unresolved merge", "delete the markers"),
    ],
)
def test_what_is_not_read(name: str, text: str, message: str, hint: str) -> None:
    with pytest.raises(ForeignFileError) as caught:
        format_of(text, name)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("r.txt", "numpy", "pypi numpy"),
        ("e.yml", "dependencies: [numpy]", "conda numpy"),
        ("pyproject.toml", "project.dependencies = ['numpy']", "pypi numpy"),
        ("pixi.toml", "dependencies.numpy = '*'", "conda numpy"),
        (
            "conda-lock.yml",
            "metadata:\npackage:\n- name: numpy\n  version: '1'\n  platform: osx-arm64\n",
            "conda numpy ==1",
        ),
    ],
)
def test_each_kind_is_read_by_its_reader(name: str, text: str, expected: str) -> None:
    assert lines_of(read_foreign(text, name, no_files))[-1][1] == expected


WORKFLOW = "name: CI\non: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n"


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        pytest.param("ci.yml", WORKFLOW, "list them under `dependencies`", id="a workflow"),
        pytest.param("e.yml", "name: x\nchannels: [conda-forge]\n", "list them under", id="channels alone"),
        pytest.param("pyproject.toml", "[build-system]\nrequires = ['x']\n", "setup.py", id="no project"),
        pytest.param("pixi.toml", "[workspace]\nname = 'x'\n", "[dependencies]", id="no dependencies"),
        pytest.param("r.txt", "--pre\n", "a requirement a line", id="options alone"),
        pytest.param("c-lock.yml", "metadata:\n  a: b\npackage: []\n", "", id="a lock of nothing"),
    ],
)
def test_nothing(name: str, text: str, hint: str) -> None:
    with pytest.raises(ForeignFileError) as caught:
        read_foreign(text, name, no_files)
    assert hint in caught.value.hint
    assert "no packages" in caught.value.message


@pytest.mark.parametrize(
    ("text", "message", "lines"),
    [
        pytest.param("name,age\nann,3\n", "none of its lines asks for a package", [1, 2], id="a table"),
        pytest.param("# Read me\n\nInstall it with pip.\n", "none of its lines asks for a package", [3], id="prose"),
        pytest.param("import os\nimport sys\nx\nprint(1)\n", "most of its lines", [1, 2, 4], id="a program"),
        pytest.param("-r a.txt\n", "none of its lines asks for a package", [1], id="a file that is not there"),
    ],
)
def test_no_list(text: str, message: str, lines: list[int]) -> None:
    with pytest.raises(ForeignFileError) as caught:
        read_foreign(text, "r.txt", no_files)
    assert caught.value.message.startswith(f"r.txt cannot be read: {message}")
    assert [line.line for line in caught.value.lines] == lines


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("numpy\nname age\nann 3\n", id="two lines"),
        pytest.param("numpy\n-r a\n-r b\n-r c\n-r d\n", id="files that are not there"),
        pytest.param("a\nb\nc\nd\nx y\nx y\nx y\n", id="a part"),
    ],
)
def test_lines_that_cannot_be_read_are_left_to_the_user(text: str) -> None:
    assert read_foreign(text, "r.txt", no_files).items
