"""Convert rattler's records, and write records as repodata."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rattler
from hypothesis import given
from hypothesis import strategies as st

from envgen.models.channel import CONDA_FORGE
from envgen.repodata.sources import open_index, packed, to_record
from tests.fakes.channels import lay_out
from tests.fakes.loopback import package, repodata
from tests.fakes.tables import record

URL = "https://conda.anaconda.org/mine/noarch/a-1.0-0.conda"


def native(version: str = "1.0", **fields: object) -> rattler.RepoDataRecord:
    record = rattler.PackageRecord(
        name="A", version=version, build=rattler.BuildString("0"), build_number=0, subdir="noarch", arch=None
    )
    for name, value in fields.items():
        setattr(record, name, value)
    return rattler.RepoDataRecord(record, "a-1.0-0.conda", URL, "https://conda.anaconda.org/mine/")


def test_keeps_the_spelling_of_a_version_and_not_of_a_name() -> None:
    record = to_record(native("2024.02.02"), "mine")
    assert (record.name, record.version, record.channel, record.url) == ("a", "2024.02.02", "mine", URL)


@given(dates=st.lists(st.integers(253_402_300_800, 20_000_000_000_000), max_size=200))
def test_keeps_every_millisecond(tmp_path_factory: pytest.TempPathFactory, dates: list[int]) -> None:
    entries = [package("a", str(version), timestamp=date) for version, date in enumerate(dates)]
    folder = lay_out(tmp_path_factory.mktemp("dates"), repodata("noarch", *entries))
    found = open_index(CONDA_FORGE, "noarch", folder / "noarch" / "repodata.json").load_records("a")
    assert {record.version: record.timestamp for record in (to_record(each, "x") for each in found)} == {
        str(version): date for version, date in enumerate(dates)
    }


def test_what_no_lock_may_hold_is_left_out(tmp_path: Path) -> None:
    entries = [package("a", "1", timestamp=-1, size=1 << 53), package("a", "2", timestamp=253_402_300_800, size=0)]
    folder = lay_out(tmp_path, repodata("noarch", *entries))
    found = open_index(CONDA_FORGE, "noarch", folder / "noarch" / "repodata.json").load_records("a")
    records = sorted((to_record(each, "x") for each in found), key=lambda record: record.version)
    assert [(record.timestamp, record.size) for record in records] == [(None, None), (253_402_300_800, 0)]


@pytest.mark.parametrize(("noarch", "expected"), [("python", "python"), ("generic", "generic"), (None, "")], ids=str)
def test_names_the_kind_of_noarch(noarch: str | None, expected: str) -> None:
    kind = rattler.NoArchType(noarch)  # type: ignore[arg-type]  # a literal in a table
    assert to_record(native(noarch=kind), "mine").noarch == expected


A = record("a 1.0 b_0 3", depends=["c >=1"], md5="0" * 32, timestamp=17, track_features=("slow",))
B = record("b 2.0", subdir="noarch", noarch="python", ext="tar.bz2")


def test_records_go_where_their_urls_say() -> None:
    found = packed([A, B])
    assert list(found) == ["noarch", "osx-arm64"]
    assert [list(found[subdir]["packages"]) for subdir in found] == [["b-2.0-h0_0.tar.bz2"], []]
    assert [list(found[subdir]["packages.conda"]) for subdir in found] == [[], ["a-1.0-b_0.conda"]]
    assert found["noarch"]["info"] == {"subdir": "noarch"}


def test_an_entry_holds_what_the_record_says_and_no_more() -> None:
    assert packed([A])["osx-arm64"]["packages.conda"]["a-1.0-b_0.conda"] == {
        "name": "a",
        "version": "1.0",
        "build": "b_0",
        "build_number": 3,
        "subdir": "osx-arm64",
        "md5": "0" * 32,
        "timestamp": 17,
        "depends": ("c >=1",),
        "track_features": ("slow",),
    }
    assert packed([B])["noarch"]["packages"]["b-2.0-h0_0.tar.bz2"]["depends"] == ()  # type: ignore[index]  # an entry


def test_the_order_of_the_records_does_not_matter() -> None:
    assert json.dumps(packed([A, B])) == json.dumps(packed([B, A]))
