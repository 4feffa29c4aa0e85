"""Lock what people ask of TensorFlow and its neighbours, over the real partial channel and the real package index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename

from envgen.manifest.templates import template_text
from tests.conda_lock_oracle import conda_lock_answers
from tests.fakes.tiny_project import manifest
from tests.json_shapes import ENVIRONMENTS, FAILURE, assert_shape
from tests.real_project import SOLVERS, RealProject, generated, needs_channel, real_project, versions, wheels

pytestmark = [pytest.mark.shared, pytest.mark.network, needs_channel]

METAL = "accelerator: metal\n"
CPU = "accelerator: cpu\n"
NO_LIFT = {"grpcio", "protobuf", "pyarrow", "opencv-python"}


@dataclass(frozen=True)
class Case:
    """A manifest, and what its lock must hold: specifiers by `HALF:NAME` or by name, None for what must not be."""

    text: str
    holds: dict[str, str | None] = field(default_factory=dict)


def case(*dependencies: str, python: str = "3.11", macos: str = "13.0", more: str = "", **holds: str | None) -> Case:
    """Build a case; `__` in the name of what it holds stands for a colon and `_` for a hyphen."""
    named = {name.replace("__", ":").replace("_", "-"): spec for name, spec in holds.items()}
    return Case(manifest("x", *dependencies, python=python, macos=macos, more=more), named)


CASES = {
    "tensorflow-215": case(
        "tensorflow==2.15.*",
        more=METAL,
        pypi__tensorflow="==2.15.1",
        pypi__tensorflow_metal="==1.1.0",
        numpy="<2",
        keras="<3",
    ),
    "tensorflow-213": case(
        "tensorflow>=2.13,<2.14", python="3.10", more=METAL, tensorflow_metal="<1.2", tensorflow="==2.13.*", numpy="<2"
    ),
    "tensorflow-212": case(
        "tensorflow==2.12.*", python="3.10", more=METAL, tensorflow_macos="==2.12.0", tensorflow_metal="", numpy="<1.24"
    ),
    "tensorflow-216": case(
        "tensorflow~=2.16.0", "keras>=3", more=METAL, tensorflow="==2.16.*", keras=">=3", tensorflow_metal=""
    ),
    "satellites": case(
        "tensorflow", "tensorflow-text", "tf-keras", more=METAL,
        tensorflow="==2.19.*", tensorflow_text="==2.19.*", tf_keras="==2.19.*", tensorflow_metal="==1.2.0",
    ),
    "old-names": case(
        "tensorflow-macos", "tensorflow-metal",
        pypi__tensorflow="==2.19.*", pypi__tensorflow_metal="==1.2.0", tensorflow_macos=None,
    ),
    "cpu-221": case("tensorflow==2.21.*", python="3.12", more=CPU, pypi__tensorflow="==2.21.*", tensorflow_metal=None),
    "gpu-name": case("tensorflow-gpu", tensorflow="", tensorflow_gpu=None, tensorflow_metal=None),
    "mediapipe": case("mediapipe", "pandas", python="3.12", pypi__mediapipe="", conda__pandas=""),
    "metal-opencv": case("tensorflow", "opencv-python", more=METAL, pypi__opencv_python="", conda__libopencv=None),
    "metal-datasets": case("tensorflow", "datasets", more=METAL, pypi__pyarrow="", conda__libarrow=None),
    "metal-pyarrow": case("tensorflow", "pyarrow", more=METAL, pypi__pyarrow="", conda__libarrow=None),
    "extras": case(
        "fastapi[standard]", "uvicorn[standard]", "dask[complete]", python="3.12",
        conda__fastapi="", conda__uvicorn_standard="", conda__bokeh="", conda__httptools="",
    ),
    "forests": case(
        "tensorflow==2.19.0", "tensorflow-decision-forests", more=METAL,
        pypi__tensorflow="==2.19.0", pypi__tensorflow_decision_forests="==1.12.*", tf_keras="==2.19.*",
    ),
    "telemetry": case(
        "tensorflow", "opentelemetry-exporter-otlp", more=METAL,
        opentelemetry_exporter_otlp=">=1.20", opentelemetry_sdk=">=1.20", opentelemetry_proto=">=1.20",
    ),
    "mediapipe-opencv": case("mediapipe", "opencv-python", pypi__mediapipe=""),
    "albumentations": case("albumentations", pypi__albumentations=""),
    "grpc": case(
        "tensorflow", "grpcio-status", "grpcio-tools", "google-cloud-storage", more=METAL,
        pypi__tensorflow="==2.19.*", grpcio_status="", grpcio_tools="", conda__libgrpc=None, conda__grpcio=None,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProject]:
    with real_project(tmp_path_factory.mktemp("real"), pypi=True) as project:
        yield project


def named(name: str, text: str) -> str:
    return text.replace("name: x\n", f"name: {name}\n", 1)


def check_holds(platform: dict[str, Any], holds: dict[str, str | None]) -> None:
    """Keep a lock's versions against specifiers."""
    found = versions(platform)
    for name, specifier in holds.items():
        keys = [name] if ":" in name else [f"{half}:{name}" for half in ("conda", "pypi")]
        have = [found[key] for key in keys if key in found]
        assert bool(have) is (specifier is not None), (name, have)
        assert all(SpecifierSet(specifier or "").contains(version) for version in have), (name, have)


def check_whole(platform: dict[str, Any], macos: tuple[int, int]) -> None:
    """Check what holds for every lock: hashes, tags, reasons, no known error."""
    assert not [finding for finding in platform["findings"] if finding["severity"] == "error"]
    for wheel in platform["pypi"]:
        assert wheel["why"]
        tags = parse_wheel_filename(wheel["url"].rsplit("/", 1)[-1])[3]
        floors = [tag.platform.split("_") for tag in tags if tag.platform.startswith("macosx_")]
        assert not floors or min((int(floor[1]), int(floor[2])) for floor in floors) <= macos, wheel
    assert not {wheel["name"] for wheel in platform["pypi"]} & {package["name"] for package in platform["conda"]}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", CASES)
def test_a_case_is_locked_without_a_fault(real: RealProject, name: str, solver: str) -> None:
    asked = CASES[name]
    platform = real.locked(name, named(name, asked.text), solver)
    assert_shape(real.ran(name, "", solver).json, ENVIRONMENTS)
    check_holds(platform, asked.holds)
    check_whole(platform, (13, 0))
    assert real.faults(name, solver) == []


# one of conda's alone, one whose TensorFlow is lifted with what needs it, and one of wheels that share a library
TWICE = ("extras", "satellites", "mediapipe-opencv")


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", TWICE)
def test_a_second_run_gives_the_same_bytes(real: RealProject, name: str, solver: str) -> None:
    text = named(name, CASES[name].text)
    real.locked(name, text, solver)
    before, after = real.again(name, text, solver)
    assert after == before


def test_conda_lock_reads_and_renders_both_halves(real: RealProject) -> None:
    platforms = {name: real.locked(name, named(name, asked.text), "rattler") for name, asked in CASES.items()}
    folders = {name: real.environment(f"{name}-rattler") for name in platforms}
    answers = conda_lock_answers(folder / "conda-lock.yml" for folder in folders.values())
    for name, platform in platforms.items():
        answer = answers[folders[name].name]
        urls = {entry["url"] for half in ("conda", "pypi") for entry in platform[half]}
        assert {package[4] for package in answer["packages"]} == urls
        rendered = "\n".join(answer["rendered"]["osx-arm64"]["env"])
        assert all(wheel["sha256"] in rendered for wheel in platform["pypi"])
        explicit = "\n".join(answer["rendered"]["osx-arm64"]["explicit"])
        assert all(package["url"] in explicit for package in platform["conda"])


def test_ml_project_is_tensorflow_with_metal(real: RealProject) -> None:
    platform = real.locked("ml-project", template_text("ml-project"), "rattler")
    check_holds(
        platform,
        {
            "pypi:tensorflow": "==2.19.*",
            "pypi:tensorflow-metal": "==1.2.0",
            "numpy": "<2.2",
            "setuptools": "<82",
            **dict.fromkeys(("conda:pandas", "conda:scikit-learn", "conda:jupyterlab", "conda:numpy"), ""),
        },
    )
    check_whole(platform, (13, 0))
    assert real.faults("ml-project", "rattler") == []
    family = ("tensorflow", "keras", "tensorboard", "libclang", *NO_LIFT)
    assert [name for name in wheels(platform) if not name.startswith(family)] == []


def test_torch_from_pypi_follows_the_macos_floor(real: RealProject) -> None:
    old, new = (
        real.locked(f"torch-{macos}", named(f"torch-{macos}", case(python="3.12", macos=f"{macos}.0").text)
                    + "pypi: [torch]\n", "rattler")
        for macos in (13, 14)
    )  # fmt: skip
    check_whole(old, (13, 0))
    check_whole(new, (14, 0))
    assert wheels(old)["torch"] != wheels(new)["torch"]
    notes = " ".join(old["notes"])
    assert wheels(new)["torch"] in notes
    assert "macOS 14" in notes
    assert "torch" not in " ".join(new["notes"])


REFUSED: dict[str, tuple[Case, set[str], str]] = {
    "TensorFlow too new": (case("tensorflow>=2.20", python="3.12", more=METAL), {"tensorflow>=2.20"}, "cpu"),
    "python too new": (case("tensorflow", python="3.13", more=METAL), {"metal", '"3.13"'}, "3.12"),
    "numpy too new": (case("tensorflow", "numpy>=2.2", python="3.12", more=METAL), {"numpy>=2.2"}, "numpy<2.2"),
    "cpu and metal": (
        case("tensorflow", "tensorflow-metal", python="3.12", more=CPU),
        {"accelerator: cpu", "tensorflow-metal"},
        "accelerator: metal",
    ),
    "Intel alone": (case("tensorflow-text==2.15.*"), {"tensorflow-text==2.15.*"}, "2.17"),
    "source alone": (case("dlib==19.7.0", python="3.12"), {"dlib==19.7.0"}, "conda-forge's dlib"),
    "no common version": (
        case("pandas>=2.2", "numpy<1.20", python="3.12"),
        {"pandas>=2.2", "numpy<1.20"},
        "numpy",
    ),
    "no wheel for the python": (
        case("tensorflow==2.18.*", python="3.13"),
        {"tensorflow==2.18.*", '"3.13"'},
        "3.12",
    ),
    "a name that is nowhere": (
        case("this-is-nowhere-xyz"),
        {"this-is-nowhere-xyz"},
        "spelling",
    ),
    "a near miss": (case("scikit-lern"), {"scikit-lern"}, "did you mean `scikit-learn`"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_the_lines_and_a_way_out(real: RealProject, name: str) -> None:
    asked, lines, way_out = REFUSED[name]
    folder = real.write("x", asked.text)
    before = generated(folder)
    ran = real.run("lock", "x", "--json")
    assert ran.code == 1
    assert_shape(ran.json, FAILURE)
    error = ran.json["error"]
    shown = " ".join(line["text"] for line in error["lines"])
    assert all(line in shown for line in lines), shown
    assert way_out in error["hint"]
    assert generated(folder) == before
    (folder / "envgen.yaml").unlink()


def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")


def test_a_mixed_request_without_an_index(real: RealProject, monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable(monkeypatch)
    real.write("x", case("tensorflow", "pandas", python="3.12", more=METAL).text)
    ran = real.run("lock", "x", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "pypi-unreachable")
    assert any("tensorflow" in line["text"] for line in ran.json["error"]["lines"])
    (real.environment("x") / "envgen.yaml").unlink()
