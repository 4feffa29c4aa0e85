"""Test where uv takes packages from, in place of an index."""

from __future__ import annotations

import pytest

from envgen.importers.pyproject import read_pyproject
from tests.importers.item_texts import lines_of, no_files

LINUX, MAC = "sys_platform == 'linux'", "sys_platform == 'darwin'"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param('{path = "libs/a", editable = true}', "project libs/a[x] editable", id="path"),
        pytest.param('{git = "https://h/a", rev = "v1"}', "link a-b https://h/a", id="git"),
        pytest.param('{url = "https://h/a.whl"}', "link a-b https://h/a.whl", id="url"),
        pytest.param("{workspace = true}", "unread `a-b` is another project of the workspace", id="workspace"),
        pytest.param('{index = "cpu"}', "pypi A_b[x]>=1", id="index"),
        pytest.param(f'[{{git = "https://h/a", marker = "{LINUX}"}}]', "pypi A_b[x]>=1", id="elsewhere"),
        pytest.param(
            f'[{{index = "c", marker = "{LINUX}"}}, {{path = "a", marker = "{MAC}"}}]',
            "project a[x]",
            id="the one for us",
        ),
        pytest.param('"strange"', "pypi A_b[x]>=1", id="strange"),
    ],
)
def test_sources(source: str, expected: str) -> None:
    text = f'[project]\ndependencies = ["A_b[x]>=1"]\n[tool.uv.sources]\na-b = {source}\n'
    assert lines_of(read_pyproject(text, "f", no_files))[0] == (2, expected)


def test_an_index_that_is_not_asked_is_named() -> None:
    text = '[project]\ndependencies = ["torch"]\n[tool.uv.sources]\ntorch = {index = "cpu"}\n'
    items = read_pyproject(text, "f", no_files).items
    assert [note for item in items for note in getattr(item, "notes", ())] == [
        "uv's index `cpu` is not asked for it, but the one that uv is set up for"
    ]
