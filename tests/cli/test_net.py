"""Whatever a run meets, it ends in a line and an exit code: faults of envgen's own, streams that refuse, no home."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import envgen
from envgen import __main__ as entry
from envgen.errors import EnvgenError
from tests.fakes.tiny_project import Project
from tests.json_shapes import FAILURE, assert_shape

PLACE = "envgen.manifest.templates.template_names"


class PanicException(BaseException):
    """Stand for a panic of rattler's."""


def deep(depth: int = 0) -> int:
    return deep(depth + 1) + 1


def raising(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


FAULTS: Mapping[str, tuple[Callable[[], object], str]] = {
    "a bug": (raising(KeyError("x")), "KeyError: 'x'"),
    "a panic": (
        raising(PanicException("called `unwrap()`\n  on a `None` value")),
        "PanicException: called `unwrap()` on",
    ),
    "no memory": (raising(MemoryError()), "MemoryError"),
    "a depth": (deep, "RecursionError: maximum recursion depth exceeded"),
}


@pytest.mark.parametrize(("command", "told"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_one_line_and_how_to_report_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, command: Callable[[], object], told: str
) -> None:
    monkeypatch.setattr(PLACE, command)
    ran = project.run("templates")
    assert (ran.code, ran.out) == (1, "")
    first, hint = ran.err.splitlines()
    assert first.startswith(f"error: a fault of envgen's: {told}")
    assert re.search(r" \(envgen/cli/reference\.py:\d+\)$", first)
    assert hint == "hint: please report it to envgen's repository as an issue, with what `--verbose` shows"
    ran = project.run("templates", "--json")
    assert (ran.code, ran.err) == (1, "")
    assert_shape(ran.json, FAILURE)
    assert ran.json["error"]["code"] == "fault"


@pytest.mark.parametrize("word", ["-v", "--verbose"])
def test_verbose_shows_the_traceback(project: Project, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setattr(PLACE, raising(ZeroDivisionError("by zero")))
    ran = project.run("templates", word)
    assert ran.code == 1
    assert ran.err.startswith("Traceback (most recent call last):\n")
    assert "error: a fault of envgen's: ZeroDivisionError: by zero" in ran.err


def test_verbose_is_taken_by_commands_that_have_no_more_to_say(project: Project) -> None:
    assert project.run("templates", "--verbose") == project.run("templates")


def test_an_interrupt_that_something_made_an_error_of_is_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrap() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise RuntimeError("Error calling __set_name__") from error

    monkeypatch.setattr(PLACE, wrap)
    ran = project.run("templates")
    assert (ran.code, ran.err) == (130, "error: interrupted; every file is whole\n")


def test_the_error_tree_is_kept_apart_from_faults(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PLACE, raising(EnvgenError("no", code="odd")))
    assert project.run("templates", "--json").json["error"]["code"] == "odd"


def shell(folder: Path, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell in which `envgen` is this one."""
    python = f"{sys.executable} -m envgen"
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("envgen", python, 1)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


REFUSING = {
    "closed": ("envgen schema >&-", 1, "error: cannot go on: Bad file descriptor\n"),
    "closed with json": ("envgen frob --json >&-", 2, "error: No such command 'frob'\nhint: see `envgen --help`\n"),
    "both closed": ("envgen schema >&- 2>&-", 1, ""),
    "all closed": ("envgen frob <&- >&- 2>&-", 2, ""),
    "full": ("envgen templates >/dev/full", 1, "error: cannot go on: No space left on device\n"),
    "full at the end": ("envgen --version >/dev/full", 1, "error: cannot go on: No space left on device\n"),
    "stderr full": ("envgen frob 2>/dev/full", 2, ""),
    "closed and not needed": ("envgen lock -q >&-", 2, "error: there is no environment here\n"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
@pytest.mark.parametrize(("line", "code", "told"), REFUSING.values(), ids=REFUSING)
def test_streams_that_refuse(project: Project, line: str, code: int, told: str) -> None:
    ran = shell(project.folder, line)
    assert (ran.returncode, ran.stdout) == (code, "")
    assert ran.stderr.startswith(told)
    assert bool(ran.stderr) == bool(told)


ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}


def test_what_a_terminal_cannot_show_is_escaped(project: Project) -> None:
    ran = shell(project.folder, "envgen knowledge", **ASCII)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "apple-silicon \\xa72" in ran.stdout
    ran = shell(project.folder, "envgen knowledge --json", **ASCII)
    assert any("apple-silicon \xa72" in fact["source"] for fact in json.loads(ran.stdout)["facts"])
    ran = shell(project.folder, "envgen lock d\xe9mo", **ASCII)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr


def test_a_folder_that_was_removed(project: Project) -> None:
    ran = shell(project.folder, "mkdir gone; cd gone; rmdir ../gone; envgen check")
    told = "error: the current folder is not there any more\nhint: change to another one\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", told)


def test_nobody_has_a_home(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(user: int) -> None:
        raise KeyError(user)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "ENVGEN_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    hint = "hint: set HOME, or ENVGEN_CACHE_DIR and ENVGEN_DATA_DIR\n"
    for words in (["lock"], ["doctor"]):
        ran = project.run(*words)
        assert ran.code == 2
        assert (
            ran.err
            == f"error: there is no home folder: HOME is not set, and the system does not know this user\n{hint}"
        )
    monkeypatch.setenv("ENVGEN_CACHE_DIR", "cache")
    assert project.run("lock").err.startswith("error: there is no environment here")
    assert project.run("doctor").err.startswith("error: there is no home folder")
    assert project.run("vendor", "--download", "--to", "~nobody-at-all/x").err.startswith(
        "error: no such home folder: ~"
    )


UNDECODABLE = {
    "the current folder": "cd $(printf 'c\\377') && envgen check",
    "an environment": "cd $(printf 'c\\377') && envgen check $(printf 'n\\376')",
    "a prefix": "envgen create demo --prefix $(printf 'p\\377')",
    "a template": "envgen new demo --from $(printf 'f\\377.txt')",
    "a listing": "cd $(printf 'c\\377') && envgen lock",
    "making": "cd $(printf 'c\\377') && envgen new other --starter --add six -q && echo done",
}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("line", UNDECODABLE.values(), ids=UNDECODABLE)
def test_names_that_are_no_text(project: Project, line: str) -> None:
    odd = os.fsencode(project.folder) + b"/c\xff/environments/n\xfe"
    os.makedirs(odd)  # noqa: PTH103 - bytes
    with open(odd + b"/envgen.yaml", "w") as file:  # noqa: PTH123 - bytes
        file.write("name: demo\n")
    ran = shell(project.folder, line)
    assert "Traceback" not in ran.stderr
    assert "a fault" not in ran.stderr
    assert (ran.returncode in (1, 2) and ran.stderr.startswith("error: ")) or ran.stdout == "done\n"


def test_an_entry_that_cannot_load_the_rest_says_so(tmp_path: Path) -> None:
    package = tmp_path / "envgen"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(Path(str(entry.__file__)).read_text())
    words = [sys.executable, "-m", "envgen", "lock"]
    ran = subprocess.run(
        words, cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith(
        "error: a fault of envgen's: ModuleNotFoundError: No module named 'envgen.cli'\nhint: "
    )


def test_the_entry_loads_nothing_before_it_takes_signals() -> None:
    code = "import sys; import envgen.__main__; print(*(name for name in sys.modules if name.startswith('envgen')))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == [envgen.__name__, entry.__name__]
