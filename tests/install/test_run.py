"""Run commands in environments, and print what activates them."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from tests.fakes.install_world import HOST, Basics, Kept, World, linux_only
from tests.fakes.tiny_conda import build_conda

pytestmark = linux_only


def test_a_command_runs_in_the_activated_environment(world: World, usual: Basics) -> None:
    hook = build_conda("hook", files={"etc/conda/activate.d/hook.sh": b"export HOOKED=yes\n"}, subdir=HOST)
    world.serve(hook)
    world.lock([*usual.conda, hook], [usual.onlypypi])
    world.good("create", "demo")
    code = (
        "import os, sys; print(sys.prefix, os.environ['CONDA_PREFIX'], os.environ['HOOKED'], sys.argv[1:]); sys.exit(7)"
    )
    process = world.start("run", "demo", "--", "python", "-c", code, "--flag", "two words")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (7, "")
    assert out == f"{world.prefix} {world.prefix} yes ['--flag', 'two words']\n"


def test_a_script_of_a_package_runs(world: World, usual: Basics) -> None:
    prefix = world.folder / "with space"
    world.good("create", "demo", "--prefix", str(prefix))
    process = world.start("run", "demo", "--prefix", str(prefix), "--", "python", "-c", "import sys; print(sys.prefix)")
    assert process.communicate(timeout=60)[0] == f"{prefix}\n"
    world.good("create", "demo")
    process = world.start("run", "demo", "--", "demo-tool")
    assert process.communicate(timeout=60)[0] == f"{world.prefix}\n"


def test_a_command_that_is_not_there(kept: Kept) -> None:
    world, _ = kept.created()
    process = world.start("run", "demo", "--", "no-such-command")
    assert process.wait(60) == 127
    process.communicate()


def test_the_script_for_a_shell(kept: Kept) -> None:
    world, _ = kept.created()
    script = world.run("run", "demo", "--activation", "bash").out
    done = subprocess.run(
        ["bash", "-c", f'{script}\necho "$CONDA_PREFIX" "$(command -v python)"'],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{world.prefix} {world.prefix}/bin/python\n"
    assert "set -gx CONDA_PREFIX" in world.good("run", "demo", "--activation", "fish")["script"]


WRONG = {
    "nothing to run": (["demo"], "nothing to run", 2),
    "an unknown shell": (["demo", "--activation", "csh"], "unknown shell `csh`", 2),
    "never created": (["demo", "--activation", "bash"], "demo was not created yet", 1),
    "no such environment": (["other", "--activation", "bash"], "there is no environment `other` here", 2),
    "no name": (["../x", "--activation", "bash"], "", 2),
}


@pytest.mark.parametrize(("words", "message", "code"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_call(kept: Kept, words: list[str], message: str, code: int) -> None:
    world, _ = kept.created() if code == 2 else kept.fetched()
    assert message in world.failed("run", *words, code=code)["message"]


PREFIXES = [
    "a b",
    "a'b",
    'a"b',
    "$(id)",
    "`id`",
    "$HOME",
    "a\\b",
    "a;touch PWN;",
    "a&b",
    "-rf",
    "~",
    "ä漢",
    "a%20b",
    "#a",
    "{a}",
]


@pytest.mark.parametrize("name", PREFIXES)
def test_an_odd_prefix_is_made_and_run_in(kept: Kept, name: str) -> None:
    world, _ = kept.fetched()
    prefix = world.folder / "data" / name
    made = world.good("create", "demo", f"--prefix={prefix}")
    assert made["prefix"] == str(prefix)
    assert shlex.split(made["activate"][-1])[:4] == ["envgen", "run", "demo", "--prefix"]
    assert shlex.split(made["activate"][-1])[4] == str(prefix)
    words = ["run", "demo", f"--prefix={prefix}", "--", "demo-tool"]
    done = world.start(*words)
    out, err = done.communicate(timeout=60)
    assert (done.returncode, out, err) == (0, f"{prefix}\n", "")
    assert not list(world.folder.rglob("PWN"))


@pytest.mark.parametrize("name", ["$(touch PWN)", "`touch PWN`", 'a" b', "a\\ b", f"${'a' * 100}"])
def test_a_prefix_that_a_shell_would_evaluate(kept: Kept, name: str) -> None:
    """Where its path has a blank or is long, a package's script starts Python by way of /bin/sh."""
    world, _ = kept.fetched()
    error = world.failed("create", "demo", f"--prefix={world.folder / 'data' / name}")
    assert error["code"] == "prefix"
    assert "which would evaluate it" in error["message"]
    assert not list(world.folder.rglob("PWN"))


@pytest.mark.parametrize("name", ["a:b", "a\nb", "a\x1b[31mb", "a\x7fb", "a\u202eb", "a\udcffb"])
def test_a_prefix_that_no_path_can_hold(world: World, usual: Basics, name: str) -> None:
    error = world.failed("create", "demo", f"--prefix={world.folder / 'data' / name}")
    assert error["code"] == "prefix"
    assert "no PATH can hold a colon or a control character" in error["message"]
    assert not (world.folder / "data").exists()
