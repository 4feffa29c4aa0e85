"""Activation comes in the words of the user's shell."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envgen.cli.options import services_for
from envgen.errors import InstallError, UsageError, WriteError
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


ODD = [
    "a b",
    "a'b",
    'a"b',
    "a$(touch PWN)b",
    "a`touch PWN`b",
    "a$HOME",
    "a\\b",
    "a;touch PWN;",
    "a!b",
    "a*b",
    "a&b",
    "-a",
]


def odd_prefix(folder: Path) -> Path:
    """Lay out a prefix whose packages have odd scripts and values."""
    files = {
        "bin/tool": "",
        "etc/conda/activate.d/x.sh": "SEEN=1; export SEEN\n",
        "etc/conda/activate.d/$(touch PWN).sh": "SEEN2=1; export SEEN2\n",
        "etc/conda/activate.d/x.fish": "",
        "etc/conda/env_vars.d/v.json": json.dumps({"VALUE": "$(touch PWN) \"q\" 'z' `touch PWN`", "NO": 1}),
        "conda-meta/state": json.dumps({"env_vars": {"of_user": "$(touch PWN)\nnext"}}),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("name", ODD)
def test_nothing_of_a_path_or_a_package_is_evaluated(tmp_path: Path, name: str) -> None:
    prefix = odd_prefix(tmp_path / name)
    before = odd_prefix(tmp_path / f"old {name}")
    (tmp_path / "cwd").mkdir()
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    environ = {"PATH": f"{before}/bin:/usr/bin:/bin", "CONDA_PREFIX": str(before), "VALUE": "old"}
    command = activated_command(prefix, [sys.executable, "-c", show], environ)
    done = subprocess.run(command, cwd=tmp_path / "cwd", env=environ, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert list((tmp_path / "cwd").iterdir()) == []
    assert done.stderr == ""
    assert found["CONDA_PREFIX"] == str(prefix)
    assert found["PATH"] == f"{prefix}/bin:/usr/bin:/bin"
    assert found["VALUE"] == "$(touch PWN) \"q\" 'z' `touch PWN`"
    assert found["OF_USER"] == "$(touch PWN)\nnext"
    assert (found["SEEN"], found["SEEN2"], found["CONDA_SHLVL"]) == ("1", "1", "1")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_quotes(tmp_path: Path, shell: str) -> None:
    prefix = odd_prefix(tmp_path / "a'$(touch PWN)\\b")
    program = shutil.which(shell)
    script = activation_script(prefix, shell, {})
    if program is None:
        assert "$(touch PWN)" not in script.replace("'", "|").split("|")[::2], "outside of single quotes"
        return
    (tmp_path / "cwd").mkdir()
    done = subprocess.run(
        [program, "-c", f"{script}\nprintenv CONDA_PREFIX"],
        cwd=tmp_path / "cwd",
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{prefix}\n"
    assert list((tmp_path / "cwd").iterdir()) == []


def test_xonsh_has_literals_of_python(tmp_path: Path) -> None:
    prefix = odd_prefix(tmp_path / "p")
    (prefix / "etc/conda/activate.d/$(touch PWN).sh").unlink()
    script = activation_script(prefix, "xonsh", {})
    assert f"$CONDA_PREFIX = {str(prefix)!r}\n" in script
    assert f"source-bash {str(prefix / 'etc/conda/activate.d/x.sh')!r}\n" in script
    with pytest.raises(UsageError, match="xonsh cannot be given a text with such signs"):
        activation_script(odd_prefix(tmp_path / "a$b"), "xonsh", {})


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("etc/conda/env_vars.d/v.json", json.dumps({"A;touch PWN;": "x"})),
        ("etc/conda/env_vars.d/v.json", json.dumps({"A": "nul\0"})),
        ("etc/conda/env_vars.d/v.json", "{"),
        ("etc/conda/env_vars.d/v.json", "[" * 100_000),
        ("conda-meta/state", json.dumps({"env_vars": {"a b": "x"}})),
        ("conda-meta/state", "no json"),
    ],
)
def test_variables_that_cannot_be_set(tmp_path: Path, file: str, text: str) -> None:
    prefix = odd_prefix(tmp_path)
    (prefix / file).write_text(text)
    with pytest.raises(InstallError, match=r"which sets variables|that cannot be set"):
        activation_script(prefix, "bash", {})


@pytest.mark.parametrize("data", ["[]", "{}", '{"env_vars": []}', '{"env_vars": {"A": null}}'])
def test_variables_of_none(tmp_path: Path, data: str) -> None:
    for name in ("conda-meta/state", "etc/conda/env_vars.d/v.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(data)
    assert [line for line in activation_script(tmp_path, "bash", {}).splitlines() if "export" in line][1:] == [
        "export CONDA_SHLVL=1",
        f"export CONDA_PREFIX={tmp_path}",
    ]


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


def test_a_name_that_is_none_is_refused_whatever_the_prefix(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/history").write_text("")
    with pytest.raises(UsageError):
        whole_prefix(services_for(), "../x", tmp_path, Machine(system="Darwin", processor="arm64", macos="14.5"))


def test_a_system_without_bash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert activated_command(tmp_path, ["x"], ENVIRON)[0] == "/bin/sh"


def test_a_bare_environment_leads_to_no_other_modules() -> None:
    environ = bare_environment(Path("/p"), {**ENVIRON, "PYTHONPATH": "/x", "PYTHONHOME": "/h", "VIRTUAL_ENV": "/v"})
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
    "a prefix with a blank": (
        "/bin/bash",
        "/p q",
        True,
        [
            "conda activate '/p q'",
            "eval \"$(envgen run demo --prefix '/p q' --activation bash)\"",
            "envgen run demo --prefix '/p q' -- python",
        ],
    ),
    "fish and a prefix with a quote": (
        "/opt/fish",
        "/p'q",
        True,
        [
            "conda activate '/p\\'q'",
            "envgen run demo --prefix '/p\\'q' --activation fish | source",
            "envgen run demo --prefix '/p\\'q' -- python",
        ],
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
    assert advice(Path(active or "/p"), "demo", active, {"SHELL": shell}, given=given) == lines


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
    assert json.loads(path.read_text()) == {
        "argv": [f"{tmp_path}/p/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "demo (envgen)",
        "language": "python",
        "metadata": {"debugger": True},
        "env": {"CONDA_PREFIX": f"{tmp_path}/p", "PATH": f"{tmp_path}/p/bin:${{PATH}}"},
    }


def test_a_folder_of_kernels_that_cannot_be_made(tmp_path: Path) -> None:
    kernel = tmp_path / "p/lib/python3.12/site-packages/ipykernel"
    kernel.mkdir(parents=True)
    (kernel / "__init__.py").write_text("")
    (tmp_path / "Library").write_text("")
    with pytest.raises(WriteError, match="cannot write"):
        write_kernel(tmp_path / "p", "demo", tmp_path, {}, is_mac=True)
