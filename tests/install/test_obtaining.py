"""Files are taken from where they are, verified, and only then from the network."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from pathlib import Path

import pytest

from envgen.errors import InstallError
from envgen.install.artifacts import Artifact, ArtifactLocation, Digest, record_artifact, wheel_artifact
from envgen.install.download import Progress, size_text
from envgen.install.fetch import FetchOptions, NeededFile, fetch_files, shared_store
from envgen.models.package_key import PackageKey
from tests.fakes.locks import make_record, make_wheel
from tests.fakes.loopback import LoopbackChannel, serving


def artifact(name: str, body: bytes) -> Artifact:
    digest = Digest(algorithm="sha256", hex=hashlib.sha256(body).hexdigest())
    return Artifact(key=PackageKey("conda", name), filename=f"{name}.conda", digest=digest, size=len(body))


def options(folder: Path, *, offline: bool = False) -> FetchOptions:
    return FetchOptions(store=folder / "store", timeout=1, report=lambda line: None, offline=offline)


def test_a_good_copy_is_used_in_place(tmp_path: Path) -> None:
    copy = tmp_path / "a.conda"
    copy.write_bytes(b"body")
    got = fetch_files([NeededFile(artifact=artifact("a", b"body"), copies=(copy,), locations=tuple)], options(tmp_path))
    assert (got.by_key(), got.downloaded) == ({PackageKey("conda", "a"): copy}, 0)


def test_the_second_copy_counts_when_the_first_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "bad.conda").write_bytes(b"bad!")
    (tmp_path / "good.conda").write_bytes(b"body")
    copies = (tmp_path / "absent.conda", tmp_path / "bad.conda", tmp_path / "good.conda")
    got = fetch_files([NeededFile(artifact=artifact("a", b"body"), copies=copies, locations=tuple)], options(tmp_path))
    assert got.by_key() == {PackageKey("conda", "a"): tmp_path / "good.conda"}


def test_what_has_no_copy_is_downloaded(tmp_path: Path) -> None:
    with serving(LoopbackChannel({"a.conda": b"body"})) as channel:
        where = (ArtifactLocation(url=f"{channel.url}/a.conda", shown=""),)
        need = NeededFile(artifact=artifact("a", b"body"), copies=(), locations=lambda: where)
        got = fetch_files([need], options(tmp_path))
        assert got.downloaded == 4
        assert got.by_key()[PackageKey("conda", "a")].read_bytes() == b"body"
        again = fetch_files([need], options(tmp_path, offline=True))
        assert again.paths == got.paths


def test_offline_the_missing_are_named(tmp_path: Path) -> None:
    needs = [NeededFile(artifact=artifact(f"p{number}", b""), copies=(), locations=tuple) for number in range(7)]
    with pytest.raises(InstallError) as caught:
        fetch_files(needs, options(tmp_path, offline=True))
    assert caught.value.message == ("not at hand: p0.conda, p1.conda, p2.conda, p3.conda, p4.conda and 2 more")


def test_offline_a_damaged_copy_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.conda").write_bytes(b"bad!")
    need = NeededFile(artifact=artifact("a", b"body"), copies=(tmp_path / "bad.conda",), locations=tuple)
    with pytest.raises(InstallError, match="not what was locked: ") as caught:
        fetch_files([need], options(tmp_path, offline=True))
    assert caught.value.code == "damaged"


def test_files_are_dropped_when_nobody_else_holds_the_store(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with shared_store(store) as drop:
        inside, outside = store / "ab" / "a.conda", tmp_path / "b.conda"
        inside.parent.mkdir()
        inside.write_bytes(b"")
        outside.write_bytes(b"")
        with shared_store(store) as other:
            other([inside])
            assert inside.exists()
        drop([inside, outside, store / "never"])
        assert not inside.parent.exists()
        assert outside.exists()


def test_a_store_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InstallError) as caught, shared_store(tmp_path / "file" / "store"):
        pass
    assert caught.value.hint == "set ENVGEN_CACHE_DIR to a folder you can write"


@pytest.mark.parametrize(("code", "fails"), [(errno.ENOLCK, False), (errno.EIO, True)], ids=["no locks", "broken"])
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, fails: bool) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    if fails:
        with pytest.raises(OSError, match="error"), shared_store(tmp_path):
            pass
    else:
        with shared_store(tmp_path) as drop:
            drop([])


def test_artifacts_of_a_lock() -> None:
    record = make_record("a")
    assert record_artifact(record).digest.algorithm == "sha256"
    assert record_artifact(record).store_path == Path(record.sha256[:16]) / record.filename
    without = make_record("a")
    object.__setattr__(without, "sha256", "")
    assert record_artifact(without).digest == Digest(algorithm="md5", hex=record.md5)
    object.__setattr__(without, "md5", "")
    with pytest.raises(InstallError, match="has no hash in the lock"):
        record_artifact(without)


@pytest.mark.parametrize("filename", ["", ".hidden.whl", "a/b.whl", "a\\b.whl", ".."])
def test_file_names_cannot_leave_a_folder(filename: str) -> None:
    wheel = make_wheel("w")
    object.__setattr__(wheel.wheel, "filename", filename)
    with pytest.raises(InstallError, match="the lock has no file name for w"):
        wheel_artifact(wheel)


SIZES = {0: "0 bytes", 1023: "1023 bytes", 1024: "1.0 kB", 1_500_000: "1.4 MB", 3 << 30: "3.0 GB"}


@pytest.mark.parametrize(("size", "text"), SIZES.items())
def test_sizes_as_people_read_them(size: int, text: str) -> None:
    assert size_text(size) == text


def test_a_tally_without_sizes() -> None:
    lines: list[str] = []
    unknown = Artifact(key=PackageKey("conda", "k"), filename="f", digest=Digest(algorithm="md5", hex=""), size=None)
    progress = Progress([unknown, unknown], "downloading", lines.append)
    progress.advance(2048)
    progress.finish(unknown, fetched=2048)
    progress.finish(unknown, fetched=0)
    assert lines == [
        "downloading: 0 of 2 files, 2.0 kB",
        "downloading: 1 of 2 files, 2.0 kB",
        "downloading: 2 of 2 files, 2.0 kB",
    ]


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="of Linux")
def test_a_file_of_the_systems_that_says_it_is_empty_is_no_copy() -> None:
    """Some of them never end: a lock that names one would keep its reader for hours."""
    path = Path("/proc/version")
    digest = Digest(algorithm="sha256", hex=hashlib.sha256(path.read_bytes()).hexdigest())
    assert not digest.matches(path)
