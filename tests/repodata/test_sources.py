"""Provide rattler's records the channel's own URLs."""

from __future__ import annotations

from pathlib import Path

import rattler

from envgen.models.channel import Channel
from envgen.repodata.locations import Place
from envgen.repodata.sources import Source, open_index
from tests.fakes.channels import lay_out
from tests.fakes.loopback import Json, merged, package, repodata

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
    place = Place(shown=URL, url=secret.replace("%20", " "))
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
