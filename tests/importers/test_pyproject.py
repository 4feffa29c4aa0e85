"""Test what pyproject.toml asks for, and where uv takes packages from."""

from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from envgen.importers.items import Ignored
from envgen.importers.pyproject import pep440_of, read_pyproject
from tests.importers.item_texts import files_of, lines_of, no_files, spans_of, unaccounted

PEP621 = """\
[build-system]
requires = ["hatchling"]
[project]
name = "My_Project"
requires-python = ">=3.10"
dependencies = [
  "numpy>=1",
  "torch @ git+https://h/torch.git",
]
[project.optional-dependencies]
gpu = ["tensorflow-metal"]
all = ["my-project[gpu,dev]", "six"]
[dependency-groups]
test = ["pytest", {include-group = "lint"}]
lint = ["ruff", 3, "-r x.txt"]
[tool.ruff]
line-length = 120
[tool.uv]
dev-dependencies = ["ipython"]
managed = true
[tool.uv.sources]
torch = { index = "x" }
[other]
x = 1
"""


def test_a_project() -> None:
    file = read_pyproject(PEP621, "pyproject.toml", no_files)
    assert lines_of(file) == [
        (1, "aside `build-system`"),
        (2, "aside `build-system`"),
        (4, "aside `project.name`"),
        (5, "python >=3.10"),
        (7, "pypi numpy>=1"),
        (8, "link torch git+https://h/torch.git"),
        (11, "pypi(gpu) tensorflow-metal"),
        (12, "group(all) dev"),
        (12, "group(all) gpu"),
        (12, "pypi(all) six"),
        (14, "pypi(test) pytest"),
        (14, "group(test) lint"),
        (15, "pypi(lint) ruff"),
        (15, "unread not a requirement"),
        (15, "unread not a requirement"),
        (16, "aside `tool.ruff`"),
        (17, "aside `tool.ruff`"),
        (18, "aside `tool.uv`"),
        (19, "pypi(dev) ipython"),
        (20, "aside `tool.uv`"),
        (21, "heading read with the package that it is for"),
        (22, "heading read with the package that it is for"),
        (23, "aside `other`"),
        (24, "aside `other.x`"),
    ]
    assert (file.name, file.project) == ("My_Project", True)
    assert unaccounted(PEP621, file) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            '[project]\nname="x"\ndynamic = ["dependencies"]', "unread `dynamic`: its build program", id="deps"
        ),
        pytest.param('[project]\nname="x"\ndynamic = ["version"]', "aside `project.dynamic`", id="version"),
        pytest.param('project.optional-dependencies = {a = ["six"], b = ["attrs"]}', "pypi(b) attrs", id="braces"),
        pytest.param('[dependency-groups]\na = "six"', "pypi(a) six", id="no list"),
        pytest.param('[project]\nname = "x"\n[dependency-groups.a]', "aside `project.name`", id="a group's head"),
        pytest.param('project.name = "x"\ndependency-groups = 1', "aside `project.name`", id="no groups"),
        pytest.param('[tool.pixi.dependencies]\nnumpy = "*"', "conda numpy", id="pixi"),
    ],
)
def test_single_statements(text: str, expected: str) -> None:
    assert lines_of(read_pyproject(text, "f", no_files))[-1][1].startswith(expected)


SETUPTOOLS = """\
[project]
dynamic = ["dependencies", "optional-dependencies"]
[tool.setuptools.dynamic]
version = {attr = "x.y"}
dependencies = {file = ["requirements.txt", "absent.txt"]}
[tool.setuptools.dynamic.optional-dependencies]
Dev = {file = "dev.txt"}
"""
HATCH = """\
[project]
dynamic = ["dependencies"]
[tool.hatch.metadata.hooks.requirements_txt]
files = ["requirements.txt"]
[tool.hatch.metadata.hooks.requirements_txt.optional-dependencies]
dev = ["dev.txt"]
"""
FILES = files_of({"requirements.txt": "numpy>=1\n", "dev.txt": "pytest\nx @ https://h/x.zip\n"})


def test_files_that_setuptools_reads_are_read() -> None:
    file = read_pyproject(SETUPTOOLS, "pyproject.toml", FILES)
    found = [text for _, text in lines_of(file) if not text.startswith("aside")]
    assert found == [
        "heading `requirements.txt` is included",
        "pypi numpy>=1",
        "unread cannot read absent.txt",
        "heading `dev.txt` is included",
        "pypi(dev) pytest",
        "link(dev) x https://h/x.zip",
    ]
    assert file.files == ("requirements.txt", "dev.txt")
    assert unaccounted(SETUPTOOLS, file) == []


def test_files_that_a_plug_in_of_hatch_reads_are_read() -> None:
    found = [text for _, text in lines_of(read_pyproject(HATCH, "pyproject.toml", FILES))]
    assert found[1:] == [
        "heading `requirements.txt` is included",
        "pypi numpy>=1",
        "aside `tool.hatch`",
        "heading `dev.txt` is included",
        "pypi(dev) pytest",
        "link(dev) x https://h/x.zip",
    ]


def test_what_a_build_program_finds_by_itself_is_not_known() -> None:
    found = lines_of(read_pyproject("[project]\ndynamic = ['dependencies']", "f", no_files))
    assert found == [(2, "unread `dynamic`: its build program writes the dependencies, which envgen does not run")]


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


LINES = '''\
[project]
name = "x"
requires-python = ">=3.9"
dependencies = [
  "a",
  "b", "c",

  # why
  """d
""",
]
[project.optional-dependencies]
one = ["e"]
two = [
  "f",
  {x = 1},
]
[dependency-groups]
dev = [
  "g",
  {include-group = "two"},
]
[tool.uv]
dev-dependencies = [
  "h",
]
[tool.poetry.dependencies]
i = "*"
j = {version = "1", extras = [
  "k",
]}
'''


def test_every_item_has_its_lines() -> None:
    assert spans_of(read_pyproject(LINES, "pyproject.toml", no_files)) == [
        (1, 1, "heading "),
        (2, 2, "aside `project.name`"),
        (3, 3, "python >=3.9"),
        (4, 11, "heading "),
        (5, 5, "pypi a"),
        (6, 6, "pypi b"),
        (6, 6, "pypi c"),
        (9, 10, "pypi d"),
        (12, 12, "heading "),
        (13, 13, "heading "),
        (13, 13, "pypi(one) e"),
        (14, 17, "heading "),
        (15, 15, "pypi(two) f"),
        (16, 16, "unread not a requirement"),
        (18, 18, "heading "),
        (19, 22, "heading "),
        (20, 20, "pypi(dev) g"),
        (21, 21, "group(dev) two"),
        (23, 23, "aside `tool.uv`"),
        (24, 26, "heading "),
        (25, 25, "pypi(dev) h"),
        (27, 27, "heading "),
        (28, 28, "pypi i"),
        (29, 31, "pypi j[k]==1"),
    ]


# Test what is read of the dependencies that Poetry keeps in pyproject.toml.

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
