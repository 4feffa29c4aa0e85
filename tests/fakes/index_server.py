"""Serve a package index on the loopback interface for tests.

    with IndexServer() as index:
        index.add(build_wheel("demo", "1.0", requires=("six",)))
        index.add(build_wheel("six", "1.17"), core_metadata=False, yanked="broken")
        index.add_sdist("promise", "2.3")
        index.misbehave("/simple/six/", "hang")
        resolve(environment={"UV_DEFAULT_INDEX": index.url, ...})
        assert index.count("/files/demo") == 1

Pages are JSON (PEP 691) or HTML (PEP 503), as the client asks; `html_only` and `ranges` switch abilities off. Every
request is logged in `index.log`. `misbehave(prefix, how)` takes one of `Misbehaviour`; a hang ends with the server.
A fixture `index` that starts an empty server is in `tests/conftest.py`.
"""

from __future__ import annotations

import contextlib
import functools
import html
import itertools
import json
import ssl
import struct
import threading
import time
import zlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self

import zstandard
from packaging.utils import canonicalize_name

from tests.fakes.tiny_wheels import TinyWheel

Misbehaviour = Literal[
    "hang",
    "hang-body",
    "login-page",
    "garbage",
    "missing",
    "gone",
    "unknown",
    "forbidden",
    "unknown-to-proxy",
    "forbidden",
    "broken",
    "reset",
    "slow",
    "truncated",
    "trickle",
    "trickle-head",
    "gzip-bomb",
    "zstd-bomb",
    "deflate-bomb",
]
DEFAULT_TIME = "2025-01-01T00:00:00.000000Z"
_JSON = "application/vnd.pypi.simple.v1+json"
_STATUS: dict[str, int] = {
    "missing": 404,
    "gone": 410,
    "unknown": 401,
    "forbidden": 403,
    "unknown-to-proxy": 407,
    "broken": 500,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that the server saw."""

    method: str
    path: str
    range: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    filename: str
    content: bytes
    sha256: str
    metadata: bytes | None
    requires_python: str
    yanked: bool | str
    uploaded: str | None


@dataclass(slots=True)
class _State:
    """What the handler threads share."""

    files: dict[str, list[_File]] = field(default_factory=dict)
    misbehaviours: dict[str, Misbehaviour] = field(default_factory=dict)
    log: list[Call] = field(default_factory=list)
    html_only: bool = False
    ranges: bool = True
    suffix_ranges: bool = True
    password: str = ""
    query: str = ""
    closing: threading.Event = field(default_factory=threading.Event)


class IndexServer:
    """Run a small index in threads of this process, from `with` to its end."""

    def __init__(
        self,
        *,
        html_only: bool = False,
        ranges: bool = True,
        password: str = "",
        query: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare an empty index; with `password`, only `user:<password>` is let in, to files with `query` alone."""
        self._state = _State(html_only=html_only, ranges=ranges, password=password, query=query)
        state = self._state

        class Handler(_Handler):
            shared = state

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def root(self) -> str:
        """Return the server's address, without a trailing slash."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Return the index's URL, for UV_DEFAULT_INDEX."""
        return f"{self.root}/simple/"

    @property
    def suffix_ranges(self) -> bool:
        """Return whether ranges may be counted from a file's end; False: such a request gets 416."""
        return self._state.suffix_ranges

    @suffix_ranges.setter
    def suffix_ranges(self, value: bool) -> None:
        self._state.suffix_ranges = value

    @property
    def log(self) -> tuple[Call, ...]:
        """List the requests seen so far."""
        return tuple(self._state.log)

    def count(self, prefix: str) -> int:
        """Count the requests whose path starts so."""
        return sum(call.path.startswith(prefix) for call in self.log)

    def add(
        self,
        wheel: TinyWheel,
        *,
        core_metadata: bool = True,
        yanked: bool | str = False,
        uploaded: str | None = DEFAULT_TIME,
    ) -> str:
        """List a wheel, with its `.metadata` file (PEP 658) unless `core_metadata` is False; give its URL."""
        file = _File(
            filename=wheel.filename,
            content=wheel.content,
            sha256=wheel.sha256,
            metadata=wheel.metadata if core_metadata else None,
            requires_python=wheel.requires_python,
            yanked=yanked,
            uploaded=uploaded,
        )
        self._state.files.setdefault(canonicalize_name(wheel.name), []).append(file)
        return f"{self.root}/files/{wheel.filename}"

    def add_sdist(self, name: str, version: str, *, requires_python: str = "") -> None:
        """List a source archive; its content is no archive, since nothing may ever open it."""
        self.add_file(name, f"{name}-{version}.tar.gz", requires_python=requires_python)

    def add_file(self, name: str, filename: str, *, requires_python: str = "") -> None:
        """List a file of any name, with junk inside."""
        file = _File(
            filename=filename,
            content=b"junk",
            sha256="0" * 64,
            metadata=None,
            requires_python=requires_python,
            yanked=False,
            uploaded=DEFAULT_TIME,
        )
        self._state.files.setdefault(canonicalize_name(name), []).append(file)

    def forget(self, name: str) -> None:
        """List a project no more."""
        self._state.files.pop(canonicalize_name(name))

    def checkpoint(self) -> Callable[[], None]:
        """Return what lists again just what is listed now, without misbehaviours and with an empty log."""
        listed = {name: list(files) for name, files in self._state.files.items()}

        def restore() -> None:
            self._state.files = {name: list(files) for name, files in listed.items()}
            self._state.misbehaviours.clear()
            self._state.log.clear()

        return restore

    def misbehave(self, prefix: str, how: Misbehaviour) -> None:
        """Answer every path that starts so in a wrong way."""
        self._state.misbehaviours[prefix] = how

    def behave(self) -> None:
        """Forget every misbehaviour."""
        self._state.misbehaviours.clear()

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving and release those who hang."""
        self._state.closing.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over clients that hang up; a bug in a handler still shows as an answer that never comes."""


class _Handler(BaseHTTPRequestHandler):
    shared: _State
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep stderr clean."""

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        call = Call(method=self.command, path=self.path, range=self.headers.get("Range", ""))
        self.shared.log.append(call)
        if self.shared.password and not self._has_password():
            self._answer(401, "text/plain", b"no", {"WWW-Authenticate": 'Basic realm="test"'})
            return
        for prefix, how in self.shared.misbehaviours.items():
            if self.path.startswith(prefix):
                self._misbehave(how)
                return
        path, _, query = self.path.partition("?")
        parts = path.strip("/").split("/")
        if self.shared.query and parts[0] == "files" and query != self.shared.query:
            self._answer(403, "text/plain", b"no")
            return
        serve: Callable[[str], None] = self._serve_page if parts[0] == "simple" else self._serve_file
        serve(parts[-1])

    def _has_password(self) -> bool:
        expected = b64encode(f"user:{self.shared.password}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def _misbehave(self, how: Misbehaviour) -> None:
        if how == "hang":
            self.shared.closing.wait(60)
            self.close_connection = True
        elif how in ("hang-body", "truncated"):
            self.send_response(200)
            self.send_header("Content-Type", _JSON)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"files": [')
            self.wfile.flush()
            if how == "hang-body":
                self.shared.closing.wait(60)
            self.close_connection = True
        elif how.startswith("trickle"):
            self._trickle(in_head=how == "trickle-head")
        elif how.endswith("-bomb"):
            coding = how.removesuffix("-bomb")
            self._answer(200, _JSON, bomb(coding), {"Content-Encoding": coding})
        elif how == "reset":
            self.close_connection = True
            self.connection.close()
        elif how == "slow":
            time.sleep(0.3)
            self.shared.misbehaviours.pop(next(p for p in self.shared.misbehaviours if self.path.startswith(p)))
            self._serve()
        elif how in _STATUS:
            self._answer(_STATUS[how], "text/plain", b"no")
        else:
            body = b"<!DOCTYPE html><html><body><form>Please log in</form></body></html>"
            self._answer(200, "text/html" if how == "login-page" else _JSON, body)

    def _trickle(self, *, in_head: bool) -> None:
        """Send a byte now and then, until the server or the client ends."""
        self.send_response(200)
        self.send_header("Content-Type", _JSON)
        self.send_header("Content-Length", "1000000")
        if in_head:
            self.wfile.write(b"".join(self._headers_buffer) + b"X-Long: ")  # type: ignore[attr-defined]
        else:
            self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            while not self.shared.closing.wait(0.05):
                self.wfile.write(b" ")
                self.wfile.flush()

    def _serve_page(self, name: str) -> None:
        files = self.shared.files.get(name)
        if files is None:
            self._answer(404, "text/plain", b"no such project")
        elif self.shared.html_only or _JSON not in self.headers.get("Accept", ""):
            self._answer(200, "text/html; charset=utf-8", _html_page(files, self.shared.query))
        else:
            self._answer(200, _JSON, _json_page(name, files, self.shared.query))

    def _serve_file(self, filename: str) -> None:
        for files in self.shared.files.values():
            for file in files:
                if filename == file.filename:
                    self._answer_range(file.content)
                    return
                if filename == f"{file.filename}.metadata" and file.metadata is not None:
                    self._answer(200, "text/plain", file.metadata)
                    return
        self._answer(404, "text/plain", b"no such file")

    def _answer_range(self, content: bytes) -> None:
        wanted = self.headers.get("Range", "")
        if not self.shared.ranges or not wanted:
            extra = {"Accept-Ranges": "bytes"} if self.shared.ranges else {}
            self._answer(200, "application/octet-stream", content, extra)
            return
        first, separator, last = wanted.removeprefix("bytes=").partition("-")
        if not separator or "-" in last or not (first or self.shared.suffix_ranges):
            self._answer(416, "text/plain", b"no")
            return
        start = int(first) if first else max(0, len(content) - int(last))
        end = min(int(last), len(content) - 1) if first and last else len(content) - 1
        span = f"bytes {start}-{end}/{len(content)}"
        self._answer(206, "application/octet-stream", content[start : end + 1], {"Content-Range": span})

    def _answer(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


BOMB = 300 << 20  # bytes that a bomb unpacks to


@functools.cache
def bomb(coding: str, size: int = BOMB) -> bytes:
    """Return a small answer that unpacks to a list of nothing but spaces."""
    block, count = b" " * (1 << 20), size >> 20
    if coding == "zstd":
        packer = zstandard.ZstdCompressor().compressobj()
        parts = [packer.compress(b'{"files": [')] + [packer.compress(block) for _ in range(count)]
        return b"".join([*parts, packer.compress(b"]}"), packer.flush()])
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    head, body = (deflater.compress(part) + deflater.flush(zlib.Z_FULL_FLUSH) for part in (b'{"files": [', block))
    packed = head + body * count + deflater.compress(b"]}") + deflater.flush()  # a flushed block may stand anywhere
    whole = itertools.chain([b'{"files": ['], itertools.repeat(block, count), [b"]}"])
    if coding == "gzip":
        check = functools.reduce(lambda so_far, part: zlib.crc32(part, so_far), whole, 0)
        unpacked = (size + len(b'{"files": []}')) % (1 << 32)
        return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + packed + struct.pack("<II", check, unpacked)
    check = functools.reduce(lambda so_far, part: zlib.adler32(part, so_far), whole, 1)
    return b"\x78\xda" + packed + struct.pack(">I", check)


def _json_page(name: str, files: list[_File], query: str) -> bytes:
    rows = []
    for file in files:
        row: dict[str, object] = {
            "filename": file.filename,
            "url": f"../../files/{file.filename}{'?' if query else ''}{query}",
            "hashes": {"sha256": file.sha256},
            "size": len(file.content),
            "requires-python": file.requires_python or None,
            "yanked": file.yanked,
            "core-metadata": file.metadata is not None,
        }
        if file.uploaded:
            row["upload-time"] = file.uploaded
        rows.append(row)
    page = {"meta": {"api-version": "1.1"}, "name": name, "files": rows, "versions": []}
    return json.dumps(page).encode()


def _html_page(files: list[_File], query: str) -> bytes:
    lines = ["<!DOCTYPE html><html><head><title>Links</title></head><body>"]
    for file in files:
        attributes = f' data-requires-python="{html.escape(file.requires_python)}"' if file.requires_python else ""
        if file.yanked is not False:
            attributes += f' data-yanked="{html.escape(file.yanked) if isinstance(file.yanked, str) else ""}"'
        if file.metadata is not None:
            attributes += ' data-core-metadata="true"'
        address = f"../../files/{file.filename}{'?' if query else ''}{query}#sha256={file.sha256}"
        lines.append(f'<a href="{html.escape(address)}"{attributes}>{file.filename}</a><br>')
    lines.append("</body></html>")
    return "\n".join(lines).encode()
