"""A prefix is read as it stands, also where other tools have left files of their own in it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from envgen.install.prefix import read_contents
from envgen.install.wheels import read_distributions
from tests.install.test_distributions import SITE, lay


def record(file: str, *files: str, **more: object) -> dict[str, str]:
    """Return a record's file of conda-meta."""
    data: dict[str, object] = {
        "name": file,
        "version": "1",
        "build": "0",
        "build_number": 0,
        "files": files,
        "fn": f"{file}-1-0.conda",
    }
    data |= {"url": f"https://x.example/{file}-1-0.conda", **more}
    return {f"conda-meta/{file}-1-0.json": json.dumps(data)}


def wheel(name: str, *files: str) -> dict[str, str]:
    """Return the metadata of a distribution, with these files beside it on its list."""
    info = f"{SITE}/{name}-1.dist-info"
    listed = "".join(f"{file},,\n" for file in files)
    return {
        f"{info}/METADATA": f"Name: {name}\nVersion: 1\n",
        f"{info}/RECORD": f"{listed}{name}-1.dist-info/RECORD,,\n",
    }


FOREIGN = ["history", "pinned", "state", "envgen", "frozen", "a-1-0.json.bak", "a-1-0.new", "below/b-1-0.json"]


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_record_is_neither_read_nor_damaged(tmp_path: Path, name: str) -> None:
    lay(tmp_path, {**record("a", "bin/a"), f"conda-meta/{name}": "{"})
    contents = read_contents(tmp_path)
    assert [each.name for each in contents.records] == ["a"]
    assert contents.unreadable == ()


def test_records_of_other_tools_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    """An older conda writes no sha256, and nobody keeps a tool from writing more."""
    lay(tmp_path, record("a", "bin/a", url="https://x.example/a.conda", requested_spec="a"))
    (found,) = read_contents(tmp_path).records
    assert (found.name, found.version, found.build, found.sha256, found.md5) == ("a", "1", "0", "", "")
    assert (found.url, found.files) == ("https://x.example/a.conda", ("bin/a",))


def test_a_link_to_nothing_is_there_and_a_gone_file_is_not(tmp_path: Path) -> None:
    lay(tmp_path, {**record("linked", "lib/a.so"), **record("gone", "lib/a.so", "lib/b.so"), "lib/x": ""})
    (tmp_path / "lib/a.so").symlink_to("nowhere")
    assert read_contents(tmp_path).broken == {"gone"}


@pytest.mark.parametrize("owned", ["", "/METADATA", "/PKG-INFO"])
def test_metadata_that_a_record_owns_is_condas(tmp_path: Path, owned: str) -> None:
    info = f"{SITE}/own-1.{'egg' if owned != '/METADATA' else 'dist'}-info"
    lay(tmp_path, {f"{info}{owned}": "Name: own\n", **wheel("loose"), **record("own", f"{info}{owned}")})
    contents = read_contents(tmp_path)
    assert [each.name for each in contents.distributions] == ["loose", "own"]
    assert [each.name for each in contents.loose] == ["loose"]


DAMAGED: list[dict[str, object]] = [
    {"depends": 5},
    {"build_number": "0"},
    {"url": "a"},
    {"name": "a b"},
    {"name": "A"},
    {"build": "\x1b"},
    {"name": "a" * 300},
]


@pytest.mark.parametrize("more", DAMAGED, ids=str)
def test_a_record_that_rattler_cannot_read_is_damaged(tmp_path: Path, more: dict[str, object]) -> None:
    lay(tmp_path, record("a", "bin/a", **more))
    contents = read_contents(tmp_path)
    assert (contents.records, len(contents.unreadable)) == ((), 1)


COMPILED = ["x/__pycache__/x.cpython-312.pyc", "x/__pycache__/x.cpython-312.opt-1.pyc", "x.pyc", "x/__pycache__/f.nbi"]


@pytest.mark.parametrize("file", COMPILED)
def test_what_is_compiled_may_be_gone(tmp_path: Path, file: str) -> None:
    lay(tmp_path, wheel("x", file, "x/pyc.py", "x/data.pyc.txt"))
    (found,) = read_distributions(tmp_path)
    assert found.missing(tmp_path) == [f"{SITE}/x/pyc.py", f"{SITE}/x/data.pyc.txt"]
    for gone in found.missing(tmp_path):
        lay(tmp_path, {gone: ""})
    assert found.missing(tmp_path) == []
    assert not os.path.lexists(tmp_path / SITE / file)
