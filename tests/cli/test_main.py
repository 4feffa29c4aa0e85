"""Every error leaves by one door: as a message and an exit code, never as a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import envgen
from envgen.cli import main
from envgen.errors import EnvgenError, SourceLine
from tests.fakes.loopback import LoopbackChannel, hang, serving
from tests.fakes.tiny_project import Project
from tests.json_shapes import FAILURE, assert_shape


def test_the_version(project: Project) -> None:
    ran = project.run("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"envgen {envgen.__version__}\n", "")


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_the_help(project: Project, word: str) -> None:
    ran = project.run(word)
    assert ran.code == 0
    assert ran.out.startswith("Usage: envgen [OPTIONS] COMMAND [ARGS]...\n")
    assert ran.err == ""


@pytest.mark.parametrize("name", main.COMMANDS)
def test_a_call_builds_its_own_command_alone(project: Project, name: str) -> None:
    assert [command.name for command in main.application([name, "--help"]).registered_commands] == [name]
    assert project.run(name, "--help").out.startswith(f"Usage: envgen {name} ")
    assert f"\n  {name} " in project.run("--help").out


def test_the_help_is_that_of_whole_commands(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = project.run("--help").out
    monkeypatch.setattr(main, "_HELP", ())
    assert project.run("--help").out == listed


def test_the_help_needs_next_to_nothing() -> None:
    code = "import sys; from envgen.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr.split()
    heavy = {"asyncio", "packaging", "pydantic", "rattler", "requests", "rich", "ruamel", "uv"}
    assert heavy.isdisjoint(name.split(".")[0] for name in loaded)
    assert {name.split(".")[1] for name in loaded if name.startswith("envgen.")} == {"cli", "errors"}


@pytest.mark.parametrize(
    ("words", "unneeded"),
    [
        (["knowledge"], {"rattler", "requests", "ruamel", "uv"}),
        (["schema"], {"requests", "ruamel", "uv"}),
        (["doctor"], {"ruamel"}),
    ],
)
def test_what_a_command_has_no_need_of_is_not_imported(words: list[str], unneeded: set[str], tmp_path: Path) -> None:
    code = f"import sys; from envgen.cli.main import run; run({words}); print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert unneeded.isdisjoint(name.split(".")[0] for name in ran.stderr.split())


@pytest.mark.parametrize("command", ["check", "export", "why"])
def test_what_only_reads_locks_loads_no_solver(command: str) -> None:
    code = f"import sys, envgen.commands.{command}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"asyncio", "envgen.locking.lock_platform", "envgen.repodata.gateway"}.isdisjoint(loaded)


def test_without_a_word_the_help_is_on_stderr(project: Project) -> None:
    ran = project.run()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == project.run("--help").out


WRONG = {
    "an unknown command": (["frob"], "No such command 'frob'", ""),
    "an unknown option": (["templates", "--frob"], "No such option: --frob", " templates"),
    "a missing argument": (["new"], "Missing argument 'NAME'", " new"),
    "an option without its value": (["new", "x", "--python"], "Option '--python' requires an argument", " new"),
}


@pytest.mark.parametrize(("words", "message", "command"), WRONG.values(), ids=WRONG)
def test_a_wrong_call(project: Project, words: list[str], message: str, command: str) -> None:
    ran = project.run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"error: {message}\nhint: see `envgen{command} --help`\n"


@pytest.mark.parametrize(("words", "message", "command"), WRONG.values(), ids=WRONG)
def test_a_wrong_call_with_json(project: Project, words: list[str], message: str, command: str) -> None:
    ran = project.run(words[0], "--json", *words[1:])
    assert (ran.code, ran.err) == (2, "")
    assert_shape(ran.json, FAILURE)
    hint = f"see `envgen{command} --help`"
    assert ran.json["error"] == {"code": "usage", "message": message, "hint": hint, "lines": []}


def raising(error: BaseException) -> object:
    def command() -> None:
        raise error

    return command


def test_an_expected_failure_names_its_lines_and_a_hint(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    line = SourceLine(file="a.yaml", line=3, text="  - b")
    error = EnvgenError("it failed", hint="do better", lines=[line], code="odd")
    monkeypatch.setattr("envgen.manifest.templates.template_names", raising(error))
    ran = project.run("templates")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "error: it failed\n  a.yaml:3: - b\nhint: do better\n"
    ran = project.run("templates", "--json")
    assert (ran.code, ran.err) == (1, "")
    assert_shape(ran.json, FAILURE)
    assert ran.json["error"] == {
        "code": "odd",
        "message": "it failed",
        "hint": "do better",
        "lines": [{"file": "a.yaml", "line": 3, "text": "  - b"}],
    }


def test_an_interrupt(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envgen.manifest.templates.template_names", raising(KeyboardInterrupt()))
    ran = project.run("templates")
    assert (ran.code, ran.out) == (130, "")
    assert ran.err.strip() == "error: interrupted; every file is whole"
    assert project.run("templates", "--json").json["error"]["code"] == "interrupted"


def test_a_reader_that_goes_away_is_no_error(project: Project) -> None:
    with project.start("schema") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("words", [["-m", "envgen"], ["-c", "from envgen.__main__ import main; main()"]], ids=str)
def test_the_process_ends_with_the_exit_code(project: Project, words: list[str]) -> None:
    done = subprocess.run([sys.executable, *words, "frob", "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert '"code": "usage"' in done.stdout
    assert done.stderr == ""


def test_an_interrupted_run_ends_at_once_and_leaves_nothing(project: Project) -> None:
    with serving(LoopbackChannel(faults={"": hang})) as channel:
        process = project.start("new", "demo", "--add", "six", "--channel", channel.url)
        deadline = time.monotonic() + 60
        while not channel.seen and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.strip() == "error: interrupted; every file is whole"
    assert project.files() == {}


def broken_pipe() -> None:
    """Exit as typer does where the reader of stdout has gone away."""
    try:
        raise BrokenPipeError
    except OSError:
        sys.exit(1)


def full_disk() -> None:
    raise OSError(28, "No space left on device", "a file")


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        pytest.param(broken_pipe, 0, "", id="no reader"),
        pytest.param(full_disk, 1, "error: cannot go on: No space left on device (a file)\n", id="full disk"),
    ],
)
def test_what_the_system_refuses(
    project: Project, monkeypatch: pytest.MonkeyPatch, command: object, code: int, told: str
) -> None:
    monkeypatch.setattr("envgen.manifest.templates.template_names", command)
    ran = project.run("templates")
    assert (ran.code, ran.out, ran.err) == (code, "", told)


def test_another_exit_is_handed_on(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envgen.manifest.templates.template_names", raising(SystemExit(7)))
    assert project.run("templates").code == 7


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_what_the_readme_says(project: Project, name: str) -> None:
    text = project.run(name, "--help").out
    assert all(option in text for option in ("--json ", "-q, --quiet ", "-h, --help "))
    assert "…" not in text


def test_no_summary_is_cut(project: Project) -> None:
    commands = project.run("--help").out.partition("Commands:\n")[2].splitlines()
    assert len(commands) == len(main.COMMANDS)
    assert all(line.endswith(".") and not line.endswith("..") and len(line) <= 80 for line in commands)
