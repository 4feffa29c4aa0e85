"""An index that gives too much or too little ends in a message, by our own client and by uv."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envgen.errors import PypiError, PypiUnreachableError
from envgen.models.wheel import Wheel
from envgen.pypi import uv
from envgen.pypi.http import Session, Timeouts
from envgen.pypi.indexes import Indexes
from envgen.pypi.metadata import MetadataReader
from envgen.pypi.simple_api import SimpleIndex
from envgen.pypi.uv import Uv
from envgen.system.lifetime import Headway
from envgen.system.settings import Ceiling
from tests.fakes.index_server import BOMB, IndexServer, Misbehaviour, bomb
from tests.fakes.tiny_wheels import build_wheel
from tests.pypi.conftest import QUICK, MakeResolver, request

WHOLE = replace(QUICK, total=60.0)  # to unpack a bomb takes a while on a busy machine
PATIENT = replace(QUICK, window=1.0, read=5)  # a byte always comes in time
CODINGS: list[Misbehaviour] = ["gzip-bomb", "zstd-bomb", "deflate-bomb"]
TRICKLES: list[Misbehaviour] = ["trickle", "trickle-head"]


@pytest.fixture(autouse=True, scope="module")
def bombs() -> None:
    """Make the bombs before anybody waits for them."""
    for how in CODINGS:
        bomb(how.removesuffix("-bomb"))


def session(index: IndexServer, timeouts: Timeouts = QUICK) -> Session:
    return Session(Indexes.configured({"UV_DEFAULT_INDEX": index.url}), {}, timeouts=timeouts)


def page(index: IndexServer, timeouts: Timeouts = QUICK) -> object:
    indexes = Indexes.configured({"UV_DEFAULT_INDEX": index.url})
    return SimpleIndex(session(index, timeouts), indexes).project("demo")


def wheel_of(index: IndexServer) -> Wheel:
    made = build_wheel("demo", "1.0")
    url = index.add(made)
    return Wheel(name="demo", version="1.0", filename=made.filename, url=url, sha256=made.sha256)


@pytest.mark.parametrize("how", CODINGS)
def test_a_page_that_unpacks_to_far_too_much(index: IndexServer, how: Misbehaviour) -> None:
    index.misbehave("/simple/", how)
    assert BOMB > Ceiling.PROJECT_PAGE
    with pytest.raises(PypiError, match=r"the answer is too large: http://127.*/demo/ \(more than 209,715,200 bytes\)"):
        page(index, WHOLE)


@pytest.mark.parametrize("how", CODINGS)
def test_metadata_that_unpacks_to_far_too_much(index: IndexServer, tmp_path: Path, how: Misbehaviour) -> None:
    wheel = wheel_of(index)
    index.misbehave("/files/", how)
    with pytest.raises(PypiError, match="the answer is too large: "):
        MetadataReader(session(index, WHOLE), tmp_path).read(wheel)


@pytest.mark.parametrize("how", TRICKLES)
def test_a_page_that_trickles(index: IndexServer, how: Misbehaviour) -> None:
    index.misbehave("/simple/", how)
    with pytest.raises(PypiUnreachableError) as caught:
        page(index, PATIENT)
    assert caught.value.message == (
        f"the package index is too slow: {index.url}demo/ (less than 1,000 bytes a second for 1 s)"
    )


@pytest.mark.parametrize("how", TRICKLES)
def test_metadata_that_trickles(index: IndexServer, tmp_path: Path, how: Misbehaviour) -> None:
    wheel = wheel_of(index)
    index.misbehave(f"/files/{wheel.filename}.metadata", "missing")
    index.misbehave("/files/", how)
    with pytest.raises(PypiUnreachableError, match="the package index is too slow: "):
        MetadataReader(session(index, PATIENT), tmp_path).read(wheel)


@pytest.mark.parametrize("how", TRICKLES)
def test_a_run_of_uv_that_gets_too_little(index: IndexServer, make_resolver: MakeResolver, how: Misbehaviour) -> None:
    index.misbehave("/simple/", how)
    with pytest.raises(PypiUnreachableError) as caught:
        make_resolver(timeouts=PATIENT).resolve(request("demo"))
    assert "uv gets too little from 127.0.0.1: less than 1,000 bytes a second for 1 s" in caught.value.message


def test_a_run_of_uv_that_gets_too_much(
    index: IndexServer, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Ceiling, "UV_MEMORY", 200 << 20)
    index.misbehave("/simple/", "gzip-bomb")
    with pytest.raises(PypiError, match=r"an answer of 127\.0\.0\.1 is too large: uv needs more than 209,715,"):
        Uv(environment, Indexes.configured(environment), timeouts=replace(QUICK, read=60)).compile(request("demo"))


def test_a_run_of_uv_that_gets_enough_is_waited_for(
    index: IndexServer, environment: dict[str, str], tmp_path: Path
) -> None:
    """uv is watched by what it keeps."""
    index.add(build_wheel("demo", "1.0"))
    Uv(environment, Indexes.configured(environment), timeouts=QUICK).compile(request("demo"))
    cache = uv._cache(environment)
    assert cache == tmp_path / "uv-cache"
    assert uv._size(cache) > 0


CACHES = {
    "named": ({"UV_CACHE_DIR": "/c", "HOME": "/h"}, Path("/c")),
    "the system's": ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, Path("/x/uv")),
    "at home": ({"XDG_CACHE_HOME": "x", "HOME": "/h"}, Path("/h/.cache/uv")),
    "nowhere": ({}, None),
    "none": ({"UV_NO_CACHE": "1", "UV_CACHE_DIR": "/c"}, None),
    "not none": ({"UV_NO_CACHE": "0", "UV_CACHE_DIR": "/c"}, Path("/c")),
}


@pytest.mark.parametrize(("environment", "expected"), CACHES.values(), ids=CACHES)
def test_where_uv_keeps_answers(environment: dict[str, str], expected: Path | None) -> None:
    assert uv._cache(environment) == expected
    limits = Uv(environment, Indexes.configured({}))._limits()
    assert (limits.headway is None) == (expected is None)
    assert limits.seconds == (180 if expected is None else 1800)


@pytest.mark.parametrize(
    ("environment", "hosts"),
    [
        ({}, "the package index"),
        ({"UV_DEFAULT_INDEX": "https://u:p@h.example/simple"}, "h.example"),
        ({"UV_INDEX": "own=https://h.example/a https://i.example/b"}, "h.example, i.example"),
        ({"UV_INDEX": "https://i.example/b", "UV_DEFAULT_INDEX": "https://h.example"}, "i.example, h.example"),
        ({"UV_INDEX": "https://h.example/b", "UV_DEFAULT_INDEX": "https://h.example"}, "h.example"),
    ],
)
def test_who_was_asked_is_named(environment: dict[str, str], hosts: str) -> None:
    assert uv._hosts(environment) == hosts


def test_an_answer_of_many_slow_pieces_has_no_total_limit(index: IndexServer) -> None:
    """A window is measured anew whenever enough has come."""
    now = 0.0
    came = iter(range(0, 10**9, 20_000))
    watch = Headway(lambda: next(came), 60_000, 60, clock=lambda: now)
    for _ in range(1000):
        now += 15.0
        assert watch.is_enough()
