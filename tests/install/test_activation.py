"""Activation comes in the words of the user's shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envgen.cli.options import services_for
from envgen.errors import UsageError, WriteError
from envgen.install.activation import (
    SHELLS,
    activated_command,
    activation_script,
    advice,
    bare_environment,
    whole_prefix,
    write_kernel,
)
from envgen.system.machine import Machine

ENVIRON = {"PATH": "/usr/bin:/bin", "HOME": "/home"}


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script(tmp_path: Path, shell: str) -> None:
    script = activation_script(tmp_path, shell, {**ENVIRON, "CONDA_PREFIX": "/elsewhere"})
    assert f"{tmp_path}/bin" in script
    assert "CONDA_PREFIX" in script


def test_an_unknown_shell(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no activation for the shell `csh`"):
        activation_script(tmp_path, "csh", ENVIRON)


def test_a_command_keeps_its_words(tmp_path: Path) -> None:
    words = activated_command(tmp_path, ["python", "-c", "a b"], ENVIRON)
    assert words[0].endswith("sh")
    assert words[-4:] == ["envgen", "python", "-c", "a b"]


def test_another_tools_environment_is_whole(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/history").write_text("")
    machine = Machine(system="Darwin", processor="arm64", macos="14.5")
    assert whole_prefix(services_for(), "demo", tmp_path, machine) == tmp_path


def test_a_system_without_bash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert activated_command(tmp_path, ["x"], ENVIRON)[0] == "/bin/sh"


def test_a_bare_environment_leads_to_no_other_modules() -> None:
    environ = bare_environment(Path("/p"), {**ENVIRON, "PYTHONPATH": "/x", "VIRTUAL_ENV": "/v"})
    assert environ == {
        "PATH": "/p/bin:/usr/bin:/bin",
        "HOME": "/home",
        "CONDA_PREFIX": "/p",
        "PYTHONNOUSERSITE": "1",
    }
    assert bare_environment(Path("/p"), {})["PATH"] == "/p/bin"


ADVICE = {
    "zsh": ("/bin/zsh", "", False, ['eval "$(envgen run demo --activation zsh)"', "envgen run demo -- python"]),
    "an unknown shell": (
        "/bin/dash",
        "",
        False,
        ['eval "$(envgen run demo --activation bash)"', "envgen run demo -- python"],
    ),
    "fish": ("/opt/fish", "", False, ["envgen run demo --activation fish | source", "envgen run demo -- python"]),
    "with conda, a prefix given": (
        "/bin/bash",
        "/p",
        True,
        [
            "conda activate /p",
            'eval "$(envgen run demo --prefix /p --activation bash)"',
            "envgen run demo --prefix /p -- python",
        ],
    ),
}


@pytest.mark.parametrize(("shell", "active", "given", "lines"), ADVICE.values(), ids=list(ADVICE))
def test_advice(shell: str, active: str, given: bool, lines: list[str]) -> None:
    assert advice(Path("/p"), "demo", active, {"SHELL": shell}, given=given) == lines


PLACES = {
    "a Mac": ({}, True, "Library/Jupyter"),
    "Linux": ({}, False, ".local/share/jupyter"),
    "XDG": ({"XDG_DATA_HOME": "{}/xdg"}, False, "xdg/jupyter"),
    "Jupyter's own variable": ({"JUPYTER_DATA_DIR": "{}/jd"}, True, "jd"),
}


@pytest.mark.parametrize(("environ", "mac", "place"), PLACES.values(), ids=list(PLACES))
def test_where_jupyter_looks(tmp_path: Path, environ: dict[str, str], mac: bool, place: str) -> None:
    kernel = tmp_path / "p/lib/python3.12/site-packages/ipykernel"
    kernel.mkdir(parents=True)
    (kernel / "__init__.py").write_text("")
    variables = {name: value.format(tmp_path) for name, value in environ.items()}
    path = write_kernel(tmp_path / "p", "demo", tmp_path, variables, is_mac=mac)
    assert path == tmp_path / place / "kernels/envgen-demo/kernel.json"
    assert json.loads(path.read_text())["display_name"] == "demo (envgen)"


def test_a_folder_of_kernels_that_cannot_be_made(tmp_path: Path) -> None:
    kernel = tmp_path / "p/lib/python3.12/site-packages/ipykernel"
    kernel.mkdir(parents=True)
    (kernel / "__init__.py").write_text("")
    (tmp_path / "Library").write_text("")
    with pytest.raises(WriteError, match="cannot write"):
        write_kernel(tmp_path / "p", "demo", tmp_path, {}, is_mac=True)
