"""Describe silent servers from slow ones."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from envgen.repodata import remote
from envgen.repodata.locations import Place
from envgen.repodata.remote import FloodError, Probe, SilentError, SlowError, Watch, first_bytes
from envgen.system.lifetime import run
from tests.fakes.loopback import LoopbackChannel, hang, reset, send, serving, status, trickle

NAMES = ("repodata_shards.msgpack.zst", "repodata.json.zst", "repodata.json")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[LoopbackChannel]:
    with serving(LoopbackChannel()) as channel:
        yield channel


def place(server: LoopbackChannel) -> Place:
    return Place(shown=server.url, url=server.url)


def watch(server: LoopbackChannel, cache: Path, timeout: float = 0.4) -> Watch:
    return Watch(places=[place(server)], subdirs=["noarch"], cache=cache, timeout=timeout)


def keep_alive(handler: BaseHTTPRequestHandler) -> None:
    """Answer in short, and keep the connection open against the asker's will."""
    send(handler, 200, b"{}")
    handler.wfile.flush()
    time.sleep(10)


def unending(handler: BaseHTTPRequestHandler) -> None:
    """Answer 600 bytes without a length."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 600)
    handler.wfile.flush()
    time.sleep(10)


def cut(handler: BaseHTTPRequestHandler) -> None:
    """Print a little, and hang up."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nx")
    handler.close_connection = True


ANSWERS = {
    "200": (lambda handler: send(handler, 200, b"x" * 5000), b"HTTP/1.1 200 OK"),
    "404": (status(404), b"HTTP/1.1 404 Not Found"),
    "short and kept alive": (keep_alive, b"HTTP/1.1 200 OK"),
    "of no length": (unending, b"HTTP/1.1 200 OK"),
    "cut": (cut, b"HTTP/1.1 200 OK"),
}


@pytest.mark.parametrize(("fault", "start"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_seen_at_once(server: LoopbackChannel, fault: object, start: bytes) -> None:
    assert callable(fault)
    server.faults = {"": fault}
    answer = first_bytes(f"{server.url}/noarch/repodata.json?x=1", 8)  # sooner than the connection is closed
    assert answer is not None
    assert answer.startswith(start)
    assert server.seen[0].path == "/channel/noarch/repodata.json?x=1"


@pytest.mark.parametrize("fault", [hang, trickle, reset], ids=["hang", "trickle", "reset"])
def test_a_silence_is_none(server: LoopbackChannel, fault: object) -> None:
    assert callable(fault)
    server.faults = {"": fault}
    assert first_bytes(f"{server.url}/noarch/repodata.json", 0.4) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://nowhere.invalid/x", "http:///x"])
def test_nobody_there_is_none(url: str) -> None:
    assert first_bytes(url, 2) is None


def test_a_talk_that_is_not_tls_is_an_answer(server: LoopbackChannel) -> None:
    assert first_bytes(server.url.replace("http:", "https:"), 2) == b""


def test_a_proxy_answers_for_what_is_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert first_bytes("http://nowhere.invalid/x", 2) == b""
    monkeypatch.setenv("no_proxy", "nowhere.invalid")
    assert first_bytes("http://nowhere.invalid/x", 2) is None


def test_a_user_is_not_sent(server: LoopbackChannel) -> None:
    first_bytes(server.url.replace("//", "//ada:pw@"), 2)
    assert "authorization" not in server.seen[0].headers
    assert server.seen[0].headers["host"] == f"127.0.0.1:{server.port}"


def test_a_probe_asks_for_every_index(server: LoopbackChannel) -> None:
    probe = Probe(place(server), ["noarch", "osx-arm64"], 2)
    assert len(probe.starts()) == 6
    assert probe.answered
    assert sorted(server.fetched) == sorted(f"{subdir}/{name}" for subdir in ("noarch", "osx-arm64") for name in NAMES)


def test_a_probe_needs_every_answer(server: LoopbackChannel) -> None:
    server.faults = {"json.zst": hang}
    probe = Probe(place(server), ["noarch"], 0.3)
    assert len(probe.starts()) == 2
    assert not probe.answered


async def wait(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


def test_quick_work_asks_nothing(server: LoopbackChannel, tmp_path: Path) -> None:
    assert run(watch(server, tmp_path).over(wait(0.01))) == "done"
    assert server.seen == []


@pytest.mark.parametrize("requests", [1, 3], ids=["while asking", "after"])
def test_slow_work_of_a_server_that_answers_is_waited_for(
    server: LoopbackChannel, tmp_path: Path, requests: int
) -> None:
    async def work() -> str:
        while len(server.seen) < requests:  # noqa: ASYNC110 - the server sees from a thread of its own
            await asyncio.sleep(0.01)
        return "done"

    assert run(watch(server, tmp_path, timeout=1).over(work())) == "done"


def test_silence_ends_the_wait(server: LoopbackChannel, tmp_path: Path) -> None:
    server.faults = {"": hang}
    with pytest.raises(SilentError) as caught:
        run(watch(server, tmp_path).over(wait(10)))
    assert caught.value.place == place(server)
    assert caught.value.seconds == pytest.approx(0.4)


def test_nothing_for_long_ends_the_wait_though_the_server_answers(server: LoopbackChannel, tmp_path: Path) -> None:
    with pytest.raises(SilentError) as caught:
        run(watch(server, tmp_path, timeout=0.1).over(wait(10)))
    assert caught.value.seconds == pytest.approx(0.5)


def test_a_growing_cache_is_progress(server: LoopbackChannel, tmp_path: Path) -> None:
    server.faults = {"": hang}
    (tmp_path / "shards").mkdir()

    def grow() -> None:
        with (tmp_path / "shards" / "x").open("wb", buffering=0) as stream:
            for _ in range(12):
                stream.write(b"x" * 1000)
                time.sleep(0.05)

    thread = threading.Thread(target=grow)
    thread.start()
    assert run(watch(server, tmp_path, timeout=0.6).over(wait(0.7))) == "done"
    thread.join()
    assert server.seen == []


def test_an_error_of_the_work_is_passed_on(server: LoopbackChannel, tmp_path: Path) -> None:
    async def fail() -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        run(watch(server, tmp_path / "absent").over(fail()))


def growing(folder: Path, step: int, pause: float, stop: threading.Event) -> threading.Thread:
    """Write into a cache until it is told to stop."""

    def grow() -> None:
        with (folder / ".tmpX").open("wb", buffering=0) as stream:
            while not stop.wait(pause):
                stream.write(bytes(step))

    thread = threading.Thread(target=grow)
    thread.start()
    return thread


def test_too_little_ends_the_wait(server: LoopbackChannel, tmp_path: Path) -> None:
    stop = threading.Event()
    thread = growing(tmp_path, 600, 0.02, stop)
    slow = Watch(places=[place(server)], subdirs=["noarch"], cache=tmp_path, timeout=0.2, window=1.5, rate=10**6)
    with pytest.raises(SlowError) as caught:
        run(slow.over(wait(30)))
    stop.set()
    thread.join()
    assert (caught.value.rate, caught.value.seconds) == (10**6, 1.5)


def test_too_much_on_the_disk_ends_the_wait_and_is_removed(
    server: LoopbackChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_LARGE", 1000)
    stop = threading.Event()
    thread = growing(tmp_path, 100_000, 0.02, stop)
    (tmp_path / "kept.json").write_bytes(bytes(5000))
    guarded = Watch(places=[place(server)], subdirs=["noarch"], cache=tmp_path, timeout=5, limit=200_000)
    with pytest.raises(FloodError):
        run(guarded.over(wait(30)))
    stop.set()
    thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["kept.json"]


def test_too_much_in_memory_ends_the_wait(
    server: LoopbackChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = iter(range(0, 10**9, 1000))
    monkeypatch.setattr(remote, "_memory", lambda: next(used))
    guarded = Watch(places=[place(server)] * 2, subdirs=["noarch"], cache=tmp_path, timeout=5, limit=1000)
    with pytest.raises(FloodError):
        run(guarded.over(wait(30)))
    assert next(used) == 4000  # for two places


def test_the_memory_is_that_of_this_process() -> None:
    assert 10**7 < remote._memory() < 10**11


def test_a_head_without_end_is_none(server: LoopbackChannel) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        while True:
            handler.wfile.write(b"X" * 4096)

    server.faults = {"": endless}
    assert first_bytes(f"{server.url}/noarch/repodata.json", 30) is None
