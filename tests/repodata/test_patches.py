"""Test records that are corrected on their way to the solver."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envgen.errors import RepodataError
from envgen.models.record import ChannelRecords, Record, Repodata
from envgen.repodata.patches import AmendedRepodata
from envgen.solvers.rattler import RattlerSolver
from tests.fakes.channels import lay_out
from tests.fakes.loopback import Json, package, repodata
from tests.fakes.scenarios import FakeRepodata, records
from tests.fakes.tables import request, versions
from tests.repodata.test_gateway import mirrored

RECORDS = records("a 1.0 : b\na 2.0 : b\nb 1.0 ! c <2")


def cap(record: Record) -> Record:
    return replace(record, constrains=("d <1",)) if record.version == "1.0" else record


def rename(record: Record) -> Record:
    return replace(record, depends=("x",)) if "b" in record.depends else record


class Labelled(FakeRepodata):
    """Provide records as rattler's gateway does: with opaque objects and labels."""

    def closure(self, names: object) -> tuple[ChannelRecords, ...]:
        (entry,) = super().closure(names)  # type: ignore[arg-type]
        labels = tuple((record.name, record.url) for record in entry.records)
        return (replace(entry, native=[object() for _ in entry.records], labels=labels),)


def amended(inner: Repodata | None = None, **rewrite: object) -> AmendedRepodata:
    return AmendedRepodata(inner or FakeRepodata(all=RECORDS), {"a": cap}, **rewrite)  # type: ignore[arg-type]


def test_it_is_a_repodata_like_the_one_inside() -> None:
    inner = FakeRepodata(all=RECORDS, complete=False, origin="starter", notes=("a note",))
    outer: Repodata = amended(inner)
    assert (outer.channels, outer.origin, outer.complete) == (inner.channels, "starter", False)
    assert outer.notes == ("a note",)
    assert outer.names() == {"a", "b"}


def test_an_amendment_is_for_the_solver_alone() -> None:
    (entry,) = amended().closure(["a"])
    assert [record.constrains for record in entry.records] == [("d <1",), (), ("c <2",)]
    assert [record.constrains for record in amended().records(["a"])["a"]] == [(), ()]


def test_a_rewriting_is_for_everybody_and_comes_first() -> None:
    outer = amended(rewrite=rename)
    assert [record.depends for record in outer.records(["a", "b"])["a"]] == [("x",), ("x",)]
    (entry,) = outer.closure(["a"])
    assert [record.depends for record in entry.records] == [("x",), ("x",), ("python",)]
    assert [record.constrains for record in entry.records] == [("d <1",), (), ("c <2",)]


def test_what_is_left_alone_stays_the_solvers_own() -> None:
    inner = Labelled(all=RECORDS)
    (entry,) = amended(inner).closure(["a"])
    assert entry.native is not None
    assert [native is None for native in entry.native] == [True, False, False]
    assert entry.labels is not None
    assert len(entry.labels) == 3
    assert entry.records[1:] == tuple(RECORDS[1:])
    assert len(entry.records) == 3


def test_an_entry_without_anything_to_amend_is_handed_on() -> None:
    inner = FakeRepodata(all=records("b 1.0"))
    outer = amended(inner)
    assert outer.closure(["b"]) == inner.closure(["b"])


def test_a_closure_is_made_once() -> None:
    inner = FakeRepodata(all=RECORDS)
    outer = amended(inner)
    assert outer.closure(["a", "b"]) is outer.closure(["b", "a"])
    assert len(inner.read) == 1


def forge(folder: Path, *entries: Json) -> Repodata:
    return mirrored(
        lay_out(folder, repodata("noarch", *entries), repodata("osx-arm64", package("d"), package("d", "0")))
    )


def test_a_solver_that_reads_the_files_sees_the_amendments_too(tmp_path: Path) -> None:
    inner = forge(tmp_path, package("a"), package("b", depends=["a", "d"]))
    question = request(amended(inner).closure(["b"]), "b")
    assert question.channels[0].opened is not None
    solution = RattlerSolver().solve(question)
    assert versions(solution) == {"a": "1.0", "b": "1.0", "d": "0"}
    assert [record.constrains for record in solution.records] == [("d <1",), (), ()]
    (entry,) = question.channels
    assert sorted(record.constrains for record in entry.records) == [(), (), (), ("d <1",)]


def test_nothing_to_amend_leaves_the_files_as_they_are(tmp_path: Path) -> None:
    inner = forge(tmp_path, package("a", "2.0"), package("b"))
    outer = amended(inner)
    assert outer.closure(["a"])[0].opened is inner.closure(["a"])[0].opened
    assert outer.closure(["b"])[0].opened is outer.closure(["a"])[0].opened


def test_what_the_user_rewrites_is_in_no_file(tmp_path: Path) -> None:
    (entry,) = amended(forge(tmp_path, package("a")), rewrite=rename).closure(["a"])
    assert entry.opened is None


def test_a_broken_record_is_a_fault_of_those_who_need_it(tmp_path: Path) -> None:
    outer = amended(forge(tmp_path, package("0"), package("a", "!!"), package("b")))
    assert versions(RattlerSolver().solve(request(outer.closure(["b"]), "b"))) == {"b": "1.0"}
    with pytest.raises(RepodataError, match="broken record of `a`"):
        outer.closure(["a"])
