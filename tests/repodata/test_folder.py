"""Open channels that are folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from envgen.errors import RepodataError
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.repodata import sources as home
from envgen.repodata.locations import Place
from envgen.repodata.sources import Source, broken_record, open_folder
from tests.fakes.channels import MAC, lay_out, lay_out_zst, write
from tests.fakes.loopback import Json, merged, package, repodata

NOARCH = repodata("noarch", package("a"), package("pip"))
OSX = repodata("osx-arm64", package("b"))
EMPTY = repodata("noarch")


def open_(folder: Path) -> Source:
    return open_folder(CONDA_FORGE, Place(shown="../here", folder=folder, mirror=True), folder, MAC)


@pytest.mark.parametrize("lay", [lay_out, lay_out_zst])
def test_opens_both_subdirs(tmp_path: Path, lay: Callable[..., Path]) -> None:
    source = open_(lay(tmp_path, NOARCH, OSX))
    assert source.names == {"a", "b", "pip"}
    assert source.notes == ()
    assert [record.url for record in source.load(["b", "a"])] == [
        "https://conda.anaconda.org/conda-forge/osx-arm64/b-1.0-0.conda",
        "https://conda.anaconda.org/conda-forge/noarch/a-1.0-0.conda",
    ]


def test_prefers_the_plain_file(tmp_path: Path) -> None:
    write(tmp_path, {"noarch/repodata.json.zst": b"broken"})
    assert open_(lay_out(tmp_path, NOARCH, OSX)).names == {"a", "b", "pip"}


def test_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    source = open_(lay_out_zst(tmp_path / "channel", NOARCH, OSX))
    assert list((tmp_path / "tmp").iterdir()) == []
    assert len(source.load(["pip"])) == 1


def test_a_channel_may_be_empty(tmp_path: Path) -> None:
    assert open_(lay_out(tmp_path, EMPTY, OSX)).names == {"b"}


def test_a_channel_may_lack_the_platform(tmp_path: Path) -> None:
    source = open_(lay_out(tmp_path, NOARCH, repodata("linux-64", package("c"))))
    assert source.names == {"a", "pip"}
    assert source.notes == ("channel `conda-forge` has no index for osx-arm64, noarch alone",)


def test_prefers_the_conda_file_of_a_twin(tmp_path: Path) -> None:
    twins = merged(repodata("noarch", package("a")), repodata("noarch", package("a"), extension=".tar.bz2"))
    source = open_(lay_out(tmp_path, twins, OSX))
    assert [record.file_name for record in source.load(["a"])] == ["a-1.0-0.conda"]


def test_names_that_are_none_are_left_out(tmp_path: Path) -> None:
    odd = {**NOARCH, "packages.conda": {"../x-1.0-0.conda": package("../x"), **NOARCH["packages.conda"]}}
    assert open_(lay_out(tmp_path, odd, OSX)).names == {"a", "b", "pip"}


@pytest.mark.parametrize("subdir", ["", "osx-arm64"], ids=["nothing", "platform alone"])
def test_needs_noarch(tmp_path: Path, subdir: str) -> None:
    if subdir:
        lay_out(tmp_path, OSX)
    with pytest.raises(RepodataError, match=r"channel `conda-forge` has no noarch/repodata.json in `../here`"):
        open_(tmp_path)


def test_needs_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "absent", tmp_path / "file"):
        with pytest.raises(RepodataError, match=r"channel `conda-forge` has no folder `\.\./here`"):
            open_(path)


WHOLE = json.dumps(NOARCH)
BROKEN = {
    "empty": ("", "EOF while parsing a value"),
    "cut": (WHOLE[:-20], "EOF while parsing"),
    "cut in half": (WHOLE[: len(WHOLE) // 2], "EOF while parsing"),
    "null": ("null", "invalid type: null"),
    "a list": ("[]", "invalid length 0"),
    "a text": ('"packages"', "invalid type: string"),
    "html": ("<!DOCTYPE html><html></html>", "expected value at line 1 column 1"),
    "no packages": ('{"error": "not found"}', "it has no `packages`"),
    "no object": ("{}", "it has no `packages`"),
    "junk behind": (WHOLE + "x", "trailing characters"),
    "packages null": ('{"packages": null}', "invalid type: null, expected a map"),
    "packages a list": ('{"packages": []}', "invalid type: sequence, expected a map"),
    "a key that is no file": ('{"packages": {"x": {}}}', "must contain at least two `-`"),
    "another subdir": (json.dumps(repodata("linux-64", package("a"))), "it describes linux-64, not noarch"),
    "first record broken": (WHOLE.replace('"build_number": 0', '"build_number": "x"'), "invalid type: string"),
    "binary": ("\x00\x01", "expected value"),
}


@pytest.mark.parametrize(("text", "reason"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("compressed", [False, True], ids=["json", "zst"])
def test_refuses_what_is_no_index(tmp_path: Path, text: str, reason: str, compressed: bool) -> None:
    lay_out(tmp_path, OSX)
    name = "noarch/repodata.json" + ".zst" * compressed
    write(tmp_path, {name: zstandard.compress(text.encode()) if compressed else text.encode()})
    with pytest.raises(RepodataError) as caught:
        open_(tmp_path)
    assert caught.value.message.startswith(f"{tmp_path / name} is no repodata index: ")
    assert reason in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("lay", [lay_out, lay_out_zst])
def test_refuses_a_spec_that_would_end_the_process(tmp_path: Path, lay: Callable[..., Path]) -> None:
    """rattler's reader of specs goes down a level for each bracket, until there is no stack left."""
    deep = package("deep", depends=[f"zlib {'(' * 50_000}>1{')' * 50_000}"])
    with pytest.raises(RepodataError, match="a text that is far longer than any of a package"):
        open_(lay(tmp_path, repodata("noarch", deep)))


@pytest.mark.parametrize("cut", [0, 3, 10, -1], ids=["empty", "magic", "head", "tail"])
def test_refuses_a_cut_frame(tmp_path: Path, cut: int) -> None:
    lay_out_zst(tmp_path, NOARCH, OSX)
    file = tmp_path / "noarch" / "repodata.json.zst"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(RepodataError, match=f"{file} is no repodata index: "):
        open_(tmp_path)


def test_refuses_what_is_not_compressed(tmp_path: Path) -> None:
    lay_out(tmp_path, OSX)
    write(tmp_path, {"noarch/repodata.json.zst": b"<html></html>"})
    with pytest.raises(RepodataError, match=r"repodata\.json\.zst is no repodata index: "):
        open_(tmp_path)


def test_refuses_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "_LIMIT", 100)
    lay_out_zst(tmp_path, NOARCH, OSX)
    with pytest.raises(RepodataError, match="unpacks to more than 100 bytes"):
        open_(tmp_path)


def test_refuses_text_that_only_rattler_skips(tmp_path: Path) -> None:
    write(lay_out(tmp_path, OSX), {"noarch/repodata.json": b'{"error": "\xff"}'})
    with pytest.raises(RepodataError, match="is no repodata index: "):
        open_(tmp_path)


def test_refuses_a_channel_whose_url_is_none(tmp_path: Path) -> None:
    lay_out(tmp_path, NOARCH, OSX)
    with pytest.raises(RepodataError, match="channel `bad` has no valid URL"):
        open_folder(Channel(name="bad", url="http://[bad"), Place(shown="../here", folder=tmp_path), tmp_path, MAC)


def test_finds_the_broken_record(tmp_path: Path) -> None:
    good: Json = repodata("noarch", package("a"), package("z", depends=None), package("zz", version="!!"))
    source = open_(lay_out(tmp_path, good, OSX))
    error = broken_record(source)
    assert error is not None
    assert error.message.startswith("../here/noarch/repodata.json has a broken record of `z")
    assert broken_record(open_(lay_out(tmp_path / "good", NOARCH, OSX))) is None
