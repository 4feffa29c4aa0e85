"""Test which names do not serve on a Mac."""

from __future__ import annotations

import pytest

from envgen.knowledge.replacements import (
    needless_extra,
    replaced_names,
    replacement_of,
    unwanted_channel,
    unwanted_package,
)


@pytest.mark.parametrize(
    ("name", "subdir", "replacement"),
    [
        ("tensorflow-macos", "osx-arm64", "tensorflow"),
        ("tensorflow-gpu", "osx-arm64", "tensorflow"),
        ("tensorflow-cpu", "osx-arm64", "tensorflow"),
        ("tensorflow-cpu-aws", "osx-arm64", "tensorflow"),
        ("tensorflow-aarch64", "osx-arm64", "tensorflow"),
        ("tensorflow-intel", "osx-arm64", "tensorflow"),
        ("tensorflow-deps", "osx-arm64", ""),
        ("tflite-runtime", "osx-arm64", "ai-edge-litert"),
        ("onnxruntime-silicon", "osx-arm64", "onnxruntime"),
        ("tensorflow-gpu", "linux-64", None),
        ("tensorflow-cpu", "osx-64", None),
        ("tf-nightly-macos", "osx-arm64", "tf-nightly"),
        ("paddlepaddle-gpu", "osx-arm64", "paddlepaddle"),
        ("mlx-metal", "osx-arm64", None),
        ("tensorflow", "osx-arm64", None),
    ],
)
def test_replacements(name: str, subdir: str, replacement: str | None) -> None:
    row = replacement_of(name, subdir)
    assert (row.replacement if row else None) == replacement


def test_replacements_are_final() -> None:
    """No replacement is itself replaced, and none is given twice for one subdir."""
    pairs = [(row.name, subdir) for row in replaced_names() for subdir in row.subdirs]
    assert len(pairs) == len(set(pairs))
    assert not {row.replacement for row in replaced_names()} & {row.name for row in replaced_names()}


def test_a_name_serves_for_the_releases_that_no_other_has() -> None:
    assert replacement_of("tensorflow-macos", "osx-arm64", "==2.9") is None
    assert replacement_of("tensorflow-macos", "osx-arm64", ">=2.12")


def test_extras() -> None:
    assert needless_extra("jax", "cuda12-pip", "osx-arm64")
    assert needless_extra("jax", "k8s", "osx-arm64") is None
    assert needless_extra("tensorflow", "and-cuda", "osx-arm64")
    assert needless_extra("tensorflow", "and-cuda", "linux-64") is None
    assert needless_extra("fastapi", "standard", "osx-arm64") is None


@pytest.mark.parametrize(
    ("name", "half", "word"),
    [
        ("cudatoolkit", "conda", "CUDA"),
        ("libcublas-dev", "conda", "CUDA"),
        ("cuda-nvcc", "conda", "CUDA"),
        ("nvidia-cudnn-cu12", "pypi", "CUDA"),
        ("triton", "pypi", "CUDA"),
        ("_libgcc_mutex", "conda", "Linux"),
        ("ld_impl_linux-64", "conda", "Linux"),
        ("gxx", "conda", "compilers"),
        ("pywin32", "pypi", "Windows"),
        ("mkl-service", "conda", "MKL"),
        ("cpuonly", "conda", "builds"),
        ("pkg-resources", "pypi", "Debian"),
    ],
)
def test_of_no_use(name: str, half: str, word: str) -> None:
    assert word in unwanted_package(name, "conda" if half == "conda" else "pypi")


@pytest.mark.parametrize("name", ["numpy", "libcxx", "libgcc", "llvm-openmp", "pytorch", "tensorflow", "cudf-polars"])
def test_of_use(name: str) -> None:
    assert not unwanted_package(name, "conda")
    assert not unwanted_package(name, "pypi")


def test_a_name_is_judged_in_its_own_world() -> None:
    assert unwanted_package("blas", "conda")
    assert not unwanted_package("blas", "pypi")


@pytest.mark.parametrize(
    "name",
    ["defaults", "anaconda", "https://repo.anaconda.com/pkgs/main", "apple", "nvidia/label/cuda-12.4.0", "pytorch/"],
)
def test_channels_left_out(name: str) -> None:
    assert unwanted_channel(name)


@pytest.mark.parametrize("name", ["conda-forge", "bioconda", "https://conda.modular.com/max", "our-channel"])
def test_other_channels(name: str) -> None:
    assert not unwanted_channel(name)
