"""Both solvers to the same choices: ranks of records, valid answers, no dependence on order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from envgen.errors import UnsatisfiableError
from envgen.models.record import ChannelRecords, Record, VirtualPackage
from envgen.models.solve import Solver, SolveRequest
from tests.fakes.tables import ALPHA, assert_valid, pins, random_request, record, request, table, versions

MAC_14_5 = (VirtualPackage(name="__osx", version="14.5"), VirtualPackage(name="__unix", version="0"))


def only(*records: Record) -> ChannelRecords:
    return ChannelRecords(channel=ALPHA, records=records)


RANKS = [
    ("track features lose to a lower version", record("a 1.0"), record("a 2.0", track_features=("slow",))),
    ("the higher build number", record("a 1.0 x 2"), record("a 1.0 y 1")),
    ("build number before build string", record("a 1.0 a 2"), record("a 1.0 z 1")),
    ("the later timestamp", record("a 1.0 x", timestamp=1700000000000), record("a 1.0 y", timestamp=1600000000000)),
    ("later within a second", record("a 1.0 y", timestamp=1700000000500), record("a 1.0 x", timestamp=1700000000000)),
    ("any timestamp before none", record("a 1.0 y", timestamp=1600000000000), record("a 1.0 x")),
    ("the first file name in a complete tie", record("a 1.0 x"), record("a 1.0 y")),
    ("version before timestamp", record("a 1.1", timestamp=1500000000000), record("a 1.0", timestamp=1700000000000)),
    (".conda before .tar.bz2", record("a 1.0"), record("a 1.0", ext="tar.bz2")),
    ("an epoch before any version", record("a 1!0.5"), record("a 9.0")),
]


@pytest.mark.parametrize(("best", "worst"), [rank[1:] for rank in RANKS], ids=[rank[0] for rank in RANKS])
def test_the_better_record_is_chosen_whatever_the_order(solver: Solver, best: Record, worst: Record) -> None:
    for records in ((best, worst), (worst, best)):
        assert solver.solve(request(only(*records), "a")).records == (best,)


def test_the_variant_with_newer_dependencies_is_chosen(solver: Solver) -> None:
    asked = request(table("x 1 b311 0 : python 3.11.*\n x 1 a312 0 : python 3.12.*\n python 3.11\n python 3.12"), "x")
    assert pins(solver.solve(asked)) == ["python=3.12=h0_0", "x=1=a312"]


def test_a_noarch_record_competes_with_the_platforms(solver: Solver) -> None:
    noarch = record("a 2.0", subdir="noarch", noarch="python", depends=["python"])
    assert solver.solve(request(only(record("a 1.0"), noarch, record("python 3.12.1")), "a")).records == (
        noarch,
        record("python 3.12.1"),
    )


def test_a_tar_bz2_alone_is_used(solver: Solver) -> None:
    old = record("a 1.0", ext="tar.bz2")
    assert solver.solve(request(only(old), "a")).records == (old,)


def test_our_own_records_come_back(solver: Solver) -> None:
    full = record(
        "a 1.0",
        md5="0123456789abcdef" * 2,
        sha256=64 * "7",
        size=12,
        timestamp=1700000000123,
        license="MIT",
        constrains=("b <2",),
        python_site_packages_path="lib/python3.12/site-packages",
    )
    (found,) = solver.solve(request(only(full), "a")).records
    assert found is full


def test_a_solution_is_sorted_by_name_and_holds_no_virtual_package(solver: Solver) -> None:
    solution = solver.solve(request(table("z 1 : b, __unix\n b 1 : m, __osx\n m 1 : __archspec * m1"), "z", "__osx"))
    assert pins(solution) == ["b=1=h0_0", "m=1=h0_0", "z=1=h0_0"]


@pytest.mark.parametrize("virtual", [(), MAC_14_5], ids=["none", "macos 14.5"])
def test_virtual_packages_are_the_requests_alone(solver: Solver, virtual: Sequence[VirtualPackage]) -> None:
    asked = request(table("a 1.0 : __osx >=14"), "a", virtual=virtual)
    if virtual:
        assert versions(solver.solve(asked)) == {"a": "1.0"}
    else:
        with pytest.raises(UnsatisfiableError):
            solver.solve(asked)


def outcome(solver: Solver, asked: SolveRequest) -> list[str] | None:
    try:
        return pins(solver.solve(asked))
    except UnsatisfiableError:
        return None


@pytest.mark.parametrize("seed", range(40))
def test_answers_are_valid_and_do_not_depend_on_order(solver: Solver, seed: int) -> None:
    asked = random_request(seed)
    answer = outcome(solver, asked)
    draw = random.Random(seed)
    for _ in range(3):
        (channel,) = asked.channels
        shuffled = replace(
            asked,
            channels=(replace(channel, records=tuple(draw.sample(channel.records, len(channel.records)))),),
            specs=tuple(draw.sample(asked.specs, len(asked.specs))),
        )
        assert outcome(solver, shuffled) == answer
    if answer is not None:
        assert_valid(asked, [r for entry in asked.channels for r in entry.records if str(r) in answer])


@pytest.mark.parametrize("seed", range(40, 120))
def test_both_solvers_find_an_answer_or_none(both: tuple[Solver, Solver], seed: int) -> None:
    rattler, libmamba = (outcome(solver, random_request(seed)) for solver in both)
    assert (rattler is None) == (libmamba is None)
