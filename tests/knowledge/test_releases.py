"""Test which releases, and sets of them, misbehave."""

from __future__ import annotations

import pytest

from envgen.knowledge.releases import (
    advices_for,
    bad_installed,
    bad_releases,
    lacking_companions,
    release_advices,
    to_avoid,
)
from envgen.models.platform import Platform
from tests.fakes.installed_values import installed, requirements


@pytest.mark.parametrize(
    ("pypi", "expected"),
    [
        (["tensorflow-macos==2.15.1"], ["EMPTY-WHEEL"]),
        (["tensorflow-macos==2.15.0"], []),
        (["tf-keras==2.20.0"], ["BAD-RELEASE"]),
        (["tf-keras==2.20.1"], []),
        (["jax-metal==0.1.1"], ["BAD-RELEASE"]),
        (["tensorflow-addons==0.23.0"], ["ENDED"]),
    ],
)
def test_bad_releases(pypi: list[str], expected: list[str]) -> None:
    assert [row.code for row, _ in bad_installed(installed(pypi=pypi))] == expected


def test_what_holds_linux_libraries_is_well_on_linux() -> None:
    assert [row.code for row, _ in bad_installed(installed(pypi=["mxnet==1.6.0"]))] == ["LINUX-WHEEL"]
    linux = Platform(subdir="linux-64", python="3.11")
    assert bad_installed(installed(pypi=["mxnet==1.6.0"], platform=linux)) == ()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param([], {"tensorflow-macos", "tf-keras"}, id="by default"),
        pytest.param(["tf-keras==2.20.*"], {"tensorflow-macos", "tf-keras"}, id="another would do"),
        pytest.param(["tf-keras==2.20.0"], {"tensorflow-macos"}, id="the user insists"),
    ],
)
def test_what_resolvers_are_kept_off(asked: list[str], expected: set[str]) -> None:
    assert {row.name for row in to_avoid(requirements(*asked))} == expected


def test_avoided_rows_are_single_releases() -> None:
    """A bound `!=` is made of them."""
    assert all(row.versions.startswith("==") and "," not in row.versions for row in bad_releases() if row.avoid)


@pytest.mark.parametrize(
    ("pypi", "expected"),
    [
        (["tensorflow==2.16.2", "tensorflow-metal==1.2.0", "keras==3.15.1"], ["METAL-NUMERICS"]),
        (["tensorflow==2.16.2", "tensorflow-metal==1.1.0", "keras==3.15.1"], []),
        (["tensorflow==2.16.2", "tensorflow-metal==1.2.0", "keras==3.6.0"], []),
        (["tensorflow==2.15.1", "tensorflow-metal==1.1.0"], ["METAL-TRAINING"]),
        (["tensorflow==2.13.1", "tensorflow-macos==2.13.1", "tensorflow-metal==1.1.0"], ["METAL-TRAINING"]),
        (["tensorflow==2.19.1", "tensorflow-metal==1.2.0", "keras==3.15.1"], []),
    ],
)
def test_sets_that_misbehave(pypi: list[str], expected: list[str]) -> None:
    found = advices_for(installed(pypi=pypi))
    assert [row.code for row, _ in found] == expected
    assert all(len(matched) == len(row.wheels) for row, matched in found)


def test_advice_names_several_wheels_or_a_platform() -> None:
    assert all(len(row.wheels) > 1 or row.subdirs for row in release_advices())


@pytest.mark.parametrize(("subdir", "expected"), [("osx-64", ["AVX"]), ("osx-arm64", []), ("linux-64", [])])
def test_intel_builds_are_told_where_they_are_taken(subdir: str, expected: list[str]) -> None:
    platform = Platform(subdir=subdir, python="3.11", macos="13.0" if subdir.startswith("osx") else "")
    for packages in ({"pypi": ["tensorflow==2.16.2"]}, {"conda": ["tensorflow==2.18.0"]}):
        found = advices_for(installed(**packages, platform=platform))
        assert [row.code for row, _ in found] == expected


@pytest.mark.parametrize(
    ("pypi", "conda", "expected"),
    [
        (["tensorflow==2.19.1", "tensorflow-probability==0.25.0"], [], ["tf-keras"]),
        (["tensorflow==2.19.1", "tensorflow-probability==0.25.0", "tf-keras==2.19.0"], [], []),
        ([], ["tensorflow==2.19.1", "tensorflow-probability==0.25.0"], ["tf-keras"]),
        (["tensorflow==2.15.1", "tensorflow-probability==0.23.0"], [], []),
        (["tensorflow-probability==0.25.0"], [], []),
    ],
)
def test_silent_needs(pypi: list[str], conda: list[str], expected: list[str]) -> None:
    assert [row.needs for row in lacking_companions(installed(pypi=pypi, conda=conda))] == expected
