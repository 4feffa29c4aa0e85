"""Vendor environments, move the folder, and create from it with the network cut."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envgen.models.channel import Channel
from envgen.models.platform import Platform
from envgen.pypi.uv import find_uv
from tests.fakes.install_world import HOST, Basics, World, demolib, linux_only
from tests.fakes.loopback import status
from tests.fakes.tiny_conda import build_conda
from tests.fakes.tiny_wheels import build_wheel

pytestmark = linux_only


def vendored(world: World) -> Path:
    return world.folder / "vendored"


def forget(world: World) -> None:
    """Leave this machine as if nothing had ever been installed on it."""
    for folder in (world.cache, world.folder / "uv", world.folder / "data"):
        shutil.rmtree(folder, ignore_errors=True)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_what_a_vendored_folder_holds(world: World, usual: Basics) -> None:
    made = world.good("vendor", "demo", "--download", "--to", str(vendored(world)))
    channel = f"channels/127.0.0.1_{world.channel.port}/channel"
    assert files(vendored(world)) == sorted(
        [
            *(f"{channel}/{package.path}" for package in usual.conda),
            f"{channel}/noarch/repodata.json",
            f"{channel}/{HOST}/repodata.json",
            "wheels/onlypypi-2.0-py3-none-any.whl",
            "simple/index.html",
            "simple/onlypypi/index.html",
            *(f"environments/demo/{name}" for name in ("envgen.yaml", "environment.yml", "conda-lock.yml")),
            "envgen-vendor.json",
        ]
    )
    assert made["environments"] == ["demo"]
    assert made["files"] == len(files(vendored(world))) - 1
    assert made["downloaded"] == sum(len(package.content) for package in usual.conda) + (usual.onlypypi.wheel.size or 0)


def test_it_is_moved_and_serves_with_the_network_cut(world: World, usual: Basics) -> None:
    world.good("vendor", "--download", "--to", str(vendored(world)))
    moved = world.folder / "elsewhere" / "v"
    moved.parent.mkdir()
    vendored(world).rename(moved)
    forget(world)
    cut = ["unshare", "--net"]
    if subprocess.run([*cut, "true"], capture_output=True, check=False).returncode:
        cut = []  # not permitted here: the servers are asked to refuse instead
        world.channel.faults[""] = status(500)
        world.index.misbehave("/", "broken")
    process = world.start("create", "demo", "--from-vendored", str(moved), before=cut)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    assert world.python("import demolib, onlypypi; print(onlypypi.version)") == "2.0"


def test_it_is_a_project_of_its_own(world: World, usual: Basics) -> None:
    world.good("vendor", "--download", "--to", str(vendored(world)))
    shutil.rmtree(world.project / "environments" / "demo")
    forget(world)
    asked = len(world.channel.seen)
    world.good("create", "demo", "--from-vendored", str(vendored(world)))
    world.good("create", "demo", "--from-vendored", ".", "--prefix", "p", folder=vendored(world))
    assert len(world.channel.seen) == asked
    assert world.python("import demolib", vendored(world) / "p") == ""


def test_it_is_a_channel(world: World, usual: Basics) -> None:
    world.good("vendor", "--download", "--to", str(vendored(world)))
    world.channel.faults[""] = status(500)
    world.environ["ENVGEN_CACHE_DIR"] = str(world.folder / "cold")
    folder = vendored(world) / "channels" / f"127.0.0.1_{world.channel.port}" / "channel"
    wanted = world.project / "environments" / "demo" / "envgen.yaml"
    wanted.write_text(wanted.read_text().replace(', "onlypypi"', ""))
    locked = world.good("lock", "demo", "--mirror", f"{world.channel.url}={folder}", "--solver", "rattler", "--offline")
    platform = locked["environments"][0]["platforms"][HOST]
    assert {record["name"] for record in platform["conda"]} >= {"demolib", "six", "python"}
    assert all(record["url"].startswith(world.channel.url) for record in platform["conda"])


def test_it_is_an_index_for_pip_and_uv(world: World, usual: Basics) -> None:
    world.good("vendor", "--download", "--to", str(vendored(world)))
    target = world.folder / "target"
    index = (vendored(world) / "simple").as_uri()
    environ = {**world.environ, "UV_DEFAULT_INDEX": index}
    command = [find_uv(), "pip", "install", "-q", "--no-deps", "--target", str(target), "onlypypi==2.0"]
    subprocess.run(command, env=environ, check=True)
    assert (target / "onlypypi.py").exists()
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--isolated", "--index-url", index]
    subprocess.run([*pip, "-d", str(target), "onlypypi"], env=world.environ, check=True)
    assert (target / "onlypypi-2.0-py3-none-any.whl").exists()


def test_it_goes_on_where_it_stopped(world: World, usual: Basics) -> None:
    world.index.misbehave("/files/", "broken")
    error = world.failed("vendor", "--download", "--to", str(vendored(world)))
    assert error["code"] == "download"
    world.index.behave()
    world.good("vendor", "--download", "--to", str(vendored(world)))
    before = len(world.channel.seen)
    assert world.good("vendor", "--download", "--to", str(vendored(world)))["downloaded"] == 0
    assert len(world.channel.seen) == before
    one = next(vendored(world).rglob("demolib-*.conda"))
    one.write_bytes(b"damaged")
    again = world.good("vendor", "--download", "--to", str(vendored(world)))
    assert again["downloaded"] == len(usual.demolib.content)
    assert one.read_bytes() == usual.demolib.content


def test_it_goes_on_where_it_stopped_within_an_environment(world: World, usual: Basics) -> None:
    folder = vendored(world) / "environments/demo"
    folder.mkdir(parents=True)
    (folder / "envgen.yaml").mkdir()
    assert "is a folder" in world.failed("vendor", "demo", "--download", "--to", str(vendored(world)))["message"]
    assert (folder / "conda-lock.yml").exists(), "a manifest without it would be an environment that cannot be read"
    (folder / "envgen.yaml").rmdir()
    (folder / "envgen.yaml").write_text("name: demo\n")
    (folder / "conda-lock.yml").unlink()
    world.good("vendor", "demo", "--download", "--to", str(vendored(world)))
    world.good("vendor", "--verify", str(vendored(world)))


def test_the_same_locks_give_the_same_folder(world: World, usual: Basics) -> None:
    for name in ("one", "two"):
        world.good("vendor", "--download", "--to", str(world.folder / name))
    assert files(world.folder / "one") == files(world.folder / "two")
    for path in files(world.folder / "one"):
        assert (world.folder / "one" / path).read_bytes() == (world.folder / "two" / path).read_bytes(), path


def test_several_environments_share_a_folder(world: World, usual: Basics) -> None:
    world.good("vendor", "demo", "--download", "--to", str(vendored(world)))
    mac = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
    native = build_conda("native", subdir="osx-arm64")
    old = build_conda("native", "0.9", build="1", subdir="osx-arm64")
    world.serve(native, old)
    world.lock([native], platform=mac, name="mac")
    world.lock([old], platform=mac, name="oldmac")
    made = world.good("vendor", "mac", "oldmac", "--download", "--to", str(vendored(world)))
    assert made["environments"] == ["demo", "mac", "oldmac"]
    assert {Path(path).name for path in files(vendored(world))} >= {
        native.filename,
        old.filename,
        "demolib-1.0-0.conda",
    }
    channel = next(vendored(world).glob("channels/*/channel"))
    index = json.loads((channel / "osx-arm64/repodata.json").read_text())
    assert sorted(index["packages.conda"]) == [old.filename, native.filename]
    world.good("vendor", "--verify", str(vendored(world)))


def test_what_no_lock_needs_any_more_is_dropped(world: World, usual: Basics) -> None:
    world.good("vendor", "--download", "--to", str(vendored(world)))
    newer = demolib("1.1")
    world.serve(newer)
    world.lock([usual.python, usual.pip, usual.six, newer])
    ran = world.run("vendor", "--download", "--to", str(vendored(world)))
    assert " that no lock needs any more" in ran.err
    names = {Path(path).name for path in files(vendored(world))}
    assert newer.filename in names
    assert not names & {usual.demolib.filename, usual.onlypypi.wheel.filename}


def flip(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


DAMAGE: dict[Callable[[Path], None], str] = {
    flip: "is not what was locked",
    shorten: "bytes instead of",
    Path.unlink: "is missing",
}


def test_damage_is_found(world: World, usual: Basics) -> None:
    world.good("vendor", "--download", "--to", str(vendored(world)))
    made = world.good("vendor", "--verify", str(vendored(world)))
    assert made == {"folder": str(vendored(world)), "ok": True, "files": len(files(vendored(world))) - 1}
    for pattern in ("demolib-*.conda", "onlypypi-*.whl", "repodata.json", "conda-lock.yml"):
        victim = sorted(vendored(world).rglob(pattern))[0]
        whole = victim.read_bytes()
        for damage, words in DAMAGE.items():
            damage(victim)
            error = world.failed("vendor", "--verify", str(vendored(world)))
            assert error["code"] == "damaged"
            assert f"{victim.relative_to(vendored(world))} " in error["message"]
            assert words in error["message"], (pattern, error)
            victim.write_bytes(whole)


def test_a_damaged_copy_is_not_installed(world: World, usual: Basics) -> None:
    world.good("vendor", "--download", "--to", str(vendored(world)))
    forget(world)
    victim = next(vendored(world).rglob("demolib-*.conda"))
    victim.write_bytes(victim.read_bytes()[:-1] + b"\xff")
    error = world.failed("create", "demo", "--from-vendored", str(vendored(world)))
    assert (error["code"], error["message"].splitlines()[0]) == ("damaged", f"not what was locked: {victim}")
    assert not world.prefix.exists()


def test_a_lock_that_was_not_vendored(world: World, usual: Basics) -> None:
    world.good("vendor", "--download", "--to", str(vendored(world)))
    newer = demolib("1.1")
    world.serve(newer)
    world.lock([usual.python, usual.pip, usual.six, newer])
    error = world.failed("create", "demo", "--from-vendored", str(vendored(world)))
    assert error["message"].startswith("not at hand: demolib-1.1-0.conda")


def test_two_files_of_one_name(world: World, usual: Basics) -> None:
    world.good("vendor", "--download", "--to", str(vendored(world)))
    other = build_wheel("onlypypi", "2.0", padding=5)
    world.lock(usual.conda, [world.add_wheel(other)], name="other")
    error = world.failed("vendor", "other", "--download", "--to", str(vendored(world)))
    assert error["message"] == "two locks have different files named wheels/onlypypi-2.0-py3-none-any.whl"


def test_what_is_printed(world: World, usual: Basics) -> None:
    ran = world.run("vendor", "--download", "--to", str(vendored(world)))
    assert ran.code == 0
    assert "downloaded\n\nUse it, moved to wherever you like, with\n  envgen create NAME --from-vendored" in ran.out
    assert "nothing had to be downloaded" in world.run("vendor", "--download", "--to", str(vendored(world))).out
    assert world.run("vendor", "--verify", str(vendored(world))).out.endswith("files are as vendored\n")


WRONG = {
    "nothing asked": ([], "say what to vendor", 2),
    "two things": (["--download", "--to", "x", "--verify", "y"], "say what to vendor", 2),
    "no folder": (["--download"], "no folder to vendor into", 2),
    "a folder of another kind": (["--verify", "."], "was not made by `envgen vendor --download`", 1),
    "a folder that cannot be made": (["--download", "--to", "environments/demo/envgen.yaml/x"], "cannot make ", 1),
}


@pytest.mark.parametrize(("words", "message", "code"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_call(world: World, usual: Basics, words: list[str], message: str, code: int) -> None:
    assert message in world.failed("vendor", *words, code=code)["message"]


def test_there_must_be_a_lock(world: World, usual: Basics) -> None:
    (world.project / "environments/demo/conda-lock.yml").unlink()
    assert world.failed("vendor", "--download", "--to", "v")["code"] == "lockfile"


def test_from_what_is_no_vendored_folder(world: World, usual: Basics) -> None:
    error = world.failed("create", "demo", "--from-vendored", ".")
    assert error["message"].endswith("is no vendored folder: it has no envgen-vendor.json")


def test_a_channel_of_a_folder_is_copied(world: World, usual: Basics) -> None:
    folder = world.folder / "filechannel"
    for path, content in world.channel.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    url = Channel.parse(str(folder)).url
    text = (world.project / "environments/demo/envgen.yaml").read_text()
    world.good("create", "demo", "--mirror", f"{world.channel.url}={url}")
    assert world.channel.url in text
    world.good("vendor", "--download", "--to", str(vendored(world)), "--mirror", f"{world.channel.url}={url}")
    assert not [path for path in world.channel.fetched if path.endswith(".conda")]


@pytest.mark.parametrize("place", ["channels", "wheels", "wheels/onlypypi-2.0-py3-none-any.whl.part", "simple"])
def test_nothing_is_vendored_through_a_link(world: World, usual: Basics, place: str) -> None:
    """Whoever made the folder may have put one there."""
    precious = world.folder / "precious"
    (precious / "folder").mkdir(parents=True)
    (precious / "thesis.tex").write_text("mine")
    (vendored(world) / place).parent.mkdir(parents=True)
    (vendored(world) / place).symlink_to(precious / ("thesis.tex" if "." in place else "folder"))
    world.run("vendor", "demo", "--download", "--to", str(vendored(world)))
    assert files(precious) == ["thesis.tex"]
    assert (precious / "thesis.tex").read_text() == "mine"
