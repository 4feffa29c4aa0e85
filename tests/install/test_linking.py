"""rattler's words become ours, and its records say where packages came from."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import rattler
from rattler.exceptions import InstallerError

from envgen.errors import InstallError
from envgen.install import conda_packages
from envgen.install.conda_packages import CondaLinker, StaleCacheError, link, to_native, unpack, unpacked
from envgen.install.download import check_space
from envgen.install.prefix import Marker, read_contents, read_marker, write_marker
from envgen.install.prefix_diff import WantedContents, verify_contents
from envgen.models.package_key import PackageKey
from tests.fakes.locks import make_record
from tests.fakes.tiny_conda import TinyConda, build_conda
from tests.install.test_obtaining import artifact

CHANNEL = "https://conda.example/team"


def job(folder: Path, *packages: TinyConda, lines: list[str] | None = None, given: bool = True) -> CondaLinker:
    paths = {}
    for package in packages:
        path = folder / package.filename
        path.write_bytes(package.content)
        paths[PackageKey("conda", str(package.entry["name"]))] = path
    records = tuple(package.record(CHANNEL) for package in packages)
    if given:
        unpack(records, paths, folder / "cache")
    return CondaLinker(
        prefix=folder / "p",
        subdir="linux-64",
        records=records,
        relinked=frozenset(),
        cache=folder / "cache",
        report=(lines if lines is not None else []).append,
    )


def test_records_keep_their_channels_address(tmp_path: Path) -> None:
    package = build_conda("a", files={"share/a": b"1"})
    lines: list[str] = []
    link(job(tmp_path, package, lines=lines))
    data = json.loads((tmp_path / "p/conda-meta/a-1.0-0.json").read_text())
    assert data["url"] == f"{CHANNEL}/linux-64/a-1.0-0.conda"
    assert data["channel"] == f"{CHANNEL}/"
    assert lines[0] == "linking: 0 of 1 packages"
    assert lines[-1] == "linking: 1 of 1 packages"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_records_can_be_read_by_all(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        link(job(tmp_path, build_conda("a", files={"share/a": b"1"})))
    finally:
        os.umask(before)
    assert (tmp_path / "p/conda-meta/a-1.0-0.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("there", "after"),
    [
        ("https://mirror.example/a-1.0-0.conda", "https://mirror.example/a-1.0-0.conda"),
        ("file:///srv/channel/linux-64/a-1.0-0.conda", f"{CHANNEL}/linux-64/a-1.0-0.conda"),
    ],
    ids=["another tool's mirror", "another tool's folder"],
)
def test_records_of_another_tool_keep_an_address_but_no_path(tmp_path: Path, there: str, after: str) -> None:
    package = build_conda("a", files={"share/a": b"1"})
    link(job(tmp_path, package))
    file = tmp_path / "p/conda-meta/a-1.0-0.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "url": there}))
    link(job(tmp_path, package))
    assert json.loads(file.read_text())["url"] == after


def test_what_the_cache_holds_needs_no_archive(tmp_path: Path) -> None:
    package = build_conda("a", files={"share/a": b"1"})
    record = package.record(CHANNEL)
    assert unpacked([record], tmp_path / "cache") == frozenset()
    link(job(tmp_path, package))
    assert unpacked([record, replace(record, sha256="")], tmp_path / "cache") == {"a"}
    assert unpacked([replace(record, sha256="0" * 64)], tmp_path / "cache") == frozenset()
    (tmp_path / package.filename).unlink()
    link(replace(job(tmp_path, package, given=False), prefix=tmp_path / "q"))
    assert (tmp_path / "q/share/a").read_bytes() == b"1"


def test_a_copy_whose_hash_is_not_known_has_none(tmp_path: Path) -> None:
    package, cache = build_conda("a", files={"share/a": b"1"}), tmp_path / "cache"
    record, archive = package.record(CHANNEL), tmp_path / package.filename
    archive.write_bytes(package.content)
    unpack([record], {record.key: archive}, cache)
    assert unpacked([record], cache) == {"a"}
    nameless = replace(record, sha256="")
    unpack([nameless], {record.key: archive}, cache)
    assert not (cache / "a-1.0-0.lock").exists()


def test_a_copy_is_kept_by_its_hash_alone_and_only_if_it_is_not_to_come_again(tmp_path: Path) -> None:
    cache, held = tmp_path / "cache", tmp_path / "cache/a-1.0-0"
    first, second = (build_conda("a", files={"share/a": content}) for content in (b"1", b"2"))
    old, record, archive = first.record(CHANNEL), second.record(CHANNEL), tmp_path / second.filename
    archive.write_bytes(first.content)
    unpack([old], {old.key: archive}, cache)
    assert unpacked([old], cache) == {"a"}
    archive.write_bytes(second.content)  # of the same name, version and build
    unpack([record], {record.key: archive}, cache)
    assert (held / "share/a").read_bytes() == b"2"
    assert unpacked([record], cache) == {"a"}
    (held / "mark").touch()
    unpack([record], {record.key: archive}, cache)
    unpack([record], {}, cache, again=True)
    assert (held / "mark").exists()
    unpack([record], {record.key: archive}, cache, again=True)
    assert not (held / "mark").exists()


def test_what_is_not_unpacked_is_not_linked(tmp_path: Path) -> None:
    with pytest.raises(StaleCacheError, match=r"the cache's copy of a-1\.0-0\.conda is damaged"):
        link(job(tmp_path, build_conda("a", files={"share/a": b"1"}), given=False))


WORDS = {
    "a full disk": (
        "failed to link x.conda\nCaused by: No space left on device (os error 28)",
        "disk",
        "the disk is full",
    ),
    "a full disk by its number": ("failed to link x.conda\nCaused by: (os error 28)", "disk", "the disk is full"),
    "a full quota": (
        "failed to link x.conda\nCaused by: Disk quota exceeded (os error 122)",
        "disk",
        "the disk is full",
    ),
    "something else": (
        "failed to link x.conda\nCaused by: Permission denied (os error 13)",
        "link",
        "Permission denied",
    ),
}


@pytest.mark.parametrize(("text", "code"), [(text, code) for text, code, _ in WORDS.values()], ids=list(WORDS))
def test_rattlers_words_while_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: str) -> None:
    def fail(archive: Path, folder: Path) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr(conda_packages, "extract", fail)
    with pytest.raises(InstallError) as caught:
        job(tmp_path, build_conda("a"))
    assert caught.value.code == ("disk" if code == "disk" else "package")


@pytest.mark.parametrize(("text", "code", "words"), WORDS.values(), ids=list(WORDS))
def test_rattlers_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: str, words: str) -> None:
    async def fail(*arguments: object, **named: object) -> None:
        raise InstallerError(text)

    monkeypatch.setattr(rattler, "install", fail)
    with pytest.raises(InstallError, match=words) as caught:
        link(job(tmp_path, build_conda("a")))
    assert caught.value.code == code


def test_native_records_hold_all_that_conda_meta_needs() -> None:
    record = replace(make_record("a", depends=["b >=1"], subdir="noarch"), track_features=("f",), size=None)
    native = to_native(record, Path("/x"))
    assert native.url == f"file:///x/absent/{record.filename}", "rattler shall open no archive"
    assert native.channel == f"{record.channel}/"
    assert (native.md5 or b"").hex() == record.md5
    assert native.track_features == ["f"]
    assert native.noarch.python
    plain = to_native(replace(record, noarch="generic", md5="", sha256="", timestamp=None), Path("/x"))
    assert (plain.md5, plain.sha256, plain.timestamp) == (None, None, None)
    assert plain.noarch.generic
    assert to_native(replace(record, noarch=""), Path("/x")).noarch.none


def test_a_mark_is_read_back(tmp_path: Path) -> None:
    assert read_marker(tmp_path) is None
    mark = Marker(
        environment="demo",
        platform="linux-64",
        state="incomplete",
        fresh=True,
        groups_left_out=("dev",),
        wheels={"w": "00"},
    )
    write_marker(tmp_path, mark, ["bin/a"])
    assert read_marker(tmp_path) == mark
    assert (tmp_path / "conda-meta/envgen-paths").exists()
    write_marker(tmp_path, mark)
    assert read_marker(tmp_path) == mark
    assert not (tmp_path / "conda-meta/envgen-paths").exists()
    assert not list((tmp_path / "conda-meta").glob("*.json")), "conda reads every such file as a record"


def test_verification_lists_what_differs(tmp_path: Path) -> None:
    packages = [build_conda(f"p{number}", files={f"share/{number}": b"1"}) for number in range(12)]
    link(job(tmp_path, *packages))
    wanted = WantedContents(records=tuple(package.record(CHANNEL) for package in packages), wheels=(), site="lib/x")
    verify_contents(read_contents(tmp_path / "p"), wanted)
    (tmp_path / "p/share/0").unlink()
    (tmp_path / "p/conda-meta/p1-1.0-0.json").write_text("{")
    other = replace(wanted, records=(*wanted.records[:-2], replace(wanted.records[-2], build="1"), make_record("new")))
    with pytest.raises(InstallError) as caught:
        verify_contents(read_contents(tmp_path / "p"), other)
    told = caught.value.message
    for words in ("p1-1.0-0.json is damaged", "new is missing", "p0 misses files", "p1 is missing", "p10 is another"):
        assert words in told
    assert "p11 is there though it is not locked" in told
    bare = replace(wanted, records=())
    with pytest.raises(InstallError, match="; and 4 more\n"):
        verify_contents(read_contents(tmp_path / "p"), bare)


def test_a_record_without_the_hash_of_the_lock_is_compared_by_md5(tmp_path: Path) -> None:
    package = build_conda("a", files={"share/a": b"1"})
    link(job(tmp_path, package))
    held = read_contents(tmp_path / "p").records[0]
    record = package.record(CHANNEL)
    assert held.is_of(record)
    assert replace(held, sha256="").is_of(record)
    assert not replace(held, sha256="", md5="0").is_of(record)
    assert replace(held, sha256="", md5="").is_of(record)
    assert not replace(held, sha256="0").is_of(record)


def test_space(tmp_path: Path) -> None:
    small = artifact("a", b"1")
    check_space([small], [small], store=tmp_path / "s", prefix=tmp_path / "p" / "q")
    huge = replace(small, size=1 << 60)
    with pytest.raises(InstallError, match="the disk is too full: ") as caught:
        check_space([], [huge], store=tmp_path, prefix=tmp_path / "p")
    assert caught.value.code == "disk"
    check_space([replace(huge, size=None)], [], store=tmp_path, prefix=tmp_path)


@pytest.mark.parametrize("store", ["", "s", "there", "there/s"])
@pytest.mark.parametrize("prefix", ["", "p", "p/q"])
def test_space_for_what_is_downloaded_and_unpacked_adds_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, prefix: str
) -> None:
    (tmp_path / "there").mkdir()
    file = replace(artifact("a", b"1"), size=10 << 20)
    free = SimpleNamespace(free=30 << 20)
    monkeypatch.setattr("shutil.disk_usage", lambda path: free)
    check_space([file], [file], store=tmp_path / store, prefix=tmp_path / prefix)
    free.free -= 1
    with pytest.raises(InstallError, match=r"30\.0 MB at the least are needed"):
        check_space([file], [file], store=tmp_path / store, prefix=tmp_path / prefix)


def test_the_number_of_a_full_disk_is_the_systems() -> None:
    assert errno.ENOSPC == 28
