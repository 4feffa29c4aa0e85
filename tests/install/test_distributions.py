"""Distributions are read from their own metadata, old and odd ones too, and removed without what others own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envgen.install.prefix import is_empty, is_environment, read_contents
from envgen.install.wheels import Distribution, read_distributions, remove_compiled, remove_distribution, site_packages

SITE = "lib/python3.12/site-packages"


def lay(prefix: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return prefix


def demo(**more: str) -> dict[str, str]:
    info = f"{SITE}/Demo_Lib-1.0.dist-info"
    return {
        f"{SITE}/demo_lib/__init__.py": "",
        f"{SITE}/demo_lib/__pycache__/__init__.cpython-312.pyc": "",
        "bin/demo": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: Demo.Lib\nVersion: 1.0\n\nVersion: not this\n",
        f"{info}/RECORD": (
            "demo_lib/__init__.py,sha256=x,0\n../../../bin/demo,,\n../../../../outside,,\n"
            "demo_lib/__pycache__/__init__.cpython-312.pyc,,\nDemo_Lib-1.0.dist-info/METADATA,,\n\n"
        ),
        **{name.format(info): text for name, text in more.items()},
    }


def test_reading(tmp_path: Path) -> None:
    (found,) = read_distributions(lay(tmp_path, demo()))
    assert (found.name, found.version, found.info, found.site) == (
        "demo-lib",
        "1.0",
        f"{SITE}/Demo_Lib-1.0.dist-info",
        SITE,
    )
    assert found.files == (
        f"{SITE}/demo_lib/__init__.py",
        "bin/demo",
        f"{SITE}/demo_lib/__pycache__/__init__.cpython-312.pyc",
        f"{SITE}/Demo_Lib-1.0.dist-info/METADATA",
    )
    assert found.complete
    assert found.missing(tmp_path) == []
    (tmp_path / "bin/demo").unlink()
    (tmp_path / f"{SITE}/demo_lib/__pycache__/__init__.cpython-312.pyc").unlink()
    assert found.missing(tmp_path) == ["bin/demo"]


ODD = {
    "no metadata at all": ({f"{SITE}/old-0.5.dist-info/INSTALLER": ""}, "old", "0.5", False),
    "an egg's folder": ({f"{SITE}/old-0.5.egg-info/PKG-INFO": "Name: old\nVersion: 0.6\n"}, "old", "0.6", True),
    "an egg's file": ({f"{SITE}/old-0.5.egg-info": "Name: old\nVersion: 0.6\n"}, "old", "0.6", True),
}


@pytest.mark.parametrize(("files", "name", "version", "complete"), ODD.values(), ids=list(ODD))
def test_odd_ones(tmp_path: Path, files: dict[str, str], name: str, version: str, complete: bool) -> None:
    (found,) = read_distributions(lay(tmp_path, files))
    assert (found.name, found.version, found.complete) == (name, version, complete)


def test_metadata_that_is_no_utf_8_is_read(tmp_path: Path) -> None:
    lay(tmp_path, demo())
    (tmp_path / f"{SITE}/Demo_Lib-1.0.dist-info/METADATA").write_bytes(b"Author: M\xfcller\nName: demo\nVersion: 1.1\n")
    (found,) = read_distributions(tmp_path)
    assert (found.name, found.version) == ("demo", "1.1")


URLS = {
    "a project": (json.dumps({"url": "file:///p", "dir_info": {"editable": True}}), "file:///p"),
    "broken": ("{", ""),
    "a list": ("[]", ""),
    "a number": ('{"url": 3}', ""),
}


@pytest.mark.parametrize(("text", "url"), URLS.values(), ids=list(URLS))
def test_where_it_came_from(tmp_path: Path, text: str, url: str) -> None:
    lay(tmp_path, demo(**{"{}/direct_url.json": text}))
    assert read_distributions(tmp_path)[0].url == url


def test_symlinked_pythons_are_read_once(tmp_path: Path) -> None:
    lay(tmp_path, demo())
    (tmp_path / "lib/python3.1").symlink_to("python3.12")
    (tmp_path / "lib/python3.13").mkdir()
    assert site_packages(tmp_path) == [tmp_path / SITE]


def test_removing(tmp_path: Path) -> None:
    lay(tmp_path, demo(**{f"{SITE}/other.py": "", "bin/other": "", "{}/left.txt": ""}))
    (found,) = read_distributions(tmp_path)
    remove_distribution(tmp_path, found, kept=())
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert left == ["bin", "bin/other", "lib", "lib/python3.12", SITE, f"{SITE}/other.py"]


def test_what_others_own_stays(tmp_path: Path) -> None:
    lay(tmp_path, demo())
    (found,) = read_distributions(tmp_path)
    remove_distribution(tmp_path, found, kept={"bin/demo"})
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["demo"]


def test_compiled_files_that_others_own_stay(tmp_path: Path) -> None:
    lay(tmp_path, demo())
    cache = f"{SITE}/demo_lib/__pycache__/__init__.cpython-312"
    lay(tmp_path, {f"{cache}.opt-1.pyc": "", f"{cache}.opt-2.pyc": ""})
    remove_distribution(tmp_path, read_distributions(tmp_path)[0], kept={f"{cache}.opt-1.pyc"})
    assert [path.name for path in (tmp_path / SITE).rglob("*.pyc")] == ["__init__.cpython-312.opt-1.pyc"]


def test_links_of_a_distribution_are_there_and_go(tmp_path: Path) -> None:
    """A list may name links: to nothing, and to folders, which are no folders of the distribution's own."""
    lay(tmp_path, {**demo(), "share/data/kept": ""})
    info = tmp_path / SITE / "Demo_Lib-1.0.dist-info"
    (info / "folder").symlink_to(tmp_path / "share/data")
    (tmp_path / "bin/demo").unlink()
    (tmp_path / "bin/demo").symlink_to("nowhere")
    (found,) = read_distributions(tmp_path)
    assert found.missing(tmp_path) == []
    remove_distribution(tmp_path, found, kept=())
    assert not info.exists()
    assert [path.name for path in tmp_path.rglob("*") if not path.is_dir()] == ["kept"]


def test_the_folders_of_every_prefix_stay(tmp_path: Path) -> None:
    lay(tmp_path, demo())
    remove_distribution(tmp_path, read_distributions(tmp_path)[0], kept=())
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert left == ["bin", "lib", "lib/python3.12", SITE]


def test_removing_an_eggs_file(tmp_path: Path) -> None:
    lay(tmp_path, {f"{SITE}/old-0.5.egg-info": "Name: old\n"})
    remove_distribution(tmp_path, read_distributions(tmp_path)[0], kept=())
    assert not read_distributions(tmp_path)


def test_compiled_modules_go_but_those_that_are_owned(tmp_path: Path) -> None:
    cache = f"{SITE}/__pycache__"
    lay(
        tmp_path,
        {f"{cache}/a.cpython-312.pyc": "", f"{cache}/b.cpython-312.pyc": "", f"{cache}/ab.cpython-312.pyc": ""},
    )
    remove_compiled(tmp_path, [f"{SITE}/a.py", f"{SITE}/b.py", "share/readme"], kept={f"{cache}/b.cpython-312.pyc"})
    assert sorted(path.name for path in (tmp_path / cache).iterdir()) == ["ab.cpython-312.pyc", "b.cpython-312.pyc"]
    remove_compiled(tmp_path, [f"{SITE}/ab.py", f"{SITE}/b.py"], kept=())
    assert not (tmp_path / cache).exists()


BROKEN = {
    "no JSON": "{",
    "no object": "[]",
    "no name": '{"files": []}',
    "a number for a name": '{"name": 3, "files": []}',
    "no files": '{"name": "a"}',
    "no UTF-8": "\udcff",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=list(BROKEN))
def test_damaged_records_are_told_apart(tmp_path: Path, text: str) -> None:
    path = tmp_path / "conda-meta" / "a-1-0.json"
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    contents = read_contents(tmp_path)
    assert (contents.records, contents.unreadable) == ((), (path,))


def test_contents(tmp_path: Path) -> None:
    record = {
        "name": "a",
        "version": "1",
        "build": "0",
        "build_number": 0,
        "fn": "a-1-0.conda",
        "url": "https://x.example/a-1-0.conda",
        "sha256": None,
        "files": ["bin/a", f"{SITE}/x.dist-info/METADATA"],
    }
    lay(tmp_path, {"conda-meta/a-1-0.json": json.dumps(record), f"{SITE}/x.dist-info/METADATA": "Name: x\n", **demo()})
    contents = read_contents(tmp_path)
    assert contents.broken == {"a"}
    assert [each.name for each in contents.loose] == ["demo-lib"]
    assert contents.record("a") is contents.records[0]
    assert contents.record("b") is None
    assert is_environment(tmp_path)


EMPTY = {
    "nothing": ([], True),
    "the finder's file": ([".DS_Store"], True),
    "a mark that was being written": (["conda-meta/.envgen-envgen.new"], True),
    "a file": (["x"], False),
    "a record": (["conda-meta/a.json"], False),
}


@pytest.mark.parametrize(("files", "empty"), EMPTY.values(), ids=list(EMPTY))
def test_what_counts_as_empty(tmp_path: Path, files: list[str], empty: bool) -> None:
    lay(tmp_path, dict.fromkeys(files, ""))
    assert is_empty(tmp_path) is empty
    assert is_empty(tmp_path / "absent")


def test_a_file_is_not_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    assert not is_empty(tmp_path / "f")


def test_distributions_sort_by_name() -> None:
    assert Distribution(name="a", version="1", info="lib/a.dist-info", files=()).site == "lib"
