"""Test which names do not serve on a Mac."""

from __future__ import annotations

import pytest

from envgen.knowledge.replacements import needless_extra, replaced_names, replacement_of


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
