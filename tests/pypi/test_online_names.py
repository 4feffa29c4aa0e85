"""Test the online name map against a loopback server."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from envgen.pypi import online_names
from envgen.pypi.online_names import OnlineNameMap, clean

NOW = 1_790_000_000.0
DAY = 24 * 3600.0
MAP = {
    "conda-fresh": ["fresh"],
    "some_name": ["some-name", "typing-extensions"],
    "junk": ["click", "numpy"],
    "numpy": ["numpy"],
    "numpy-alias": ["NumPy"],
    "library": None,
}


@dataclass(kw_only=True)
class Server:
    """Serve one text with an ETag; count what was asked."""

    body: bytes = b""
    tag: str = '"one"'
    status: int = 200
    asked: list[str] = field(default_factory=list)
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    packed: bool = False


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server(body=json.dumps(MAP).encode())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("If-None-Match", "")
            state.asked.append(known)
            status = 304 if known and known == state.tag else state.status
            self.send_response(status)
            if state.tag:
                self.send_header("ETag", state.tag)
            for name, value in state.headers.items():
                self.send_header(name, value)
            body = b"" if status == 304 else state.body
            if body and state.packed and "gzip" in self.headers.get("Accept-Encoding", ""):
                body = gzip.compress(body)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}/map.json"
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let server and client tell the time of `NOW`, which `online` may put forward."""
    monkeypatch.setattr(time, "time", lambda: CLOCK[0])


CLOCK = [NOW]


def online(server: Server, cache: Path, *, now: float = NOW, offline: bool = False) -> OnlineNameMap:
    CLOCK[0] = now
    return OnlineNameMap(cache_dir=cache, offline=offline, url=server.url, timeout=5)


def test_the_map_is_cleaned_and_turned_around() -> None:
    assert clean(json.dumps(MAP).encode()) == {
        "fresh": ("conda-fresh",),
        "some-name": ("some_name",),
        "numpy": ("numpy", "numpy-alias"),
    }


@pytest.mark.parametrize("text", [b"[]", b"{", b'"x"', b"", b"\xff"])
def test_what_is_no_map_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        clean(text)


def test_odd_entries_of_the_map_are_passed_over() -> None:
    assert clean(b'{"a": "word", "b": [1, "b"], "c": {"x": 1}}') == {"b": ("b",)}


def test_the_map_is_fetched_once_a_day(server: Server, tmp_path: Path) -> None:
    first = online(server, tmp_path)
    assert first.holders("fresh") == ("conda-fresh",)
    assert first.holders("nowhere") == ()
    assert online(server, tmp_path).holders("fresh") == ("conda-fresh",)
    assert online(server, tmp_path, now=NOW + DAY - 1).holders("fresh") == ("conda-fresh",)
    assert server.asked == [""]
    assert first.notes == []


def test_a_copy_that_is_still_good_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    online(server, tmp_path).holders("fresh")
    server.body = b"never sent"
    assert online(server, tmp_path, now=NOW + 2 * DAY).holders("fresh") == ("conda-fresh",)
    assert online(server, tmp_path, now=NOW + 2.5 * DAY).holders("fresh") == ("conda-fresh",)
    assert server.asked == ["", '"one"']


def test_a_changed_map_takes_the_place_of_the_copy(server: Server, tmp_path: Path) -> None:
    online(server, tmp_path).holders("fresh")
    server.body, server.tag = b'{"other": ["fresh"]}', ""
    assert online(server, tmp_path, now=NOW + 2 * DAY).holders("fresh") == ("other",)
    online(server, tmp_path, now=NOW + 4 * DAY).holders("fresh")
    assert server.asked == ["", '"one"', ""]


def test_offline_asks_nobody(server: Server, tmp_path: Path) -> None:
    assert online(server, tmp_path, offline=True).holders("fresh") == ()
    online(server, tmp_path).holders("fresh")
    late = online(server, tmp_path, now=NOW + 30 * DAY, offline=True)
    assert late.holders("fresh") == ("conda-fresh",)
    assert server.asked == [""]
    assert late.notes == []


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (500, b"oops", "http error 500: internal server error"),
        (404, b"", "http error 404: not found"),
        (200, b"<html>", "expecting value"),
        (200, b"\xff\xfe", "decode"),
    ],
)
def test_an_older_copy_serves_where_the_map_cannot_be_had(
    server: Server, tmp_path: Path, status: int, body: bytes, words: str
) -> None:
    online(server, tmp_path).holders("fresh")
    server.status, server.body, server.tag = status, body, '"two"'
    late = online(server, tmp_path, now=NOW + 2 * DAY)
    assert late.holders("fresh") == ("conda-fresh",)
    assert "an older copy serves" in late.notes[0]
    assert words in late.notes[0]


def test_the_map_is_never_required(server: Server, tmp_path: Path) -> None:
    unreachable = OnlineNameMap(cache_dir=tmp_path, url="http://127.0.0.1:9/map.json", timeout=1)
    assert unreachable.holders("fresh") == ()
    assert "names are mapped without it" in unreachable.notes[0]
    assert unreachable.holders("numpy") == ()
    assert len(unreachable.notes) == 1


def test_a_cache_that_cannot_be_written_is_noted(server: Server, tmp_path: Path) -> None:
    (tmp_path / "name-map").write_text("in the way")
    asked = online(server, tmp_path)
    assert asked.holders("fresh") == ()
    assert "cannot be had" in asked.notes[0]


def test_a_map_without_end_is_refused(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online_names, "_LIMIT", 10)
    asked = online(server, tmp_path)
    assert asked.holders("fresh") == ()
    assert "larger than 10 bytes" in asked.notes[0]


def test_a_damaged_copy_is_noted(server: Server, tmp_path: Path) -> None:
    online(server, tmp_path).holders("fresh")
    (copy,) = kept(tmp_path)
    copy.write_bytes(copy.read_bytes().replace(b'"conda-fresh"', b"conda-fresh!!"))
    damaged = online(server, tmp_path, offline=True)
    assert damaged.holders("fresh") == ()
    assert "its copy cannot be read" in damaged.notes[0]


def kept(folder: Path) -> list[Path]:
    return [file for file in (folder / "name-map").rglob("*") if file.is_file() and file.suffix != ".lock"]


def test_a_file_that_is_no_copy_is_as_good_as_none(server: Server, tmp_path: Path) -> None:
    online(server, tmp_path).holders("fresh")
    (copy,) = kept(tmp_path)
    copy.write_bytes(b"garbage")
    assert online(server, tmp_path, offline=True).holders("fresh") == ()
    assert online(server, tmp_path).holders("fresh") == ("conda-fresh",)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"cc=4,\x01",
        lambda _: b"cc=4,\x80",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole.replace(b"headers", b"heeders"),
        lambda whole: whole.replace(b"Date", b"Dote"),
        lambda whole: whole.replace(b" GMT", b"\xffGMT").replace(b", ", b"--"),
    ],
)
def test_a_copy_that_is_damaged_anywhere_is_fetched_again(
    server: Server, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    online(server, tmp_path).holders("fresh")
    (copy,) = kept(tmp_path)
    copy.write_bytes(damage(copy.read_bytes()))
    assert online(server, tmp_path, offline=True).holders("fresh") == ()
    repaired = online(server, tmp_path)
    assert repaired.holders("fresh") == ("conda-fresh",)
    assert repaired.notes == []


def test_a_packed_answer_is_unpacked(server: Server, tmp_path: Path) -> None:
    server.packed = True
    first = online(server, tmp_path)
    assert (first.holders("fresh"), first.notes) == (("conda-fresh",), [])
    assert online(server, tmp_path, offline=True).holders("fresh") == ("conda-fresh",)


def test_a_copy_from_the_future_is_checked(server: Server, tmp_path: Path) -> None:
    online(server, tmp_path, now=NOW + 90 * DAY).holders("fresh")
    assert online(server, tmp_path).holders("fresh") == ("conda-fresh",)
    assert server.asked == ["", '"one"']
    assert online(server, tmp_path, now=NOW + DAY - 1).holders("fresh") == ("conda-fresh",)
    assert len(server.asked) == 2


def test_nothing_secret_is_kept(server: Server, tmp_path: Path) -> None:
    server.headers = {"Set-Cookie": "session=s3cret", "Vary": "User-Agent, Cookie"}
    online(server, tmp_path).holders("fresh")
    (copy,) = kept(tmp_path)
    assert not any(word in copy.read_bytes() for word in (b"s3cret", b"User-Agent", b"envgen"))
    assert copy.stat().st_mode & 0o077 == 0
