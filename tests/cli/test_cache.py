"""The cache is told and cleaned: what envgen keeps, of a certain age, while nobody uses it, and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from envgen.cli.cache import KINDS, clean, entries
from envgen.install.fetch import STORE, UNPACKED, shared_store
from envgen.system.files import exclusive, hold_folder
from tests.fakes.install_world import Basics, World, basics, linux_only, open_world
from tests.fakes.tiny_project import Project
from tests.json_shapes import TEXT, assert_shape, listing, record

NUMBER = {"type": "integer"}
KIND = record(name=TEXT, folder=TEXT, count=NUMBER, size=NUMBER)
HEX = "0123456789abcdef"

OWN = {
    "repodata/0a1b2c3d.json": 10,
    "repodata/0a1b2c3d.info.json": 1,
    "repodata/0a1b2c3d.lock": 0,
    "repodata/0a1b2c3d.shards-cache-v1": 5,
    "repodata/.tmpAb12": 7,
    f"repodata/shards-v1/{HEX * 4}.msgpack": 3,
    f"artifacts/{HEX}/six-1.17-0.conda": 100,
    f"artifacts/{HEX}/other-1.0-py3-none-any.whl.part": 50,
    "packages/six-1.17-0/info/index.json": 20,
    "packages/six-1.17-0/lib/six.py": 30,
    "packages/.numpy-2.0-0-x1y2/numpy-2.0-0/lib/a": 8,
    "packages/gone-1.0-0.lock": 40,
    f"metadata/0a/{HEX * 4}.METADATA": 9,
    "metadata/0a/tmpx_1": 2,
    f"name-map/0/1/2/3/4/{HEX * 3}": 11,
    f"name-map/0/1/2/3/4/{HEX * 3}.body": 12,
}
FOREIGN = (
    "notes.txt",
    "repodata/notes.json",
    "artifacts/photos/me.jpg",
    "artifacts/top.bin",
    "packages/my-own-folder/file",
    "packages/index.json",
    ".bashrc-x-y",
    "metadata/0a/mine.METADATA",
    "metadata/songs/a.mp3",
    "name-map/paper.txt",
    "handover/demo/thesis.txt",
    "other/repodata/0a1b2c3d.json",
)


@pytest.fixture
def folder(project: Project) -> Path:
    """Fill the cache's folder with what is envgen's and what is not."""
    top = Path(project.variables["ENVGEN_CACHE_DIR"])
    for name, size in OWN.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(bytes(size))
    (top / "packages/six-1.17-0.lock").write_bytes(bytes(40))
    for name in FOREIGN:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(b"mine")
    return top


def files(top: Path) -> Iterator[str]:
    for path in sorted(top.rglob("*")):
        if not path.is_dir() or path.is_symlink():
            yield path.relative_to(top).as_posix()


def test_where_it_is(project: Project, folder: Path) -> None:
    assert project.run("cache", "dir").out == f"{folder}\n"
    assert project.run("cache", "dir", "--json").json == {"dir": str(folder)}


def test_how_large_it_is(project: Project, folder: Path) -> None:
    told = project.run("cache", "size", "--json").json
    assert_shape(told, record(dir=TEXT, size=NUMBER, kinds=listing(KIND)))
    assert told["size"] == sum(OWN.values())
    assert {kind["folder"]: (kind["count"], kind["size"]) for kind in told["kinds"]} == {
        "repodata": (6, 26),
        "artifacts": (2, 150),
        "packages": (3, 98),
        "metadata": (2, 11),
        "name-map": (2, 23),
        "handover": (0, 0),
    }
    text = project.run("cache", "size").out
    assert "unpacked packages            3      98 B\n" in text
    assert text.endswith(f"{folder}: 308 B\n")


def test_an_empty_one(project: Project) -> None:
    folder = project.variables["ENVGEN_CACHE_DIR"]
    assert project.run("cache", "size").out == f"{folder}: 0 B\n"
    assert project.run("cache", "clean").out == f"{folder}: 0 B removed\n"
    assert not Path(folder).exists()


def test_what_is_not_envgens_stays(project: Project, folder: Path) -> None:
    told = project.run("cache", "clean", "--json").json
    assert_shape(told, record(dir=TEXT, removed=NUMBER, kinds=listing(KIND)))
    assert told["removed"] == sum(OWN.values())
    assert list(files(folder)) == sorted(FOREIGN)
    assert not (folder / "repodata/shards-v1").exists()


def test_links_are_not_followed(project: Project, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    for name in ("x-1.0-0/info/index.json", f"{HEX}/a.conda"):
        (outside / name).parent.mkdir(parents=True)
        (outside / name).write_bytes(b"mine")
    clean(folder)
    (folder / "packages/x-1.0-0").symlink_to(outside / "x-1.0-0")
    (folder / f"artifacts/{HEX}").symlink_to(outside / HEX)
    (folder / "packages/y-1.0-0/info").mkdir(parents=True)
    (folder / "packages/y-1.0-0/info/index.json").write_text("{}")
    (folder / "packages/y-1.0-0/outside").symlink_to(outside)
    (folder / "packages/y-1.0-0.lock").symlink_to(outside / f"{HEX}/a.conda")
    assert project.run("cache", "clean").code == 0
    assert sorted(files(outside)) == [f"{HEX}/a.conda", "x-1.0-0/info/index.json"]
    assert not (folder / "packages/y-1.0-0").exists()
    assert (folder / "packages/x-1.0-0").is_symlink()
    (folder / "metadata").rename(tmp_path / "elsewhere")
    (tmp_path / f"elsewhere/0a/{HEX * 4}.METADATA").parent.mkdir(exist_ok=True)
    (tmp_path / f"elsewhere/0a/{HEX * 4}.METADATA").write_bytes(b"mine")
    (folder / "metadata").symlink_to(tmp_path / "elsewhere")
    assert project.run("cache", "clean").code == 0
    assert (tmp_path / f"elsewhere/0a/{HEX * 4}.METADATA").exists()


def test_what_was_used_not_long_ago_stays(project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = "packages/six-1.17-0/info/index.json", f"artifacts/{HEX}/six-1.17-0.conda"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 40 * 86400)
    for name in used:
        os.utime(folder / name, (now + 20 * 86400, now))
    assert project.run("cache", "clean", "--older-than", "6w").out.endswith(": 0 B removed\n")
    assert project.run("cache", "clean", "--older-than", "30d").code == 0
    kept = {*FOREIGN, *used, "packages/six-1.17-0.lock", "packages/six-1.17-0/lib/six.py"}
    assert {*files(folder)} == kept


def test_what_another_tool_may_read_stays_a_day(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = folder / "handover/demo/demo-lock.yml"
    made.write_text("x")
    clean(folder)
    assert made.exists()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 90_000)
    clean(folder)
    assert not made.exists()


BUSY = "error: another run of envgen uses the cache; nothing was removed\nhint: wait until it ends\n"


class Run:
    """Stand for another run."""


def test_nothing_is_removed_while_another_run_uses_it(project: Project, folder: Path) -> None:
    before = list(files(folder))
    with shared_store(folder / STORE):
        assert project.run("cache", "clean").err == BUSY
    with exclusive(folder / UNPACKED):
        assert project.run("cache", "clean").err == BUSY
    other = Run()
    hold_folder(other, folder / "repodata")
    ran = project.run("cache", "clean", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "busy")
    assert list(files(folder)) == before
    del other
    assert project.run("cache", "clean").code == 0


WRONG = {
    "no action": (["cache"], "Missing argument 'ACTION'"),
    "an unknown one": (["cache", "empty"], "unknown action `empty`"),
    "an age that is none": (["cache", "clean", "--older-than", "1h"], "not an age: `1h`"),
    "an age for nothing": (["cache", "size", "--older-than", "1d"], "--older-than is for `envgen cache clean`"),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_call(project: Project, words: list[str], message: str) -> None:
    ran = project.run(*words)
    assert ran.code == 2
    assert ran.err.startswith(f"error: {message}\nhint: ")


def test_a_disk_that_refuses(folder: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    ran = project.run("cache", "clean")
    assert ran.code == 1
    assert ran.err.startswith("error: cannot remove ")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as made:
        yield made


@linux_only
def test_all_that_envgen_makes_is_known(world: World) -> None:
    """What a real run keeps is counted whole, goes whole, and is made again."""
    made: Basics = basics(world)
    world.good("create", "demo")
    world.good("create", "demo", "--prefix", str(world.folder / "two"))
    known = {entry.path for entry in entries(world.cache)}
    left = [path for path in world.cache.rglob("*") if path.is_file() and not {path, *path.parents} & known]
    assert [path.name for path in left if path.name not in (".cache.lock",) and path.suffix != ".lock"] == []
    assert {entry.kind.folder for entry in entries(world.cache)} >= {"packages", "artifacts"}
    world.good("cache", "clean")
    assert list(entries(world.cache)) == []
    assert world.python("import demolib; print(demolib.version)") == "1.0"
    world.good("create", "demo", "--prefix", str(world.folder / "three"))
    assert made.demolib.path in world.channel.fetched


def test_the_folders_are_those_that_envgen_makes() -> None:
    assert {STORE, UNPACKED, "repodata", "metadata", "name-map", "handover"} == {kind.folder for kind in KINDS}
