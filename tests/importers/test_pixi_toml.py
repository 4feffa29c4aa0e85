"""Test that pixi.toml is read."""

from __future__ import annotations

import pytest

from envgen.importers.pixi_toml import read_pixi
from tests.importers.item_texts import lines_of, unaccounted

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
    [('"12.0"', ""), ('"14"', "14.0"), ("15.1", "15.1"), ('"x"', ""), ('"14.x"', ""), ("[1]", ""), ('"13.1"', "13.1")],
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


def test_no_name() -> None:
    assert read_pixi("[dependencies]", "f").name == ""
