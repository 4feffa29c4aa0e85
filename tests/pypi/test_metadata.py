"""Test the reading of wheels' metadata without whole downloads."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from envgen.errors import PypiError, PypiUnreachableError
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import Wheel
from envgen.pypi.http import Session
from envgen.pypi.indexes import Index, Indexes
from envgen.pypi.metadata import MetadataReader
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_wheels import TinyWheel, build_wheel
from tests.pypi.conftest import QUICK

MakeReader = Callable[..., MetadataReader]
BIG = 300_000


@pytest.fixture
def make_reader(tmp_path: Path) -> MakeReader:
    def make(*, offline: bool = False, indexes: Indexes | None = None, cache: Path | None = None) -> MetadataReader:
        session = Session(indexes or Indexes(), {}, timeouts=QUICK, offline=offline)
        return MetadataReader(session, cache or tmp_path / "cache")

    return make


@pytest.fixture
def reader(make_reader: MakeReader) -> MetadataReader:
    return make_reader()


def wheel_of(tiny: TinyWheel, url: str) -> Wheel:
    return Wheel(
        name=tiny.name,
        version=tiny.version,
        filename=tiny.filename,
        url=url,
        sha256=tiny.sha256,
        size=len(tiny.content),
    )


def demo(padding: int = BIG) -> TinyWheel:
    return build_wheel("demo", "1.0", requires=("six>=1",), requires_python=">=3.9", padding=padding)


def test_pep_658_where_it_is_served(index: IndexServer, reader: MetadataReader) -> None:
    metadata = reader.read(wheel_of(demo(), index.add(demo())))
    assert metadata.requires_dist == ("six>=1",)
    assert metadata.requires_python == ">=3.9"
    assert [call.path for call in index.log] == ["/files/demo-1.0-py3-none-any.whl.metadata"]


@pytest.mark.parametrize("padding", [0, BIG], ids=["small", "large"])
def test_ranges_where_it_is_not(padding: int, index: IndexServer, reader: MetadataReader) -> None:
    tiny = demo(padding)
    assert reader.read(wheel_of(tiny, index.add(tiny, core_metadata=False))).requires_dist == ("six>=1",)
    ranges = [call.range for call in index.log if not call.path.endswith(".metadata")]
    assert ranges
    assert all(ranges)
    assert not reader.notes


def test_a_host_without_ranges_is_read_whole_and_told(reader: MetadataReader) -> None:
    with IndexServer(ranges=False) as server:
        metadata = reader.read(wheel_of(demo(), server.add(demo(), core_metadata=False)))
    assert metadata.requires_dist == ("six>=1",)
    assert reader.notes == (
        "`demo-1.0-py3-none-any.whl` was downloaded whole to read its metadata: its host serves no parts of files",
    )


def test_a_whole_file_must_have_its_hash(reader: MetadataReader) -> None:
    with IndexServer(ranges=False) as server:
        wheel = replace(wheel_of(demo(), server.add(demo(), core_metadata=False)), sha256="0" * 64)
        with pytest.raises(PypiError, match="not a wheel of demo 1"):
            reader.read(wheel)


def test_a_whole_file_whose_hash_is_not_known_is_read(reader: MetadataReader) -> None:
    with IndexServer(ranges=False) as server:
        wheel = replace(wheel_of(demo(), server.add(demo(), core_metadata=False)), sha256="")
        assert reader.read(wheel).requires_dist == ("six>=1",)


def test_a_host_that_counts_from_the_start_only(index: IndexServer, reader: MetadataReader) -> None:
    index.suffix_ranges = False
    assert reader.read(wheel_of(demo(), index.add(demo(), core_metadata=False))).requires_dist == ("six>=1",)
    assert not reader.notes
    assert any(call.method == "HEAD" for call in index.log)


def test_what_was_read_once_is_kept(index: IndexServer, make_reader: MakeReader) -> None:
    wheel = wheel_of(demo(), index.add(demo()))
    first, second = make_reader(), make_reader(offline=True)
    assert first.read(wheel) is first.read(wheel)
    assert second.read(wheel) == first.read(wheel)
    assert len(index.log) == 1


def test_another_index_cannot_say_what_a_hash_means(index: IndexServer, make_reader: MakeReader) -> None:
    """A stranger's index may list a file with the hash of another's wheel, and other metadata beside it."""
    honest = wheel_of(demo(), index.add(demo()))
    with IndexServer() as stranger:
        other = build_wheel("demo", "1.0", requires=["evil"])
        assert make_reader().read(replace(honest, url=stranger.add(other))).requires_dist == ("evil",)
    assert make_reader().read(honest).requires_dist == ("six>=1",)


@pytest.mark.parametrize("url", ["http://[x/demo-1.0-py3-none-any.whl", "file:///a\0b"])
def test_an_address_that_is_none(url: str, reader: MetadataReader) -> None:
    with pytest.raises(PypiError, match="not a wheel of demo"):
        reader.read(replace(wheel_of(demo(), url), sha256=""))


def test_a_damaged_cache_is_read_again(index: IndexServer, make_reader: MakeReader, tmp_path: Path) -> None:
    wheel = wheel_of(demo(), index.add(demo()))
    expected = make_reader().read(wheel)
    entry = next((tmp_path / "cache").rglob("*.METADATA"))
    entry.write_bytes(entry.read_bytes()[:20])
    assert make_reader().read(wheel) == expected
    assert len(index.log) == 2


def test_a_cache_that_cannot_be_written(index: IndexServer, make_reader: MakeReader, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    reader = make_reader(cache=tmp_path / "file")
    assert reader.read(wheel_of(demo(), index.add(demo()))).requires_dist == ("six>=1",)


def test_nothing_half_written_stays(
    index: IndexServer, reader: MetadataReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", refuse)
    reader.read(wheel_of(demo(), index.add(demo())))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_without_a_hash_nothing_is_kept(index: IndexServer, reader: MetadataReader, tmp_path: Path) -> None:
    reader.read(replace(wheel_of(demo(), index.add(demo())), sha256=""))
    assert not list(tmp_path.rglob("*.METADATA"))


def test_many_come_in_the_order_asked(index: IndexServer, tmp_path: Path) -> None:
    reader = MetadataReader(Session(Indexes(), {}), tmp_path / "cache")  # with time enough on a busy machine
    tinies = [build_wheel(f"demo-{number}", "1.0") for number in range(20)]
    wheels = [wheel_of(tiny, index.add(tiny, core_metadata=number % 2 == 0)) for number, tiny in enumerate(tinies)]
    assert [metadata.name for metadata in reader.read_many(wheels)] == [tiny.name for tiny in tinies]
    assert reader.read_many([]) == ()


def test_many_stop_at_the_first_failure(index: IndexServer, reader: MetadataReader) -> None:
    wheels = [wheel_of(demo(), f"{index.root}/files/none-{number}.whl") for number in range(60)]
    with pytest.raises(PypiUnreachableError, match="does not serve it"):
        reader.read_many(wheels)
    assert len(index.log) < 100


def test_those_known_already(index: IndexServer, make_reader: MakeReader) -> None:
    one, two = demo(), build_wheel("other", "1.0")
    known, unknown = wheel_of(one, index.add(one)), wheel_of(two, index.add(two))
    make_reader().read(known)
    assert [metadata.name for metadata in make_reader(offline=True).read_known([unknown, known])] == ["demo"]


@pytest.mark.parametrize(
    ("how", "prefix", "words"),
    [
        pytest.param("missing", "/files/", "lists demo-1.0-py3-none-any.whl but does not serve it", id="missing"),
        pytest.param("gone", "/files/", "lists demo-1.0-py3-none-any.whl but does not serve it", id="gone"),
        pytest.param("hang", "/files/", "timed out", id="hang"),
        pytest.param("reset", "/files/", "the connection broke", id="reset"),
        pytest.param("forbidden", "/files/", "does not serve it", id="forbidden"),
        pytest.param("login-page", "/files/", "not a wheel of demo 1.0", id="login page"),
    ],
)
def test_a_host_that_fails(how: str, prefix: str, words: str, index: IndexServer, reader: MetadataReader) -> None:
    wheel = wheel_of(demo(), index.add(demo()))
    index.misbehave(prefix, how)  # type: ignore[arg-type]  # the table's strings are of the literal type
    with pytest.raises(PypiError, match=words):
        reader.read(wheel)


def test_off_line(make_reader: MakeReader, index: IndexServer) -> None:
    with pytest.raises(PypiUnreachableError, match="off-line"):
        make_reader(offline=True).read(wheel_of(demo(), index.add(demo())))
    assert not index.log


def test_the_password_of_the_index_opens_its_files(make_reader: MakeReader) -> None:
    with IndexServer(password="s3cret") as server:
        url = server.add(demo(), core_metadata=False)
        indexes = Indexes(default=Index(url=server.url.replace("http://", "http://user:s3cret@")))
        assert make_reader(indexes=indexes).read(wheel_of(demo(), url)).requires_dist == ("six>=1",)
        with pytest.raises(PypiUnreachableError) as caught:
            make_reader(cache=Path(os.devnull)).read(wheel_of(demo(), url.replace("http://", "http://user:wr0ng@")))
    assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize("as_url", [True, False], ids=["URL", "path"])
def test_a_wheel_on_the_disk(as_url: bool, reader: MetadataReader, tmp_path: Path) -> None:
    path = tmp_path / "with space" / demo().filename
    path.parent.mkdir()
    path.write_bytes(demo().content)
    wheel = wheel_of(demo(), path.as_uri() if as_url else str(path))
    assert reader.read(wheel).requires_dist == ("six>=1",)


def test_what_a_wheel_vendors_is_not_taken_for_its_own(reader: MetadataReader, tmp_path: Path) -> None:
    plain, path = demo(), tmp_path / demo().filename
    with zipfile.ZipFile(path, "w") as archive, zipfile.ZipFile(io.BytesIO(plain.content)) as own:
        archive.writestr("demo-1.0.data/purelib/demo/vendored/six-1.0.dist-info/METADATA", "Name: six\nVersion: 1.0\n")
        for entry in own.infolist():
            archive.writestr(entry, own.read(entry))
    wheel = replace(wheel_of(plain, str(path)), sha256="")
    assert reader.read(wheel).requires_dist == ("six>=1",)


def test_a_wheel_on_the_disk_that_changed(reader: MetadataReader, tmp_path: Path) -> None:
    path = tmp_path / demo().filename
    path.write_bytes(demo().content)
    with pytest.raises(PypiError, match="the file changed"):
        reader.read(replace(wheel_of(demo(), path.as_uri()), sha256="0" * 64))
    path.unlink()
    with pytest.raises(PypiUnreachableError, match="No such file"):
        reader.read(wheel_of(demo(), path.as_uri()))


@pytest.mark.parametrize(
    "tiny",
    [
        pytest.param(replace(demo(), content=b"junk"), id="no zip"),
        pytest.param(replace(build_wheel("other", "1.0"), name="demo"), id="another's"),
        pytest.param(build_wheel("demo", "1.0", metadata=b"junk"), id="junk inside"),
        pytest.param(build_wheel("demo", "1.0", metadata=b"Name: demo\n" + b"#" * (11 << 20)), id="too large"),
    ],
)
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "whole"])
def test_a_damaged_wheel(tiny: TinyWheel, ranges: bool, reader: MetadataReader) -> None:
    with IndexServer(ranges=ranges) as server:
        wheel = wheel_of(tiny, server.add(tiny, core_metadata=False))
        with pytest.raises(PypiError, match="not a wheel of demo 1"):
            reader.read(wheel)


@pytest.mark.parametrize("marker", ['python_version ~= "x"', 'sys_platform === "x"'])
def test_a_marker_that_compares_what_cannot_be_compared_does_not_hold(marker: str) -> None:
    requirement = Requirement.parse(f"six; {marker}", Origin(path="x"))
    assert not requirement.applies(Platform(subdir="osx-arm64", python="3.12", macos="13.0").markers())


def test_a_requirement_with_a_version_of_too_many_digits() -> None:
    with pytest.raises(ValueError, match="too long"):
        Requirement.parse(f"six<{'9' * 5000}", Origin(path="x"))
