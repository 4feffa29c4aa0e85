"""Write records as repodata."""

from __future__ import annotations

import json

from envgen.repodata.records import packed
from tests.fakes.tables import record

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
