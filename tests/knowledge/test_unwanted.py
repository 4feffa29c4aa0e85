"""Test which names of other people's files a Mac has no use for."""

from __future__ import annotations

import pytest

from envgen.knowledge.replacements import unwanted_channel, unwanted_package


@pytest.mark.parametrize(
    ("name", "world", "word"),
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
def test_of_no_use(name: str, world: str, word: str) -> None:
    assert word in unwanted_package(name, "conda" if world == "conda" else "pypi")


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
