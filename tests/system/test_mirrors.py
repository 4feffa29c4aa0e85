"""Read mirrors."""

from __future__ import annotations

import pytest

from envgen.errors import UsageError
from envgen.system.settings import collect_mirrors, parse_mirror, parse_mirrors

PAIRS = {
    "conda-forge=../channel": ("conda-forge", "../channel"),
    " conda-forge = /srv/a b ": ("conda-forge", "/srv/a b"),
    "https://host/mine=https://other/mine?x=1": ("https://host/mine", "https://other/mine?x=1"),
}


@pytest.mark.parametrize(("text", "expected"), PAIRS.items(), ids=PAIRS)
def test_reads_one_pair(text: str, expected: tuple[str, str]) -> None:
    assert parse_mirror(text) == expected


@pytest.mark.parametrize("text", ["", "conda-forge", "=/srv", "conda-forge=", " = "])
def test_refuses_what_is_no_pair(text: str) -> None:
    with pytest.raises(UsageError, match=f"not a mirror: `{text}`") as caught:
        parse_mirror(text)
    assert "CHANNEL=PATH_OR_URL" in caught.value.hint
    assert caught.value.exit_code == 2


def test_shows_no_secret_of_what_it_refuses() -> None:
    with pytest.raises(UsageError, match="not a mirror: `https://host/mine`"):
        parse_mirror("https://ada:pw@host/mine")


@pytest.mark.parametrize(
    "text", ["a=/x,b=/y", "a=/x b=/y", " a=/x ,\n b=/y,, ", "a=/x,a=/x,b=/y"], ids=["comma", "blank", "both", "twice"]
)
def test_reads_the_variable(text: str) -> None:
    assert parse_mirrors(text) == {"a": "/x", "b": "/y"}


def test_an_empty_variable_has_no_mirrors() -> None:
    assert parse_mirrors("") == {}


def test_a_channel_has_one_place() -> None:
    with pytest.raises(UsageError, match="channel `a` has two mirrors"):
        collect_mirrors(["a=/x", "a=/y"])
