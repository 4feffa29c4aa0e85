from __future__ import annotations

import pytest

from envgen.models.platform import Platform
from envgen.models.wheel import target_tags, wheel_rank, wheel_tags

VENTURA = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
SONOMA = Platform(subdir="osx-arm64", python="3.12", macos="14.5")
INTEL = Platform(subdir="osx-64", python="3.11", macos="10.15")
LINUX = Platform(subdir="linux-64", python="3.11")
ARM_LINUX = Platform(subdir="linux-aarch64", python="3.11")


@pytest.mark.parametrize(
    ("filename", "platform", "fits"),
    [
        pytest.param("six-1.17.0-py2.py3-none-any.whl", VENTURA, True, id="pure"),
        pytest.param("tensorflow-2.19.1-cp312-cp312-macosx_12_0_arm64.whl", VENTURA, True, id="older macOS"),
        pytest.param("torch-2.15.0-cp312-cp312-macosx_14_0_arm64.whl", VENTURA, False, id="newer macOS"),
        pytest.param("torch-2.15.0-cp312-cp312-macosx_14_0_arm64.whl", SONOMA, True, id="macOS met"),
        pytest.param("x-1-cp312-cp312-macosx_14_5_arm64.whl", SONOMA, False, id="macOS minors do not count"),
        pytest.param("x-1-cp312-cp312-macosx_10_9_universal2.whl", VENTURA, True, id="universal2 below 11"),
        pytest.param("x-1-cp312-cp312-macosx_12_0_x86_64.whl", VENTURA, False, id="other machine"),
        pytest.param("x-1-cp311-cp311-macosx_12_0_arm64.whl", VENTURA, False, id="other python"),
        pytest.param("x-1-cp39-abi3-macosx_12_0_arm64.whl", VENTURA, True, id="abi3 of an older python"),
        pytest.param("x-1-cp313-abi3-macosx_12_0_arm64.whl", VENTURA, False, id="abi3 of a newer python"),
        pytest.param("mediapipe-1.2.2-py3-none-macosx_11_0_arm64.whl", VENTURA, True, id="platform wheel without abi"),
        pytest.param("libclang-18.1.1-1-py2.py3-none-macosx_11_0_arm64.whl", VENTURA, True, id="build tag"),
        pytest.param("x-1-cp312-cp312t-macosx_12_0_arm64.whl", VENTURA, False, id="free-threaded"),
        pytest.param("x-1-cp311-cp311-macosx_10_15_x86_64.whl", INTEL, True, id="intel floor"),
        pytest.param("x-1-cp311-cp311-macosx_11_0_x86_64.whl", INTEL, False, id="intel above the floor"),
        pytest.param("x-1-cp311-cp311-manylinux2014_x86_64.whl", LINUX, True, id="legacy manylinux"),
        pytest.param("x-1-cp311-cp311-manylinux_2_28_x86_64.whl", LINUX, True, id="glibc met"),
        pytest.param("x-1-cp311-cp311-manylinux_2_34_x86_64.whl", LINUX, False, id="newer glibc"),
        pytest.param("x-1-cp311-cp311-manylinux_2_5_x86_64.whl", LINUX, True, id="oldest glibc"),
        pytest.param("x-1-cp311-cp311-manylinux_2_12_aarch64.whl", ARM_LINUX, False, id="glibc before aarch64"),
        pytest.param("coremltools-0.6-py2.7-none-any-x.whl", VENTURA, False, id="invalid name"),
        pytest.param("x-1.tar.gz", VENTURA, False, id="sdist"),
    ],
)
def test_a_wheel_fits_a_target(filename: str, platform: Platform, fits: bool) -> None:
    assert (wheel_rank(filename, platform) is not None) is fits


def test_the_most_specific_wheel_ranks_first() -> None:
    best_first = [
        "x-1-cp312-cp312-macosx_13_0_arm64.whl",
        "x-1-cp312-cp312-macosx_11_0_arm64.whl",
        "x-1-cp312-cp312-macosx_10_9_universal2.whl",
        "x-1-cp39-abi3-macosx_11_0_arm64.whl",
        "x-1-py3-none-macosx_11_0_arm64.whl",
        "x-1-py3-none-any.whl",
    ]
    ranks = [wheel_rank(name, VENTURA) for name in best_first]
    assert ranks == sorted(rank for rank in ranks if rank is not None)
    assert len(set(ranks)) == len(best_first)


def test_the_tags_have_no_double_and_no_host() -> None:
    tags = target_tags(VENTURA)
    assert len(tags) == len(set(tags))
    assert {tag.platform for tag in tags} >= {"macosx_13_0_arm64", "any"}
    assert not [tag for tag in tags if "linux" in tag.platform or "14_0" in tag.platform]


def test_a_name_of_more_tags_than_any_wheel_has() -> None:
    with pytest.raises(ValueError, match="too many tags"):
        wheel_tags(f"x-1{'-' + '.'.join('abcdefghij' * 10)}-none-{'.'.join('abcdefghij' * 11)}.whl")


def test_an_invalid_name_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r"not a wheel: `x\.zip`"):
        wheel_tags("x.zip")
