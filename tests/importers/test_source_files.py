"""Test that other people's files are read in their encodings, and nothing beside their folder."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from envgen.errors import ForeignFileError
from envgen.importers.source_files import (
    MAX_BYTES,
    MAX_LINE,
    ForeignFolder,
    decoded,
    format_of,
    open_foreign,
    read_foreign,
)
from tests.importers.item_texts import lines_of, no_files

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


# Test which kind of file a file is, and that files which ask for nothing are refused.


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("requirements.txt", "numpy\n", "requirements.txt"),
        ("requirements-dev.in", "-r x\n", "requirements.txt"),
        ("list", "numpy\npandas", "requirements.txt"),
        ("environment.yml", "dependencies:\n- numpy", "environment.yml"),
        ("env.yaml", "name: x", "environment.yml"),
        ("environment.txt", "name: x\ndependencies:\n  - numpy\n", "environment.yml"),
        ("x.yml", "- numpy", "environment.yml"),
        ("conda-lock.yml", "version: 1\nmetadata:\n  a: b\npackage:\n- name: x\n", "conda-lock.yml"),
        ("x.yml", "metadata:\npackage:\n- x\nname: x\n", "environment.yml"),
        ("lock.txt", "version: 1\nmetadata:\n  a: b\npackage:\n- name: x\n", "conda-lock.yml"),
        ("pyproject.toml", "[project]\nname = 'x'", "pyproject.toml"),
        ("pyproject.toml", "[tool.pixi.dependencies]\nx = '*'\n[dependencies]", "pyproject.toml"),
        ("pixi.toml", "[project]\nname = 'x'", "pixi.toml"),
        ("workspace.toml", "[workspace]\nname = 'x'", "pixi.toml"),
        ("x.txt", "[build-system]\nrequires = []\n", "pyproject.toml"),
    ],
)
def test_kinds(name: str, text: str, expected: str) -> None:
    assert format_of(text, f"folder/{name}") == expected


@pytest.mark.parametrize(
    ("name", "text", "message", "hint"),
    [
        ("r.txt", "", "r.txt is empty", "asks for packages"),
        ("r.txt", " \n\n", "r.txt is empty", "asks for packages"),
        ("uv.lock", "version = 1", "uv.lock is not read", "give pyproject.toml"),
        ("setup.py", "setup()", "setup.py is not read", "requirements.txt"),
        ("envgen.yaml", "name: x", "envgen.yaml is not read", "`envgen lock` it"),
        ("Pipfile", "[packages]", "Pipfile is not read", "pipenv requirements"),
        ("Pipfile.lock", "{}", "Pipfile.lock is not read", "pipenv requirements"),
        ("poetry.lock", "x = 1", "poetry.lock is not read", "give pyproject.toml"),
        ("pdm.lock", "x = 1", "pdm.lock is not read", "give pyproject.toml"),
        ("pylock.toml", "x = 1", "pylock.toml is not read", "give pyproject.toml"),
        ("pixi.lock", "version: 6", "pixi.lock is not read", "give pixi.toml"),
        ("setup.cfg", "[metadata]", "setup.cfg is not read", "requirements.txt"),
        ("x.txt", "# c\n@EXPLICIT\nhttps://h/x.conda", "x.txt is an explicit file", "--from-history"),
        ("package.json", "{}", "package.json is none", "are read"),
        ("x.txt", "<html>", "x.txt is none", "are read"),
        ("x.py", "numpy", "x.py is none", "are read"),
        ("x.json", "[]", "x.json is none", "are read"),
        ("x.ipynb", "numpy", "x.ipynb is none", "are read"),
        ("x.html", "numpy", "x.html is none", "are read"),
        ("r.txt", "# a\n # b\n", "r.txt holds nothing but comments", "asks for packages"),
        ("e.yml", "# a\n", "e.yml holds nothing but comments", "asks for packages"),
        ("r.txt", "a\n<<<<<<< HEAD\nb\n", "r.txt holds an unresolved merge", "delete the markers"),
    ],
)
def test_what_is_not_read(name: str, text: str, message: str, hint: str) -> None:
    with pytest.raises(ForeignFileError) as caught:
        format_of(text, name)
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("r.txt", "numpy", "pypi numpy"),
        ("e.yml", "dependencies: [numpy]", "conda numpy"),
        ("pyproject.toml", "project.dependencies = ['numpy']", "pypi numpy"),
        ("pixi.toml", "dependencies.numpy = '*'", "conda numpy"),
        (
            "conda-lock.yml",
            "metadata:\npackage:\n- name: numpy\n  version: '1'\n  platform: osx-arm64\n",
            "conda numpy ==1",
        ),
    ],
)
def test_each_kind_is_read_by_its_reader(name: str, text: str, expected: str) -> None:
    assert lines_of(read_foreign(text, name, no_files))[-1][1] == expected


WORKFLOW = "name: CI\non: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n"


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        pytest.param("ci.yml", WORKFLOW, "list them under `dependencies`", id="a workflow"),
        pytest.param("e.yml", "name: x\nchannels: [conda-forge]\n", "list them under", id="channels alone"),
        pytest.param("pyproject.toml", "[build-system]\nrequires = ['x']\n", "setup.py", id="no project"),
        pytest.param("pixi.toml", "[workspace]\nname = 'x'\n", "[dependencies]", id="no dependencies"),
        pytest.param("r.txt", "--pre\n", "a requirement a line", id="options alone"),
        pytest.param("c-lock.yml", "metadata:\n  a: b\npackage: []\n", "", id="a lock of nothing"),
    ],
)
def test_nothing(name: str, text: str, hint: str) -> None:
    with pytest.raises(ForeignFileError) as caught:
        read_foreign(text, name, no_files)
    assert hint in caught.value.hint
    assert "no packages" in caught.value.message


@pytest.mark.parametrize(
    ("text", "message", "lines"),
    [
        pytest.param("name,age\nann,3\n", "none of its lines asks for a package", [1, 2], id="a table"),
        pytest.param("# Read me\n\nInstall it with pip.\n", "none of its lines asks for a package", [3], id="prose"),
        pytest.param("import os\nimport sys\nx\nprint(1)\n", "most of its lines", [1, 2, 4], id="a program"),
        pytest.param("-r a.txt\n", "none of its lines asks for a package", [1], id="a file that is not there"),
    ],
)
def test_no_list(text: str, message: str, lines: list[int]) -> None:
    with pytest.raises(ForeignFileError) as caught:
        read_foreign(text, "r.txt", no_files)
    assert caught.value.message.startswith(f"r.txt cannot be read: {message}")
    assert [line.line for line in caught.value.lines] == lines


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("numpy\nname age\nann 3\n", id="two lines"),
        pytest.param("numpy\n-r a\n-r b\n-r c\n-r d\n", id="files that are not there"),
        pytest.param("a\nb\nc\nd\nx y\nx y\nx y\n", id="a part"),
    ],
)
def test_lines_that_cannot_be_read_are_left_to_the_user(text: str) -> None:
    assert read_foreign(text, "r.txt", no_files).items
