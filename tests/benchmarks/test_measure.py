"""Test the measuring itself, on commands whose cost is known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import cases
from tests.benchmarks.bare_rattler import asked
from tests.benchmarks.claims import Claim, claims
from tests.benchmarks.measure import Case, Cost, FailedError, alternate, measure, median


def python(folder: Path, code: str, name: str = "case", **environment: str) -> Case:
    return Case(name=name, command=(sys.executable, "-c", code), folder=folder, environment=environment)


def cost(wall: float, processor: float = 0.0, megabytes: float = 10.0) -> Cost:
    return Cost(wall=wall, processor=processor, megabytes=megabytes)


def test_time_and_memory_are_those_of_the_process(tmp_path: Path) -> None:
    small = measure(python(tmp_path, "pass"))
    big = measure(python(tmp_path, "data = bytearray(100_000_000); data[::4096] = bytes(len(data[::4096]))"))
    assert min(small.wall, small.processor) > 0
    assert big.megabytes > 100  # a fork of a large process counts that too


def test_a_failure_says_what_was_printed(tmp_path: Path) -> None:
    with pytest.raises(
        FailedError,
        match=r"case: exit code 3\n.*why",
    ):
        measure(python(tmp_path, "import os, sys; print(os.environ['WHY']); sys.exit(3)", WHY="this is why"))


def test_cases_are_measured_in_turn_and_the_first_run_of_each_does_not_count(tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = "import sys; open('order', 'a').write(sys.argv[1])"
    turns = [Case(name=name, command=(sys.executable, "-c", code, name), folder=tmp_path) for name in ("a", "b")]
    found = alternate(turns, 2)
    assert order.read_text() == "ababab"
    assert list(found) == ["a", "b"]


def test_what_a_case_prepares_is_not_measured(tmp_path: Path) -> None:
    made: list[int] = []
    case = Case(name="a", command=(sys.executable, "-c", "pass"), folder=tmp_path, prepare=lambda: made.append(1))
    measure(case)
    assert made == [1]


def test_the_median_is_taken_of_each_figure() -> None:
    assert median([cost(1, 9, 5), cost(3, 8, 5), cost(2, 1, 6)]) == cost(2, 8, 5)


def test_a_call_of_conda_asks_for_its_specs_alone() -> None:
    words = ["--prefix", "/tmp/x", "--dry-run", "--json", "--channel", "one", "--channel", "two"]
    assert asked([*words, "python 3.11.*", "pip"]) == ["python 3.11.*", "pip"]


def test_every_promise_is_compared() -> None:
    costs = {
        cases.LEAST_PYTHON: cost(0.01),
        cases.LEAST_HELP: cost(0.09),
        cases.BARE_RATTLER: cost(0.25),
        cases.LOCK_RATTLER: cost(0.5, megabytes=120),
        cases.CONDA_LOCK: cost(1.5),
        cases.MIXED_SOLVE: cost(0.25),
        cases.MIXED_UV: cost(0.5),
        cases.MIXED: cost(2.5),
    }
    found = list(claims(costs))
    assert [(claim.value, claim.holds) for claim in found] == [
        (pytest.approx(0.08), True),
        (2, True),
        (120, True),
        (3, True),
        (2.5, False),
    ]
    assert str(found[1]) == "a lock, in bare solves: 2 (at most 2.5)"
    assert str(Claim(text="x", value=1, bound=2, unit=" s", at_least=True)) == "x: 1 s (at least 2 s)  NOT KEPT"


def test_nothing_measured_promises_nothing() -> None:
    assert list(claims({})) == []


def test_an_absent_channel_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--channel", str(tmp_path)])
    with pytest.raises(SystemExit) as caught:
        command.main()
    assert caught.value.code == 2
    assert "holds no index: give --channel a folder with osx-arm64/repodata.json" in capsys.readouterr().err


def test_the_table(tmp_path: Path) -> None:
    assert command.rows({"one": cost(1, 2, 30), "other": cost(0.126, 0, 4)}) == [
        "|       | wall time | processor | memory |",
        "|-------|----------:|----------:|-------:|",
        "| one   |    1.00 s |    2.00 s |  30 MB |",
        "| other |    0.13 s |    0.00 s |   4 MB |",
    ]
