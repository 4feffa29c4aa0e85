"""Test that a file's kind is told by what it holds, and by its name."""

from __future__ import annotations

import pytest

from envgen.errors import ForeignFileError
from envgen.importers.detect import format_of, read_foreign
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
        ("x.txt", "# c\n@EXPLICIT\nhttps://h/x.conda", "x.txt is an explicit file", "--from-history"),
        ("package.json", "{}", "package.json is none", "are read"),
        ("x.txt", "<html>", "x.txt is none", "are read"),
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
