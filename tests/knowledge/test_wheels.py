"""Test what PyPI's wheels lack on Apple silicon."""

from __future__ import annotations

import pytest

from envgen.knowledge.wheels import lacking_libraries, macos_floor, missing_wheel, missing_wheels
from tests.fakes.installed_values import installed, target


@pytest.mark.parametrize(
    ("name", "specifier", "python", "verdict"),
    [
        ("tensorflow-text", "==2.15.*", "3.11", "MAC_X86_64_ONLY"),
        ("tensorflow-text", "<2.17", "3.11", "MAC_X86_64_ONLY"),
        ("tensorflow-text", ">=2.15", "3.11", None),
        ("tensorflow-text", "", "3.11", None),
        ("tensorflow-cpu", "==2.15.0", "3.11", "NO_MACOS_WHEEL"),
        ("tflite-runtime", "", "3.11", "NO_MACOS_WHEEL"),
        ("tensorflow-addons", "", "3.12", "NO_WHEEL_FOR_PYTHON"),
        ("tensorflow-addons", "", "3.11", None),
        ("tensorflow-metal", "", "3.13", "NO_WHEEL_FOR_PYTHON"),
        ("tensorflow-metal", "", "3.12", None),
        ("tensorflow-decision-forests", "==1.10.1", "3.11", "NO_MACOS_WHEEL"),
        ("tensorflow-decision-forests", "==1.9.*", "3.11", None),
        ("dlib", "==19.7.0", "3.11", "SDIST_ONLY"),
        ("pyaudio", "", "3.12", "SDIST_ONLY"),
        ("promise", "", "3.11", "SDIST_ONLY"),
        ("mediapipe", "==0.10.21", "3.13", "NO_WHEEL_FOR_PYTHON"),
        ("mediapipe", "", "3.13", None),
        ("numpy", "", "3.13", None),
    ],
)
def test_missing_wheels(name: str, specifier: str, python: str, verdict: str | None) -> None:
    row = missing_wheel(name, specifier, target(python=python))
    assert (row.verdict if row else None) == verdict


def test_other_platforms_are_not_spoken_of() -> None:
    assert missing_wheel("tensorflow-cpu", "", target(subdir="linux-64")) is None


def test_every_row_offers_a_way_out() -> None:
    assert all(row.fix for row in missing_wheels())


@pytest.mark.parametrize(
    ("name", "version", "macos", "last"),
    [
        ("torch", "2.12.0", "14.0", "2.11.0"),
        ("torchvision", "0.27.0", "14.0", "0.26.0"),
        ("mlx", "0.32.4", "14.0", "0.29.3"),
        ("onnxruntime", "1.20.0", "13.0", "1.19.2"),
        ("onnxruntime", "1.24.1", "14.0", "1.23.2"),
        ("faiss-cpu", "1.11.0", "14.0", "1.10.0"),
        ("opencv-python", "4.11.0.86", "13.0", "4.10.0.84"),
        ("numba", "0.65.0", "12.0", "0.64"),
    ],
)
def test_the_last_release_below_a_floor(name: str, version: str, macos: str, last: str) -> None:
    row = macos_floor(name, version)
    assert row
    assert (row.macos, row.last) == (macos, last)


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [
        ("mlx", "0.32.4", "14.0"),
        ("mlx", "0.29.3", "13.0"),
        ("h5py", "3.15.0", "14.0"),
        ("h5py", "3.15.1", None),
        ("tensorflow", "2.19.1", "12.0"),
    ],
)
def test_the_floor_of_a_release(name: str, version: str, expected: str | None) -> None:
    row = macos_floor(name, version)
    assert (row.macos if row else None) == expected


@pytest.mark.parametrize(
    ("pypi", "conda", "expected"),
    [
        pytest.param(["xgboost==3.4.1"], [], ["xgboost"], id="xgboost"),
        pytest.param(["lightgbm==4.7.0"], [], ["lightgbm"], id="lightgbm"),
        pytest.param(["xgboost==3.4.1"], ["llvm-openmp==22.1.8"], [], id="conda brings it"),
        pytest.param([], ["xgboost==3.3.0"], [], id="conda's own"),
    ],
)
def test_lacking(pypi: list[str], conda: list[str], expected: list[str]) -> None:
    assert [wheel.package for _, wheel in lacking_libraries(installed(pypi=pypi, conda=conda))] == expected


def test_elsewhere_nothing_lacks() -> None:
    assert lacking_libraries(installed(pypi=["xgboost==3.4.1"], platform=target(subdir="linux-64"))) == ()
