"""A channel whose index unpacks to far too much ends in a message, not in an abort."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler

import msgpack
import pytest
import zstandard

from tests.fakes.index_server import bomb
from tests.fakes.loopback import Fault, LoopbackChannel, flat, package, repodata, send, serving
from tests.fakes.tiny_project import Project, manifest

CALL = """
from envgen.system.settings import Ceiling
Ceiling.REPODATA = {limit}
from envgen.__main__ import main
main()
"""
LIMIT, SIZE = 50 << 20, 300 << 20
Files = Mapping[str, bytes]


def gzipped() -> Fault:
    body = bomb("gzip", SIZE)
    return lambda handler: send(handler, 200, body, {"Content-Encoding": "gzip"})


def stream(handler: BaseHTTPRequestHandler) -> None:
    """Send an index that never ends."""
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"{")
    while True:
        handler.wfile.write(b" " * (1 << 20))


def shards() -> dict[str, bytes]:
    body = bomb("zstd", SIZE)
    digest = hashlib.sha256(body)
    info = {"subdir": "noarch", "base_url": "./", "shards_base_url": "./shards/"}
    index = {"version": 1, "info": info, "shards": {"six": digest.digest()}}
    return {
        "noarch/repodata_shards.msgpack.zst": zstandard.compress(msgpack.packb(index)),
        f"noarch/shards/{digest.hexdigest()}.msgpack.zst": body,
    }


BOMBS: dict[str, Callable[[], tuple[Files, Mapping[str, Fault]]]] = {
    "repodata.json.zst": lambda: ({"noarch/repodata.json.zst": bomb("zstd", SIZE)}, {}),
    "repodata.json, gzipped on its way": lambda: ({}, {"noarch/repodata.json": gzipped()}),
    "repodata.json without end": lambda: ({}, {"noarch/repodata.json": stream}),
    "the index of shards": lambda: ({"noarch/repodata_shards.msgpack.zst": bomb("zstd", SIZE)}, {}),
    "a shard": lambda: (shards(), {}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_in_a_message(project: Project, name: str) -> None:
    files, faults = BOMBS[name]()
    project.write("demo", manifest("demo", "six", "numpy"))
    channel = LoopbackChannel(files={**flat("osx-arm64", repodata("osx-arm64", package("numpy"))), **files})
    channel.faults.update(faults)
    with serving(channel):
        ran = subprocess.run(
            [sys.executable, "-c", CALL.format(limit=LIMIT), "lock", "demo", "--mirror", f"conda-forge={channel.url}"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ran.returncode == 1, ran.stderr[-3000:]
    assert ran.stderr.splitlines()[0] == (
        f"error: channel `conda-forge` is too large: more than {LIMIT:,} bytes came, unpacked ({channel.url})"
    )
    assert not [path for path in project.folder.parent.rglob(".tmp*") if path.stat().st_size > SIZE // 2]


def test_the_bombs_are_small() -> None:
    assert len(bomb("zstd", SIZE)) < 100_000
    assert len(zlib.decompressobj(31).decompress(bomb("gzip", SIZE), 1000)) == 1000
