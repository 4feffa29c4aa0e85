"""stdout is for data, stderr for the rest; colour only where a person looks."""

from __future__ import annotations

import contextlib
import io
import json
import re

import pytest

from envgen.cli.console import Console, printable, show_error, table
from envgen.errors import EnvgenError, ManifestError, Problem, SourceLine

LINE = SourceLine(file="a.yaml", line=2, text="python: 3")
ERROR = EnvgenError("it failed", hint="do better", lines=[LINE])


class Terminal(io.StringIO):
    """Stand for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return a terminal with colours, to put in the place of stderr."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def bare(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def colours(text: str) -> list[str]:
    codes = (code for found in re.findall(r"\x1b\[([0-9;]*)m", text) for code in found.split(";"))
    return [code for code in codes if code.isdigit() and 30 <= int(code) <= 107]


def test_text_and_json_go_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    Console().data({"a": 1}, "text\n")
    Console(as_json=True).data({"a": "ü"}, "text")
    Console(quiet=True).data({"a": 1}, "an answer")
    Console(quiet=True).report({"a": 1}, "what was done")
    Console(quiet=True, as_json=True).report({"b": 1}, "text")
    out, err = capsys.readouterr()
    assert out == 'text\n{\n  "a": "ü"\n}\nan answer\n{\n  "b": 1\n}\n'
    assert err == ""


def test_notes_and_warnings_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    for console in (Console(), Console(quiet=True), Console(as_json=True)):
        console.info("said")
        console.note("noted")
        console.warn("warned")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "said\nnote: noted\nwarning: warned\nwarning: warned\n"


def test_an_error_is_text_on_stderr_or_json_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(ERROR, as_json=False)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "error: it failed\n  a.yaml:2: python: 3\nhint: do better\n")
    show_error(ERROR, as_json=True)
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out)["error"]["lines"] == [{"file": "a.yaml", "line": 2, "text": "python: 3"}]


def test_each_problem_of_a_manifest_stands_above_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    other = SourceLine(file="a.yaml", line=9, text="frob: 1")
    problems = [Problem(path="python", message="is old", line=LINE), Problem(path="frob", message="is odd", line=other)]
    show_error(ManifestError("a.yaml has 2 problems\n  …", problems=problems), as_json=False)
    assert capsys.readouterr().err == (
        "error: a.yaml has 2 problems\n"
        "  python: is old\n    a.yaml:2: python: 3\n"
        "  frob: is odd\n    a.yaml:9: frob: 1\n"
    )


def test_a_failure_of_thousands_of_lines_is_cut_with_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [SourceLine(file="a.yaml", line=number, text=f"- n{number}") for number in range(1, 3001)]
    show_error(EnvgenError("it failed", hint="do better", lines=lines), as_json=False)
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == ["error: it failed", "  a.yaml:1: - n1"]
    assert told[50:53] == [
        "  a.yaml:50: - n50",
        "  … 2900 lines are left out here, --json has them all",
        "  a.yaml:2951: - n2951",
    ]
    assert told[-2:] == ["  a.yaml:3000: - n3000", "hint: do better"]
    assert len(told) == 103
    show_error(EnvgenError("it failed", lines=lines[:100]), as_json=False)
    assert len(capsys.readouterr().err.splitlines()) == 101


def test_a_terminal_gets_colours(terminal: Terminal) -> None:
    with contextlib.redirect_stderr(terminal):
        show_error(ERROR, as_json=False)
        Console().note("noted [bold]as is[/bold]")
    assert colours(terminal.getvalue())
    assert bare(terminal.getvalue()) == (
        "error: it failed\n  a.yaml:2: python: 3\nhint: do better\nnote: noted [bold]as is[/bold]\n"
    )


def test_no_colour_where_none_is_wanted(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with contextlib.redirect_stderr(terminal):
        show_error(ERROR, as_json=False)
    assert colours(terminal.getvalue()) == []
    assert bare(terminal.getvalue()).startswith("error: it failed\n")


def test_a_long_line_is_not_broken(terminal: Terminal) -> None:
    with contextlib.redirect_stderr(terminal):
        Console().warn("word " * 100)
    assert len(terminal.getvalue().splitlines()) == 1


def test_progress_is_shown_on_a_terminal(terminal: Terminal) -> None:
    with contextlib.redirect_stderr(terminal), Console().progress("locking") as progress:
        progress("solving with rattler")
    assert "locking" in terminal.getvalue() or "solving" in terminal.getvalue()


@pytest.mark.parametrize("console", [Console(quiet=True), Console(as_json=True)], ids=["quiet", "json"])
def test_progress_is_not_shown_where_nobody_looks(terminal: Terminal, console: Console) -> None:
    with contextlib.redirect_stderr(terminal), console.progress("locking") as progress:
        progress("solving")
    assert terminal.getvalue() == ""


def test_no_progress_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Console().progress("locking") as progress:
        progress("solving")
    assert capsys.readouterr() == ("", "")


def test_a_table_is_as_wide_as_its_cells() -> None:
    assert table(("A", "BB"), [("xxx", "y"), ("z", "")]) == ["A    BB", "xxx  y", "z"]
    assert table(("A", "B"), []) == ["A  B"]


FOREIGN = {
    "a colour": ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
    "a title": ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    "a link": ("\x1b]8;;https://evil.example\x1b\\here", "\\x1b]8;;https://evil.example\\x1b\\here"),
    "a C1 sequence": ("\x9b31mred\x85", "\\x9b31mred\\x85"),
    "a carriage return": ("error\rfine", "error\\x0dfine"),
    "a backspace": ("no\b\byes", "no\\x08\\x08yes"),
    "a NUL and a bell": ("\0\a", "\\x00\\x07"),
    "a direction": ("six\u202egnp.exe\u2069", "six\\u202egnp.exe\\u2069"),
    "nothing to see": ("num\u200bpy\u00ad\ufeff", "num\\u200bpy\\xad\\ufeff"),
    "another end of a line": ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
    "tags": ("\U000e0041", "\\U000e0041"),
    "half a character": ("\udcff", "\\udcff"),
    "a DEL": ("a\x7f", "a\\x7f"),
}


@pytest.mark.parametrize(("text", "shown"), FOREIGN.values(), ids=list(FOREIGN))
def test_what_is_no_text_is_escaped(
    capsys: pytest.CaptureFixture[str], terminal: Terminal, monkeypatch: pytest.MonkeyPatch, text: str, shown: str
) -> None:
    Console().data({}, text)
    Console(as_json=True).data({"text": text}, "")
    plain, _, shape = capsys.readouterr().out.partition("\n")
    assert plain == shown
    assert json.loads(shape) == {"text": text}, "JSON has escapes of its own, and loses nothing"
    assert printable(shape) == shape
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    with Console().progress(text) as progress:
        progress(text)
    Console().note(text)
    show_error(EnvgenError(text, hint=text, lines=[SourceLine(file=text, line=1, text=text)]), as_json=False)
    told = terminal.getvalue()
    assert f"note: {shown}\n" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told)
    assert text.strip() not in told


@pytest.mark.parametrize("text", ["plain", "naïve ü 漢字 🎉", "a\tb\nc", "→ … “x”", "\u00a0"])
def test_text_is_left_alone(text: str) -> None:
    assert printable(text) == text


def test_markup_of_others_is_no_markup(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal)
    with Console().progress("reading [bold]x[/bold]") as progress:
        progress("[red]y")
    assert "[red]y" in terminal.getvalue()


def test_a_cell_is_one_line() -> None:
    assert table(("A", "B"), [("x\ny", "z")]) == ["A    B", "x y  z"]
