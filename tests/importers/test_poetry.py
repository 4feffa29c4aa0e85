"""Test what is read of the dependencies that Poetry keeps in pyproject.toml."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from envgen.importers.items import Ignored
from envgen.importers.pyproject import pep440_of, read_pyproject
from tests.importers.item_texts import lines_of, no_files, unaccounted

POETRY = """\
[tool.poetry]
name = "p"
[tool.poetry.dependencies]
python = "^3.9"
numpy = "^1.2"
torch = {version = "~2.1", extras = ["opt"], markers = "sys_platform == 'darwin'", python = ">=3.10"}
local = {path = "../x", develop = true}
git = {git = "https://h/g.git"}
extra = {version = "*", optional = true}
alone = {version = "*", optional = true}
two = [{version = "1.0", platform = "darwin"}, {version = "2.0", platform = "linux"}]
bad = "^1 || ^2"
"-r x" = "*"
[tool.poetry.dependencies.long]
version = "==1"
extras = ["a"]
[tool.poetry.extras]
more = ["extra"]
[tool.poetry.group.Test.dependencies]
pytest = "*"
[tool.poetry.dev-dependencies]
black = "22.*"
[[tool.poetry.source]]
name = "x"
"""


def test_poetry() -> None:
    file = read_pyproject(POETRY, "f", no_files)
    assert [text for _, text in lines_of(file) if not text.startswith("aside")] == [
        "python >=3.9,<4",
        "pypi numpy>=1.2,<2",
        "pypi torch[opt]>=2.1,<2.2 ; (sys_platform == 'darwin') and python_version >= '3.10'",
        "project ../x editable",
        "link git https://h/g.git",
        "pypi(more) extra",
        "pypi(optional) alone",
        "pypi two==1.0 ; sys_platform == 'darwin'",
        "pypi two==2.0 ; sys_platform == 'linux'",
        "unread PEP 440 has no alternatives such as `^1 || ^2`",
        "unread not a name: `-r x`",
        "pypi long[a]==1",
        "pypi(test) pytest",
        "pypi(dev) black==22.*",
    ]
    assert (file.name, file.project) == ("p", True)
    assert unaccounted(POETRY, file) == []


def test_why_the_rest_of_poetrys_table_is_left_aside() -> None:
    file = read_pyproject(POETRY, "f", no_files)
    whys = {item.what: item.why for item in file.items if isinstance(item, Ignored)}
    assert whys["`tool.poetry.name`"] == "it describes the project"
    assert whys["`tool.poetry.source.name`"] == "envgen asks the index uv is set up for"


def test_poetry_in_braces() -> None:
    file = read_pyproject('tool.poetry.dependencies = {a = "^1", b = {version = "2", python = "x"}}', "f", no_files)
    assert [text for _, text in lines_of(file)] == ["pypi a>=1,<2", "pypi b==2 ; python_version > '3'"]


@pytest.mark.parametrize(
    ("constraint", "specifier"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^1.2", ">=1.2,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0,<0.1"),
        ("^0", ">=0,<1"),
        ("^ 1.0a1", ">=1.0a1,<2"),
        ("^1.0.dev0", ">=1.0.dev0,<2"),
        ("~1.2.dev0", ">=1.2.dev0,<1.3"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1.2", ">=1.2,<1.3"),
        ("~1", ">=1,<2"),
        ("1.2.*", "==1.2.*"),
        ("*", ""),
        ("1.2", "==1.2"),
        (">= 1.2, <2", ">=1.2,<2"),
        (">=1,*", ">=1"),
    ],
)
def test_poetrys_constraints(constraint: str, specifier: str) -> None:
    assert SpecifierSet(pep440_of(constraint)) == SpecifierSet(specifier)


@pytest.mark.parametrize("constraint", ["^1 || ^2", "1 | 2", "x", "^^1", ">="])
def test_no_constraints(constraint: str) -> None:
    with pytest.raises(ValueError, match=r"constraint|alternatives"):
        pep440_of(constraint)


def test_a_link_of_poetrys_for_another_platform_is_left_out() -> None:
    text = '[tool.poetry.dependencies]\njaxlib = {url = "https://h/j.whl", platform = "linux"}\n'
    text += 'lib = {path = "../lib", platform = "win32"}\nhere = {git = "https://h/h", platform = "darwin"}\n'
    found = [one for _, one in lines_of(read_pyproject(text, "f", no_files))]
    assert found == ["aside jaxlib", "aside `../lib`", "link here https://h/h"]


def test_what_poetry_says_of_groups_and_extras_is_read_on() -> None:
    text = "[tool.poetry]\n[tool.poetry.extras]\na = ['six']\n[tool.poetry.group.dev]\noptional = true\n"
    text += "[tool.poetry.dependencies.empty]\n"
    assert lines_of(read_pyproject(text, "f", no_files)) == []


def test_an_epoch_stays_in_the_upper_bound() -> None:
    assert pep440_of("^1!2.0") == ">=1!2.0,<1!3"


def test_the_upper_bound_is_as_short_as_people_write_it() -> None:
    assert pep440_of("^1.2.0,!=1.5.0") == ">=1.2.0,<2,!=1.5.0"
