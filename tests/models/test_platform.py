"""Test what a target answers to the markers of wheels."""

from __future__ import annotations

import pytest
from packaging.version import Version

from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement


def target(macos: str, subdir: str = "osx-arm64") -> Platform:
    return Platform(subdir=subdir, python="3.12", macos=macos)


@pytest.mark.parametrize(
    ("macos", "darwin"),
    [
        # machines that said both of themselves
        ("11.7", "20.6.0"),
        ("12.6", "21.6.0"),
        ("13.0", "22.1.0"),
        ("13.3", "22.4.0"),
        ("13.4", "22.5.0"),
        ("13.7", "22.6.0"),
        ("14.1", "23.1.0"),
        ("14.4", "23.4.0"),
        ("14.7", "23.6.0"),
        ("15.0", "24.0.0"),
        ("15.5", "24.5.0"),
        ("15.7", "24.6.0"),
        ("26.0", "25.0.0"),
        ("26.3", "25.3.0"),
        # what follows from them
        ("11.0", "20.1.0"),
        ("16.0", "25.0.0"),
        ("27.1", "26.1.0"),
    ],
)
def test_the_kernel_of_a_macos(macos: str, darwin: str) -> None:
    assert target(macos).markers()["platform_release"] == darwin


@pytest.mark.parametrize(("macos", "darwin"), [("10.15", "19.0.0"), ("10.16", "20.0.0")])
def test_the_kernel_of_a_macos_before_11(macos: str, darwin: str) -> None:
    assert target(macos, "osx-64").markers()["platform_release"] == darwin


@pytest.mark.parametrize(
    ("marker", "arm", "intel", "linux"),
    [
        ("'ARM' in platform_version", True, False, False),
        ("'ARM64' in platform_version", True, False, False),
        ("'RELEASE_ARM64' in platform_version", True, False, False),
        ("'ARM' not in platform_version", False, True, True),
        ("'X86_64' in platform_version", False, True, False),
        ("'Darwin Kernel Version 22.' in platform_version", True, True, False),
        ("'root:xnu-' in platform_version", True, True, False),
        ("platform_release >= '9.0'", True, True, False),
        ("platform_release >= '22.0'", True, True, False),
        ("platform_release >= '22.1'", True, True, False),
        ("platform_release >= '22.4'", False, False, False),
        ("platform_release >= '9.0' and platform_release < '18.0'", False, False, False),
        ("platform_release == '22.*'", True, True, False),
        ("platform_system == 'Darwin' and platform_release < '23'", True, True, False),
    ],
)
def test_markers_of_the_kernel(marker: str, *, arm: bool, intel: bool, linux: bool) -> None:
    need = Requirement.parse(f"x ; {marker}", Origin(path="test"))
    targets = (target("13.0"), target("13.0", "osx-64"), target("", "linux-64"))
    assert tuple(need.applies(each.markers()) for each in targets) == (arm, intel, linux)


def test_no_date_is_in_the_kernels_text() -> None:
    assert target("13.3").markers()["platform_version"] == (
        "Darwin Kernel Version 22.4.0: root:xnu-22.4.0~1/RELEASE_ARM64_T6000"
    )
    assert target("13.3", "osx-64").markers()["platform_version"].endswith("/RELEASE_X86_64")


def test_each_later_kernel_is_named_once() -> None:
    later = dict(target("14.5").later_markers())
    assert list(later) == ["14.6", *(f"15.{minor}" for minor in range(7)), *(f"26.{minor}" for minor in range(7))]
    releases = [Version(markers["platform_release"]) for markers in later.values()]
    assert releases == sorted(set(releases))
    assert "25.6.0" in later["26.6"]["platform_version"]
    assert {name for name, value in later["26.0"].items() if value != target("14.5").markers()[name]} == {
        "platform_release",
        "platform_version",
    }


def test_the_last_minors_of_a_macos_share_a_kernel() -> None:
    assert [macos for macos, _ in target("13.4").later_markers()][:2] == ["13.5", "14.0"]
    assert not list(target("", "linux-64").later_markers())
