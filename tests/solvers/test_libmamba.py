"""Check what is libmamba's own: its words, its failures, and that it leaves the process alone."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import pytest

from envgen.errors import SolveError, UnsatisfiableError
from envgen.models.record import Record
from tests.fakes.tables import record, request, table, versions

libmambapy = pytest.importorskip("libmambapy", reason="conda-forge has it")

from envgen.solvers.libmamba import LibmambaSolver  # noqa: E402


def problem(channel: str, *specs: str, constraints: tuple[str, ...] = ()) -> str:
    with pytest.raises(UnsatisfiableError) as caught:
        LibmambaSolver().solve(request(table(channel), *specs, constraints=constraints))
    return caught.value.problem


def test_the_words_are_plain() -> None:
    text = problem("a 1.0 : b\n b 1.0", "a", constraints=("b >=2",))
    assert text.splitlines() == [
        "The following packages are incompatible",
        "├─ the request is constrained to",
        "│  └─ b >=2, which can be installed;",
        "└─ a is not installable because it requires",
        "   └─ b, which conflicts with any installable versions previously reported.",
    ]


def test_a_build_is_still_named() -> None:
    assert "python 3.12.* *_cp312" in problem("a 1 : python 3.12.* *_cp312\n python 3.12.0 x_cp311", "a").replace(
        "=3.12", "3.12.*"
    )


def test_no_context_is_made_and_no_signal_is_taken() -> None:
    before = signal.getsignal(signal.SIGINT)
    LibmambaSolver().solve(request(table("a 1.0"), "a"))
    assert signal.getsignal(signal.SIGINT) is before
    options = libmambapy.ContextOptions()
    options.enable_signal_handling = False
    options.enable_logging = False
    libmambapy.Context(options)  # a second one would raise


class Broken:
    """Fail as libmamba fails."""

    def solve(self, *_: object) -> None:
        raise libmambapy.MambaNativeException("something native")


def test_a_failure_that_is_no_refusal_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envgen.solvers.libmamba.libsolv.Solver", Broken)
    with pytest.raises(SolveError, match="libmamba failed: ") as caught:
        LibmambaSolver().solve(request(table("a 1.0"), "a"))
    assert not isinstance(caught.value, UnsatisfiableError)


def test_a_record_from_nowhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from envgen.solvers import libmamba

    def elsewhere(ours: Record) -> Any:
        return package_info(replace(ours, url="https://elsewhere.example/osx-arm64/a-1.0-0.conda"))

    package_info = libmamba._package_info
    monkeypatch.setattr(libmamba, "_package_info", elsewhere)
    with pytest.raises(SolveError, match="was not given: https://elsewhere"):
        LibmambaSolver().solve(request(table("a 1.0"), "a"))


def test_records_are_ordered_by_time_since_long_ago() -> None:
    old = record("a 1.0 z", timestamp=1)
    new = record("a 1.0 b", timestamp=1786000000000)
    channel = replace(table(""), records=(old, record("a 1.0 c", timestamp=1300000000000), new))
    assert LibmambaSolver().solve(request(channel, "a")).records == (new,)


def test_many_requests_in_one_process() -> None:
    solver = LibmambaSolver()
    channel = table("a 1.0\n a 2.0\n b 1.0 : a <2")
    for _ in range(5):
        assert versions(solver.solve(request(channel, "a"))) == {"a": "2.0"}
        assert versions(solver.solve(request(channel, "a", "b"))) == {"a": "1.0", "b": "1.0"}
        assert versions(solver.solve(request(channel, "a", constraints=("a <2",)))) == {"a": "1.0"}
