"""Test that files are refused which ask for nothing, or are no lists of packages."""

from __future__ import annotations

import pytest

from envgen.errors import ForeignFileError
from envgen.importers.detect import read_foreign
from tests.importers.item_texts import no_files

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
