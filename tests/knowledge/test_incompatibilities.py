"""Test what may not be in one process, or own the same files."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from envgen.knowledge.incompatibilities import (
    clash_cures,
    clash_rules,
    clashes,
    exclusive_groups,
    forbidden_beside_pypi_tensorflow,
    group_members,
    must_be_pypi,
    one_for,
    openmp_doubles,
    pypi_only,
    replacement_wheel,
)
from envgen.models.record import Record
from tests.fakes.installed_values import installed, record, target

FACTS = Path(__file__).parents[2] / ".." / "shared" / "facts"
ARROW = record("libarrow", "25.0.0", "libprotobuf >=6.33.5,<6.33.6.0a0", "orc >=2.3")
PYARROW = record("pyarrow-core", "25.0.0", "libarrow 25.0.0.*")
ONNX = record("onnx", "1.22.0", "libprotobuf >=6.33", "protobuf")
PYTORCH = record("pytorch", "2.12.0", "libprotobuf >=6.33", "llvm-openmp >=19")
GRPC = record("libgrpc", "1.82.1", "libprotobuf >=6.33")
OLD_PROTOBUF = record("protobuf", "4.25.3", "libprotobuf >=4.25.3")
SKLEARN = record("scikit-learn", "1.9.0", "llvm-openmp >=19")
METAL = ["tensorflow==2.19.1", "tensorflow-metal==1.2.0"]


@pytest.mark.parametrize(
    ("pypi", "conda", "expected"),
    [
        pytest.param(["tensorflow==2.20.0", "pyarrow==21.0.0"], [], {("R2", "error")}, id="R2 pyarrow"),
        pytest.param(["tensorflow==2.20.0", "pyarrow==22.0.0"], [], set(), id="R2 pyarrow cured"),
        pytest.param(["tensorflow==2.19.1", "pyarrow==14.0.2"], [], set(), id="R11 pyarrow of any age"),
        pytest.param(["tensorflow==2.21.0", "onnx==1.17.0"], [], {("R2", "error")}, id="R2 onnx"),
        pytest.param(["tensorflow==2.21.0", "sentencepiece==0.2.1"], [], {("R2", "error")}, id="R2 sentencepiece"),
        pytest.param(["tensorflow==2.22.0rc0", "onnx==1.17.0"], [], {("R2", "error")}, id="R2 a pre-release"),
        pytest.param(["tensorflow==2.19.1", "array-record==0.8.3"], [], {("R3", "error")}, id="R3 array-record"),
        pytest.param(["tensorflow==2.19.1", "array-record==0.8.4"], [], set(), id="R3 array-record cured"),
        pytest.param(["tensorflow-macos==2.15.0", "ydf==0.3.0"], [], {("R3", "error")}, id="R3 ydf"),
        pytest.param(["tensorflow==2.17.1", "tink==1.11.0"], [], {("R3", "error")}, id="R3 tink"),
        pytest.param(["pyarrow==21.0.0", "array-record==0.8.1"], [], {("R3", "error")}, id="R3 without TensorFlow"),
        pytest.param(METAL, [ONNX], {("R5", "error")}, id="R5 onnx"),
        pytest.param(METAL, [PYTORCH], {("R5", "error")}, id="R5 pytorch"),
        pytest.param(METAL, [GRPC], {("R5", "error")}, id="R5 libgrpc"),
        pytest.param(METAL, [ARROW, PYARROW], {("R5", "error"), ("R6", "error")}, id="R5 and R6 Arrow"),
        pytest.param(["tensorflow==2.21.0"], [PYARROW], {("R6", "error")}, id="R6 pyarrow-core"),
        pytest.param(["tensorflow==2.21.0"], [OLD_PROTOBUF], {("R6", "error")}, id="R6 protobuf 4.25"),
        pytest.param(["tensorflow==2.21.0"], ["protobuf==6.33.0"], {("R7", "warning")}, id="R7 protobuf on upb"),
        pytest.param(["tensorflow==2.21.0"], [ONNX], {("R7", "warning")}, id="R7 onnx"),
        pytest.param(["tensorflow==2.21.0"], [PYTORCH], {("R7", "warning")}, id="R7 pytorch"),
        pytest.param(["tensorflow==2.21.0"], ["grpcio==1.80.0"], {("R7", "warning")}, id="R7 grpcio"),
        pytest.param(["tensorflow==2.21.0"], ["tiledb==2.30.1"], {("R7", "warning")}, id="R7 tiledb"),
        pytest.param([*METAL, "pyarrow==21.0.0"], [], {("R8", "warning")}, id="R8 pyarrow"),
        pytest.param([*METAL, "sentencepiece==0.2.1"], [], {("R8", "warning")}, id="R8 sentencepiece, not R9 as well"),
        pytest.param(["tensorflow==2.19.1", "sentencepiece==0.2.1"], [], {("R9", "warning")}, id="R9 sentencepiece"),
        pytest.param(["tensorflow==2.20.0", "tink==1.10.0"], [], {("R9", "warning")}, id="R9 tink"),
        pytest.param([*METAL, "pyarrow==22.0.0", "torch==2.15.0"], [SKLEARN, "pandas==3.0"], set(), id="R11 fine"),
        pytest.param([], ["tensorflow==2.19.1", ARROW, ONNX], set(), id="conda's TensorFlow shares its protobuf"),
    ],
)
def test_pairs(pypi: list[str], conda: list[Record | str], expected: set[tuple[str, str]]) -> None:
    found = clashes(installed(pypi=pypi, conda=conda))
    assert {(clash.rule.number, clash.rule.severity) for clash in found} == expected
    assert all(clash.wheels and clash.others for clash in found)


def test_elsewhere_there_are_none() -> None:
    linux = installed(
        pypi=["tensorflow==2.20.0", "pyarrow==21.0.0"], conda=[SKLEARN], platform=target(subdir="linux-64")
    )
    assert clashes(linux) == ()
    assert openmp_doubles(linux) == ()


def test_inferred_and_measured_pairs_say_may() -> None:
    for rule in clash_rules():
        if rule.evidence == "inferred":
            assert "may" in rule.why.split(), rule.number


@pytest.mark.parametrize(
    ("pypi", "conda", "expected"),
    [
        pytest.param(
            METAL,
            [ARROW, PYARROW],
            [("pyarrow>=22", ("libarrow",)), ("pyarrow>=22", ("libarrow", "pyarrow-core"))],
            id="Arrow moves",
        ),
        pytest.param(METAL, [ONNX], [("onnx>=1.18", ("onnx",))], id="onnx moves"),
        pytest.param(METAL, [PYTORCH], [("torch", ("pytorch",))], id="torch moves"),
        pytest.param(
            METAL, [record("libgoogle-cloud", "3.8.0", "libprotobuf")], [("", ("libgoogle-cloud",))], id="no wheel"
        ),
        pytest.param(["tensorflow==2.20.0", "pyarrow==21.0.0"], [], [("pyarrow>=22", ())], id="a floor"),
        pytest.param(["tensorflow==2.20.0", "tensorflow-decision-forests==1.12.0"], [], [], id="no floor known"),
    ],
)
def test_cures(pypi: list[str], conda: list[Record | str], expected: list[tuple[str, tuple[str, ...]]]) -> None:
    cures = clash_cures(installed(pypi=pypi, conda=conda))
    assert [(cure.text, cure.conda) for cure in cures] == expected


def test_applied_cures_end_the_clash() -> None:
    """Take every cure's floor at its word."""
    for rule in clash_rules():
        if rule.fixed:
            wheels = [f"{rule.beside[0]}=={_sample(rule.beside_versions)}"]
            wheels.append(f"{rule.distribution}=={_sample(rule.fixed)}")
            assert clashes(installed(pypi=wheels)) == (), rule.rule


def _sample(specifier: str) -> str:
    """Return the newest version that a range of the table names, or a version beyond it."""
    first = re.search(r">=([0-9.]+)", specifier)
    return first.group(1) if first else "1.0"


@pytest.mark.parametrize(
    ("given", "metal", "plain"),
    [
        pytest.param(ONNX, True, False, id="loads libprotobuf"),
        pytest.param(PYARROW, True, True, id="Arrow by name"),
        pytest.param(ARROW, True, True, id="Arrow's library"),
        pytest.param(OLD_PROTOBUF, True, True, id="old protobuf"),
        pytest.param(record("protobuf", "6.33.0"), False, False, id="protobuf on upb"),
        pytest.param(record("pandas", "3.0.0", "numpy"), False, False, id="nothing of the kind"),
    ],
)
def test_what_a_plan_may_not_take(given: Record, metal: bool, plain: bool) -> None:
    assert bool(forbidden_beside_pypi_tensorflow(given, metal=True)) is metal
    assert bool(forbidden_beside_pypi_tensorflow(given, metal=False)) is plain


def test_what_a_plan_may_take_proves_without_errors() -> None:
    for given in (ONNX, PYARROW, ARROW, OLD_PROTOBUF, PYTORCH, GRPC, SKLEARN):
        for metal in (True, False):
            found = clashes(installed(pypi=METAL if metal else ["tensorflow==2.19.1"], conda=[given]))
            errors = any(clash.rule.severity == "error" for clash in found)
            assert errors is bool(forbidden_beside_pypi_tensorflow(given, metal=metal))


@pytest.mark.parametrize(
    ("pypi", "conda", "expected"),
    [
        pytest.param(["torch==2.15.0"], [SKLEARN], ("scikit-learn",), id="torch and conda's scikit-learn"),
        pytest.param(["torch==2.15.0"], ["scikit-learn==1.9.0"], (), id="a build without OpenMP"),
        pytest.param(["torch==2.15.0", "faiss-cpu==1.10.0"], [], ("faiss-cpu",), id="torch and PyPI's faiss"),
        pytest.param(["faiss-cpu==1.10.0"], [SKLEARN], ("scikit-learn",), id="faiss and conda's scikit-learn"),
        pytest.param(["tensorflow==2.19.1"], [SKLEARN], (), id="TensorFlow has none"),
        pytest.param([], [PYTORCH, SKLEARN], (), id="conda shares one"),
    ],
)
def test_openmp(pypi: list[str], conda: list[Record | str], expected: tuple[str, ...]) -> None:
    found = openmp_doubles(installed(pypi=pypi, conda=conda))
    assert tuple(name for _, others in found for name in others) == expected


CSV_SEVERITY = {"error": "error", "warn": "warning"}


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+\.\d+(?:\.\d+)*", text)


@pytest.mark.shared
def test_agrees_with_the_scan_of_wheels() -> None:
    """Evaluate each scanned pair of wheels at the versions that the scan names, and compare the worst verdict."""
    path = FACTS / "cxx_clash.csv"
    if not path.exists():
        pytest.skip("the shared facts are not beside the checkout")
    with path.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["b_source"] == "pypi" and row["kind"] != "openmp"]
    wrong, checked = [], 0
    for row in rows:
        if row["a"] not in ("tensorflow", "tensorflow-metal") or row["b"] == "tensorflow":
            continue
        for ours in _numbers(row["a_version"]):
            for theirs in _numbers(row["b_version"]):
                wheels = [f"{row['a']}=={ours}", f"{row['b']}=={theirs}"]
                found = clashes(installed(pypi=wheels))
                worst = min((clash.rule.severity for clash in found), default="ok")
                checked += 1
                if worst != CSV_SEVERITY.get(row["severity"], "ok"):
                    wrong.append((*wheels, worst, row["severity"]))
    # tensorflow-decision-forests needs import order alone, and its metadata pins TensorFlow
    assert [item for item in wrong if "decision-forests" not in item[1]] == []
    assert checked > 80


LOADERS = {
    "libarrow",
    "onnx",
    "libopencv",
    "py-opencv",
    "libtorch",
    "pytorch",
    "libsentencepiece",
    "sentencepiece-python",
    "tensorflow-base",
    "libtensorflow_framework",
    "libgrpc",
    "orc",
    "protobuf",
}
HARMLESS = {
    "numpy",
    "scipy",
    "pandas",
    "h5py",
    "ml_dtypes",
    "scikit-learn",
    "matplotlib-base",
    "tokenizers",
    "onnxruntime",
    "optree",
    "wrapt",
    "dm-tree",
    "nodejs",
}


@pytest.mark.shared
def test_tells_real_records_apart() -> None:
    path = FACTS.parent / "channel" / "conda-forge" / "osx-arm64" / "repodata.json"
    if not path.exists():
        pytest.skip("the shared channel is not beside the checkout")
    repodata = json.loads(path.read_text(encoding="utf-8"))
    artifacts = [*repodata["packages"].values(), *repodata["packages.conda"].values()]
    forbidden = {
        item["name"]
        for item in artifacts
        if item["name"] in LOADERS | HARMLESS
        and forbidden_beside_pypi_tensorflow(record(item["name"], item["version"], *item["depends"]), metal=True)
    }
    assert forbidden == LOADERS


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
    names = pypi_only(metal=metal)
    assert set(names) >= R1
    assert not LIFTABLE & set(names)
    assert all(names.values())


def test_metal_adds_torch_and_gives_the_reason() -> None:
    assert "torch" in pypi_only(metal=True)
    assert "torch" not in pypi_only(metal=False)
    assert "tensorflow-metal plugs into PyPI's TensorFlow alone" in pypi_only(metal=True)["tensorflow"]


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
    row = replacement_wheel(conda)
    assert row
    assert f"{row.distribution}{row.specifier}" == wanted


def test_a_record_without_a_wheel() -> None:
    assert replacement_wheel("libgoogle-cloud") is None


@pytest.mark.parametrize(
    ("pypi", "conda", "expected"),
    [
        pytest.param(
            ["opencv-contrib-python==4.11", "opencv-python==4.11"],
            [],
            ("opencv-contrib-python", "opencv-python"),
            id="two wheels",
        ),
        pytest.param(
            ["opencv-contrib-python==4.11"],
            ["py-opencv==4.12.0", "libopencv==4.12.0"],
            ("conda's py-opencv", "opencv-contrib-python"),
            id="both halves",
        ),
        pytest.param([], ["py-opencv==4.12.0"], ("conda's py-opencv",), id="one record, two distributions"),
        pytest.param(["opencv-python==4.11"], [], ("opencv-python",), id="one wheel"),
    ],
)
def test_owners_of_cv2(pypi: list[str], conda: list[str], expected: tuple[str, ...]) -> None:
    group = next(group for group in exclusive_groups() if group.owns == "cv2")
    assert group.owners(installed(pypi=pypi, conda=conda)) == expected


def test_condas_psycopg2_binary_is_a_metapackage() -> None:
    group = next(group for group in exclusive_groups() if group.owns == "psycopg2")
    assert len(group.owners(installed(conda=["psycopg2==2.9.10", "psycopg2-binary==2.9.10"]))) == 1
    assert len(group.owners(installed(pypi=["psycopg2-binary==2.9.13"], conda=["psycopg2==2.9.10"]))) == 2


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"opencv-python"}, "opencv-python"),
        ({"opencv-python", "opencv-python-headless"}, "opencv-python"),
        ({"opencv-contrib-python", "opencv-python"}, "opencv-contrib-python"),
        ({"opencv-python", "opencv-contrib-python-headless"}, "opencv-contrib-python"),
        ({"onnxruntime", "onnxruntime-silicon"}, "onnxruntime"),
        ({"faiss", "faiss-cpu"}, None),
        ({"opencv-python", "numpy"}, None),
    ],
)
def test_one_does_for_all(asked: set[str], expected: str | None) -> None:
    assert one_for(asked) == expected


def test_members_belong_to_their_groups() -> None:
    groups = {group.name: group for group in exclusive_groups()}
    for row in group_members():
        assert {row.distribution, *row.holds} <= set(groups[row.group].distributions)
