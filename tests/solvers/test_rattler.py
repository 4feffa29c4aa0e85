"""Check what is rattler's own: its objects, and its failures."""

from __future__ import annotations

from dataclasses import replace

import pytest
import rattler
from rattler.exceptions import SolverError

from envgen.errors import SolveError, UnsatisfiableError
from envgen.models.record import ChannelRecords
from envgen.solvers.candidates import NameIndex
from envgen.solvers.rattler import RattlerSolver, _RattlerChannel, _Source, to_native
from tests.fakes.tables import ALPHA, record, request, table, versions


def test_native_records_are_used_and_ours_come_back() -> None:
    ours = (record("a 1.0", md5="0" * 32), record("a 2.0", md5="1" * 32))
    channel = ChannelRecords(channel=ALPHA, records=ours, native=[to_native(found) for found in ours])
    (chosen,) = RattlerSolver().solve(request(channel, "a")).records
    assert chosen is ours[1]


def test_a_record_without_a_native_form_is_converted() -> None:
    ours = (record("a 1.0"), record("a 2.0"))
    channel = ChannelRecords(channel=ALPHA, records=ours, native=(to_native(ours[0]), None))
    solution = RattlerSolver().solve(request(channel, "a"))
    assert (versions(solution), solution.solver) == ({"a": "2.0"}, "rattler")


def test_the_native_form_holds_what_a_solve_looks_at() -> None:
    ours = record(
        "a-b 1!2.0 odd.build 3",
        depends=["python >=3.11", "b 1.*"],
        constrains=("c <2",),
        track_features=("slow",),
        timestamp=1700000000123,
    )
    native = to_native(ours)
    assert (native.name.normalized, str(native.version), str(native.build)) == ("a-b", "1!2.0", "odd.build")
    assert (native.build_number, native.depends, native.constrains) == (3, ["python >=3.11", "b 1.*"], ["c <2"])
    assert native.track_features == ["slow"]
    assert (native.url, native.channel) == (ours.url, "https://conda.anaconda.org/alpha/")
    assert native.timestamp is not None
    assert round(native.timestamp.timestamp() * 1000) == 1700000000123


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def solve(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(rattler, "solve", solve)


def test_a_failure_that_is_no_refusal_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, SolverError("Solve operation has been cancelled"))
    with pytest.raises(SolveError, match="rattler failed: Solve operation has been cancelled") as caught:
        RattlerSolver().solve(request(table("a 1"), "a"))
    assert not isinstance(caught.value, UnsatisfiableError)


def test_a_record_from_nowhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def solve(*_: object, **__: object) -> list[rattler.RepoDataRecord]:
        return [to_native(replace(record("a 9"), url="https://elsewhere.example/osx-arm64/a-9-0.conda"))]

    monkeypatch.setattr(rattler, "solve", solve)
    with pytest.raises(SolveError, match="was not given: https://elsewhere"):
        RattlerSolver().solve(request(table("a 1"), "a"))


def test_the_source_names_its_packages_by_subdir() -> None:
    index = NameIndex.of([("a", "c/noarch/a-1-0.conda"), ("b", "c/osx-arm64/b-1-0.conda")])
    source = _Source(_RattlerChannel([], ["noarch", "osx-arm64"], index), index.by_name)
    assert source.package_names(rattler.Subdir("noarch")) == ["a"]
    assert source.package_names(rattler.Subdir("osx-arm64")) == ["b"]


def test_channels_and_subdirs_are_kept_apart() -> None:
    twins = (record("a 1.0"), record("a 1.0", subdir="noarch", noarch="generic"))
    solution = RattlerSolver().solve(request(ChannelRecords(channel=ALPHA, records=twins), "a"))
    assert len(solution.records) == 1
