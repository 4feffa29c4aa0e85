"""Shards are what their index says, or nothing of them is used or kept."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zstandard

from envgen.errors import RepodataError
from envgen.repodata.shards import ShardIndex, ShardLedger, unpacked
from tests.fakes.channels import opened
from tests.fakes.loopback import LoopbackChannel, package, repodata, send, serving, sharded

NOARCH = repodata("noarch", package("a", depends=["b >=1"]), package("b"))
OTHER = repodata("noarch", package("a", "9.9", depends=["b >=1"]), package("b", "0.1"))


@pytest.fixture
def channel() -> Iterator[LoopbackChannel]:
    """Serve two packages as shards."""
    with serving(LoopbackChannel(sharded("noarch", NOARCH))) as made:
        yield made


def shards(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: body for path, body in files.items() if "/shards/" in path}


def versions(channel: LoopbackChannel, cache: Path) -> dict[str, str]:
    (entry,) = opened(channel.url, cache=cache).closure(["a"])
    return {record.name: record.version for record in entry.records}


def kept(cache: Path) -> list[Path]:
    return sorted((cache / "repodata" / "shards-v1").glob("*.msgpack"))


NAMED = "noarch/repodata_shards.msgpack.zst"
GOOD = {"a": "1.0", "b": "1.0"}


def of_other(files: dict[str, bytes]) -> dict[str, bytes]:
    """Serve other packages' shards under the names of the right ones."""
    return dict(zip(sorted(shards(files)), shards(sharded("noarch", OTHER)).values(), strict=True))


def empty(files: dict[str, bytes]) -> dict[str, bytes]:
    body = zstandard.compress(msgpack.packb({"packages": {}, "packages.conda": {}, "removed": []}))
    return dict.fromkeys(shards(files), body)


def recompressed(files: dict[str, bytes]) -> dict[str, bytes]:
    """Serve the right content, compressed otherwise: it has another hash."""
    return {path: zstandard.compress(zstandard.decompress(body), 19) for path, body in shards(files).items()}


WRONG: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    "other packages": of_other,
    "no packages": empty,
    "compressed otherwise": recompressed,
    "garbage": lambda files: dict.fromkeys(shards(files), b"garbage"),
    "compressed garbage": lambda files: dict.fromkeys(shards(files), zstandard.compress(b"garbage")),
    "nothing": lambda files: dict.fromkeys(shards(files), b""),
    "a cut one": lambda files: {path: body[:-3] for path, body in shards(files).items()},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_shard_is_refused_and_not_kept(tmp_path: Path, channel: LoopbackChannel, case: str) -> None:
    right = dict(channel.files)
    channel.files = {**right, **WRONG[case](right)}
    if case == "compressed otherwise" and channel.files == right:
        pytest.skip("zstd compresses it to the same bytes")
    for _ in range(2):
        with pytest.raises(RepodataError, match=f"channel `{channel.url}`"):
            versions(channel, tmp_path)
        assert kept(tmp_path) == []
    channel.files = right
    assert versions(channel, tmp_path) == GOOD


@pytest.mark.parametrize("case", ["other packages", "no packages"])
def test_a_shard_that_is_wrong_once_is_asked_for_again(tmp_path: Path, channel: LoopbackChannel, case: str) -> None:
    wrong = WRONG[case](channel.files)
    told: set[str] = set()

    def fault(handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.split("/channel/", 1)[-1]
        again = path in told
        told.add(path)  # before it is sent: another request may come meanwhile
        send(handler, 200, channel.files[path] if again else wrong[path])

    channel.faults = dict.fromkeys(wrong, fault)
    assert versions(channel, tmp_path) == GOOD


def changed(change: Callable[[Any], object]) -> Callable[[bytes], bytes]:
    """Return what packs an index anew, with another form."""
    return lambda body: zstandard.compress(msgpack.packb(change(msgpack.unpackb(zstandard.decompress(body)))))


def in_two(body: bytes) -> bytes:
    plain = zstandard.decompress(body)
    return zstandard.compress(plain[:10]) + zstandard.compress(plain[10:])


INDEXES: dict[str, Callable[[bytes], bytes]] = {
    "a list for an object": changed(lambda index: [index["info"], index["shards"]]),
    "packed in two": in_two,
}


@pytest.mark.parametrize("case", INDEXES)
def test_a_wrong_shard_of_an_index_of_an_odd_form(tmp_path: Path, channel: LoopbackChannel, case: str) -> None:
    channel.files = {**channel.files, **of_other(channel.files)}
    channel.files[NAMED] = INDEXES[case](channel.files[NAMED])
    with pytest.raises(RepodataError, match=f"channel `{channel.url}`"):
        versions(channel, tmp_path)


@pytest.mark.parametrize("status", [404, 500, 200])
def test_a_wrong_shard_of_an_index_that_answers_once(tmp_path: Path, channel: LoopbackChannel, status: int) -> None:
    index = channel.files[NAMED]
    channel.files = {**channel.files, **of_other(channel.files)}

    def fault(handler: BaseHTTPRequestHandler) -> None:
        first = not any(seen.path.endswith(NAMED) for seen in channel.seen[:-1])
        send(handler, 200 if first else status, index if first else b"<html>")

    channel.faults[NAMED] = fault
    with pytest.raises(RepodataError, match="sends a part of its index that is not what the index says"):
        versions(channel, tmp_path)
    assert kept(tmp_path) == []


def test_an_index_of_many_lists_takes_little_memory() -> None:
    index = {"info": {"shards_base_url": "./", "more": [[]]}, "shards": {"a": b"1" * 32}}
    count = 8 << 20
    more = msgpack.packb("more") + b"\xdd" + count.to_bytes(4, "big") + b"\x90" * count
    plain = b"\x83" + msgpack.packb(index)[1:] + more
    tracemalloc.start()
    assert len(ShardIndex.read(plain, "https://x/noarch/i").urls) == 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * len(plain)


def test_off_line_nothing_unverified_is_used(tmp_path: Path, channel: LoopbackChannel) -> None:
    channel.files |= sharded("osx-arm64", repodata("osx-arm64", package("c")))
    assert versions(channel, tmp_path) == GOOD
    assert len(opened(channel.url, cache=tmp_path, offline=True).closure(["a"])[0].records) == 2
    (tmp_path / "repodata" / "shards-verified.json").unlink()
    path = next(each for each in kept(tmp_path) if b"a-1.0-0.conda" in each.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"\xa31.0", b"\xa39.9"))
    with pytest.raises(RepodataError, match="'a' is not in the cache"):
        opened(channel.url, cache=tmp_path, offline=True).closure(["a"])


def test_a_shard_that_always_differs(tmp_path: Path, channel: LoopbackChannel) -> None:
    """Whoever asks first gets another one than whoever asks after."""
    wrong = of_other(channel.files)
    count: dict[str, int] = {}

    def fault(handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.split("/channel/", 1)[-1]
        count[path] = count.get(path, 0) + 1
        send(handler, 200, channel.files[path] if count[path] % 2 == 0 else wrong[path])

    channel.faults = dict.fromkeys(wrong, fault)
    with pytest.raises(RepodataError, match="sends other parts of its index each time"):
        versions(channel, tmp_path)
    assert kept(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"garbage", msgpack.packb({"packages": {}, "packages.conda": {}})])
def test_a_kept_shard_that_has_changed_is_fetched_again(
    tmp_path: Path, channel: LoopbackChannel, content: bytes
) -> None:
    assert versions(channel, tmp_path) == GOOD
    for path in kept(tmp_path):
        path.write_bytes(content)
    assert versions(channel, tmp_path) == GOOD
    channel.seen.clear()
    assert versions(channel, tmp_path) == GOOD
    assert not [seen.path for seen in channel.seen if "/shards/" in seen.path]


def test_what_a_killed_run_left_is_looked_at(tmp_path: Path, channel: LoopbackChannel) -> None:
    assert versions(channel, tmp_path) == GOOD
    (tmp_path / "repodata" / "shards-verified.json").unlink()
    path = kept(tmp_path)[0]
    path.write_bytes(msgpack.packb({"packages": {}, "packages.conda": {}}))
    assert versions(channel, tmp_path) == GOOD
    os.utime(path, (time.time() - 9999, time.time() - 9999))
    (tmp_path / "repodata" / "shards-verified.json").write_text("[")
    channel.seen.clear()
    assert versions(channel, tmp_path) == GOOD
    assert [seen.path for seen in channel.seen if path.stem in seen.path], "an old one of which nothing is known goes"


def test_the_ledger_knows_a_file_that_was_touched(tmp_path: Path, channel: LoopbackChannel) -> None:
    assert versions(channel, tmp_path) == GOOD
    os.utime(kept(tmp_path)[0], (1, 1))
    ledger = ShardLedger(tmp_path / "repodata")
    assert ledger.unverified() == []
    ledger.drop_old()
    ledger.drop_changed()
    assert len(kept(tmp_path)) == 2
    stored = json.loads((tmp_path / "repodata" / "shards-verified.json").read_text())
    assert sorted(stored) == [path.stem for path in kept(tmp_path)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zstd",
        zstandard.compress(b"\xc1"),
        zstandard.compress(msgpack.packb([])),
        zstandard.compress(msgpack.packb({"info": {}, "shards": {}})),
        zstandard.compress(msgpack.packb({"info": {"shards_base_url": "./"}, "shards": {"a": 3.5}})),
        zstandard.compress(msgpack.packb({"info": {"shards_base_url": "./"}, "shards": {"a": 1 << 63}})),
        zstandard.compress(b"\0" * (65 * 1024 * 1024)),
    ],
)
def test_what_is_no_index(content: bytes) -> None:
    with pytest.raises(ValueError, match="no index of shards"):
        ShardIndex.read(unpacked(content), "https://x/noarch/repodata_shards.msgpack.zst")


def test_where_shards_are() -> None:
    data = {"info": {"shards_base_url": "https://cdn.example/s"}, "shards": {"a": b"\x01" * 32}}
    index = ShardIndex.read(msgpack.packb(data), "https://x/noarch/i")
    assert index.urls == {"01" * 32: f"https://cdn.example/s/{'01' * 32}.msgpack.zst"}
