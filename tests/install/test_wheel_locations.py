"""A wheel is looked for where this machine's indexes have it, and where the lock says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.errors import PypiError, PypiUnreachableError
from envgen.install.fetch import WheelLocations
from envgen.pypi.http import Session
from envgen.pypi.indexes import Indexes
from tests.fakes.index_server import IndexServer
from tests.fakes.install_world import locked
from tests.fakes.tiny_wheels import build_wheel
from tests.pypi.conftest import QUICK

WHEEL = build_wheel("demo", "1.0")
ELSEWHERE = "https://files.example/demo-1.0-py3-none-any.whl"


def finder(**environment: str) -> WheelLocations:
    indexes = Indexes.configured(environment)
    return WheelLocations(Session(indexes, environment, timeouts=QUICK), indexes)


def shown(found: WheelLocations, url: str = ELSEWHERE, sha256: str = "") -> list[str]:
    wheel = locked(WHEEL, url).wheel
    return [location.shown for location in found.of(replace(wheel, sha256=sha256 or wheel.sha256))]


def test_without_configured_indexes_the_locks_address_alone() -> None:
    assert shown(finder()) == [ELSEWHERE]


def test_configured_indexes_come_first(index: IndexServer) -> None:
    index.add(WHEEL)
    assert shown(finder(UV_DEFAULT_INDEX=index.url)) == [f"{index.root}/files/{WHEEL.filename}", ELSEWHERE]


def test_only_the_file_with_the_locked_hash_counts(index: IndexServer) -> None:
    index.add(WHEEL)
    assert shown(finder(UV_DEFAULT_INDEX=index.url), sha256="0" * 64) == [ELSEWHERE]


def test_an_index_that_does_not_answer_leaves_the_locks_address() -> None:
    assert shown(finder(UV_DEFAULT_INDEX="http://127.0.0.1:9/simple/")) == [ELSEWHERE]


def test_a_lock_without_addresses_needs_the_index(index: IndexServer) -> None:
    with pytest.raises(PypiUnreachableError):
        shown(finder(UV_DEFAULT_INDEX="http://127.0.0.1:9/simple/"), url="")
    with pytest.raises(PypiError, match=r"no index has demo-1\.0-py3-none-any\.whl with the locked hash"):
        shown(finder(UV_DEFAULT_INDEX=index.url), url="")
    index.add(WHEEL)
    fresh = finder(UV_DEFAULT_INDEX=index.url)
    assert shown(fresh, url="") == [f"{index.root}/files/{WHEEL.filename}"]


def test_an_indexs_password_goes_along_and_is_never_shown() -> None:
    with IndexServer(password="s3cret/") as index:
        index.add(WHEEL)
        address = index.url.replace("http://", "http://user:s3cret%2F@")
        locations = finder(UV_DEFAULT_INDEX=address).of(locked(WHEEL, "").wheel)
        assert [location.url for location in locations] == [
            f"{index.root}/files/{WHEEL.filename}".replace("http://", "http://user:s3cret%2F@")
        ]
        assert "s3cret" not in repr(locations)
