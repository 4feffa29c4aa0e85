"""Test that commands are read as a shell and the tools would."""

from __future__ import annotations

import pytest

from envgen.diagnosis.command_lines import Command, Option, read_commands
from envgen.errors import UsageError


def only(text: str) -> Command:
    (command,) = read_commands(text)
    return command


def parts(text: str) -> tuple[str, str, tuple[str, ...]]:
    command = only(text)
    return (command.tool.name if command.tool else "", command.verb, command.packages)


READ = {
    "pip": ("pip install numpy 'pandas>=2'", ("pip", "install", ("numpy", "pandas>=2"))),
    "pip3": ("pip3 install numpy", ("pip", "install", ("numpy",))),
    "a numbered pip": ("pip3.11 download numpy", ("pip", "download", ("numpy",))),
    "python -m pip": ("python3 -m pip install numpy", ("pip", "install", ("numpy",))),
    "a path": ("/opt/venv/bin/pip install numpy", ("pip", "install", ("numpy",))),
    "uv pip": ("uv pip install torch", ("uv", "pip install", ("torch",))),
    "uv add": ("uv add torch", ("uv", "add", ("torch",))),
    "conda": ("conda install -y -c conda-forge numpy=1.26", ("conda", "install", ("numpy=1.26",))),
    "conda env": ("conda env create -f environment.yml", ("conda", "env create", ())),
    "mamba": ("mamba create -n x python=3.9", ("conda", "create", ("python=3.9",))),
    "micromamba": ("micromamba create -n x numpy", ("conda", "create", ("numpy",))),
    "poetry": ("poetry add 'tensorflow^2'", ("poetry", "add", ("tensorflow^2",))),
    "brew": ("brew install libomp", ("brew", "install", ("libomp",))),
    "an option before the verb": ("pip -q install numpy", ("pip", "install", ("numpy",))),
    "another verb": ("pip list", ("pip", "", ())),
    "another program": ("echo pip install numpy", ("", "", ())),
    "a prompt": ("(base) $ pip install numpy", ("pip", "install", ("numpy",))),
    "a notebook": ("!pip install numpy", ("pip", "install", ("numpy",))),
    "a comment": ("pip install numpy # for arrays", ("pip", "install", ("numpy",))),
    "a continued line": ("pip install \\\n  numpy", ("pip", "install", ("numpy",))),
}


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ)
def test_tool_verb_and_packages(text: str, expected: tuple[str, str, tuple[str, ...]]) -> None:
    assert parts(text) == expected


def test_options_have_their_first_spelling() -> None:
    command = only("pip install -r a.txt --target=out -iurl --dry-run -U x --platform macosx_13_0_arm64")
    assert command.options == (
        Option(name="--requirement", value="a.txt"),
        Option(name="--target", value="out"),
        Option(name="--index-url", value="url"),
        Option(name="--dry-run"),
        Option(name="-U"),
        Option(name="--platform", value="macosx_13_0_arm64"),
    )
    assert command.packages == ("x",)
    assert command.values("--platform") == ["macosx_13_0_arm64"]
    assert command.values("--dry-run") == [""]


def test_an_option_without_its_value_is_read_to_the_end() -> None:
    assert only("pip install x --platform").values("--platform") == [""]


def test_what_stands_before_the_program() -> None:
    command = only("CONDA_SUBDIR=osx-64 A= sudo -H arch -x86_64 python3.9 -m pip install x")
    assert command.variables == (("CONDA_SUBDIR", "osx-64"), ("A", ""))
    assert command.wrappers == ("sudo -H", "arch -x86_64")
    assert command.program == ("python3.9", "-m", "pip")
    assert command.python == "3.9"


@pytest.mark.parametrize(
    ("text", "python"), [("pip install x", ""), ("python3 -m pip install x", ""), ("pip3.12 install x", "3.12")]
)
def test_the_python_is_told_where_the_program_names_it(text: str, python: str) -> None:
    assert only(text).python == python


@pytest.mark.parametrize(
    "text",
    [
        "pip install a && pip install b",
        "pip install a; pip install b",
        "pip install a\npip install b",
        "(pip install a) || pip install b",
    ],
    ids=["and", "semicolon", "lines", "parentheses"],
)
def test_several_commands(text: str) -> None:
    assert [command.packages for command in read_commands(text)] == [("a",), ("b",)]


def test_what_is_quoted_or_substituted_separates_nothing() -> None:
    text = """bash -c "$(curl -fsSL https://a/b.sh | head)" && pip install 'a;python_version<"3"'"""
    first, second = read_commands(text)
    assert first.text == 'bash -c "$(curl -fsSL https://a/b.sh | head)"'
    assert second.packages == ('a;python_version<"3"',)


def test_the_text_stays_as_it_was_written() -> None:
    command = only('ARCHFLAGS="-arch arm64" pip install  x # y; z')
    assert command.text == 'ARCHFLAGS="-arch arm64" pip install  x'
    assert command.plain == "ARCHFLAGS=-arch arm64 pip install x"


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        ("pip install a", "pypi"),
        ("pixi add a", "conda"),
        ("pixi add --pypi a", "pypi"),
        ("conda config --set subdir osx-64", ""),
        ("pip list", ""),
        ("ls", ""),
    ],
)
def test_whose_names_the_packages_have(text: str, speaks: str) -> None:
    assert only(text).speaks == speaks


@pytest.mark.parametrize("text", ["", "  \n ", "# nothing"], ids=["empty", "blank", "comment"])
def test_nothing_is_no_command(text: str) -> None:
    with pytest.raises(UsageError, match="no command"):
        read_commands(text)


def test_what_no_shell_reads_is_refused() -> None:
    with pytest.raises(UsageError, match="a shell could not read"):
        read_commands("pip install 'numpy")
    with pytest.raises(UsageError, match="too long"):
        read_commands("pip install " + "x" * 30_000)


def test_variables_alone_and_wrappers_alone_are_no_fault() -> None:
    assert only("A=1").variables == (("A", "1"),)
    assert only("sudo").wrappers == ("sudo",)
