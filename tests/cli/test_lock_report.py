"""Results are told as tables, notes and warnings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.cli.console import Console
from envgen.cli.lock import SHOWN_MOVES, environments_shape, report_lock
from envgen.cli.new import report_new
from envgen.locking.lock import EnvironmentResult
from envgen.models.findings import Decision, Finding, Move
from tests.fakes.locks import make_lock, small_platform
from tests.json_shapes import ENVIRONMENTS, assert_shape

FINDINGS = (
    Finding(code="A-FACT", severity="info", message="it is so", hint="know it"),
    Finding(code="A-DOUBT", severity="warning", message="it may fail", packages=("numpy",)),
)
PLATFORM = replace(small_platform(), findings=FINDINGS, notes=("of the lock",))
LOCK = make_lock(PLATFORM)


def result(*, changed: bool = True, moved: dict[str, tuple[Move, ...]] | None = None) -> EnvironmentResult:
    files = (f"environments/{LOCK.name}/conda-lock.yml", f"environments/{LOCK.name}/environment.yml")
    return EnvironmentResult(
        name=LOCK.name, files=files, lock=LOCK, changed=changed, moved=moved or {}, notes=("of the run",)
    )


def moves(count: int) -> tuple[Move, ...]:
    return tuple(Move(name=f"p{number:02}", before="1", after="2", why="asked for") for number in range(count))


def test_notes_and_findings_are_told_by_their_weight(capsys: pytest.CaptureFixture[str]) -> None:
    report_new(Console(), result())
    assert capsys.readouterr().err.splitlines() == [
        "note: of the lock",
        "note: A-FACT: it is so (hint: know it)",
        "warning: A-DOUBT: it may fail",
        "note: of the run",
    ]


def test_a_warning_is_heard_even_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    report_new(Console(quiet=True), result())
    assert capsys.readouterr() == ("", "warning: A-DOUBT: it may fail\n")


def test_moves_are_cut_after_a_screenful(capsys: pytest.CaptureFixture[str]) -> None:
    report_lock(Console(), [result(moved={"osx-arm64": moves(SHOWN_MOVES + 3)})])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"osx-arm64: {SHOWN_MOVES + 3} moved"
    assert "… and 3 more (see --json)" in lines
    assert sum(line.startswith("p") for line in lines) == SHOWN_MOVES


def test_a_lock_that_moves_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    report_lock(Console(), [result(moved={"osx-arm64": ()})])
    assert "osx-arm64: nothing moved" in capsys.readouterr().out


def test_what_is_needed_alone_is_listed_with_verbose_only(capsys: pytest.CaptureFixture[str]) -> None:
    name = PLATFORM.conda[0].name
    decision = Decision(requirement=name, name=name, source="conda", why="the channel has it; x 1 on PyPI requires it")
    lock = make_lock(replace(PLATFORM, decisions=(decision,)))
    for verbose in (False, True):
        report_new(Console(verbose=verbose), replace(result(), lock=lock))
        table = capsys.readouterr().out.split("SOURCE  WHY")[1].split("SOURCE  BUILD")[0]
        assert ("the channel has it" in table) is verbose


def test_the_shape_of_findings_and_moves() -> None:
    shape = environments_shape([result(moved={"osx-arm64": moves(2)})])
    assert_shape(shape, ENVIRONMENTS)
