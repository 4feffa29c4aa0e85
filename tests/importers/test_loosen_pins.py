"""Test what is kept of a list that a solver made."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from envgen.errors import SourceLine
from envgen.importers.items import Ignored, ImportedMatchSpec, ImportedRequirement, Span
from envgen.importers.loosen_pins import Pins, loosened_pin, needed_items
from envgen.knowledge.names import name_table
from envgen.mapping.conda_to_pypi import CondaToPypi
from envgen.mapping.name_mapper import NameMapper
from envgen.models.requirement import Origin, Requirement
from tests.fakes.memory_channel import FakeRepodata, library, package

SPAN = Span(line=SourceLine(file="f", line=1, text=""), last=1)
LISTED = [
    package("app", depends=["core", "libx"]),
    package("core", depends=["six"]),
    package("six"),
    library("libx", depends=["liby"]),
    library("liby"),
    package("ring-a", depends=["ring-b"]),
    package("ring-b", depends=["ring-a"]),
    package("pytorch", depends=["six"]),
    package("tensorflow"),
    package("over", depends=["tensorflow"]),
    package("old", "1.0", depends=["six"]),
    package("old", "2.0"),
]


def spec(name: str, needs: Sequence[str] = (), version: str = "==1.0") -> ImportedMatchSpec:
    return ImportedMatchSpec(span=SPAN, name=name, version=version, needs=tuple(needs))


def requirement(text: str, needs: Sequence[str] = ()) -> ImportedRequirement:
    return ImportedRequirement(span=SPAN, requirement=Requirement.parse(text, Origin(path="")), needs=tuple(needs))


def kept(items: Sequence[ImportedMatchSpec | ImportedRequirement]) -> list[str]:
    mapper = NameMapper(repodata=FakeRepodata(listed=LISTED), table=name_table(), overrides={}, python="3.12")
    needed = needed_items(items, CondaToPypi(mapper))
    names = [item.name if isinstance(item, ImportedMatchSpec) else item.requirement.name for item in items]
    return [name for name, item in zip(names, items, strict=True) if id(item) not in needed]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([spec("six"), spec("core"), spec("app"), spec("liby"), spec("libx")], ["app"], id="a tree"),
        pytest.param([spec("six"), spec("liby")], ["six", "liby"], id="needed by what is not listed"),
        pytest.param([spec("ring-a"), spec("ring-b")], ["ring-a"], id="a circle"),
        pytest.param([requirement("six==1.0"), spec("core")], ["core"], id="both worlds"),
        pytest.param([requirement("torch==1.0"), requirement("six==1.0")], ["torch"], id="by conda's record"),
        pytest.param([spec("over"), spec("tensorflow")], ["over", "tensorflow"], id="TensorFlow stays"),
        pytest.param([spec("old", version="==2.0"), spec("six")], ["old", "six"], id="the listed version counts"),
        pytest.param([spec("old", version="==3.0"), spec("six")], ["old"], id="any version where it is not there"),
        pytest.param([spec("a", ["b"]), requirement("b==1"), requirement("c==1", ["a"])], ["c"], id="by the file"),
        pytest.param([spec("unknown"), requirement("unknown-too==1")], ["unknown", "unknown-too"], id="unknown"),
        pytest.param([requirement("old==2.0"), spec("six")], ["old", "six"], id="the version of a requirement"),
        pytest.param([spec("cuda-nvcc", ["six"]), spec("six")], ["cuda-nvcc", "six"], id="by what is left out"),
    ],
)
def test_what_nothing_needs_is_kept(
    items: Sequence[ImportedMatchSpec | ImportedRequirement], expected: list[str]
) -> None:
    assert kept(items) == expected


def test_what_two_need_is_there_for_the_first() -> None:
    items = [spec("app", ["b", "c"]), spec("b", ["d"]), spec("c", ["d"]), spec("d")]
    needed = needed_items(items, CondaToPypi())
    assert [needed.get(id(item)) for item in items] == [None, "app", "app", "b"]


def test_other_lines_are_left_alone() -> None:
    aside = Ignored(span=SPAN, what="", why="")
    assert needed_items([aside], CondaToPypi()) == {}


@pytest.mark.parametrize(
    ("specifier", "pins", "have", "expected"),
    [
        ("==1.2.3", "exact", ["1.2.3"], "==1.2.3"),
        ("==1.2.3", "exact", None, "==1.2.3"),
        ("==1.2.3", "exact", ["1.2.4"], "==1.2.*"),
        ("==1.2.3", "exact", ["1.3.0"], "==1.*"),
        ("==1.2.3", "exact", ["2.0"], ""),
        ("==1.2.3", "exact", [], ""),
        ("==1.2.3", "exact", ["9e"], ""),
        ("==1.2.3", "series", None, "==1.2.*"),
        ("==1.2.3", "series", ["1.3"], "==1.*"),
        ("==1.2.3", "major", None, "==1.*"),
        ("==1.2.3", "free", None, ""),
        ("==1.2", "series", None, "==1.2"),
        ("==1", "major", None, "==1"),
        ("==1.2.*", "series", None, "==1.2.*"),
        (">=1.2", "free", None, ">=1.2"),
        ("", "free", None, ""),
    ],
)
def test_versions_are_given_up_step_by_step(specifier: str, pins: Pins, have: list[str] | None, expected: str) -> None:
    pin = loosened_pin(specifier, pins, have)
    assert pin.specifier == expected
    assert bool(pin.why) == (expected != specifier)


def test_the_reason_is_told() -> None:
    assert loosened_pin("==1.2.3", "exact", ["1.2.4"]).why == (
        "conda-forge has no 1.2.3 for osx-arm64, so ==1.2.* will do"
    )
    assert loosened_pin("==1.2.3", "free").why == (
        "the versions of the list cannot be met together, so any version will do"
    )
