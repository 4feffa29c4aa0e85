"""Test records that are corrected on their way to the solver."""

from __future__ import annotations

from dataclasses import replace

from envgen.gateways.amend import AmendedRepodata
from envgen.models.record import Record
from envgen.models.repodata import ChannelRecords, Repodata
from tests.plan.worlds import FakeRepodata, records

RECORDS = records("a 1.0 : b\na 2.0 : b\nb 1.0 ! c <2")


def cap(record: Record) -> Record:
    return replace(record, constrains=("d <1",)) if record.version == "1.0" else record


def rename(record: Record) -> Record:
    return replace(record, depends=("x",)) if "b" in record.depends else record


class Labelled(FakeRepodata):
    """Give records as rattler's gateway does: with opaque objects and labels."""

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
