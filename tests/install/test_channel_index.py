"""What is written for a folder of archives and wheels is what clients read."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.install.vendored import repodata_text, simple_pages
from envgen.models.channel import Channel
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.repodata.gateway import open_channels
from envgen.repodata.locations import Access
from tests.fakes.locks import make_record, make_wheel

RECORDS = [
    make_record("numpy", "2.1.3", depends=["python >=3.12", "libblas"], constrains=["numpy-base <0a0"]),
    replace(
        make_record("old", "1.0"),
        url="https://conda.anaconda.org/conda-forge/osx-arm64/old-1.0-h1234567_0.tar.bz2",
        track_features=("x",),
    ),
    make_record("bare", "0.1"),
]


def test_rattler_reads_the_same_records(tmp_path: Path) -> None:
    for subdir, records in (("osx-arm64", RECORDS), ("noarch", [])):
        (tmp_path / subdir).mkdir()
        (tmp_path / subdir / "repodata.json").write_text(repodata_text(subdir, records))
    channel = Channel.parse("conda-forge")
    access = Access(cache=tmp_path / "cache", mirrors={"conda-forge": str(tmp_path)})
    target = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
    read = open_channels((channel,), target, access).records(["numpy", "old", "bare"])
    assert sorted((each for records in read.values() for each in records), key=lambda each: each.name) == sorted(
        RECORDS, key=lambda each: each.name
    )


@given(st.permutations(RECORDS))
def test_the_order_does_not_matter(records: list[Record]) -> None:
    assert repodata_text("osx-arm64", records) == repodata_text("osx-arm64", RECORDS)


def test_the_two_formats_are_kept_apart() -> None:
    data = json.loads(repodata_text("osx-arm64", RECORDS))
    assert sorted(data["packages"]) == ["old-1.0-h1234567_0.tar.bz2"]
    assert len(data["packages.conda"]) == 2
    assert not {"url", "channel"} & data["packages.conda"][RECORDS[0].filename].keys()


class Links(HTMLParser):
    """Collect the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def links(page: str) -> list[dict[str, str | None]]:
    parser = Links()
    parser.feed(page)
    return parser.found


def test_pages_of_a_simple_index() -> None:
    wheels = [
        make_wheel("demo", "1.0", requires_python=">=3.9,<4"),
        make_wheel("demo", "2.0+local"),
        make_wheel("other-lib"),
    ]
    pages = simple_pages(wheels, up="../../wheels")
    assert list(pages) == ["index.html", "demo/index.html", "other-lib/index.html"]
    assert [link["href"] for link in links(pages["index.html"])] == ["demo/", "other-lib/"]
    assert links(pages["demo/index.html"]) == [
        {
            "href": f"../../wheels/demo-1.0-py3-none-any.whl#sha256={wheels[0].wheel.sha256}",
            "data-requires-python": ">=3.9,<4",
        },
        {"href": f"../../wheels/demo-2.0%2Blocal-py3-none-any.whl#sha256={wheels[1].wheel.sha256}"},
    ]
    assert simple_pages(wheels[::-1], up="../../wheels") == pages


@pytest.mark.parametrize("wheels", [[]], ids=["none"])
def test_an_empty_index(wheels: list) -> None:  # type: ignore[type-arg]
    assert list(simple_pages(wheels, up="..")) == ["index.html"]
