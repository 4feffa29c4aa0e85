"""Test that other people's files are read in their encodings, and nothing beside their folder."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from envgen.errors import ForeignFileError
from envgen.importers.source_files import MAX_BYTES, MAX_LINE, ForeignFolder, decoded, open_foreign

TEXT = "numpy>=1\n# naïve — 漢\npandas\n"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TEXT.encode(), id="utf-8"),
        pytest.param(codecs.BOM_UTF8 + TEXT.encode(), id="utf-8 with a mark"),
        pytest.param(codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), id="utf-16 little-endian"),
        pytest.param(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), id="utf-16 big-endian"),
        pytest.param(codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), id="utf-32 little-endian"),
        pytest.param(codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"), id="utf-32 big-endian"),
        pytest.param(TEXT.replace("\n", "\r\n").encode(), id="crlf"),
        pytest.param(TEXT.replace("\n", "\r").encode(), id="cr"),
    ],
)
def test_every_encoding_gives_the_same_text(content: bytes) -> None:
    assert decoded(content, "f") == TEXT


@pytest.mark.parametrize(
    "head", [b"# -*- coding: latin-1 -*-\n", b"#!x\n# vim: set fileencoding=latin-1 :\n", b"# coding=latin-1\n"]
)
def test_a_coding_comment_counts(head: bytes) -> None:
    assert decoded(head + "café\n".encode("latin-1"), "f").endswith("café\n")


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        pytest.param(b"numpy\ncaf\xe9\n", "f is not UTF-8 text (line 2, byte 0xe9)", "save it as UTF-8", id="latin-1"),
        pytest.param(b"# coding: klingon\n", "f names an unknown encoding, `klingon`", "save it as UTF-8", id="coding"),
        pytest.param("a\n".encode("utf-16-le"), "f is a binary file", "save it as UTF-8", id="utf-16 without a mark"),
        pytest.param("a\n".encode("utf-16-be"), "f is a binary file", "save it as UTF-8", id="the other utf-16"),
        pytest.param(b"numpy\0", "f is a binary file", "give a text file", id="nul"),
        pytest.param(b"x" * (MAX_LINE + 1), "f has a line of 100,001 characters", "up to 100,000", id="long line"),
        pytest.param(codecs.BOM_UTF16_LE + b"\x00\xd8\x00\x00", "f is not UTF-16-LE text", "UTF-8", id="half a pair"),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, message: str, hint: str) -> None:
    with pytest.raises(ForeignFileError) as caught:
        decoded(content, "f")
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_file_may_name_others_below_its_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "sub" / "b.txt").write_text("b")
    folder, first = open_foreign(tmp_path / "a.txt")
    assert (first.shown, first.text) == ("a.txt", "a")
    below = folder.read("sub/b.txt", "a.txt")
    assert (below.shown, below.text) == ("sub/b.txt", "b")
    assert folder.read("../a.txt", below.shown).text == "a"


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "link.txt", "sub/../../secret.txt"])
def test_nothing_outside_of_the_folder_is_read(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (root / "a.txt").write_text("a")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(ForeignFileError, match="leads out of"):
        ForeignFolder(folder=root).read(name, "a.txt")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.txt", "cannot read absent.txt: no such file"),
        ("sub", "sub is not a regular file"),
        ("a\0b", "not a path"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "sub").mkdir()
    with pytest.raises(ForeignFileError, match=message):
        ForeignFolder(folder=tmp_path).read(name)


def test_what_is_as_large_as_may_be(tmp_path: Path) -> None:
    assert len(decoded(b"x" * MAX_LINE, "f")) == MAX_LINE
    (tmp_path / "large.txt").write_bytes(b"numpy\n".ljust(MAX_BYTES, b"\n"))
    assert len(open_foreign(tmp_path / "large.txt")[1].text) == MAX_BYTES


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large.txt").write_bytes(b"numpy\n" * (MAX_BYTES // 6 + 1))
    with pytest.raises(ForeignFileError, match="larger than"):
        open_foreign(tmp_path / "large.txt")


def test_the_file_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("a")
    (tmp_path / "real" / "b.txt").write_text("b")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link.txt").symlink_to(tmp_path / "real" / "a.txt")
    folder, text = open_foreign(tmp_path / "here" / "link.txt")
    assert (text.shown, text.text) == ("a.txt", "a")
    assert folder.read("b.txt").text == "b"


def test_a_link_to_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "link.txt").symlink_to(tmp_path / "absent.txt")
    with pytest.raises(ForeignFileError):
        open_foreign(tmp_path / "link.txt")
