"""Explain what rattler says."""

from __future__ import annotations

import pytest

from envgen.errors import ChannelUnreachableError, RepodataError
from envgen.models.channel import Channel
from envgen.repodata.credentials import Route
from envgen.repodata.locations import (
    Place,
    explain,
    explain_flood,
    explain_page,
    explain_silence,
    explain_slowness,
    is_broken_index,
    is_page,
)

FORGE = Channel.parse("conda-forge")
PLACE = Place(
    shown="https://host/forge",
    url="https://host/forge",
    route=Route(url="https://host/forge", sent="https://ada:pw@host/t/s3cret/forge"),
)
URL = f"{PLACE.url}/noarch/repodata.json"

SAID = {
    "offline": (f"no usable repodata cache for {URL}", RepodataError, "cannot be read with --offline: no usable"),
    "shard offline": ("the shard for package 'x' is not in the cache", RepodataError, "cannot be read with --offline"),
    "no noarch": (
        f"could not find subdir 'noarch' in channel '{URL}'\nCaused by: HTTP status client error (404 Not Found)",
        RepodataError,
        "has no index for noarch at https://host/forge",
    ),
    "gateway": (
        f"HTTP status server error (502 Bad Gateway) for url ({URL})",
        ChannelUnreachableError,
        "does not answer: 502 Bad Gateway from https://host/forge",
    ),
    "refused to me": (
        f"HTTP status client error (403 Forbidden) for url ({URL})",
        RepodataError,
        "refuses to be read: 403 Forbidden",
    ),
    "error": (f"HTTP status client error (410 Gone) for url ({URL})", RepodataError, "cannot be read: 410 Gone from"),
    "no host": (
        f"error sending request for url ({URL})\nCaused by: client error (Connect)\nCaused by: Name not known",
        ChannelUnreachableError,
        "does not answer: Name not known (https://host/forge)",
    ),
    "cut": (
        f"failed to download {URL}\nCaused by: error decoding response body\nCaused by: end of file",
        RepodataError,
        "broke off in the middle of its index: end of file",
    ),
    "no index": (
        "failed to parse repodata.json\nCaused by: expected value at line 1 column 1",
        RepodataError,
        "serves is no index: expected value at line 1 column 1",
    ),
    "no cache": ("failed to create '/cache'\nCaused by: no", RepodataError, "the cache cannot be used: no"),
    "anything": (f"{{odd}} {URL}", RepodataError, "cannot be read: {odd} https://host/forge/noarch/repodata.json"),
}


@pytest.mark.parametrize(("text", "error", "message"), SAID.values(), ids=SAID)
def test_explains(text: str, error: type[RepodataError], message: str) -> None:
    found = explain(FORGE, PLACE, text)
    assert type(found) is error
    assert message in found.message
    assert found.hint
    assert not any(secret in str(found) for secret in ("ada", "pw@", "s3cret"))
    assert "{" not in found.hint.replace("${", "")


def test_explains_silence_and_pages() -> None:
    assert explain_silence(FORGE, PLACE, 6.0).message == (
        "channel `conda-forge` does not answer: nothing in 6 seconds (https://host/forge)"
    )
    assert "web page instead of an index (https://host/forge)" in explain_page(FORGE, PLACE).message


def test_explains_too_much_and_too_little() -> None:
    other = Channel.parse("bioconda")
    one, two = [(FORGE, PLACE)], [(FORGE, PLACE), (other, Place(shown="https://host/other", url="https://host/other"))]
    assert explain_slowness(one, 1000, 60.0).message == (
        "channel `conda-forge` is too slow: less than 1,000 bytes a second for 60 s (https://host/forge)"
    )
    assert explain_flood(two, 4096).message == (
        "one of the channels `conda-forge`, `bioconda` is too large: more than 4,096 bytes came, unpacked "
        "(https://host/forge, https://host/other)"
    )
    for error in (explain_slowness(one, 1000, 60.0), explain_flood(two, 1)):
        assert "--mirror conda-forge=PATH_OR_URL" in error.hint
        assert not any(secret in str(error) for secret in ("ada", "pw@", "TOKEN"))


def test_offers_the_starter_index_for_conda_forge_alone() -> None:
    for channel, offered in ((FORGE, True), (Channel.parse("bioconda"), False)):
        assert ("--starter" in explain_silence(channel, PLACE, 6.0).hint) is offered
        assert ("--starter" in explain(channel, PLACE, "error sending request").hint) is offered
        assert "--starter" not in explain(channel, PLACE, "failed to parse repodata.json").hint


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n <!DOCTYPE HTML>", True),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", True),
        (b"HTTP/1.1 200 OK\r\nX: <html>\r\n\r\n{}", False),
        (b"", False),
    ],
)
def test_knows_a_web_page(answer: bytes, expected: bool) -> None:
    assert is_page(answer) is expected


def test_knows_a_broken_index() -> None:
    assert is_broken_index("failed to decode zstd shard from …")
    assert not is_broken_index("error sending request")
