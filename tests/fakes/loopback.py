"""Serve a channel over loopback HTTP, with the faults that real servers have."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgpack
import zstandard

Json = dict[str, Any]


def package(name: str, version: str = "1.0", **fields: Any) -> Json:
    """Make one repodata entry; `depends`, `timestamp`, … override the defaults."""
    digest = hashlib.sha256(f"{name}-{version}".encode())
    entry: Json = {
        "name": name,
        "version": version,
        "build": "0",
        "build_number": 0,
        "depends": [],
        "md5": digest.hexdigest()[:32],
        "sha256": digest.hexdigest(),
        "size": 1234,
        "subdir": "noarch",
        "timestamp": 1_700_000_000_123,
    }
    entry.update(fields)
    return {key: value for key, value in entry.items() if value is not None}


def repodata(subdir: str, *entries: Json, extension: str = ".conda") -> Json:
    """Make one subdir's repodata of its entries."""
    packages = {
        f"{entry['name']}-{entry['version']}-{entry['build']}{extension}": {**entry, "subdir": subdir}
        for entry in entries
    }
    empty: Json = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": {}, "repodata_version": 1}
    return {**empty, ("packages.conda" if extension == ".conda" else "packages"): packages}


def merged(first: Json, second: Json) -> Json:
    """Join two repodata of one subdir, such as the two formats of twins."""
    keys = ("packages", "packages.conda")
    return {**first, **{key: {**first[key], **second[key]} for key in keys}}


def flat(subdir: str, data: Json) -> dict[str, bytes]:
    """Lay repodata out as plain JSON."""
    return {f"{subdir}/repodata.json": json.dumps(data).encode()}


def flat_zst(subdir: str, data: Json) -> dict[str, bytes]:
    """Lay repodata out as zstd-compressed JSON alone."""
    return {f"{subdir}/repodata.json.zst": zstandard.compress(json.dumps(data).encode())}


def sharded(subdir: str, data: Json) -> dict[str, bytes]:
    """Lay repodata out as shards (CEP 16): one compressed msgpack a name, found by its hash in an index."""
    shards: dict[str, Json] = {}
    for key in ("packages", "packages.conda"):
        for filename, entry in data[key].items():
            shard = shards.setdefault(entry["name"], {"packages": {}, "packages.conda": {}, "removed": []})
            hashes = {kind: bytes.fromhex(entry[kind]) for kind in ("md5", "sha256") if kind in entry}
            shard[key][filename] = {**entry, **hashes}
    files: dict[str, bytes] = {}
    index: dict[str, bytes] = {}
    for name, shard in shards.items():
        body = zstandard.compress(msgpack.packb(shard))
        digest = hashlib.sha256(body)
        index[name] = digest.digest()
        files[f"{subdir}/shards/{digest.hexdigest()}.msgpack.zst"] = body
    base = data["info"].get("base_url", "./")
    info = {"subdir": subdir, "base_url": base, "shards_base_url": "./shards/"}
    head = {"version": 1, "info": info, "shards": index}
    files[f"{subdir}/repodata_shards.msgpack.zst"] = zstandard.compress(msgpack.packb(head))
    return files


@dataclass
class Seen:
    """One request that a server got."""

    method: str
    path: str
    headers: dict[str, str]


Fault = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class LoopbackChannel:
    """Serve files below `/channel/`, with ETags; `faults` answer paths by their ending instead ("" is all of them)."""

    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        """Return the channel's base URL."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/channel"

    @property
    def fetched(self) -> list[str]:
        """List the paths asked for, below the channel."""
        return [seen.path.split("/channel/", 1)[-1] for seen in self.seen]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.seen.append(Seen(handler.command, handler.path, headers))
        fault = next((fault for ending, fault in self.faults.items() if handler.path.endswith(ending)), None)
        if fault is not None:
            fault(handler)
            return
        body = self.files.get(handler.path.split("/channel/", 1)[-1])
        if body is None:
            send(handler, 404, b"")
            return
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        unchanged = headers.get("if-none-match") == tag
        send(handler, 304 if unchanged else 200, b"" if unchanged else body, {"ETag": tag, **self.headers})


@contextlib.contextmanager
def guarded(files: Mapping[str, bytes], admits: Callable[[BaseHTTPRequestHandler], bool]) -> Iterator[LoopbackChannel]:
    """Serve files to the requests that are admitted; all others are told to log in."""

    def guard(handler: BaseHTTPRequestHandler) -> None:
        if not admits(handler):
            send(handler, 401, b"")
            return
        del server.faults[""]
        server.answer(handler)
        server.faults[""] = guard

    with serving(LoopbackChannel(files=dict(files))) as server:
        server.faults[""] = guard
        yield server


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    """Write a whole answer."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        if status != 304 or name != "Content-Length":
            handler.send_header(name, value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


def status(code: int) -> Fault:
    """Answer with a bare status."""
    return lambda handler: send(handler, code, b"sorry")


def html(handler: BaseHTTPRequestHandler) -> None:
    """Answer with a log-in page, as a captive portal does."""
    send(handler, 200, b"<!DOCTYPE html><html><title>Log in</title></html>", {"Content-Type": "text/html"})


def hang(handler: BaseHTTPRequestHandler) -> None:
    """Accept the request and never answer."""
    time.sleep(60)


def trickle(handler: BaseHTTPRequestHandler) -> None:
    """Answer one byte at a time, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(600):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Reset the connection."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    handler.connection.close()


def truncated(body: bytes) -> Fault:
    """Announce the whole body and send half of it."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body[: len(body) // 2])
        handler.close_connection = True

    return answer


@contextlib.contextmanager
def serving(channel: LoopbackChannel) -> Iterator[LoopbackChannel]:
    """Serve a channel on an ephemeral port while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with contextlib.suppress(OSError, ValueError):  # the client gave up on purpose
                channel.answer(self)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            """Stay silent."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """Stay silent: broken connections are what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if channel.tls:
        server.socket = channel.tls.wrap_socket(server.socket, server_side=True)
    channel.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield channel
    finally:
        server.shutdown()
        server.server_close()
