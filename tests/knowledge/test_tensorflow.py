"""Test which distribution holds which TensorFlow."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from envgen.knowledge.tensorflow import (
    known_versions,
    native_satellites,
    pypi_name,
    release_of,
    satellites_named,
    tensorflow_of,
    tensorflow_releases,
)
from envgen.knowledge.version_ranges import covers, minor_of, to_version
from tests.fakes.facts_world import world

FACTS = Path(__file__).parents[2] / ".." / "shared" / "facts"


@pytest.mark.parametrize(
    ("version", "code", "stub"),
    [
        ("2.21.0", "tensorflow", ""),
        ("2.22.0rc0", "tensorflow", ""),
        ("2.19.7", "tensorflow", ""),
        ("2.16.2", "tensorflow", "tensorflow-macos"),
        ("2.15.1", "tensorflow", ""),
        ("2.15.0", "tensorflow-macos", "tensorflow"),
        ("2.13.1", "tensorflow-macos", "tensorflow"),
        ("2.12.0", "tensorflow-macos", ""),
        ("2.9.2", "tensorflow-macos", ""),
    ],
)
def test_the_holder_of_the_code(version: str, code: str, stub: str) -> None:
    row = release_of(version)
    assert row
    assert (row.code, row.stub) == (code, stub)


@pytest.mark.parametrize("version", ["2.12.1", "2.15.0.post1", "2.11.1", "2.10.1", "2.9.3", "2.4.0"])
def test_releases_without_code(version: str) -> None:
    assert release_of(version) is None


def test_known_releases_are_held_and_sorted() -> None:
    versions = known_versions()
    assert list(versions) == sorted(versions, key=to_version, reverse=True)
    assert all(release_of(version) for version in versions)
    assert len(versions) == len(set(versions))


@pytest.mark.parametrize(
    ("specifier", "name"),
    [
        ("", "tensorflow"),
        ("==2.15.*", "tensorflow"),
        ("==2.15.0", "tensorflow"),
        (">=2.13,<2.14", "tensorflow"),
        ("==2.12.*", "tensorflow-macos"),
        ("<2.13", "tensorflow-macos"),
        ("==2.12.1", "tensorflow"),
        (">=2.12", "tensorflow"),
    ],
)
def test_the_name_to_ask_for(specifier: str, name: str) -> None:
    assert pypi_name(specifier) == name


@pytest.mark.parametrize(
    ("name", "version", "tensorflow", "fits"),
    [
        ("tensorflow-text", "2.19.0", "2.19.1", True),
        ("tensorflow-text", "2.18.1", "2.19.1", False),
        ("tf-keras", "2.15.1", "2.15.1", True),
        ("tensorflow-decision-forests", "1.12.0", "2.19.0", True),
        ("tensorflow-decision-forests", "1.12.0", "2.19.1", False),
        ("tensorflow-decision-forests", "1.9.0", "2.16.2", True),
        ("tensorflow-addons", "0.23.0", "2.15.1", True),
        ("tensorflow-addons", "0.23.0", "2.19.1", False),
        ("tensorflow-io", "0.37.1", "2.16.2", True),
    ],
)
def test_satellites_fit(name: str, version: str, tensorflow: str, fits: bool) -> None:
    rows = [row for row in satellites_named(name) if covers(row.versions, version)]
    assert [row.fits_tensorflow(version, tensorflow) for row in rows] == [fits]


@pytest.mark.parametrize(
    ("name", "specifier", "tensorflow", "python", "expected"),
    [
        ("tensorflow-text", "", "2.19.1", "3.12", True),
        ("tensorflow-text", "", "2.17.0", "3.12", False),
        ("tensorflow-text", "", "2.15.1", "3.11", False),
        ("tensorflow-text", "==2.18.*", "2.19.1", "3.11", False),
        ("tensorflow-text", "", "2.20.0", "3.13", True),
        ("tensorflow-decision-forests", "", "2.19.0", "3.11", True),
        ("tensorflow-decision-forests", "", "2.19.1", "3.11", False),
        ("tensorflow-decision-forests", "<1.12", "2.19.0", "3.11", False),
    ],
)
def test_satellites_have_releases(name: str, specifier: str, tensorflow: str, python: str, expected: bool) -> None:
    assert any(row.has_release(specifier, tensorflow, python) for row in satellites_named(name)) is expected


def test_what_loads_tensorflows_libraries() -> None:
    assert {"tensorflow-text", "tensorflow-decision-forests", "tensorflow-addons"} <= native_satellites()
    assert "tf-keras" not in native_satellites()


def test_the_tensorflow_of_a_world() -> None:
    assert tensorflow_of(world()) is None
    stub = tensorflow_of(world(pypi=["tensorflow==2.13.1", "tensorflow-macos==2.13.1"]))
    assert stub
    assert (stub.version, stub.source, stub.packages) == ("2.13.1", "pypi", ("tensorflow", "tensorflow-macos"))
    conda = tensorflow_of(world(conda=["tensorflow==2.19.1", "tensorflow-base==2.19.1"]))
    assert conda
    assert (conda.version, conda.source, conda.packages) == ("2.19.1", "conda", ("tensorflow", "tensorflow-base"))
    both = tensorflow_of(world(pypi=["tensorflow==2.20.0"], conda=["tensorflow-base==2.19.1"]))
    assert both
    assert both.source == "pypi"


@pytest.fixture(scope="module")
def compat() -> list[dict[str, str]]:
    path = FACTS / "tf_compat.csv"
    if not path.exists():
        pytest.skip("the shared facts are not beside the checkout")
    with path.open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["package"] in ("tensorflow", "tensorflow-macos")]


@pytest.mark.shared
def test_agrees_with_every_wheel_that_was_read(compat: list[dict[str, str]]) -> None:
    """Compare kind and CPython minors with the wheels' own data; pre-releases count as their release."""
    wrong = []
    for row in compat:
        found = release_of(row["version"])
        kind = "none"
        if found:
            is_code, is_stub = row["package"] == found.code, row["package"] == found.stub
            kind = "full" if is_code else "stub" if is_stub or row["package"] == found.empty else "none"
        pythons = {f"3.{tag[3:]}" for tag in row["arm64_cp_tags"].split()}
        if kind != row["arm64_kind"] or (found and kind == "full" and not _pythons_agree(row, found.python, pythons)):
            wrong.append((row["package"], row["version"], kind, row["arm64_kind"]))
    assert wrong == []
    assert len(compat) > 70


def _pythons_agree(row: dict[str, str], ours: tuple[str, ...], theirs: set[str]) -> bool:
    """Let the first patch of a minor serve fewer or more pythons: 2.13.1 dropped 3.8, 2.5 to 2.9 differ by one."""
    return theirs <= set(ours) and set(ours) - theirs <= {"3.8"}


@pytest.mark.shared
def test_lists_every_final_release_with_code(compat: list[dict[str, str]]) -> None:
    final = {row["version"] for row in compat if row["arm64_kind"] == "full" and row["prerelease"] == "False"}
    assert set(known_versions()) == final


@pytest.mark.shared
def test_minors_without_a_row_have_no_code(compat: list[dict[str, str]]) -> None:
    covered = {minor_of(version) for row in tensorflow_releases() for version in row.known}
    assert {minor_of(row["version"]) for row in compat if row["arm64_kind"] == "full"} - covered == {"2.22"}
