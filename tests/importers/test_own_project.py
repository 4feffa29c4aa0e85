"""Test what is read from a project of the user's own, and that each line is known."""

from __future__ import annotations

import pytest

from envgen.errors import ForeignFileError
from envgen.importers.own_project import OwnProject, read_own_project

FULL = """\
[project]
name = "Our_App"
requires-python = ">=3.11"
dependencies = [
  "rich>=13",            # tables
  "numpy<2; sys_platform == 'darwin'",
]

[project.optional-dependencies]
Dev_Tools = ["pytest"]
docs = ["sphinx>=7"]
all = ["our-app[dev-tools,docs]", "ruff"]

[dependency-groups]
lint = ["mypy"]
"""
POETRY = """\
[tool.poetry]
name = "ours"
[tool.poetry.dependencies]
python = "^3.11"
rich = "^13.1"
numpy = {version = "~1.26", extras = ["x"]}
sphinx = {version = "*", optional = true}
[tool.poetry.group.dev.dependencies]
pytest = "*"
"""


def read(text: str, *extras: str) -> OwnProject:
    return read_own_project(text, "libs/app/pyproject.toml", extras)


def lines(found: OwnProject) -> list[tuple[str, int]]:
    return [(one.text, one.origin.line.line if one.origin.line else 0) for one in found.requirements]


def test_reads_the_dependencies_alone() -> None:
    found = read(FULL)
    assert lines(found) == [("rich>=13", 5), ("numpy<2; sys_platform == 'darwin'", 6)]
    assert (found.name, found.python, found.unread) == ("our-app", ">=3.11", "")
    assert found.python_line is not None
    assert found.python_line.line == 3
    origin = found.requirements[0].origin
    assert origin.path == "libs/app/pyproject.toml: project.dependencies[0]"
    assert str(origin) == 'libs/app/pyproject.toml:5: "rich>=13",            # tables'


def test_origins_are_apart() -> None:
    found = read('[project]\nname = "a"\ndependencies = ["x", "y"]\n')
    assert len({one.origin for one in found.requirements}) == 2


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        pytest.param(["docs"], [("sphinx>=7", 11)], id="one"),
        pytest.param(["dev-tools"], [("pytest", 10)], id="its name is canonical"),
        pytest.param(["all"], [("pytest", 10), ("sphinx>=7", 11), ("ruff", 12)], id="an extra that names others"),
        pytest.param(["docs", "all"], [("sphinx>=7", 11), ("pytest", 10), ("ruff", 12)], id="each once"),
    ],
)
def test_extras(extras: list[str], expected: list[tuple[str, int]]) -> None:
    assert lines(read(FULL, *extras))[2:] == expected


def test_extras_that_name_each_other_end() -> None:
    text = '[project]\nname = "a"\n[project.optional-dependencies]\nx = ["a[y]"]\ny = ["a[x]", "six"]\n'
    assert lines(read(text, "x")) == [("six", 5)]


def test_poetrys_own_table() -> None:
    found = read(POETRY)
    assert lines(found) == [("rich>=13.1,<14", 5), ("numpy[x]>=1.26,<1.27", 6)]
    place = "libs/app/pyproject.toml: tool.poetry.dependencies"
    assert [one.origin.path for one in found.requirements] == [f"{place}[0]", f"{place}[1]"]
    assert found.name == "ours"


def test_pep_621_goes_before_poetry() -> None:
    text = f'[project]\nname = "ours"\ndependencies = ["six"]\n{POETRY}'
    assert lines(read(text)) == [("six", 3)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(
            '[project]\nname = "a"\ndynamic = ["version", "dependencies"]\n',
            "libs/app/pyproject.toml leaves them to the build program: dynamic (line 3)",
            id="dynamic",
        ),
        pytest.param("[build-system]\nrequires = []\n", "libs/app/pyproject.toml has no [project] table", id="none"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, why: str) -> None:
    found = read(text)
    assert (found.unread, found.requirements) == (why, ())


def test_a_project_without_needs() -> None:
    found = read('[project]\nname = "a"\nversion = "1"\ndynamic = ["readme"]\n')
    assert (found.unread, found.requirements) == ("", ())


def test_within_braces() -> None:
    found = read('project = {name = "a", dependencies = ["six", "rich"]}\n')
    assert lines(found) == [("six", 1), ("rich", 1)]


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        pytest.param('dependencies = ["a b"]', "not a requirement: `a b`", 3, id="no requirement"),
        pytest.param('dependencies = ["a @ https://x.example/a.whl"]', "a URL cannot be proved", 3, id="a URL"),
        pytest.param("dependencies = [1]", "text is wanted", 3, id="a number"),
        pytest.param('dependencies = "six"', "`project.dependencies` is not a list", 3, id="a text"),
        pytest.param('requires-python = "3.x"', "not a bound on python: `3.x`", 3, id="python"),
    ],
)
def test_refuses_what_cannot_be_locked(text: str, said: str, line: int) -> None:
    with pytest.raises(ForeignFileError) as caught:
        read(f'[project]\nname = "a"\n{text}\n')
    assert caught.value.message.startswith(f"libs/app/pyproject.toml: {said}")
    assert [each.line for each in caught.value.lines] == [line]
    assert caught.value.code == "local"


def test_says_all_at_once() -> None:
    with pytest.raises(ForeignFileError) as caught:
        read('[project]\nname = "a"\ndependencies = ["a b", "b c"]\n', "docs")
    message = caught.value.message
    assert message.startswith("libs/app/pyproject.toml has 3 problems\n")
    assert "the project has no extra `docs` (its extras: none)" in message


def test_suggests_the_extra_that_was_meant() -> None:
    with pytest.raises(ForeignFileError, match="no extra `doc`; did you mean `docs`") as caught:
        read(FULL, "doc")
    assert caught.value.hint == "its extras: all, dev-tools, docs"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param('x = {git = "https://git.example/x"}', "a URL cannot be proved or locked", id="git"),
        pytest.param('x = {path = "../x"}', "a URL cannot be proved or locked", id="path"),
        pytest.param('x = "^1 || ^2"', "PEP 440 has no alternatives", id="alternatives"),
    ],
)
def test_refuses_what_poetry_fetches(line: str, said: str) -> None:
    with pytest.raises(ForeignFileError, match=said):
        read(f"[tool.poetry.dependencies]\n{line}\n")


@pytest.mark.parametrize("fetched", ['git = "https://git.example/x"', 'path = "../x"'])
def test_what_an_extra_of_poetrys_fetches_is_no_matter(fetched: str) -> None:
    assert lines(read(f"{POETRY}[tool.poetry.dependencies.x]\n{fetched}\noptional = true\n")) == lines(read(POETRY))


def test_refuses_what_is_no_toml() -> None:
    with pytest.raises(ForeignFileError, match="is not TOML"):
        read("[project\n")
