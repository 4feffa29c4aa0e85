"""Test that pixi.toml is read."""

from __future__ import annotations

import pytest

from envgen.importers.pixi_toml import read_pixi
from tests.importers.item_texts import lines_of, spans_of, unaccounted

TEXT = """\
[workspace]
name = "w"
channels = ["conda-forge", {channel = "pytorch", priority = 1}, 3]
platforms = ["osx-arm64"]
[system-requirements]
macos = "14.2"
[tasks]
run = "python x.py"
[dependencies]
python = "3.11.*"
numpy = "*"
scipy = {version = ">=1.9", channel = "conda-forge", build = "py*"}
odd = {build-number = 1}
number = 3
[dependencies.long]
version = ">=1"
build = "x*"
[pypi-dependencies]
torch = {version = ">=2", extras = ["opt"]}
six = "1.16.0"
own = {path = ".", editable = true}
git = {git = "https://h/g.git"}
"-r x" = "*"
[target.linux-64.dependencies]
gcc = "*"
[target.osx-arm64.dependencies]
appnope = "*"
[feature.Dev.dependencies]
ruff = "*"
[feature.dev.target.win-64.pypi-dependencies]
pywin32 = "*"
[feature.dev.pypi-dependencies]
black = ">=22"
[environments]
default = ["dev"]
[other]
x = 1
"""


def test_a_workspace() -> None:
    file = read_pixi(TEXT, "pixi.toml")
    assert [text for _, text in lines_of(file) if not text.startswith("aside")] == [
        "channel conda-forge",
        "channel pytorch",
        "unread a channel is a name or a URL",
        "python as conda 3.11.*",
        "conda numpy",
        "conda conda-forge::scipy >=1.9 py*",
        "conda odd",
        "unread `number` has no version that can be read",
        "conda long >=1 x*",
        "pypi torch[opt]>=2",
        "pypi six==1.16.0",
        "project . editable",
        "link git https://h/g.git",
        "unread not a name: `-r x`",
        "conda appnope",
        "conda(dev) ruff",
        "pypi(dev) black>=22",
    ]
    assert (file.name, file.macos) == ("w", "14.2")
    assert unaccounted(TEXT, file) == []


@pytest.mark.parametrize(
    ("macos", "floor"),
    [
        ('"12.0"', ""),
        ('"13.0"', ""),
        ('"14"', "14.0"),
        ("15.1", "15.1"),
        ('"x"', ""),
        ('"14.x"', ""),
        ("[1]", ""),
        ('"13.1"', "13.1"),
    ],
)
def test_a_floor_above_the_default_counts(macos: str, floor: str) -> None:
    assert read_pixi(f"[system-requirements]\nmacos = {macos}", "f").macos == floor


def test_in_braces() -> None:
    text = 'project = {name = "p", channels = ["a"]}\ndependencies = {numpy = "*", python = ">=3.9"}'
    assert [text for _, text in lines_of(read_pixi(text, "f"))] == [
        "aside `project`",
        "conda numpy",
        "python as conda >=3.9",
    ]
    assert read_pixi(text, "f").name == "p"


@pytest.mark.parametrize("text", ["[feature]", "feature = {}", "[target]", "[feature.dev]", "[target.osx-arm64]"])
def test_a_table_of_tables_asks_for_nothing(text: str) -> None:
    assert [text for _, text in lines_of(read_pixi(text, "f"))] == [f"aside `{text.strip('[]').split()[0]}`"]


def test_the_channels_of_a_feature() -> None:
    text = "[feature.dev]\nchannels = ['c']\n[feature.dev.target.linux-64]\nchannels = ['d']"
    assert lines_of(read_pixi(text, "f"))[1::2] == [
        (2, "channel c"),
        (4, "aside `feature.dev.target.linux-64.channels`"),
    ]


def test_no_name() -> None:
    assert read_pixi("[dependencies]", "f").name == ""


LINES = '''\
[workspace]
name = "w"
channels = [
  "conda-forge",  # the first
  {channel = "pytorch", priority = 1},
  "bioconda", "nvidia",
]

[dependencies]
# a comment
numpy = "*"
scipy = """
>=1"""
[dependencies.long]
version = ">=1"
build = "x*"
[pypi-dependencies]
torch = {version = ">=2", extras = [
  "opt",
]}
[target.linux-64.dependencies]
gcc = [
]
[tasks]
run = """
a
b
"""
[feature.dev.dependencies]
ruff = "*"
'''


def test_every_item_has_its_lines() -> None:
    file = read_pixi(LINES, "pixi.toml")
    assert spans_of(file) == [
        (1, 1, "heading "),
        (2, 2, "aside `workspace.name`"),
        (3, 7, "heading "),
        (4, 4, "channel conda-forge"),
        (5, 5, "channel pytorch"),
        (6, 6, "channel bioconda"),
        (6, 6, "channel nvidia"),
        (9, 9, "heading "),
        (11, 11, "conda numpy"),
        (12, 13, "conda scipy >=1"),
        (14, 14, "heading "),
        (15, 15, "conda long >=1 x*"),
        (16, 16, "heading "),
        (17, 17, "heading "),
        (18, 20, "pypi torch[opt]>=2"),
        (21, 21, "aside `target.linux-64.dependencies`"),
        (22, 23, "aside `target.linux-64.dependencies.gcc`"),
        (24, 24, "aside `tasks`"),
        (25, 28, "aside `tasks.run`"),
        (29, 29, "heading "),
        (30, 30, "conda(dev) ruff"),
    ]
    assert [item.span.line.text for item in file.items][9] == 'scipy = """'


def test_lines_of_what_stands_in_braces() -> None:
    text = "\ndependencies = {a = '*', b = '1'}\nproject.channels = ['a', 'b']\n"
    assert spans_of(read_pixi(text, "f")) == [
        (2, 2, "heading "),
        (2, 2, "conda a"),
        (2, 2, "conda b 1"),
        (3, 3, "heading "),
        (3, 3, "channel a"),
        (3, 3, "channel b"),
    ]
