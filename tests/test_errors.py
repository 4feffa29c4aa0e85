"""Failures say what failed, where, and what to do."""

from __future__ import annotations

import pytest

from envgen.errors import EnvgenError, ManifestError, Problem, SourceLine, UsageError

LINE = SourceLine(file="envgen.yaml", line=3, text="  python: 3.1O  ")


def test_a_failure_renders_its_message_its_lines_and_its_hint() -> None:
    error = EnvgenError("it failed", lines=[LINE], hint="try again")
    assert str(error) == "it failed\n  envgen.yaml:3: python: 3.1O\nhint: try again"
    assert (error.code, error.exit_code) == ("error", 1)


def test_a_line_without_a_number_is_a_command_lines() -> None:
    assert str(SourceLine(file="--add", line=0, text="a=1")) == "--add: a=1"


def test_a_wrong_call_exits_with_two() -> None:
    assert UsageError("no", code="other").exit_code == 2
    assert UsageError("no", code="other").code == "other"


def test_a_manifests_failure_without_problems_is_plain() -> None:
    assert str(ManifestError("it failed", lines=[LINE])) == "it failed\n  envgen.yaml:3: python: 3.1O"


def test_one_problem_needs_no_list() -> None:
    error = ManifestError("f: no", problems=[Problem(path="a", message="no", line=LINE)], hint="yes")
    assert str(error) == "f: no\n    envgen.yaml:3: python: 3.1O\nhint: yes"
    assert error.lines == (LINE,)


def test_several_problems_stand_above_their_lines() -> None:
    problems = [Problem(path="a", message="no", line=LINE), Problem(path="", message="never", hint="stop")]
    error = ManifestError("f has 2 problems\n  a: no\n  never (stop)", problems=problems)
    assert str(error) == "f has 2 problems\n  a: no\n    envgen.yaml:3: python: 3.1O\n  never (stop)"


@pytest.mark.parametrize(("column", "pointed"), [(3, "python"), (11, "3.1O"), (1, "python")])
def test_a_caret_points_into_the_line_as_it_is_shown(column: int, pointed: str) -> None:
    error = ManifestError("f: no", problems=[Problem(path="", message="no", line=LINE, column=column)])
    _, line, caret = str(error).splitlines()
    assert line[caret.index("^") :].startswith(pointed)
