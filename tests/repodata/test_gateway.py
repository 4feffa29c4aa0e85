"""Read channels from folders through the one entry."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from envgen.errors import RepodataError
from envgen.models.channel import CONDA_FORGE
from envgen.models.platform import Platform
from envgen.models.record import Record, Repodata
from envgen.repodata.gateway import open_channels
from envgen.repodata.locations import Access
from tests.fakes.channels import MAC, lay_out, opened
from tests.fakes.loopback import Json, package, repodata

FORGE = "https://conda.anaconda.org/conda-forge"
SHARED = Path(__file__).parents[2] / ".." / "shared" / "channel"
NOARCH = repodata("noarch", package("a", depends=["b >=1", "absent"]), package("pip", noarch="generic"))
OSX = repodata(
    "osx-arm64",
    package("b", depends=["__osx >=11"], constrains=["c <2"], track_features="x y", license="MIT"),
    package("lone", python_site_packages_path="lib/site", md5=None, sha256=None, size=None, timestamp=None),
)


def mirrored(folder: Path, exclude_newer: datetime | None = None) -> Repodata:
    access = Access(cache=folder / "cache", mirrors={"conda-forge": str(folder)})
    return open_channels((CONDA_FORGE,), MAC, access, exclude_newer=exclude_newer)


def test_gives_records_with_every_field(tmp_path: Path) -> None:
    found = mirrored(lay_out(tmp_path, NOARCH, OSX)).records(["b", "lone"])
    digest = package("b")
    assert found["b"] == (
        Record(
            name="b",
            version="1.0",
            build="0",
            build_number=0,
            subdir="osx-arm64",
            channel=FORGE,
            url=f"{FORGE}/osx-arm64/b-1.0-0.conda",
            md5=digest["md5"],
            sha256=digest["sha256"],
            size=1234,
            timestamp=1_700_000_000_123,
            depends=("__osx >=11",),
            constrains=("c <2",),
            track_features=("x", "y"),
            license="MIT",
        ),
    )
    (lone,) = found["lone"]
    assert (lone.md5, lone.sha256, lone.size, lone.timestamp) == ("", "", None, None)
    assert lone.python_site_packages_path == "lib/site"


def test_closure_follows_depends_and_knows_no_strangers(tmp_path: Path) -> None:
    index = mirrored(lay_out(tmp_path, NOARCH, OSX))
    (entry,) = index.closure(["a", "nobody"])
    assert entry.channel == CONDA_FORGE
    assert [record.name for record in entry.records] == ["a", "b"]
    assert entry.native is not None
    assert len(entry.native) == 2
    assert index.closure(["nobody", "a"]) is index.closure(["a", "nobody"])
    assert [len(each.records) for each in index.closure(["nobody"])] == [0]


def test_a_reading_that_has_all_names_serves_for_fewer(tmp_path: Path) -> None:
    index = mirrored(lay_out(tmp_path, NOARCH, OSX), exclude_newer=UNTIL)
    whole = index.closure(["a", "lone"])
    assert index.closure(["b"]) is whole  # which a leads to
    assert index.closure(["lone", "nobody"]) is whole
    assert index.closure(["a", "pip"]) is not whole


def test_few_closures_are_kept(tmp_path: Path) -> None:
    index = mirrored(lay_out(tmp_path, NOARCH, OSX))
    first = index.closure(["a"])
    assert index.closure(["a"]) is first
    for name in ("b", "lone", "c"):
        index.closure([name])
    assert index.closure(["a"]) is not first


def test_a_solver_may_read_the_files_of_one_channel_itself(tmp_path: Path) -> None:
    lay_out(tmp_path, NOARCH, OSX)
    assert mirrored(tmp_path).closure(["a"])[0].opened is not None
    assert mirrored(tmp_path, exclude_newer=UNTIL).closure(["a"])[0].opened is None
    mirrors = {"alpha": str(tmp_path), "beta": str(tmp_path)}
    two = opened("alpha", "beta", cache=tmp_path, mirrors=mirrors)
    assert [entry.opened for entry in two.closure(["a"])] == [None, None]


def test_records_are_converted_when_looked_at_and_once(tmp_path: Path) -> None:
    (entry,) = mirrored(lay_out(tmp_path, NOARCH, OSX)).closure(["a"])
    first, second = entry.records
    assert entry.records[0] is first
    assert list(entry.records[0:2]) == [first, second]
    assert entry.records[-1] is second
    with pytest.raises(IndexError):
        entry.records[2]


@pytest.mark.parametrize("text", ["../channel", "../here/../channel"])
def test_a_relative_mirror_starts_at_the_folder_of_the_run(tmp_path: Path, text: str) -> None:
    lay_out(tmp_path / "channel", NOARCH, OSX)
    (tmp_path / "here").mkdir()
    access = Access(cache=tmp_path, mirrors={"conda-forge": text}, folder=tmp_path / "here")
    index = open_channels((CONDA_FORGE,), MAC, access)
    assert index.records(["pip"])["pip"][0].url == f"{FORGE}/noarch/pip-1.0-0.conda"
    assert (index.origin, index.notes) == ("conda-forge", ("channel `conda-forge` was read from a mirror",))


def test_a_channel_may_be_a_file_url(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "mine", NOARCH, OSX)
    index = opened(f"file://{folder}", cache=tmp_path)
    (pip,) = index.records(["pip"])["pip"]
    assert (pip.url, pip.noarch) == (f"file://{folder}/noarch/pip-1.0-0.conda", "generic")
    assert (index.origin, index.notes, index.complete) == (f"file://{folder}", (), True)


def test_channels_keep_their_order_and_come_once(tmp_path: Path) -> None:
    for name, version in (("beta", "2"), ("alpha", "1")):
        lay_out(tmp_path / name, repodata("noarch", package("a", version)), repodata("osx-arm64"))
    mirrors = {name: str(tmp_path / name) for name in ("alpha", "beta")}
    index = opened("beta", "alpha", "beta", cache=tmp_path, mirrors=mirrors)
    assert [channel.name for channel in index.channels] == ["beta", "alpha"]
    assert index.origin == "beta, alpha"
    assert [record.version for record in index.records(["a"])["a"]] == ["2", "1"]
    assert [[record.version for record in entry.records] for entry in index.closure(["a"])] == [["2"], ["1"]]


def test_one_folder_may_stand_for_two_channels(tmp_path: Path) -> None:
    lay_out(tmp_path, NOARCH, OSX)
    index = opened("alpha", "beta", cache=tmp_path, mirrors={"alpha": str(tmp_path), "beta": str(tmp_path)})
    assert [entry.records[0].channel.rsplit("/", 1)[-1] for entry in index.closure(["pip"])] == ["alpha", "beta"]


UNTIL = datetime(2024, 1, 1, tzinfo=UTC)
STAMP = round(UNTIL.timestamp() * 1000)
DATES = {"1": STAMP - 1, "2": STAMP, "3": STAMP + 1, "4": None, "5": 0}


def dated(folder: Path) -> Path:
    entries = [package(name, version, timestamp=date) for name in ("a", "z") for version, date in DATES.items()]
    return lay_out(folder, repodata("noarch", *entries), OSX)


@pytest.mark.parametrize("until", [UNTIL, UNTIL.astimezone(timezone(timedelta(hours=14)))], ids=["UTC", "elsewhere"])
def test_exclude_newer_is_inclusive_and_drops_what_has_no_date(tmp_path: Path, until: datetime) -> None:
    index = mirrored(dated(tmp_path), exclude_newer=until)
    assert [record.version for record in index.records(["a"])["a"]] == ["1", "2"]
    assert [record.version for record in index.closure(["a"])[0].records] == ["1", "2"]
    assert index.notes[-1] == "2 records without a date were left out"
    index.records(["z"])
    assert index.notes[-1] == "4 records without a date were left out"
    assert "z" in index.names()


def test_without_exclude_newer_records_need_no_date(tmp_path: Path) -> None:
    index = mirrored(dated(tmp_path))
    assert len(index.records(["a"])["a"]) == 5
    assert len(index.notes) == 1


def test_a_broken_record_is_named(tmp_path: Path) -> None:
    broken = repodata("noarch", package("a"), package("b", version="!!"), package("c", depends=["b"]))
    index = mirrored(lay_out(tmp_path, broken, repodata("osx-arm64")))
    assert len(index.records(["a"])["a"]) == 1
    for read in (index.records, lambda names: list(index.closure(names)[0].records)):
        with pytest.raises(RepodataError, match=r"noarch/repodata\.json has a broken record of `b`: malformed version"):
            read(["b", "c"])


def test_a_record_filed_under_another_name_is_left_out(tmp_path: Path) -> None:
    odd = repodata("noarch", package("a"))
    odd["packages.conda"]["z-1.0-0.conda"] = package("other")
    index = mirrored(lay_out(tmp_path, odd, repodata("osx-arm64")))
    assert index.records(["z"]) == {"z": ()}


def real_entries(subdir: str) -> dict[str, Json]:
    """Read the partial channel's entries by URL, without envgen."""
    found: dict[str, Json] = {}
    for folder in (subdir, "noarch"):
        data = json.loads((SHARED / "conda-forge" / folder / "repodata.json").read_bytes())
        for kind in ("packages", "packages.conda"):
            found.update((f"{FORGE}/{folder}/{name}", entry) for name, entry in data[kind].items())
    return found


def as_record(entry: Json) -> Json:
    """Return an entry's fields as a record holds them; timestamps of before 5138, in seconds, become milliseconds."""
    known = {field.name for field in fields(Record)} & set(entry)
    kept: Json = {name: tuple(entry[name]) if isinstance(entry[name], list) else entry[name] for name in known}
    if "timestamp" in kept and kept["timestamp"] < 100_000_000_000:
        kept["timestamp"] *= 1000
    if isinstance(kept.get("track_features"), str):
        kept["track_features"] = tuple(kept["track_features"].split())
    return {"channel": FORGE, **{name: value for name, value in kept.items() if value not in ("", (), None)}}


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="needs the partial channel beside the checkout")
class TestPartialChannel:
    """Read a real index."""

    ROOTS = ("python", "tensorflow", "scikit-learn", "pandas", "matplotlib", "jupyterlab", "pip")

    def open(self, subdir: str = "osx-arm64", exclude_newer: datetime | None = None) -> Repodata:
        platform = Platform(subdir=subdir, python="3.11", macos="13.0" if subdir.startswith("osx") else "")
        access = Access(cache=Path("unused"), mirrors={"conda-forge": str(SHARED / "conda-forge")})
        return open_channels((CONDA_FORGE,), platform, access, exclude_newer=exclude_newer)

    def test_every_record_is_as_in_the_file(self) -> None:
        index, expected = self.open(), real_entries("osx-arm64")
        assert index.names() == {entry["name"] for entry in expected.values()}
        found = {record.url: record for records in index.records(index.names()).values() for record in records}
        twins = {url for url in expected if url.endswith(".tar.bz2") and url.replace(".tar.bz2", ".conda") in expected}
        assert set(found) == set(expected) - twins
        for url, record in found.items():
            got = {name: value for name, value in asdict(record).items() if value not in ("", (), None)}
            assert {"track_features": (), **got} == {"track_features": (), "url": url, **as_record(expected[url])}

    def test_the_closure_holds_what_records_need(self) -> None:
        index = self.open()
        (entry,) = index.closure(self.ROOTS)
        held = {record.name for record in entry.records}
        needed = {depend.split()[0] for record in entry.records for depend in record.depends}
        assert set(self.ROOTS) <= held
        assert {name for name in needed & index.names() if not name.startswith("__")} <= held
        assert [record.url for record in entry.records] == sorted(record.url for record in entry.records)

    def test_linux_is_another_target(self) -> None:
        (entry,) = self.open("linux-64").closure(["python"])
        assert {record.subdir for record in entry.records} == {"linux-64", "noarch"}

    def test_what_has_no_date_is_counted(self) -> None:
        index = self.open(exclude_newer=datetime(2024, 1, 1, tzinfo=UTC))
        (entry,) = index.closure(self.ROOTS)
        assert all(record.timestamp is not None for record in entry.records)
        assert index.notes[-1].endswith(" records without a date were left out")
