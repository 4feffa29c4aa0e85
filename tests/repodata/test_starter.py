"""Write and read starter indexes."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import zstandard

from envgen.errors import RepodataError
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.repodata.starter import open_starter, read_starter, write_starter
from tests.fakes.channels import MAC

DAY = date(2026, 8, 1)


def record(name: str, subdir: str = "noarch", extension: str = ".conda", version: str = "1.0") -> Record:
    return Record(
        name=name,
        version=version,
        build="0",
        build_number=0,
        subdir=subdir,
        channel=CONDA_FORGE.url,
        url=f"{CONDA_FORGE.url}/{subdir}/{name}-{version}-0{extension}",
    )


FULL = replace(
    record("full", "osx-arm64"),
    build="py312_3",
    build_number=3,
    url=f"{CONDA_FORGE.url}/osx-arm64/full-1.0-py312_3.conda",
    md5="0123456789abcdef" * 2,
    sha256="0123456789abcdef" * 4,
    size=123,
    timestamp=1_700_000_000_123,
    depends=("a >=1", "__osx >=11"),
    constrains=("b <2",),
    track_features=("x",),
    license="MIT",
    noarch="python",
    python_site_packages_path="lib/x",
)
RECORDS = (
    FULL,
    replace(record("a"), depends=("old",), noarch="generic", timestamp=1_700_000_000_000),
    record("old", extension=".tar.bz2"),
    record("strange-Ünicode".encode("ascii", "ignore").decode()),
)


def test_gives_back_the_records() -> None:
    index = read_starter(write_starter(RECORDS, DAY), MAC)
    assert index.names() == {each.name for each in RECORDS}
    found = index.records(each.name for each in RECORDS)
    assert tuple(records[0] for records in found.values()) == RECORDS
    (entry,) = index.closure(["full"])
    assert [each.name for each in entry.records] == ["a", "old", "full"]
    assert entry.native is not None
    assert entry.channel == CONDA_FORGE


def test_says_what_it_is() -> None:
    index = read_starter(write_starter(RECORDS, DAY), MAC)
    assert index.channels == (CONDA_FORGE,)
    assert index.origin == "starter index of 2026-08-01"
    assert not index.complete
    (note,) = index.notes
    assert "starter index of 2026-08-01" in note
    assert "`conda-forge` was not asked, or could not be reached" in note
    assert "envgen lock --upgrade" in note


def test_the_same_records_give_the_same_bytes() -> None:
    shuffled = list(RECORDS)
    random.Random(7).shuffle(shuffled)
    assert write_starter(shuffled, DAY) == write_starter(RECORDS, DAY)
    assert write_starter(RECORDS, date(2026, 8, 2)) != write_starter(RECORDS, DAY)


def test_holds_no_urls() -> None:
    text = zstandard.decompress(write_starter(RECORDS, DAY))
    assert b"://" not in text
    assert json.loads(text.splitlines()[0]) == {
        "format": 1,
        "date": "2026-08-01",
        "channel": "conda-forge",
        "subdirs": ["noarch", "osx-arm64"],
    }


def test_reads_one_target_of_several() -> None:
    data = write_starter((*RECORDS, record("c", "linux-64")), DAY)
    assert "c" not in read_starter(data, MAC).names()
    linux = Platform(subdir="linux-64", python="3.12")
    assert read_starter(data, linux).names() == {"a", "old", "c", RECORDS[3].name}


def test_exclude_newer_holds() -> None:
    until = datetime.fromtimestamp(1_700_000_000, UTC)
    index = read_starter(write_starter(RECORDS, DAY), MAC, exclude_newer=until)
    found = index.records(["a", "full", "old"])
    assert [len(records) for records in found.values()] == [1, 0, 0]
    assert index.notes[-1] == "1 record without a date was left out"


@pytest.mark.parametrize(
    "url", ["https://elsewhere/noarch/a-1.0-0.conda", f"{CONDA_FORGE.url}/label/noarch/a-1.0-0.conda"]
)
def test_refuses_records_of_other_places(url: str) -> None:
    with pytest.raises(ValueError, match=f"not a record of conda-forge: {url}"):
        write_starter([replace(record("a"), url=url)], DAY)


def test_may_be_of_another_channel() -> None:
    mine = Channel.parse("mine")
    own = replace(record("a", "osx-arm64"), channel=mine.url, url=f"{mine.url}/osx-arm64/a-1.0-0.conda")
    index = read_starter(write_starter([own], DAY, mine), MAC)
    assert index.records(["a"])["a"] == (own,)


def test_refuses_a_target_that_it_does_not_hold() -> None:
    with pytest.raises(RepodataError, match="nothing for osx-64, only for osx-arm64") as caught:
        read_starter(write_starter(RECORDS, DAY), Platform(subdir="osx-64", python="3.12", macos="13.0"))
    assert "--mirror" in caught.value.hint


def packed(*lines: object) -> bytes:
    return zstandard.compress("".join(json.dumps(line) + "\n" for line in lines).encode())


HEAD = {"format": 1, "date": "2026-08-01", "channel": "conda-forge", "subdirs": ["osx-arm64"]}
DAMAGED = {
    "no bytes": b"",
    "no frame": b"nothing",
    "cut": write_starter(RECORDS, DAY)[:-9],
    "empty frame": zstandard.compress(b""),
    "no json": zstandard.compress(b"x\n"),
    "no object": packed([]),
    "no date": packed({**HEAD, "date": "soon"}, {}),
    "no subdirs": packed({key: value for key, value in HEAD.items() if key != "subdirs"}, {}),
    "too few lines": packed(HEAD),
    "too many lines": packed(HEAD, {}, {}),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_refuses_damage(data: bytes) -> None:
    with pytest.raises(RepodataError, match="the starter index is damaged"):
        read_starter(data, MAC)


def test_refuses_lines_that_are_no_index() -> None:
    with pytest.raises(RepodataError, match="is no repodata index"):
        read_starter(packed(HEAD, {"x": 1}), MAC)


def test_refuses_another_format() -> None:
    with pytest.raises(RepodataError, match="the starter index has format 2, not 1"):
        read_starter(packed({**HEAD, "format": 2}, {}), MAC)


def test_opens_a_file(tmp_path: Path) -> None:
    file = tmp_path / "starter.zst"
    with pytest.raises(RepodataError, match="this envgen has no starter index"):
        open_starter(MAC, file=file)
    file.write_bytes(write_starter(RECORDS, DAY))
    assert open_starter(MAC, file=file).origin == "starter index of 2026-08-01"
