"""Know pairs of packages that do not work together, written down apart from envgen's own knowledge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from packaging.specifiers import SpecifierSet
from packaging.version import Version

LOADS_PROTOBUF = (
    "libarrow",
    "libgrpc",
    "libopencv",
    "libprotobuf",
    "libtensorflow_framework",
    "libtorch",
    "onnx",
    "orc",
    "py-opencv",
    "pyarrow",
    "pyarrow-core",
    "pytorch",
    "sentencepiece-python",
    "tensorflow-base",
)
HIDDEN_SINCE = {"pyarrow": "22.0.0", "onnx": "1.18.0", "sentencepiece": "0.2.2"}


def pair_faults(python: str, macos: str, versions: Mapping[str, str], needs: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the known faults among packages, by key (`pypi:tensorflow`), their versions and their records' depends."""
    pypi = {key.removeprefix("pypi:"): Version(text) for key, text in versions.items() if key.startswith("pypi:")}
    metal = pypi.get("tensorflow-metal")
    code = _tensorflow(pypi)
    if metal:
        yield from _metal_faults(metal, code, python, macos)
        yield from (f"conda's {name} beside tensorflow-metal" for name in LOADS_PROTOBUF if f"conda:{name}" in versions)
        yield from (f"conda's {name} beside tensorflow-metal" for name in needs if name == "tensorflow")
    if code:
        arrow = [name for name in ("libarrow", "pyarrow", "pyarrow-core") if f"conda:{name}" in versions]
        yield from (f"conda's {name} beside PyPI's TensorFlow" for name in arrow)
        yield from _wheel_faults(code, pypi)
    yield from _bounds(versions, code)


def _tensorflow(pypi: Mapping[str, Version]) -> Version | None:
    """Return the version of the wheel that holds TensorFlow's code on arm64, or None where there is none."""
    macos = pypi.get("tensorflow-macos")
    if macos and macos < Version("2.15.1"):
        return macos
    plain = pypi.get("tensorflow")
    return plain if plain and plain >= Version("2.15.1") else None


def _metal_faults(metal: Version, code: Version | None, python: str, macos: str) -> Iterator[str]:
    rows = {"1.2.0": ">=2.12,<2.20", "1.1.0": ">=2.12,<2.18", "1.0.1": ">=2.12,<2.14", "1.0.0": ">=2.12,<2.14"}
    if code is None:
        yield "tensorflow-metal without TensorFlow's code"
    elif code not in SpecifierSet(rows.get(str(metal), "<2.12")):
        yield f"tensorflow-metal {metal} does not load with TensorFlow {code}"
    if Version(python) >= Version("3.13") or Version(macos) < Version("12.0"):
        yield "tensorflow-metal has no wheel for this python or macOS"


def _wheel_faults(code: Version, pypi: Mapping[str, Version]) -> Iterator[str]:
    if code >= Version("2.20"):
        for name, hidden in HIDDEN_SINCE.items():
            if name in pypi and pypi[name] < Version(hidden):
                yield f"{name} {pypi[name]} aborts beside TensorFlow {code}"
    elif "array-record" in pypi and pypi["array-record"] < Version("0.8.4"):
        yield f"array-record beside TensorFlow {code}"


def _bounds(versions: Mapping[str, str], code: Version | None) -> Iterator[str]:
    def version(name: str) -> Version | None:
        text = versions.get(f"pypi:{name}") or versions.get(f"conda:{name}")
        return Version(text) if text else None

    numpy, setuptools, tensorboard = version("numpy"), version("setuptools"), version("tensorboard")
    tensorflow = code or (version("tensorflow") if "conda:tensorflow" in versions else None)
    if tensorflow and numpy:
        limit = "2.0" if tensorflow < Version("2.18") else "2.2" if tensorflow < Version("2.20") else "99"
        if numpy >= Version(limit):
            yield f"numpy {numpy} beside TensorFlow {tensorflow}"
    old_board = tensorboard is not None and tensorboard < Version("2.21")
    if setuptools and setuptools >= Version("82") and (old_board or version("tensorflow-hub")):
        yield f"setuptools {setuptools} has no pkg_resources, which tensorboard or tensorflow-hub imports"
