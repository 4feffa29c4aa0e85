"""Find where channels are read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.errors import RepodataError
from envgen.models.channel import Channel
from envgen.repodata.credentials import Route
from envgen.repodata.locations import Access, Place, find_place

FORGE = "https://conda.anaconda.org/conda-forge"


def place(text: str, mirrors: dict[str, str] | None = None, **environ: str) -> Place:
    access = Access(cache=Path("/cache"), mirrors=mirrors or {}, folder=Path("/work dir"), environ=environ)
    return find_place(Channel.parse(text), access)


def test_a_channels_own_url_is_the_default() -> None:
    assert place("conda-forge") == Place(shown=FORGE, url=FORGE, route=Route(url=FORGE, sent=FORGE))


@pytest.mark.parametrize("key", ["conda-forge", FORGE, f"{FORGE}/", "https://ada:pw@conda.anaconda.org/conda-forge"])
def test_a_mirror_is_found_by_name_or_url(key: str) -> None:
    assert place("conda-forge", {"other": "/x", key: "https://mirror/forge/"}) == Place(
        shown="https://mirror/forge/",
        url="https://mirror/forge",
        mirror=True,
        route=Route(url="https://mirror/forge", sent="https://mirror/forge"),
    )


FOLDERS = {
    "../channel": Path("/work dir/../channel"),
    "/srv/channel": Path("/srv/channel"),
    "file:///srv/a%20b": Path("/srv/a b"),
    "~/channel": Path("~/channel").expanduser(),
}


@pytest.mark.parametrize(("text", "folder"), FOLDERS.items(), ids=FOLDERS)
def test_a_mirror_may_be_a_folder(text: str, folder: Path) -> None:
    assert place("conda-forge", {"conda-forge": text}) == Place(shown=text, folder=folder, mirror=True)


def test_a_channel_may_be_a_folder() -> None:
    assert place("/srv/channel") == Place(shown="file:///srv/channel", folder=Path("/srv/channel"))


def test_secrets_are_sent_and_not_shown() -> None:
    found = place("https://ada:pw@host/t/TOKEN/mine")
    assert (found.url, found.sent) == ("https://host/mine", "https://host/t/TOKEN/mine")
    assert found.shown == "https://host/mine"
    assert not any(word in repr(found) for word in ("pw", "TOKEN"))
    assert found.mask(f"error at {found.sent}/noarch: https://ada:pw@host/x") == (
        "error at https://host/mine/noarch: https://host/x"
    )


def test_a_hosts_secret_is_sent_and_not_shown() -> None:
    found = place("https://host/mine", ENVGEN_TOKENS="host=/t/s3cret host=ada:w0rd other=x")
    assert found.sent == "https://host/t/s3cret/mine"
    assert found.route.header == "Basic YWRhOncwcmQ="
    assert not any(word in repr(found) for word in ("s3cret", "w0rd"))
    assert found.mask(f"at {found.sent}/noarch") == "at https://host/mine/noarch"


@pytest.mark.parametrize(
    "text", ["https://${AWS_SECRET_ACCESS_KEY}@host/mine", "https://host/$HOME", "file:///${HOME}"]
)
def test_no_variable_is_filled_in(text: str) -> None:
    with pytest.raises(RepodataError, match="channel `mine` names an environment variable") as caught:
        place("mine", {"mine": text}, AWS_SECRET_ACCESS_KEY="s3cret", HOME="/root")
    assert "ENVGEN_TOKENS" in caught.value.hint
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


def test_a_folder_has_nothing_to_mask() -> None:
    assert place("/srv/channel").mask("at https://a:b@host/x") == "at https://host/x"


@pytest.mark.parametrize("text", ["ftp://host/x", "https:///x", "http://[bad/x", "s3://bucket/x"])
def test_refuses_what_it_cannot_read(text: str) -> None:
    with pytest.raises(RepodataError, match="channel `mine` cannot be read from"):
        place("mine", {"mine": text})
