"""Test which tensorflow-metal loads with which TensorFlow."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from envgen.knowledge.tensorflow import metal_choices, metal_for, metal_release, metal_releases
from envgen.knowledge.version_ranges import covers
from tests.fakes.facts_world import target

FACTS = Path(__file__).parents[2] / ".." / "shared" / "facts"


@pytest.mark.parametrize(
    ("tensorflow", "python", "macos", "specifier", "expected"),
    [
        pytest.param("2.19.1", "3.12", "13.0", "", "1.2.0", id="newest"),
        pytest.param("2.18.0", "3.11", "13.0", "", "1.2.0", id="2.18"),
        pytest.param("2.17.1", "3.11", "13.0", "", "1.1.0", id="Apple's release up to 2.17"),
        pytest.param("2.17.1", "3.12", "13.0", "", "1.2.0", id="python 3.12"),
        pytest.param("2.15.1", "3.11", "13.0", "", "1.1.0", id="2.15"),
        pytest.param("2.12.0", "3.10", "13.0", "", "1.1.0", id="2.12"),
        pytest.param("2.11.0", "3.10", "13.0", "", "0.7.1", id="2.11"),
        pytest.param("2.10.0", "3.10", "13.0", "", "0.6.0", id="2.10"),
        pytest.param("2.9.2", "3.10", "13.0", "", "0.5.0", id="2.9"),
        pytest.param("2.15.1", "3.11", "13.0", ">=1.2", "1.2.0", id="the user's bound"),
        pytest.param("2.13.1", "3.11", "13.0", "<1", "0.8.0", id="the user's older bound"),
        pytest.param("2.17.1", "3.11", "12.0", "", "1.1.0", id="macOS 12.0"),
        pytest.param("2.19.1", "3.11", "12.0", "", None, id="1.2.0 needs macOS 12.1"),
        pytest.param("2.19.1", "3.11", "12.1", "", "1.2.0", id="macOS 12.1"),
        pytest.param("2.20.0", "3.12", "13.0", "", None, id="2.20"),
        pytest.param("2.22.0rc0", "3.12", "13.0", "", None, id="a pre-release beyond"),
        pytest.param("2.19.1", "3.13", "13.0", "", None, id="python 3.13"),
        pytest.param("2.18.0", "3.11", "13.0", "==1.1.0", None, id="1.1.0 does not load with 2.18"),
    ],
)
def test_the_release_to_take(tensorflow: str, python: str, macos: str, specifier: str, expected: str | None) -> None:
    chosen = metal_for(tensorflow, target(python=python, macos=macos), specifier)
    assert (chosen.version if chosen else None) == expected
    assert chosen is None or chosen.why


@pytest.mark.parametrize("subdir", ["osx-64", "linux-64"])
def test_elsewhere_there_is_none(subdir: str) -> None:
    assert metal_for("2.19.1", target(subdir=subdir)) is None


def test_misleading_tags() -> None:
    assert [row.version for row in metal_releases() if row.tag_misleads and row.version >= "0.5"] == [
        "1.2.0",
        "0.6.0",
        "0.5.1",
        "0.5.0",
    ]
    newest = metal_release("1.2.0")
    assert newest
    assert newest.floor == "12.1"


def test_an_unknown_release_has_no_row() -> None:
    assert metal_release("9.9") is None


def test_choices_load() -> None:
    """Every preferred release must load with the ends of its range."""
    for choice in metal_choices():
        row = metal_release(choice.metal)
        assert row
        lower = choice.tensorflow.split(",")[0].removeprefix(">=")
        assert covers(row.links, lower)


@pytest.mark.shared
def test_agrees_with_the_symbol_check() -> None:
    path = FACTS / "metal_link_matrix.csv"
    if not path.exists():
        pytest.skip("the shared facts are not beside the checkout")
    with path.open(encoding="utf-8") as file:
        matrix = list(csv.DictReader(file))
    checked = 0
    for line in matrix:
        row = metal_release(line["tensorflow_metal"].split()[0])
        assert row
        for column, verdict in line.items():
            if column.startswith("tensorflow") and column != "tensorflow_metal":
                version = column.split()[1]
                assert covers(row.links, version) is (verdict == "links"), f"{row.version} with {version}"
                checked += 1
    assert checked >= 12 * 17


@pytest.mark.shared
def test_agrees_with_every_plugin_that_was_read() -> None:
    path = FACTS / "tf_compat.csv"
    if not path.exists():
        pytest.skip("the shared facts are not beside the checkout")
    with path.open(encoding="utf-8") as file:
        read = {row["version"]: row for row in csv.DictReader(file) if row["package"] == "tensorflow-metal"}
    assert set(read) == {row.version for row in metal_releases()}
    for row in metal_releases():
        line = read[row.version]
        assert row.tag == line["arm64_wheel_min_macos"]
        assert row.macos == line["arm64_dylib_minos"].removesuffix("?")
        assert set(row.python) == {f"3.{tag[3:]}" for tag in line["arm64_cp_tags"].split()}
