"""Provide rattler's records the channel's own URLs."""

from __future__ import annotations

from pathlib import Path

import pytest
import rattler

from envgen.errors import RepodataError
from envgen.models.channel import Channel
from envgen.repodata.locations import Place
from envgen.repodata.sources import Source, open_index
from tests.fakes.channels import lay_out, opened
from tests.fakes.loopback import (
    Json,
    LoopbackChannel,
    flat,
    flat_zst,
    merged,
    package,
    repodata,
    serving,
    sharded,
)

OWN = Channel.parse("mine")
URL = "https://conda.anaconda.org/mine"


def natives(tmp_path: Path, base: str, data: Json) -> list[rattler.RepoDataRecord]:
    folder = lay_out(tmp_path, data)
    opened = open_index(Channel.parse(base), "noarch", folder / "noarch" / "repodata.json")
    return opened.load_all_records(rattler.PackageFormatSelection.BOTH)


def adopt(native: list[rattler.RepoDataRecord], place: Place) -> list[tuple[str, str]]:
    source = Source(channel=OWN, place=place, readings=(), names=frozenset())
    return [(record.url, record.channel) for record in source.adopt(native)]


def test_leaves_own_urls_alone_and_sorts(tmp_path: Path) -> None:
    found = natives(tmp_path, URL, repodata("noarch", package("b"), package("a")))
    assert adopt(found, Place(shown=URL, url=URL)) == [
        (f"{URL}/noarch/a-1.0-0.conda", f"{URL}/"),
        (f"{URL}/noarch/b-1.0-0.conda", f"{URL}/"),
    ]


def test_rewrites_a_mirrors_urls(tmp_path: Path) -> None:
    found = natives(tmp_path, "https://mirror/x", repodata("noarch", package("a")))
    place = Place(shown="https://mirror/x", url="https://mirror/x", mirror=True)
    assert adopt(found, place) == [(f"{URL}/noarch/a-1.0-0.conda", f"{URL}/")]


def moved(base: str) -> Json:
    return {**repodata("noarch", package("a")), "info": {"subdir": "noarch", "base_url": base}, "repodata_version": 2}


def test_keeps_what_the_index_moved_elsewhere_without_secrets(tmp_path: Path) -> None:
    found = natives(tmp_path, URL, moved("https://ada:pw@cdn/t/TOKEN/x/"))
    assert adopt(found, Place(shown=URL, url=URL)) == [("https://cdn/x/a-1.0-0.conda", f"{URL}/")]


def test_a_mirror_moves_nothing(tmp_path: Path) -> None:
    found = natives(tmp_path, URL, moved("https://cdn/x/"))
    place = Place(shown="../here", folder=tmp_path, mirror=True)
    assert adopt(found, place) == [(f"{URL}/noarch/a-1.0-0.conda", f"{URL}/")]


def test_drops_secrets_that_rattler_spells_its_own_way(tmp_path: Path) -> None:
    secret = "https://ada:p%20w@conda.anaconda.org/t/TOKEN/mine"
    found = natives(tmp_path, URL, repodata("noarch", package("a")))
    for record in found:
        record.url = record.url.replace(URL, secret)
    place = Place(shown=URL, url=URL)
    assert adopt(found, place) == [(f"{URL}/noarch/a-1.0-0.conda", f"{URL}/")]


def test_drops_twins_of_one_subdir_alone(tmp_path: Path) -> None:
    twins = merged(
        repodata("noarch", package("a"), package("c")),
        repodata("noarch", package("a"), package("b"), extension=".tar.bz2"),
    )
    found = natives(tmp_path, URL, twins)
    elsewhere = natives(tmp_path, URL, repodata("noarch", package("c"), extension=".tar.bz2"))
    for record in elsewhere:
        record.subdir = "osx-arm64"
        record.url = record.url.replace("noarch", "osx-arm64")
    urls = [url.removeprefix(URL) for url, _ in adopt(found + elsewhere, Place(shown=URL, url=URL))]
    assert urls == [
        "/noarch/a-1.0-0.conda",
        "/noarch/b-1.0-0.tar.bz2",
        "/noarch/c-1.0-0.conda",
        "/osx-arm64/c-1.0-0.tar.bz2",
    ]


LAYOUTS = {"flat": flat, "flat_zst": flat_zst, "sharded": sharded}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("./", "{channel}/noarch/a-1.0-0.conda"),
        ("../moved/", "{channel}/moved/a-1.0-0.conda"),
        ("../../elsewhere", "{host}/elsewhere/a-1.0-0.conda"),
        ("/top/", "{host}/top/a-1.0-0.conda"),
        ("https://cdn.example/pkgs/", "https://cdn.example/pkgs/a-1.0-0.conda"),
        ("https://cdn.example/pkgs", "https://cdn.example/pkgs/a-1.0-0.conda"),
        ("https://ada:pw@cdn.example/t/TOKEN/pkgs/", "https://cdn.example/pkgs/a-1.0-0.conda"),
        ("file:///etc/", ""),
        ("ftp://cdn.example/pkgs/", ""),
    ],
)
def test_an_index_may_say_where_its_packages_are(tmp_path: Path, layout: str, base: str, url: str) -> None:
    data = {**moved(base), "repodata_version": 2}
    with serving(LoopbackChannel(LAYOUTS[layout]("noarch", data))) as channel:
        index = opened(channel.url, cache=tmp_path)
        if url:
            (record,) = index.records(["a"])["a"]
            host = channel.url.removesuffix("/channel")
            assert (record.url, record.channel) == (url.format(channel=channel.url, host=host), channel.url)
        else:
            with pytest.raises(RepodataError, match="at an address that no channel on the web may name"):
                index.records(["a"])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_mirror_keeps_where_its_packages_are_below_it(tmp_path: Path, layout: str) -> None:
    with serving(LoopbackChannel(LAYOUTS[layout]("noarch", moved("../moved/")))) as channel:
        index = opened(URL, cache=tmp_path, mirrors={URL: channel.url})
        (record,) = index.records(["a"])["a"]
        assert (record.url, record.channel) == (f"{URL}/moved/a-1.0-0.conda", URL)
