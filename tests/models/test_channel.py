"""Name channels."""

from __future__ import annotations

import pytest

from envgen.models.channel import CONDA_FORGE, Channel

PARSED = {
    "conda-forge": ("conda-forge", "https://conda.anaconda.org/conda-forge"),
    " conda-forge/ ": ("conda-forge", "https://conda.anaconda.org/conda-forge"),
    "me/label/dev": ("me/label/dev", "https://conda.anaconda.org/me/label/dev"),
    "https://host/mine/": ("https://host/mine", "https://host/mine"),
    "file:///srv/mine": ("file:///srv/mine", "file:///srv/mine"),
    "/srv/mïne/": ("/srv/mïne", "file:///srv/m%C3%AFne"),
    "https://ada:pw@host/mine": ("https://host/mine", "https://host/mine"),
    "https://ada:p@w@host/t/TOKEN/mine": ("https://host/mine", "https://host/mine"),
    "https://host/a/t/${TOKEN}/mine": ("https://host/a/mine", "https://host/a/mine"),
}


@pytest.mark.parametrize(("text", "expected"), PARSED.items(), ids=PARSED)
def test_parses_names_urls_and_paths(text: str, expected: tuple[str, str]) -> None:
    channel = Channel.parse(text)
    assert (channel.name, channel.url) == expected
    assert str(channel) == expected[0]


def test_keeps_what_holds_a_secret_apart() -> None:
    channel = Channel.parse("https://ada:pw@host/t/TOKEN/mine")
    assert channel.address == "https://ada:pw@host/t/TOKEN/mine"
    assert channel == Channel.parse("https://host/mine")
    assert not any(word in f"{channel!r} {channel}" for word in ("ada", "pw", "TOKEN"))
    assert Channel.parse("https://host/mine").address == ""


@pytest.mark.parametrize("text", ["", " ", "/", "a b", "https://host/a b", "./mine", "../mine", "~/mine"])
def test_refuses_what_is_no_channel(text: str) -> None:
    with pytest.raises(ValueError, match="not a channel"):
        Channel.parse(text)


def test_shows_no_secret_of_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="not a channel: `https://host/a b`"):
        Channel.parse("https://ada:pw@host/a b")


def test_conda_forge_is_the_name() -> None:
    assert Channel.parse("conda-forge") == CONDA_FORGE
