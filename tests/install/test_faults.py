"""Break servers, disks and processes under `create`: a clear error, nothing half taken for whole, a good next run."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.fakes.install_world import HOST, Basics, Kept, World, demolib, linux_only, locked
from tests.fakes.loopback import Fault, html, reset, status, truncated
from tests.fakes.tiny_conda import Link, TinyConda, build_conda
from tests.fakes.tiny_wheels import build_wheel

pytestmark = linux_only
SHORT, LONG = "0.3", "60"  # seconds to wait for a server: where it hangs, and where a busy machine is no fault of its
KILLS = int(os.environ.get("ENVGEN_TEST_KILLS", "6"))


def untouched(world: World) -> bool:
    """Return whether nothing at all was made."""
    return not world.prefix.exists()


def flipped(body: bytes) -> bytes:
    """Change one bit in the middle."""
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


def serving_flipped(body: bytes) -> Fault:
    """Serve a body with one bit changed."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(flipped(body))

    return answer


def stalling(body: bytes) -> Fault:
    """Serve half of a body, and then nothing."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        time.sleep(20)

    return answer


def resetting(body: bytes) -> Fault:
    """Serve half of a body, and reset the connection."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        time.sleep(0.05)
        reset(handler)

    return answer


def faults(package: TinyConda) -> dict[str, tuple[Fault, str]]:
    """Return each fault of a server with the words that must be said."""
    body = package.content
    return {
        "a flipped bit": (serving_flipped(body), "what is served is not what was locked"),
        "a truncated download": (truncated(body), "the connection broke off"),
        "404": (status(404), "404 Not Found"),
        "403": (status(403), "403 Forbidden"),
        "500": (status(500), "500 Internal Server Error"),
        "a stall": (stalling(body), "nothing came for 0.3 seconds"),
        "a reset in the middle": (resetting(body), "the connection broke off"),
        "a reset at once": (reset, "no connection"),
        "a log-in page": (html, "what is served is not what was locked"),
    }


NAMES = list(faults(demolib()))


@pytest.mark.parametrize("name", NAMES)
def test_a_faulty_channel(world: World, usual: Basics, name: str) -> None:
    world.environ["ENVGEN_TIMEOUT"] = SHORT if name == "a stall" else LONG
    fault, words = faults(usual.demolib)[name]
    world.channel.faults["demolib-1.0-0.conda"] = fault
    ran = world.run("create", "demo")
    assert ran.code == 1
    assert ran.err.startswith("error: demolib-1.0-0.conda cannot be downloaded: ")
    assert words in ran.err
    assert f"({world.channel.url}/{usual.demolib.path})" in ran.err
    assert f"\n  {world.prefix}: it was not touched\n" in ran.err
    assert "\nhint: " in ran.err
    assert untouched(world)
    world.channel.faults.clear()
    world.environ["ENVGEN_TIMEOUT"] = LONG
    world.good("create", "demo")
    assert world.python("import demolib; print(demolib.version)") == "1.0"


WHEELS = {
    "missing": "404 Not Found",
    "broken": "500 Internal Server Error",
    "forbidden": "403 Forbidden",
    "truncated": "the connection broke off",
    "hang": "nothing came for 0.3 seconds",
    "garbage": "what is served is not what was locked",
}


@pytest.mark.parametrize(("how", "words"), WHEELS.items(), ids=list(WHEELS))
def test_a_faulty_index(world: World, usual: Basics, how: str, words: str) -> None:
    world.environ["ENVGEN_TIMEOUT"] = SHORT if how == "hang" else LONG
    world.index.misbehave("/files/", how)  # type: ignore[arg-type]
    ran = world.run("create", "demo")
    assert ran.code == 1
    assert ran.err.startswith("error: onlypypi-2.0-py3-none-any.whl cannot be downloaded: "), ran.err
    assert words in ran.err
    assert untouched(world)
    world.index.behave()
    world.environ["ENVGEN_TIMEOUT"] = LONG
    world.good("create", "demo")
    assert world.python("import onlypypi; print(onlypypi.version)") == "2.0"


def test_a_wheel_with_a_flipped_bit(world: World, usual: Basics) -> None:
    wheel = build_wheel("flippy", "1.0")
    held = world.add_wheel(wheel)
    path = world.folder / wheel.filename
    path.write_bytes(flipped(wheel.content))
    world.lock(usual.conda, [locked(wheel, path.as_uri())])
    error = world.failed("create", "demo")
    assert wheel.filename in error["message"]
    assert untouched(world)
    world.lock(usual.conda, [held])
    world.good("create", "demo")


def test_a_flipped_hash_in_the_lock(world: World, usual: Basics) -> None:
    path = world.project / "environments/demo/conda-lock.yml"
    good = path.read_text()
    digest = str(usual.demolib.entry["sha256"])
    path.write_text(good.replace(digest, ("0" if digest[0] != "0" else "1") + digest[1:]))
    error = world.failed("create", "demo")
    assert error["code"].startswith("lockfile")
    assert untouched(world)
    path.write_text(good)
    world.good("create", "demo")


def test_a_lock_whose_hash_is_no_artifacts(world: World, usual: Basics) -> None:
    other = demolib(padding=10)
    entry = {**usual.demolib.entry, "sha256": other.entry["sha256"], "md5": other.entry["md5"]}
    wrong = TinyConda(
        entry=entry, content=usual.demolib.content, filename=usual.demolib.filename, subdir=usual.demolib.subdir
    )
    world.lock([usual.python, usual.pip, usual.six, wrong])
    error = world.failed("create", "demo")
    assert "what is served is not what was locked" in error["message"]
    assert untouched(world)


def test_what_is_no_package_though_its_hash_is_right(world: World, usual: Basics) -> None:
    content = b"PK but no package"
    digest = {kind: hashlib.new(kind, content).hexdigest() for kind in ("md5", "sha256")}
    fake = TinyConda(
        entry={**usual.demolib.entry, **digest},
        content=content,
        filename=usual.demolib.filename,
        subdir=usual.demolib.subdir,
    )
    world.channel.files[fake.path] = content
    world.lock([usual.python, usual.pip, usual.six, fake])
    error = world.failed("create", "demo")
    assert error["code"] == "package"
    assert error["message"].startswith("demolib-1.0-0.conda is no conda package: ")
    assert f"{world.prefix}: it was not touched" in error["message"]
    assert not world.prefix.exists()
    world.channel.files[fake.path] = usual.demolib.content
    world.lock(usual.conda, [usual.onlypypi])
    world.good("create", "demo")
    assert world.python("import demolib") == ""


def test_a_wheel_that_uv_refuses(world: World, usual: Basics) -> None:
    foreign = world.add_wheel(build_wheel("foreign", "1.0", tag="cp38-cp38-win_amd64"))
    world.lock(usual.conda, [foreign])
    error = world.failed("create", "demo")
    assert error["code"] == "wheels"
    assert error["message"].startswith("the PyPI packages cannot be installed: ")
    assert "half made" in error["message"]
    world.lock(usual.conda, [usual.onlypypi])
    world.good("create", "demo")
    assert world.python("import onlypypi") == ""


def test_a_damaged_cache_is_seen_and_filled_again(kept: Kept) -> None:
    world, _ = kept.created()
    cached = next((world.cache / "packages").glob("demolib-*/share/demolib.bin"))
    mode = cached.stat().st_mode
    cached.unlink()
    cached.write_bytes(b"\0\2")
    cached.chmod(mode)
    other = world.folder / "other"
    world.good("create", "demo", "--prefix", str(other))
    assert (other / "share/demolib.bin").read_bytes() == b"\0\1"


def test_a_damaged_archive_in_the_store_is_fetched_again(world: World, usual: Basics) -> None:
    stored = world.cache / "artifacts" / str(usual.demolib.entry["sha256"])[:16] / usual.demolib.filename
    stored.parent.mkdir(parents=True)
    stored.write_bytes(flipped(usual.demolib.content))
    world.good("create", "demo")
    assert world.python("import demolib") == ""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of one megabyte, where that is permitted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_is_certainly_too_small(world: World, usual: Basics, small_disk: Path) -> None:
    heavy = demolib("2.0", padding=1_500_000)
    world.serve(heavy)
    world.lock([usual.python, usual.pip, usual.six, heavy])
    error = world.failed("create", "demo", "--prefix", str(small_disk / "p"))
    assert error["code"] == "disk"
    assert "the disk is too full: " in error["message"]
    assert not (small_disk / "p").exists()
    assert not any("demolib" in path for path in world.channel.fetched)


def test_a_disk_that_fills_up_while_linking(world: World, usual: Basics, small_disk: Path) -> None:
    heavy = demolib("2.0", padding=400_000)
    world.serve(heavy)
    world.lock([usual.python, usual.pip, usual.six, heavy])
    prefix = small_disk / "p"
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 100_000)
    world.good("create", "demo", "--prefix", str(world.folder / "elsewhere"))
    heavier = demolib("2.1", padding=470_000)
    world.serve(heavier)
    world.lock([usual.python, usual.pip, usual.six, heavier])
    with filler.open("ab") as stream:
        stream.write(b"x" * 600_000)
    ran = world.run("create", "demo", "--prefix", str(prefix))
    assert ran.code == 1
    assert "disk" in ran.err
    filler.unlink()
    world.good("create", "demo", "--prefix", str(prefix))
    assert world.python("import demolib; print(demolib.version)", prefix) == "2.1"


def test_a_disk_that_fills_up_while_downloading(world: World, usual: Basics, small_disk: Path) -> None:
    world.environ["ENVGEN_CACHE_DIR"] = str(small_disk / "cache")
    heavy = demolib("2.0", padding=1_200_000)
    light = TinyConda(entry=heavy.entry, content=heavy.content, filename=heavy.filename, subdir=heavy.subdir)
    world.serve(light)
    lock = world.lock([usual.python, usual.pip, usual.six, light])
    assert lock.platforms[0].conda[0].size
    path = world.project / "environments/demo/conda-lock.yml"
    assert path.exists()
    error = world.failed("create", "demo")
    assert error["code"] == "disk"
    assert untouched(world)
    world.environ["ENVGEN_CACHE_DIR"] = str(world.cache)
    world.good("create", "demo")


@pytest.mark.slow
def test_killed_at_any_moment(world: World, usual: Basics) -> None:
    """Kill runs that make an environment, and runs that change one, most of them between the first change and the last.

    More with ENVGEN_TEST_KILLS, at other moments with ENVGEN_TEST_SEED.
    """
    chance = random.Random(int(os.environ.get("ENVGEN_TEST_SEED", "20")))
    many = [build_conda(f"data{number}", files=_files(number), subdir=HOST) for number in range(40)]
    old, new = [*usual.conda, *many], [usual.python, usual.pip, usual.six, demolib("1.1"), *many[:20]]
    world.serve(*many, new[3])
    span = _span(world, old, usual)
    states = []
    for number in range(KILLS):
        changing = number % 2 == 1
        if changing:
            world.good("create", "demo")
        else:
            subprocess.run(["rm", "-rf", world.prefix, world.cache, world.folder / "uv"], check=True)
        world.lock(new if changing else old, [usual.onlypypi], dependencies=["demolib", "onlypypi"])
        states.append(_killed(world, chance.uniform(0.0, 0.6 * span), at_once=number % 3 == 2))
        if states[-1] == "incomplete":
            assert world.failed("run", "demo", "--activation", "bash")["code"] == "prefix"
        world.good("create", "demo")
        version = world.python("import demolib, onlypypi, six; print(demolib.version)")
        assert version == ("1.1" if changing else "1.0"), states
        assert world.good("create", "demo")["changes"] == [], states
        assert len(list((world.prefix / "conda-meta").glob("data*.json"))) == (20 if changing else 40)
        assert sorted(path.name for path in (world.prefix / "share").iterdir() if path.is_dir()) == sorted(
            f"data{each}" for each in range(20 if changing else 40)
        )
        world.lock(old, [usual.onlypypi], dependencies=["demolib", "onlypypi"])
    print("states after the kills:", ", ".join(states))
    assert set(states) <= {"absent", "incomplete", "complete"}
    assert "incomplete" in states


def _files(number: int) -> dict[str, bytes | Link]:
    return {f"share/data{number}/{part}": f"{number} {part}".encode() * 50 for part in range(20)}


def _span(world: World, packages: Sequence[TinyConda], usual: Basics) -> float:
    """Measure how long the changing takes, from the mark's first words to its last."""
    world.lock(packages, [usual.onlypypi], dependencies=["demolib", "onlypypi"])
    process = world.start("create", "demo")
    _wait_for(world, "incomplete")
    begun = time.monotonic()
    _wait_for(world, "complete")
    span = time.monotonic() - begun
    process.communicate(timeout=60)
    return span


def _killed(world: World, delay: float, *, at_once: bool) -> str:
    """Start a run and kill it, `delay` seconds after it begins to change the prefix, or to run at all."""
    process = world.start("create", "demo")
    if not at_once:
        _wait_for(world, "incomplete", process)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return _state(world)


def _wait_for(world: World, state: str, process: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + 60
    while _state(world) != state and (process is None or process.poll() is None):
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _state(world: World) -> str:
    """Return what a kill has left, and hold that nobody takes a half made prefix for an environment of ours."""
    mark = world.prefix / "conda-meta" / "envgen"
    if not mark.exists():
        others = [path for path in world.prefix.glob("conda-meta/[!.]*") if path != mark]  # it may have come just now
        assert not others or mark.exists()
        return "absent"
    return str(world.marker["state"])


def test_killed_while_linking_is_completed(world: World, usual: Basics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop at each step after the first change, as a kill does: nothing that follows runs."""
    from envgen.install import create

    class Killed(BaseException):
        """Stand for the end of the process."""

    def die(*arguments: object, **named: object) -> None:
        raise Killed

    steps = ((create, "remove_obsolete"), (create, "link"), (create, "read_contents"), (create, "verify_contents"))
    for module, step in steps:
        with monkeypatch.context() as patch:
            calls = {"left": 1 if step == "read_contents" else 0}
            real = getattr(module, step)

            def dying(*arguments: object, calls: dict[str, int] = calls, real: object = real) -> object:
                if calls["left"]:
                    calls["left"] -= 1
                    return real(*arguments)  # type: ignore[operator]
                raise Killed

            patch.setattr(module, step, dying)
            assert world.failed("create", "demo")["code"] == "fault"
        assert world.marker == {**world.marker, "state": "incomplete", "fresh": True}
    world.good("create", "demo")
    assert world.marker == {**world.marker, "state": "complete", "fresh": False}
    assert world.python("import demolib, onlypypi") == ""


def test_a_first_attempt_with_another_lock_leaves_nothing_of_the_first(
    world: World, usual: Basics, monkeypatch: pytest.MonkeyPatch
) -> None:
    from envgen.install import create

    with monkeypatch.context() as patch:
        patch.setattr(create, "verify_contents", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        error = world.failed("create", "demo")
    assert error["message"].startswith(f"{world.prefix} cannot be changed: input/output error")
    assert (world.site / "onlypypi.py").exists()
    (world.site / "thesis.tex").write_text("mine")
    for file in (world.prefix / "conda-meta/demolib-1.0-0.json", world.site / "onlypypi-2.0.dist-info/RECORD"):
        file.unlink()  # as if the run had been killed before it wrote them
    world.lock([usual.python, usual.pip, usual.six])
    world.good("create", "demo")
    assert (world.site / "thesis.tex").read_text() == "mine"
    names = {path.name for path in world.prefix.rglob("*")}
    assert [name for name in names if name.startswith(("demolib", "onlypypi", "demo-tool"))] == []


def test_a_failed_sync_says_half_changed(world: World, usual: Basics, monkeypatch: pytest.MonkeyPatch) -> None:
    from envgen.install import create

    world.good("create", "demo")
    world.lock([usual.python, usual.pip, usual.six])
    with monkeypatch.context() as patch:
        patch.setattr(create, "verify_contents", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        error = world.failed("create", "demo")
    assert f"{world.prefix}: it is half changed, and marked so: the same command completes it" in error["message"]
    world.good("create", "demo")


def test_interrupting_while_linking_says_half_made_alone(
    world: World, usual: Basics, monkeypatch: pytest.MonkeyPatch
) -> None:
    from envgen.install import create

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(create, "link", interrupt)
        error = world.failed("create", "demo", code=130)
    state = "it is half made, and marked so: the same command completes it"
    assert (error["code"], error["message"]) == ("interrupted", f"interrupted\n  {world.prefix}: {state}")
    world.good("create", "demo")


def test_a_damaged_mark_counts_as_half_made(kept: Kept) -> None:
    world, _ = kept.created()
    (world.prefix / "conda-meta/envgen").write_text("{")
    assert world.failed("run", "demo", "--activation", "bash")["code"] == "prefix"
    world.good("create", "demo")
    assert world.marker["state"] == "complete"


def test_a_mark_of_another_format_is_refused(kept: Kept) -> None:
    world, _ = kept.created()
    (world.prefix / "conda-meta/envgen").write_text('{"format": 99}')
    assert world.failed("create", "demo")["message"] == f"{world.prefix} was made by another version of envgen"


def test_two_at_once(world: World, usual: Basics) -> None:
    asked, released = threading.Event(), threading.Event()
    world.environ["ENVGEN_TIMEOUT"] = LONG
    world.channel.faults["demolib-1.0-0.conda"] = _delayed(usual.demolib.content, asked, released)
    first = world.start("create", "demo")
    assert asked.wait(60)
    error = world.failed("create", "demo")
    assert (error["code"], error["hint"]) == ("write", "wait until it ends")
    assert error["message"] == f"another run of envgen is at work in {world.prefix}"
    released.set()
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, (out, err)
    assert world.good("create", "demo")["changes"] == []


def test_two_prefixes_at_once_share_the_store(world: World, usual: Basics) -> None:
    asked, released = threading.Event(), threading.Event()
    world.environ["ENVGEN_TIMEOUT"] = LONG
    world.channel.faults["demolib-1.0-0.conda"] = _delayed(usual.demolib.content, asked, released)
    processes = [world.start("create", "demo", "--prefix", str(world.folder / f"p{number}")) for number in range(2)]
    assert asked.wait(60)
    released.set()
    for process in processes:
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0, (out, err)
    for number in range(2):
        assert world.python("import demolib, onlypypi", world.folder / f"p{number}") == ""
    assert world.channel.fetched.count(usual.demolib.path) == 1


def _delayed(body: bytes, asked: threading.Event, released: threading.Event) -> Fault:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        released.wait(60)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer
