"""Test the facts of TensorFlow and of tensorflow-metal."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from envgen.knowledge.tensorflow import (
    known_versions,
    metal_choices,
    metal_for,
    metal_release,
    metal_releases,
    native_satellites,
    pypi_name,
    release_of,
    satellites_named,
    tensorflow_of,
    tensorflow_releases,
)
from envgen.knowledge.version_ranges import covers, minor_of, to_version
from tests.fakes.installed_values import installed, target

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
    assert tensorflow_of(installed()) is None
    stub = tensorflow_of(installed(pypi=["tensorflow==2.13.1", "tensorflow-macos==2.13.1"]))
    assert stub
    assert (stub.version, stub.source, stub.packages) == ("2.13.1", "pypi", ("tensorflow", "tensorflow-macos"))
    conda = tensorflow_of(installed(conda=["tensorflow==2.19.1", "tensorflow-base==2.19.1"]))
    assert conda
    assert (conda.version, conda.source, conda.packages) == ("2.19.1", "conda", ("tensorflow", "tensorflow-base"))
    both = tensorflow_of(installed(pypi=["tensorflow==2.20.0"], conda=["tensorflow-base==2.19.1"]))
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


def test_the_library_counts_where_the_tag_admits_an_older_macos() -> None:
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
