"""Test what comes from PyPI whenever TensorFlow does."""

from __future__ import annotations

import pytest

from envgen.knowledge.incompatibilities import move_of, must_be_pypi, never_lifted

R1 = {
    "tensorflow",
    "tensorflow-macos",
    "tensorflow-metal",
    "tensorflow-text",
    "tensorflow-io-gcs-filesystem",
    "tensorflow-decision-forests",
    "tensorboard",
    "tensorboard-data-server",
    "keras",
    "tf-keras",
    "protobuf",
    "grpcio",
    "grpcio-status",
    "grpcio-tools",
    "pyarrow",
    "onnx",
    "opencv-python",
    "opencv-python-headless",
    "sentencepiece",
    "ray",
    "jaxlib",
    "array-record",
    "ydf",
    "tink",
    "tfx-bsl",
    "tensorflow-data-validation",
}
LIFTABLE = {
    "numpy",
    "scipy",
    "pandas",
    "h5py",
    "ml-dtypes",
    "scikit-learn",
    "matplotlib",
    "tokenizers",
    "onnxruntime",
    "optree",
    "wrapt",
}


@pytest.mark.parametrize("metal", [True, False])
def test_the_family_is_never_lifted(metal: bool) -> None:
    names = never_lifted(metal=metal)
    assert set(names) >= R1
    assert not LIFTABLE & set(names)
    assert all(names.values())


def test_metal_adds_torch_and_gives_the_reason() -> None:
    assert "torch" in never_lifted(metal=True)
    assert "torch" not in never_lifted(metal=False)
    assert "tensorflow-metal plugs into PyPI's TensorFlow alone" in never_lifted(metal=True)["tensorflow"]


@pytest.mark.parametrize(
    ("present", "inside", "outside"),
    [
        pytest.param(["requests"], set(), {"tensorflow", "protobuf"}, id="nothing of the family"),
        pytest.param(["tensorflow"], {"protobuf", "keras"}, {"tensorflow", "torch"}, id="TensorFlow"),
        pytest.param(["tensorflow-macos", "tensorflow-metal"], {"torch", "tensorflow"}, {"numpy"}, id="with Metal"),
        pytest.param(["tensorflow-text"], {"tensorflow", "protobuf"}, {"tensorflow-text"}, id="a native satellite"),
        pytest.param(["tf-keras"], set(), {"tensorflow"}, id="a pure satellite"),
    ],
)
def test_what_else_must_come_from_pypi(present: list[str], inside: set[str], outside: set[str]) -> None:
    names = must_be_pypi(present)
    assert inside <= set(names)
    assert not outside & set(names)


def test_a_native_satellite_gives_its_name_as_reason() -> None:
    assert must_be_pypi(["tensorflow-text"])["tensorflow"].startswith("tensorflow-text is compiled against")


@pytest.mark.parametrize(
    ("conda", "wanted"),
    [
        ("pyarrow-core", "pyarrow>=22"),
        ("libarrow", "pyarrow>=22"),
        ("onnx", "onnx>=1.18"),
        ("libsentencepiece", "sentencepiece>=0.2.2"),
        ("py-opencv", "opencv-python"),
        ("libtorch", "torch"),
        ("ray-core", "ray"),
    ],
)
def test_the_wheel_in_a_records_place(conda: str, wanted: str) -> None:
    row = move_of(conda)
    assert row
    assert f"{row.distribution}{row.specifier}" == wanted


def test_a_record_without_a_wheel() -> None:
    assert move_of("libgoogle-cloud") is None
