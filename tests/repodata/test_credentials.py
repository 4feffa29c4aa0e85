"""Test which requests get which secrets."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from rattler.networking.middleware import AddHeadersMiddleware, MirrorMiddleware

from envgen.models.channel import Channel
from envgen.repodata import credentials
from envgen.repodata.credentials import secret_middleware
from envgen.repodata.locations import Access, find_place

PLACES = [
    ("https://example.org/open", []),
    ("https://ada:w0rd@example.org/ours", [AddHeadersMiddleware]),
    ("https://example.org/t/TOKEN/ours", [MirrorMiddleware]),
    ("https://ada:w0rd@example.org/t/TOKEN/ours", [AddHeadersMiddleware, MirrorMiddleware]),
]


@pytest.mark.parametrize(("address", "kinds"), PLACES)
def test_only_places_with_secrets_need_anything(tmp_path: Path, address: str, kinds: list[type]) -> None:
    place = find_place(Channel.parse(address), Access(cache=tmp_path, environ={}))
    assert place.clean in ("https://example.org/open", "https://example.org/ours")
    assert [type(each) for each in secret_middleware({place.clean: place.url})] == kinds


@pytest.mark.parametrize(
    ("host", "path", "user"),
    [
        ("example.org", "/ours/noarch/repodata.json", "ada:w@rd"),
        ("example.org", "/ours/deep/noarch/repodata.json", "bob:"),
        ("example.org", "/oursother/noarch/repodata.json", None),
        ("example.org", "/noarch/repodata.json", None),
        ("other.org", "/ours/noarch/repodata.json", None),
    ],
)
def test_a_user_is_told_to_its_own_place_alone(host: str, path: str, user: str | None) -> None:
    users = {
        credentials._prefix("https://example.org/ours"): credentials._basic("https://ada:w%40rd@example.org/ours"),
        credentials._prefix("https://example.org/ours/deep"): credentials._basic("https://bob@example.org/ours/deep"),
    }
    headers = credentials._Users(users)(host, path)
    assert headers == (user and {"Authorization": f"Basic {b64encode(user.encode()).decode()}"})
