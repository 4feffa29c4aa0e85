"""Files come whole or not at all: resumed where they broke off, verified, and given up when a server is silent."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from envgen.errors import InstallError
from envgen.install import download as transfer
from envgen.install.artifacts import Artifact, ArtifactLocation, Digest
from envgen.install.download import Download, Patience, Progress, download_all
from envgen.models.package_key import PackageKey
from envgen.repodata.credentials import Route
from tests.fakes.loopback import LoopbackChannel, send, serving, status

BODY = bytes(range(256)) * 2000


@pytest.fixture
def channel() -> Iterator[LoopbackChannel]:
    with serving(LoopbackChannel({"a.bin": BODY})) as made:
        yield made


def artifact(body: bytes = BODY, *, size: int | None = len(BODY), algorithm: str = "sha256") -> Artifact:
    digest = Digest(algorithm=algorithm, hex=hashlib.new(algorithm, body).hexdigest())
    return Artifact(key=PackageKey("conda", "a"), filename="a.bin", digest=digest, size=size)


def download(folder: Path, *urls: str, wanted: Artifact | None = None) -> Download:
    locations = tuple(ArtifactLocation(url=url, shown=url.replace("user:secret@", "")) for url in urls)
    return Download(artifact=wanted or artifact(), target=folder / "store" / "a.bin", locations=locations)


def fetch(one: Download, lines: list[str] | None = None) -> Progress:
    progress = Progress([one.artifact], "downloading", (lines if lines is not None else []).append)
    download_all([one], patience=Patience(silence=0.4), progress=progress)
    return progress


def test_a_file_comes_whole(tmp_path: Path, channel: LoopbackChannel) -> None:
    lines: list[str] = []
    one = download(tmp_path, f"{channel.url}/a.bin")
    progress = fetch(one, lines)
    assert one.target.read_bytes() == BODY
    assert not one.part.exists()
    assert (progress.files, progress.fetched) == (1, len(BODY))
    assert lines[-1] == "downloading: 1 of 1 files, 500.0 kB of 500.0 kB"
    assert len(set(lines)) == len(lines) > 1


def test_what_is_there_is_not_fetched(tmp_path: Path, channel: LoopbackChannel) -> None:
    one = download(tmp_path, f"{channel.url}/a.bin")
    fetch(one)
    one.part.write_bytes(b"left over")
    assert fetch(one).fetched == 0
    assert len(channel.seen) == 1
    assert not one.part.exists()


def test_a_damaged_file_is_fetched_again(tmp_path: Path, channel: LoopbackChannel) -> None:
    one = download(tmp_path, f"{channel.url}/a.bin")
    one.target.parent.mkdir()
    one.target.write_bytes(b"damaged")
    fetch(one)
    assert one.target.read_bytes() == BODY


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_every_hash_of_a_lock_is_verified(tmp_path: Path, channel: LoopbackChannel, algorithm: str) -> None:
    fetch(download(tmp_path, f"{channel.url}/a.bin", wanted=artifact(algorithm=algorithm)))
    wrong = download(tmp_path / "other", f"{channel.url}/a.bin", wanted=artifact(BODY[::-1], algorithm=algorithm))
    with pytest.raises(InstallError, match=f"what is served is not what was locked \\({algorithm} "):
        fetch(wrong)
    assert not wrong.target.exists()
    assert wrong.part.read_bytes() == b""


def ranged(handler: BaseHTTPRequestHandler, *, stop: int | None = None, honest: bool = True) -> None:
    """Serve from where the client asks, at most up to a byte."""
    asked = handler.headers.get("Range")
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and honest else 0
    handler.send_response(206 if start else 200)
    handler.send_header("Content-Length", str(len(BODY) - start))
    handler.end_headers()
    handler.wfile.write(BODY[start : stop if stop is None or stop > start else None])
    handler.close_connection = True


def in_pieces(handler: BaseHTTPRequestHandler) -> None:
    """Break off after each 150,000 bytes."""
    asked = handler.headers.get("Range")
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
    ranged(handler, stop=start + 150_000)


def test_it_goes_on_where_it_broke_off(tmp_path: Path, channel: LoopbackChannel) -> None:
    channel.faults["a.bin"] = in_pieces
    one = download(tmp_path, f"{channel.url}/a.bin")
    progress = fetch(one)
    assert one.target.read_bytes() == BODY
    asked = [seen.headers.get("range") for seen in channel.seen]
    assert asked[0] is None
    assert all(each is not None and int(each[6:-1]) > 0 for each in asked[1:])
    assert len(asked) == 4
    assert progress.files == 1


def test_a_later_run_goes_on(tmp_path: Path, channel: LoopbackChannel) -> None:
    channel.faults["a.bin"] = ranged
    one = download(tmp_path, f"{channel.url}/a.bin")
    one.target.parent.mkdir()
    one.part.write_bytes(BODY[:300_000])
    lines: list[str] = []
    fetch(one, lines)
    assert channel.seen[0].headers["range"] == "bytes=300000-"
    assert one.target.read_bytes() == BODY
    assert lines[-1] == "downloading: 1 of 1 files, 500.0 kB of 500.0 kB"


PARTS = {
    "a part of something else": b"x" * 1000,
    "a part that is too long": BODY + b"more",
    "a part that is whole but wrong": bytes(len(BODY)),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=list(PARTS))
def test_a_useless_part_is_thrown_away(tmp_path: Path, channel: LoopbackChannel, part: bytes) -> None:
    channel.faults["a.bin"] = ranged
    one = download(tmp_path, f"{channel.url}/a.bin")
    one.target.parent.mkdir()
    one.part.write_bytes(part)
    fetch(one)
    assert one.target.read_bytes() == BODY


def test_a_server_that_ignores_ranges(tmp_path: Path, channel: LoopbackChannel) -> None:
    channel.faults["a.bin"] = lambda handler: ranged(handler, honest=False)
    one = download(tmp_path, f"{channel.url}/a.bin")
    one.target.parent.mkdir()
    one.part.write_bytes(BODY[:300_000])
    fetch(one)
    assert one.target.read_bytes() == BODY


def test_a_server_that_refuses_the_range(tmp_path: Path, channel: LoopbackChannel) -> None:
    def refuse(handler: BaseHTTPRequestHandler) -> None:
        if handler.headers.get("Range"):
            send(handler, 416, b"")
        else:
            ranged(handler)

    channel.faults["a.bin"] = refuse
    one = download(tmp_path, f"{channel.url}/a.bin", wanted=artifact(size=None))
    one.target.parent.mkdir()
    one.part.write_bytes(BODY + b"too long, and its size is not known")
    fetch(one)
    assert one.target.read_bytes() == BODY


def test_more_than_was_locked(tmp_path: Path, channel: LoopbackChannel) -> None:
    channel.files["a.bin"] = BODY * 2
    with pytest.raises(InstallError, match="it is longer than the lock says"):
        fetch(download(tmp_path, f"{channel.url}/a.bin"))
    assert len(channel.seen) == 1


def test_the_next_location_is_tried(tmp_path: Path, channel: LoopbackChannel) -> None:
    one = download(tmp_path, f"{channel.url}/absent.bin", f"{channel.url}/a.bin")
    fetch(one)
    assert one.target.read_bytes() == BODY


def test_every_location_is_named_when_none_serves(tmp_path: Path, channel: LoopbackChannel) -> None:
    channel.faults["forbidden.bin"] = status(403)
    address = channel.url.replace("http://", "http://user:secret@")
    with pytest.raises(InstallError) as caught:
        fetch(download(tmp_path, f"{address}/absent.bin", f"{channel.url}/forbidden.bin"))
    message = caught.value.message
    assert f"404 Not Found ({channel.url}/absent.bin); 403 Forbidden ({channel.url}/forbidden.bin)" in message
    assert "secret" not in str(caught.value)
    assert "ENVGEN_TOKENS" in caught.value.hint


def test_a_password_in_the_address_is_sent(tmp_path: Path, channel: LoopbackChannel) -> None:
    fetch(download(tmp_path, f"{channel.url}/a.bin".replace("http://", "http://user:secret@")))
    assert channel.seen[0].headers["authorization"].startswith("Basic ")


def routed(folder: Path, channel: LoopbackChannel, *, sent: str = "", header: str = "") -> Download:
    route = Route(url=channel.url, sent=sent or channel.url, header=header)
    location = ArtifactLocation(url=f"{channel.url}/a.bin", shown=f"{channel.url}/a.bin", route=route)
    return Download(artifact=artifact(), target=folder / "store" / "a.bin", locations=(location,))


def test_a_hosts_secret_is_sent_and_goes_on_from_a_part(tmp_path: Path, channel: LoopbackChannel) -> None:
    sent = channel.url.replace("/channel", "/t/T0KEN/channel")
    one = routed(tmp_path, channel, sent=sent, header="Bearer w0rd")
    one.part.parent.mkdir()
    one.part.write_bytes(BODY[:100])

    def rest(handler: BaseHTTPRequestHandler) -> None:
        start = int(handler.headers["Range"].removeprefix("bytes=").partition("-")[0])
        send(handler, 206, BODY[start:], {"Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"})

    channel.faults["a.bin"] = rest
    fetch(one)
    assert one.target.read_bytes() == BODY
    assert {seen.headers.get("authorization") for seen in channel.seen} == {"Bearer w0rd"}
    assert {seen.path for seen in channel.seen} == {"/t/T0KEN/channel/a.bin"}
    assert channel.seen[-1].headers["range"] == "bytes=100-"


@pytest.mark.parametrize("kind", ["header", "path"])
def test_a_redirect_is_followed_without_the_secret(tmp_path: Path, channel: LoopbackChannel, kind: str) -> None:
    """A channel may keep its files elsewhere, and tells by whom they may be read in the address itself."""
    sent = channel.url.replace("/channel", "/t/T0KEN/channel") if kind == "path" else ""
    with serving(LoopbackChannel({"b.bin": BODY})) as other:
        channel.faults["a.bin"] = lambda handler: send(handler, 302, b"", {"Location": f"{other.url}/b.bin"})
        one = routed(tmp_path, channel, sent=sent, header="" if sent else "Bearer w0rd")
        fetch(one)
    assert one.target.read_bytes() == BODY
    assert channel.seen
    for seen in other.seen:
        assert not any(word in str(seen.headers) for word in ("w0rd", "T0KEN"))


def test_a_passing_fault_is_no_failure(tmp_path: Path, channel: LoopbackChannel) -> None:
    failures = [503, 500]

    def recover(handler: BaseHTTPRequestHandler) -> None:
        if failures:
            send(handler, failures.pop(), b"sorry")
        else:
            ranged(handler)

    channel.faults["a.bin"] = recover
    fetch(download(tmp_path, f"{channel.url}/a.bin"))
    assert len(channel.seen) == 3


def test_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"a\.bin cannot be downloaded: no connection \(http://127"):
        fetch(download(tmp_path, "http://127.0.0.1:9/a.bin"))


def test_there_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"there is no address to download a\.bin from"):
        fetch(download(tmp_path))


def test_a_slow_server_is_waited_for(tmp_path: Path, channel: LoopbackChannel) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        for start in range(0, len(BODY), 100_000):
            time.sleep(0.15)
            handler.wfile.write(BODY[start : start + 100_000])
            handler.wfile.flush()

    channel.faults["a.bin"] = slow
    fetch(download(tmp_path, f"{channel.url}/a.bin"))
    assert len(channel.seen) == 1


def test_a_server_that_trickles_is_given_up_and_the_next_run_goes_on(tmp_path: Path, channel: LoopbackChannel) -> None:
    def trickling(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        for start in range(0, len(BODY), 1000):
            handler.wfile.write(BODY[start : start + 1000])
            handler.wfile.flush()
            time.sleep(0.05)

    channel.faults["a.bin"] = trickling
    one = download(tmp_path, f"{channel.url}/a.bin")
    progress = Progress([one.artifact], "downloading", lambda _: None)
    with pytest.raises(InstallError) as caught:
        download_all([one], patience=Patience(silence=1.0, window=1.0, rate=100_000), progress=progress)
    assert "a.bin cannot be downloaded: less than 100,000 bytes a second came for 1 seconds" in caught.value.message
    assert len(channel.seen) == 1
    part = one.part.stat().st_size
    assert 0 < part < len(BODY)
    channel.faults["a.bin"] = ranged
    fetch(one)
    assert one.target.read_bytes() == BODY
    assert channel.seen[-1].headers["range"] == f"bytes={part}-"


def test_another_process_that_fetches_the_same_is_waited_for(tmp_path: Path, channel: LoopbackChannel) -> None:
    one = download(tmp_path, f"{channel.url}/a.bin")
    one.target.parent.mkdir()
    descriptor = os.open(one.part, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    def finish() -> None:
        time.sleep(0.3)
        os.write(descriptor, BODY)
        one.part.replace(one.target)
        os.close(descriptor)

    other = threading.Thread(target=finish)
    other.start()
    fetch(one)
    other.join()
    assert not channel.seen
    assert one.target.read_bytes() == BODY


@pytest.mark.parametrize(("code", "fails"), [(errno.ENOLCK, False), (errno.EIO, True)], ids=["no locks", "broken"])
def test_a_file_system_without_locks(
    tmp_path: Path, channel: LoopbackChannel, monkeypatch: pytest.MonkeyPatch, code: int, fails: bool
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    one = download(tmp_path, f"{channel.url}/a.bin")
    if fails:
        with pytest.raises(InstallError) as caught:
            fetch(one)
        assert caught.value.code == "disk"
        assert caught.value.hint == "set ENVGEN_CACHE_DIR to a folder you can write"
    else:
        fetch(one)
        assert one.target.read_bytes() == BODY


def test_a_full_disk(tmp_path: Path, channel: LoopbackChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        """Stand for a file on a full disk."""

        def __init__(self, stream: object, *_: object) -> None:
            self._stream = stream

        def __getattr__(self, name: str) -> Callable[..., object]:
            found: Callable[..., object] = getattr(self._stream, name)
            return found

        def write(self, data: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sink = transfer._Sink
    monkeypatch.setattr(transfer, "_Sink", lambda stream, *rest: sink(Full(stream), *rest))  # type: ignore[arg-type]
    with pytest.raises(InstallError) as caught:
        fetch(download(tmp_path, f"{channel.url}/a.bin"))
    assert (caught.value.code, caught.value.hint) == ("disk", "free some space on the disk")
    assert "no space left on device" in caught.value.message


def test_many_at_once_and_the_first_failure_ends_all(tmp_path: Path, channel: LoopbackChannel) -> None:
    released, waited = threading.Event(), []
    channel.faults["slow.bin"] = lambda handler: waited.append(released.wait(60))
    channel.files |= {f"{number}.bin": BODY for number in range(20)}
    many = [
        Download(
            artifact=artifact(),
            target=tmp_path / f"{number}.bin",
            locations=(ArtifactLocation(url=f"{channel.url}/{number}.bin", shown=""),),
        )
        for number in range(20)
    ]
    progress = Progress([each.artifact for each in many], "downloading", lambda line: None)
    download_all(many, patience=Patience(silence=5), progress=progress)
    assert progress.fetched == 20 * len(BODY)
    bad = [download(tmp_path / "x", f"{channel.url}/slow.bin"), download(tmp_path / "y", f"{channel.url}/absent.bin")]
    with pytest.raises(InstallError, match="404"):
        download_all(bad, patience=Patience(silence=60), progress=progress)
    assert waited == []  # nobody waited for the slow one
    released.set()
