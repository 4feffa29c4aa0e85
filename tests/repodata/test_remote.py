"""Read channels over loopback HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import zstandard

from envgen.errors import ChannelUnreachableError, RepodataError
from envgen.models.channel import Channel
from envgen.models.record import Repodata
from envgen.repodata.gateway import open_channels
from envgen.repodata.locations import Access
from tests.fakes.channels import MAC, opened
from tests.fakes.loopback import (
    Fault,
    Json,
    LoopbackChannel,
    flat,
    flat_zst,
    hang,
    html,
    merged,
    package,
    repodata,
    reset,
    send,
    serving,
    sharded,
    status,
    trickle,
    truncated,
)

Layout = Callable[[str, Json], dict[str, bytes]]
NOARCH = merged(
    repodata("noarch", package("a", depends=["b >=1"]), package("pip", noarch="python")),
    repodata("noarch", package("a"), package("old", "0.1"), extension=".tar.bz2"),
)
OSX = repodata("osx-arm64", package("b", depends=["__osx >=11"]), package("lone"))
SHARED = Path(__file__).parents[2] / ".." / "shared" / "channel" / "conda-forge"
LAYOUTS = [flat, flat_zst, sharded]


def files(layout: Layout) -> dict[str, bytes]:
    return {**layout("noarch", NOARCH), **layout("osx-arm64", OSX)}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[LoopbackChannel]:
    with serving(LoopbackChannel()) as channel:
        yield channel


def read(server: LoopbackChannel, cache: Path, *, offline: bool = False, timeout: float = 6.0) -> Repodata:
    access = Access(cache=cache, offline=offline, timeout=timeout, environ={})
    return open_channels((Channel.parse(server.url),), MAC, access)


def urls(index: Repodata, *roots: str) -> list[str]:
    (entry,) = index.closure(roots)
    return [record.url.removeprefix(entry.channel.url + "/") for record in entry.records]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gives_names_records_and_closures(server: LoopbackChannel, tmp_path: Path, layout: Layout) -> None:
    server.files = files(layout)
    index = read(server, tmp_path)
    assert index.names() == {"a", "b", "lone", "old", "pip"}
    assert urls(index, "a", "old") == ["noarch/a-1.0-0.conda", "noarch/old-0.1-0.tar.bz2", "osx-arm64/b-1.0-0.conda"]
    found = index.records(["pip", "lone", "absent"])
    assert list(found) == ["pip", "lone", "absent"]
    assert found["absent"] == ()
    (pip,) = found["pip"]
    assert (pip.noarch, pip.timestamp, pip.subdir) == ("python", 1_700_000_000_123, "noarch")
    assert pip.url == f"{server.url}/noarch/pip-1.0-0.conda"
    assert pip.channel == server.url
    assert (len(pip.md5), len(pip.sha256), pip.size) == (32, 64, 1234)
    assert index.complete
    assert index.notes == ()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gives_native_records_in_the_order_of_the_records(
    server: LoopbackChannel, tmp_path: Path, layout: Layout
) -> None:
    server.files = files(layout)
    (entry,) = read(server, tmp_path).closure(["a", "old", "lone"])
    assert entry.native is not None
    assert [getattr(native, "url", None) for native in entry.native] == [record.url for record in entry.records]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_warm_cache_asks_only_whether_something_changed(
    server: LoopbackChannel, tmp_path: Path, layout: Layout
) -> None:
    server.files = files(layout)
    first = urls(read(server, tmp_path), "a")
    server.seen.clear()
    assert urls(read(server, tmp_path), "a") == first
    gets = [seen for seen in server.seen if seen.method == "GET"]
    assert len(gets) == 2
    assert all("if-none-match" in seen.headers for seen in gets)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_fresh_cache_asks_nothing(server: LoopbackChannel, tmp_path: Path, layout: Layout) -> None:
    server.files, server.headers = files(layout), {"Cache-Control": "public, max-age=600"}
    first = urls(read(server, tmp_path), "a")
    server.seen.clear()
    assert urls(read(server, tmp_path), "a") == first
    assert server.seen == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_changed_index_is_seen(server: LoopbackChannel, tmp_path: Path, layout: Layout) -> None:
    server.files = files(layout)
    read(server, tmp_path).closure(["a"])
    server.files = {**server.files, **layout("noarch", repodata("noarch", package("a", "2.0")))}
    assert urls(read(server, tmp_path), "a") == ["noarch/a-2.0-0.conda"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_offline_reads_the_cache_alone(server: LoopbackChannel, tmp_path: Path, layout: Layout) -> None:
    server.files = files(layout)
    first = urls(read(server, tmp_path), "a")
    server.seen.clear()
    index = read(server, tmp_path, offline=True)
    assert urls(index, "a") == first
    assert "lone" in index.names()
    assert server.seen == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_offline_with_a_cold_cache_is_refused(server: LoopbackChannel, tmp_path: Path, layout: Layout) -> None:
    server.files = files(layout)
    with pytest.raises(RepodataError, match="cannot be read with --offline: no usable repodata cache") as caught:
        read(server, tmp_path, offline=True)
    assert not isinstance(caught.value, ChannelUnreachableError)  # or else the starter index would stand in
    assert "run it once without --offline" in caught.value.hint
    assert server.seen == []


def test_offline_lacks_shards_that_were_never_asked_for(server: LoopbackChannel, tmp_path: Path) -> None:
    server.files = files(sharded)
    read(server, tmp_path).closure(["a"])
    with pytest.raises(RepodataError, match="the shard for package 'pip' is not in the cache"):
        read(server, tmp_path, offline=True).closure(["pip"])


def test_asks_for_many_names_in_one_go(server: LoopbackChannel, tmp_path: Path) -> None:
    many = [package(f"p{number}") for number in range(40)]
    server.files = {**sharded("noarch", repodata("noarch", *many)), **sharded("osx-arm64", OSX)}
    index = read(server, tmp_path)
    server.seen.clear()
    found = index.records(f"p{number}" for number in range(40))
    assert [len(records) for records in found.values()] == [1] * 40
    asked = len(server.seen)
    assert len({seen.path for seen in server.seen if "/shards/" in seen.path}) == 40
    assert asked == 2 * 40, "each once more, to compare it with its hash"
    assert index.records(["p1", "absent"])["p1"] == found["p1"]
    assert len(server.seen) == asked


def test_prefers_the_conda_file_of_a_sharded_twin(server: LoopbackChannel, tmp_path: Path) -> None:
    twins = merged(
        repodata("noarch", package("a"), package("a", "2.0")), repodata("noarch", package("a"), extension=".tar.bz2")
    )
    server.files = {**sharded("noarch", twins), **sharded("osx-arm64", OSX)}
    assert urls(read(server, tmp_path), "a") == ["noarch/a-1.0-0.conda", "noarch/a-2.0-0.conda"]


def test_a_channel_may_lack_the_platform(server: LoopbackChannel, tmp_path: Path) -> None:
    server.files = flat("noarch", NOARCH)
    index = read(server, tmp_path)
    assert urls(index, "pip") == ["noarch/pip-1.0-0.conda"]
    assert index.notes == (f"channel `{server.url}` has no packages for osx-arm64, noarch alone",)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_mirror_keeps_the_channels_own_urls(server: LoopbackChannel, tmp_path: Path, layout: Layout) -> None:
    server.files = files(layout)
    index = opened("conda-forge", cache=tmp_path, mirrors={"conda-forge": server.url + "/"})
    (entry,) = index.closure(["a"])
    own = "https://conda.anaconda.org/conda-forge"
    assert [record.url for record in entry.records] == [f"{own}/noarch/a-1.0-0.conda", f"{own}/osx-arm64/b-1.0-0.conda"]
    assert {record.channel for record in entry.records} == {own}
    assert entry.native is not None
    assert [getattr(native, "url", None) for native in entry.native] == [record.url for record in entry.records]
    assert {getattr(native, "channel", None) for native in entry.native} == {f"{own}/"}
    assert index.origin == "conda-forge"
    assert index.notes == ("channel `conda-forge` was read from a mirror",)


SECRETS = ("ada", "s3cret", "TOKEN")


def secret(server: LoopbackChannel) -> str:
    return server.url.replace("//", "//ada:s3cret@").replace("/channel", "/t/TOKEN/channel")


def test_secrets_are_used_and_never_shown(server: LoopbackChannel, tmp_path: Path) -> None:
    server.files = files(sharded)
    index = open_channels((Channel.parse(secret(server)),), MAC, Access(cache=tmp_path, environ={}))
    (entry,) = index.closure(["a"])
    shown = repr((index.channels, index.origin, list(entry.records), entry.native))
    assert not any(word in shown for word in SECRETS)
    assert entry.records[0].url == f"{server.url}/noarch/a-1.0-0.conda"
    assert {seen.headers.get("authorization") for seen in server.seen} == {"Basic YWRhOnMzY3JldA=="}
    assert all(seen.path.startswith("/t/TOKEN/channel/") for seen in server.seen)


def test_secrets_come_from_the_environment(server: LoopbackChannel, tmp_path: Path) -> None:
    server.files = files(sharded)
    channel, environ = Channel.parse("mine"), {"ENVGEN_TOKENS": f"127.0.0.1:{server.port}=ada:s3cret"}
    access = Access(cache=tmp_path, mirrors={"mine": server.url}, environ=environ)
    open_channels((channel,), MAC, access)
    assert {seen.headers.get("authorization") for seen in server.seen} == {"Basic YWRhOnMzY3JldA=="}


@pytest.mark.parametrize("fault", [status(500), status(404), html, reset], ids=["500", "404", "html", "reset"])
def test_secrets_stay_out_of_errors(server: LoopbackChannel, tmp_path: Path, fault: Fault) -> None:
    server.faults = {"": fault}
    with pytest.raises(RepodataError) as caught:
        open_channels((Channel.parse(secret(server)),), MAC, Access(cache=tmp_path, environ={}))
    assert server.url in str(caught.value)
    assert not any(word in str(caught.value) for word in SECRETS)


NO_INDEX = "what channel `.*` serves is no index: "
FAULTS = {
    "500": ({"": status(500)}, "cannot be read: 500 Internal Server Error from http"),
    "503": ({"": status(503)}, "does not answer: 503 Service Unavailable from http"),
    "401": ({"": status(401)}, "refuses to be read: 401 Unauthorized from http"),
    "403": ({"": status(403)}, "refuses to be read: 403 Forbidden from http"),
    "404": ({"": status(404)}, "has no index for noarch at http"),
    "no noarch": ({"noarch/repodata.json": status(404)}, "has no index for noarch at http"),
    "html everywhere": ({"": html}, "answers with a web page instead of an index"),
    "html for repodata": ({"noarch/repodata.json": html}, "answers with a web page instead of an index"),
    "reset": ({"": reset}, "does not answer: .*reset by peer"),
    "null": ({"noarch/repodata.json": lambda handler: send(handler, 200, b"null")}, NO_INDEX + "invalid type: null"),
    "empty": ({"noarch/repodata.json": lambda handler: send(handler, 200, b"")}, NO_INDEX + "EOF while parsing"),
    "cut": ({"noarch/repodata.json": lambda handler: send(handler, 200, b'{"info": {}, "pa')}, NO_INDEX + "EOF while"),
}


@pytest.mark.parametrize(("faults", "message"), FAULTS.values(), ids=FAULTS)
def test_a_server_that_fails_is_named(
    server: LoopbackChannel, tmp_path: Path, faults: dict[str, Fault], message: str
) -> None:
    server.files, server.faults = files(flat), faults
    with pytest.raises(RepodataError, match=message) as caught:
        read(server, tmp_path)
    assert server.url in str(caught.value)
    assert caught.value.hint


NO_ADDRESSES = ["http://h:99999/", "http://[x/", "data:x", "http://", "mailto:x", "x:", "http://h h/", "//h:x/", "//["]


@pytest.mark.parametrize("layout", [flat, flat_zst])
@pytest.mark.parametrize("base", NO_ADDRESSES)
def test_a_base_url_that_is_none(server: LoopbackChannel, tmp_path: Path, base: str, layout: Layout) -> None:
    """rattler panics over it, as it reads a record."""
    moved = {**NOARCH, "info": {"subdir": "noarch", "base_url": base}, "repodata_version": 2}
    server.files = files(flat) | layout("noarch", moved)
    if layout is flat_zst:
        del server.files["noarch/repodata.json"]
    with pytest.raises(RepodataError, match=r"its `base_url` is no address \(http://.*/noarch/repodata\.json"):
        read(server, tmp_path)
    server.files = files(flat)
    assert read(server, tmp_path).names()


@pytest.mark.parametrize("field", ["depends", "constrains"])
@pytest.mark.parametrize("layout", [flat, flat_zst, sharded])
def test_a_spec_that_would_end_the_process(server: LoopbackChannel, tmp_path: Path, layout: Layout, field: str) -> None:
    """rattler's reader of specs goes down a level for each bracket, until there is no stack left."""
    deep = package("deep") | {field: [f"zlib {'(' * 50_000}>1{')' * 50_000}"]}
    server.files = files(layout) | layout("noarch", merged(NOARCH, repodata("noarch", deep)))
    with pytest.raises(RepodataError, match="a text that is far longer than any of a package") as caught:
        read(server, tmp_path).closure(["deep"])
    assert "--mirror" in caught.value.hint
    server.files = files(layout)
    assert read(server, tmp_path).names()


@pytest.mark.parametrize("change", ["cut", "no msgpack", "empty", "html"])
def test_a_broken_shard_index_is_refused(server: LoopbackChannel, tmp_path: Path, change: str) -> None:
    server.files = files(sharded)
    name = "noarch/repodata_shards.msgpack.zst"
    body = server.files[name]
    server.files[name] = {
        "cut": body[:-7],
        "no msgpack": zstandard.compress(b"\0"),
        "empty": b"",
        "html": b"<html>log in</html>",
    }[change]
    with pytest.raises(RepodataError, match="web page" if change == "html" else NO_INDEX):
        read(server, tmp_path)


def test_an_announced_length_that_is_not_kept_is_refused(server: LoopbackChannel, tmp_path: Path) -> None:
    server.files = files(sharded)
    name = "noarch/repodata_shards.msgpack.zst"
    server.faults = {name: truncated(server.files[name])}
    with pytest.raises(RepodataError, match="broke off in the middle of its index: end of file before message length"):
        read(server, tmp_path)


def test_a_missing_shard_is_refused(server: LoopbackChannel, tmp_path: Path) -> None:
    server.files = files(sharded)
    index = read(server, tmp_path)
    server.faults = {"": status(404)}
    with pytest.raises(RepodataError, match="cannot be read: 404 Not Found from http"):
        index.closure(["a"])


def test_a_broken_record_is_refused(server: LoopbackChannel, tmp_path: Path) -> None:
    server.files = {**flat("noarch", repodata("noarch", package("a", build_number="x"))), **flat("osx-arm64", OSX)}
    with pytest.raises(RepodataError, match=NO_INDEX + "invalid type"):
        read(server, tmp_path).closure(["a"])


def test_what_was_broken_is_not_kept(server: LoopbackChannel, tmp_path: Path) -> None:
    server.files, server.headers = files(flat), {"Cache-Control": "public, max-age=600"}
    whole = server.files["noarch/repodata.json"]
    server.files["noarch/repodata.json"] = b"<!DOCTYPE html>"
    with pytest.raises(RepodataError, match="web page"):
        read(server, tmp_path)
    server.files["noarch/repodata.json"] = whole
    assert "a" in read(server, tmp_path).names()


SILENCES = {
    "hang": {"": hang},
    "trickle": {"": trickle},
    "hang after the shards": {"noarch/repodata.json": hang},
    "trickle after the shards": {"noarch/repodata.json": trickle},
}


@pytest.mark.parametrize("faults", SILENCES.values(), ids=SILENCES)
def test_a_silent_server_is_given_up(server: LoopbackChannel, tmp_path: Path, faults: dict[str, Fault]) -> None:
    server.files, server.faults = files(flat), faults
    with pytest.raises(ChannelUnreachableError, match=r"does not answer: nothing in 0\.6 seconds") as caught:
        read(server, tmp_path, timeout=0.6)
    assert all(word in caught.value.hint for word in ("--mirror", "--offline", "ENVGEN_TIMEOUT"))


def test_a_slow_server_is_waited_for(server: LoopbackChannel, tmp_path: Path) -> None:
    """An index that keeps growing in the cache is no silence, though it takes longer than the timeout."""
    many = repodata("noarch", *(package(f"p{number}") for number in range(40)))
    server.files = files(flat) | flat("noarch", merged(NOARCH, many))
    body = server.files["noarch/repodata.json"]

    def slowly(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for start in range(0, len(body), 1000):
            handler.wfile.write(body[start : start + 1000])
            handler.wfile.flush()
            time.sleep(0.1)

    server.faults = {"noarch/repodata.json": slowly}
    assert "a" in read(server, tmp_path, timeout=1).names()


def test_a_server_that_answers_others_is_waited_for_longer(server: LoopbackChannel, tmp_path: Path) -> None:
    """Shards that never come, where all indexes do, are given up after five times the timeout."""
    server.files = files(sharded)
    index = read(server, tmp_path, timeout=0.4)
    server.faults = {path.rsplit("/", 1)[-1]: hang for path in server.files if "/shards/" in path}
    with pytest.raises(ChannelUnreachableError, match="does not answer: nothing in 2 seconds"):
        index.closure(["a"])


@pytest.mark.parametrize(
    ("url", "reason"),
    [("http://127.0.0.1:9/channel", "Connection refused"), ("http://nowhere.invalid/channel", "")],
    ids=["refused", "no such host"],
)
def test_an_unreachable_server_is_named(tmp_path: Path, url: str, reason: str) -> None:
    with pytest.raises(ChannelUnreachableError, match=f"channel `{url}` does not answer: .*{reason}") as caught:
        open_channels((Channel.parse(url),), MAC, Access(cache=tmp_path, environ={}))
    assert all(word in caught.value.hint for word in ("--mirror", "--offline"))


def test_the_one_of_several_channels_that_fails_is_named(server: LoopbackChannel, tmp_path: Path) -> None:
    server.files = files(sharded)
    with serving(LoopbackChannel(faults={"": status(500)})) as other:
        channels = (Channel.parse(server.url), Channel.parse(other.url))
        with pytest.raises(RepodataError, match=f"channel `{other.url}` cannot be read: 500"):
            open_channels(channels, MAC, Access(cache=tmp_path, environ={}))
        other.files, other.faults = files(flat), {}
        index = open_channels(channels, MAC, Access(cache=tmp_path, environ={}))
        server.faults = {"": status(500)}
        with pytest.raises(RepodataError, match=f"channel `{server.url}` cannot be read: 500"):
            index.closure(["a"])


def test_a_dependency_may_be_in_another_channel(server: LoopbackChannel, tmp_path: Path) -> None:
    server.files = {**sharded("noarch", NOARCH), **sharded("osx-arm64", repodata("osx-arm64"))}
    local = tmp_path / "local"
    for name, body in {**flat("noarch", repodata("noarch", package("c"))), **flat("osx-arm64", OSX)}.items():
        (local / name).parent.mkdir(parents=True)
        (local / name).write_bytes(body)
    channels = (Channel.parse(str(local)), Channel.parse(server.url))
    index = open_channels(channels, MAC, Access(cache=tmp_path / "cache", environ={}))
    first, second = index.closure(["a"])
    assert (first.channel, second.channel) == channels
    assert [record.url for record in first.records] == [f"file://{local}/osx-arm64/b-1.0-0.conda"]
    assert [record.url for record in second.records] == [f"{server.url}/noarch/a-1.0-0.conda"]
    assert [record.name for records in index.records(["b", "a"]).values() for record in records] == ["b", "a"]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="needs the partial channel beside the checkout")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_real_channel_is_the_same_over_http(server: LoopbackChannel, tmp_path: Path, layout: Layout) -> None:
    for subdir in MAC.subdirs:
        server.files.update(layout(subdir, json.loads((SHARED / subdir / "repodata.json").read_bytes())))
    roots = ["python", "tensorflow", "scikit-learn", "jupyterlab"]
    here = opened("conda-forge", cache=tmp_path, mirrors={"conda-forge": str(SHARED)})
    there = opened("conda-forge", cache=tmp_path, mirrors={"conda-forge": server.url})
    assert there.names() == here.names()
    assert [list(entry.records) for entry in there.closure(roots)] == [list(e.records) for e in here.closure(roots)]
    assert there.records(["numpy", "pip"]) == here.records(["numpy", "pip"])


def test_two_channels_cannot_share_a_place(server: LoopbackChannel, tmp_path: Path) -> None:
    mirrors = {"alpha": server.url, "beta": server.url}
    with pytest.raises(RepodataError, match="channels `alpha` and `beta` are both read from http"):
        opened("alpha", "beta", cache=tmp_path, mirrors=mirrors)


def test_exclude_newer_holds_over_http(server: LoopbackChannel, tmp_path: Path) -> None:
    until = datetime(2024, 1, 1, tzinfo=UTC)
    stamp = round(until.timestamp() * 1000)
    dates = {"1": stamp, "2": stamp + 1, "3": None}
    entries = [package("a", version, timestamp=date) for version, date in dates.items()]
    server.files = {**sharded("noarch", repodata("noarch", *entries)), **sharded("osx-arm64", OSX)}
    index = opened(server.url, cache=tmp_path, exclude_newer=until)
    assert [record.version for record in index.records(["a"])["a"]] == ["1"]
    assert index.notes == ("1 record without a date was left out",)


def test_a_cache_that_cannot_be_used_is_named(server: LoopbackChannel, tmp_path: Path) -> None:
    server.files = files(flat)
    (tmp_path / "file").write_text("")
    with pytest.raises(RepodataError, match="the cache cannot be used: ") as caught:
        read(server, tmp_path / "file")
    assert "ENVGEN_CACHE_DIR" in caught.value.hint


def test_a_url_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepodataError, match="cannot be read from `http://\\[bad`"):
        open_channels((Channel(name="bad", url="http://[bad"),), MAC, Access(cache=tmp_path, environ={}))
    with pytest.raises(RepodataError, match="channel `bad` has no valid URL"):
        open_channels((Channel(name="bad", url="http://a b/x"),), MAC, Access(cache=tmp_path, environ={}))
