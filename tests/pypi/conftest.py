"""Start loopback indexes and resolvers that ask nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from envgen.models.platform import Platform
from envgen.models.wheel import ResolveRequest
from envgen.pypi.http import Timeouts
from envgen.pypi.resolver import UvResolver
from tests.fakes.index_server import IndexServer

MakeResolver = Callable[..., UvResolver]
QUICK = Timeouts(connect=1, read=1, total=5.0, uv=20.0, retries=0)


@pytest.fixture
def environment(index: IndexServer, tmp_path: Path) -> dict[str, str]:
    """Return the variables that make uv ask the loopback index, with a cache of its own."""
    return {
        "PATH": os.environ["PATH"],
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_DEFAULT_INDEX": index.url,
    }


@pytest.fixture
def make_resolver(environment: Mapping[str, str], tmp_path: Path) -> MakeResolver:
    """Return a maker of resolvers on the loopback index."""

    def make(*, offline: bool = False, timeouts: Timeouts = QUICK, **variables: str) -> UvResolver:
        options = {"offline": True} if offline else {}  # else its own default counts
        return UvResolver(
            cache=tmp_path / "cache", environment={**environment, **variables}, timeouts=timeouts, **options
        )

    return make


@pytest.fixture
def resolver(make_resolver: MakeResolver) -> UvResolver:
    """Return a resolver on the loopback index."""
    return make_resolver()


def mac(python: str = "3.12", macos: str = "13.0") -> Platform:
    """Return an Apple-silicon target."""
    return Platform(subdir="osx-arm64", python=python, macos=macos)


def request(*requirements: str, python: str = "3.12", macos: str = "13.0") -> ResolveRequest:
    """Return a request for an Apple-silicon target."""
    return ResolveRequest(platform=mac(python, macos), requirements=requirements)


@pytest.fixture
def raw_page() -> Iterator[Callable[[str, bytes], str]]:
    """Serve one body of one content type at every path; give the index URL."""
    started = []

    def serve(kind: str, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Keep stderr clean."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield serve
    for server in started:
        server.shutdown()
        server.server_close()
