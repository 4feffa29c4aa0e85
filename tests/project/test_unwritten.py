"""Test that a failure names the lines of the manifest that is there."""

from __future__ import annotations

import pytest

from envgen.errors import ManifestError, PlanError, Problem, SourceLine
from envgen.project.project import unwritten

FILE = "environments/demo/envgen.yaml"
BEFORE = "dependencies:\n  - six\ngroups:\n  dev:\n    - six\n"


def line(number: int, text: str, file: str = FILE) -> SourceLine:
    return SourceLine(file=file, line=number, text=text)


def placed(*lines: SourceLine) -> list[SourceLine]:
    with pytest.raises(PlanError) as caught, unwritten(FILE, BEFORE):
        raise PlanError("no", lines=lines)
    return list(caught.value.lines)


def test_a_line_that_moved() -> None:
    assert placed(line(3, "  - six"), line(6, "    - six")) == [line(2, "  - six"), line(5, "    - six")]


def test_a_line_that_was_added() -> None:
    assert placed(line(2, "  - numpy<2  # old")) == [line(0, "numpy<2  # old", "the command")]


def test_lines_of_other_files_stay() -> None:
    others = [line(7, "  - six", "pyproject.toml"), line(0, "six", FILE)]
    assert placed(*others) == others


def test_problems_of_a_manifest() -> None:
    problem = Problem(path="", message="twice", line=line(9, "  - six"), others=(line(4, "- rich"),))
    with pytest.raises(ManifestError) as caught, unwritten(FILE, BEFORE):
        raise ManifestError("twice", problems=[problem, Problem(path="", message="no line")])
    assert caught.value.problems[0].line == line(5, "    - six")
    assert caught.value.problems[0].others == (line(0, "rich", "the command"),)
    assert caught.value.problems[1].line is None


def test_nothing_happens_without_a_failure() -> None:
    with unwritten(FILE, BEFORE):
        pass
