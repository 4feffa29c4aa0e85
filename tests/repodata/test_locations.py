"""Find where channels are read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.errors import RepodataError
from envgen.models.channel import Channel
from envgen.repodata.locations import Access, Place, find_place

FORGE = "https://conda.anaconda.org/conda-forge"


def place(text: str, mirrors: dict[str, str] | None = None, **environ: str) -> Place:
    access = Access(cache=Path("/cache"), mirrors=mirrors or {}, folder=Path("/work dir"), environ=environ)
    return find_place(Channel.parse(text), access)


def test_a_channels_own_url_is_the_default() -> None:
    assert place("conda-forge") == Place(shown=FORGE, url=FORGE)


@pytest.mark.parametrize("key", ["conda-forge", FORGE, f"{FORGE}/", "https://ada:pw@conda.anaconda.org/conda-forge"])
def test_a_mirror_is_found_by_name_or_url(key: str) -> None:
    assert place("conda-forge", {"other": "/x", key: "https://mirror/forge/"}) == Place(
        shown="https://mirror/forge/", url="https://mirror/forge", mirror=True
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


def test_secrets_are_filled_in_and_not_shown() -> None:
    found = place("https://${WHO}:${WORD}@host/t/${T}/mine", WHO="ada", WORD="pw", T="TOKEN")
    assert found.url == "https://ada:pw@host/t/TOKEN/mine"
    assert found.shown == "https://host/mine"
    assert "pw" not in repr(found)
    assert found.mask(f"error at {found.url}/noarch: https://ada:pw@host/x") == (
        "error at https://host/mine/noarch: https://host/x"
    )


def test_a_variable_elsewhere_stays_a_placeholder_in_what_is_shown() -> None:
    found = place("mine", {"mine": "https://host/${SECRET}/mine"}, SECRET="s3cret")
    assert found.shown == "https://host/${SECRET}/mine"
    assert found.mask(f"at {found.url}/noarch") == "at https://host/${SECRET}/mine/noarch"


def test_a_folder_has_nothing_to_mask() -> None:
    assert place("/srv/channel").mask("at https://a:b@host/x") == "at https://host/x"


def test_an_unset_variable_is_named() -> None:
    with pytest.raises(RepodataError, match="channel `mine` needs the environment variable WORD") as caught:
        place("mine", {"mine": "https://ada:${WORD}@host/mine"})
    assert caught.value.hint == "set WORD"


@pytest.mark.parametrize("text", ["ftp://host/x", "https:///x", "http://[bad/x", "s3://bucket/x"])
def test_refuses_what_it_cannot_read(text: str) -> None:
    with pytest.raises(RepodataError, match="channel `mine` cannot be read from"):
        place("mine", {"mine": text})
