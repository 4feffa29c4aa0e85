"""Hand opened files to rattler's solver, with some records corrected."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import rattler

from envgen.models.channel import CONDA_FORGE
from envgen.models.record import OpenedIndex, Record
from envgen.repodata.gateway import CorrectedIndex
from envgen.repodata.sources import Source
from envgen.system.lifetime import run
from tests.fakes.channels import lay_out
from tests.fakes.loopback import package, repodata
from tests.repodata.test_gateway import mirrored

NOARCH = repodata("noarch", package("a", depends=["b"]), package("b", "1"), package("b", "2"))
OSX = repodata("osx-arm64", package("b", "3"), package("c"))


def answer(opened: OpenedIndex, *specs: str) -> list[Record]:
    """Solve over the files alone."""
    work = rattler.solve_with_sparse_repodata(
        [rattler.MatchSpec(spec) for spec in specs],
        opened.readings,  # type: ignore[arg-type]  # they are opaque to all others
    )
    return sorted((opened.record(native) for native in run(work)), key=lambda record: record.name)


@pytest.fixture
def index(tmp_path: Path) -> tuple[OpenedIndex, dict[str, tuple[Record, ...]]]:
    repodata = mirrored(lay_out(tmp_path, NOARCH, OSX))
    (entry,) = repodata.closure(["a"])
    assert isinstance(entry.opened, Source)
    return entry.opened, repodata.records(["a", "b", "c"])


Index = tuple[OpenedIndex, dict[str, tuple[Record, ...]]]


def test_records_come_back_as_the_channel_gives_them(index: Index) -> None:
    opened, records = index
    assert answer(opened, "a") == [records["a"][0], records["b"][-1]]


def test_what_is_no_record_of_rattlers_is_refused(index: Index) -> None:
    with pytest.raises(TypeError, match="not a record of rattler's: 17"):
        index[0].record(17)


def test_corrected_records_take_the_place_of_all_of_their_name(index: Index) -> None:
    opened, records = index
    changed = [replace(record, constrains=("c <1",)) if record.version == "3" else record for record in records["b"]]
    corrected = CorrectedIndex.of(CONDA_FORGE, opened, changed)
    assert answer(corrected, "a", "c") == [
        records["a"][0],
        *(each for each in changed if each.version == "2"),
        *records["c"],
    ]
    (_, chosen) = answer(corrected, "a")
    assert (chosen.version, chosen.constrains, chosen.url) == ("3", ("c <1",), records["b"][-1].url)
    dropped = CorrectedIndex.of(CONDA_FORGE, opened, changed[:1])
    assert [record.version for record in answer(dropped, "b")] == [changed[0].version]
