from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envgen.formats.registry import render
from envgen.lock.model import Lock, PlatformLock
from envgen.models.record import Record
from tests.fakes.locks import make_lock, make_platform, make_record, make_wheel, small_platform
from tests.independent import Sources, faults
from tests.known_pairs import pair_faults

OUTPUTS = ["environment.yml", "conda-lock.yml"]


def folder_of(lock: Lock, tmp_path: Path, outputs: list[str]) -> Path:
    folder = tmp_path / lock.name
    folder.mkdir()
    for name, text in render(lock, outputs).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("outputs", [OUTPUTS, ["explicit"], ["conda-lock.yml"]], ids=str)
def test_a_sound_environment_has_no_fault(tmp_path: Path, outputs: list[str]) -> None:
    assert faults(folder_of(make_lock(), tmp_path, outputs)) == []


def with_record(record: Record) -> PlatformLock:
    platform = small_platform()
    return replace(platform, conda=(*(each for each in platform.conda if each.name != record.name), record))


NUMPY = next(record for record in small_platform().conda if record.name == "numpy")


@pytest.mark.parametrize(
    ("platform", "fault"),
    [
        pytest.param(with_record(make_record("app", depends=["numpy >=3"])), "app needs numpy >=3", id="depends"),
        pytest.param(with_record(make_record("app", depends=["gone"])), "app needs gone", id="missing"),
        pytest.param(with_record(make_record("app", depends=["__osx >=14"])), "app needs __osx >=14", id="macOS"),
        pytest.param(with_record(make_record("app", subdir="osx-64")), "app is for another platform", id="platform"),
        pytest.param(with_record(replace(NUMPY, version="2.1.2")), "has the URL of numpy 2.1.3", id="version"),
        pytest.param(with_record(replace(NUMPY, sha256="0" * 63)), "the sha256 of numpy is wrong", id="hash"),
        pytest.param(
            replace(small_platform(), pypi=(make_wheel("six", "1.0"), *small_platform().pypi[1:])),
            "tensorflow-metal requires six>=1.15.0, and 1.0 is there",
            id="Requires-Dist",
        ),
        pytest.param(
            replace(small_platform(), pypi=(make_wheel("numpy", "2.1.3"), *small_platform().pypi)),
            "numpy comes from PyPI and from conda's numpy",
            id="double",
        ),
        pytest.param(
            replace(small_platform(), pypi=(make_wheel("a", tag="cp312-cp312-macosx_14_0_arm64"),)),
            "does not fit",
            id="tags",
        ),
        pytest.param(
            replace(small_platform(), pypi=(), platform=replace(small_platform().platform, python="3.11")),
            "python is not 3.11",
            id="python",
        ),
    ],
)
def test_a_fault_is_found(tmp_path: Path, platform: PlatformLock, fault: str) -> None:
    found = faults(folder_of(make_lock(platform), tmp_path, OUTPUTS))
    assert any(fault in each for each in found), found


def test_files_that_disagree_are_a_fault(tmp_path: Path) -> None:
    folder = folder_of(make_lock(), tmp_path, OUTPUTS)
    path = folder / "environment.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("numpy=2.1.3", "numpy=2.1.2"), encoding="utf-8")
    assert faults(folder) == ["osx-arm64: environment.yml and the lock differ in conda's packages"]


def test_what_wheels_really_require_is_read_with_their_extras(tmp_path: Path) -> None:
    records = [make_record("python", "3.12.4"), make_record("pip", depends=["python"], subdir="noarch")]
    wheels = [make_wheel("a"), make_wheel("b"), make_wheel("c")]
    folder = folder_of(make_lock(make_platform(records, wheels)), tmp_path, OUTPUTS)
    truth: dict[str, tuple[list[str], str]] = {
        "a": (["b[x]>=1", "d; sys_platform == 'win32'"], ">=3.9"),
        "b": (["c[y]; extra == 'x'", "e; extra == 'z'"], ""),
        "c": (["f; extra == 'y'"], "<3.12"),
    }
    assert sorted(faults(folder, Sources(metadata=lambda name, version, sha256: truth[name]))) == [
        "osx-arm64: c requires f; extra == 'y', and nothing is there".replace("'", '"'),
        "osx-arm64: c requires python <3.12",
    ]


@pytest.mark.parametrize(
    ("versions", "fault"),
    [
        pytest.param({"pypi:tensorflow": "2.19.1", "pypi:tensorflow-metal": "1.2.0"}, "", id="the good pair"),
        pytest.param({"pypi:tensorflow": "2.20.0", "pypi:tensorflow-metal": "1.2.0"}, "does not load", id="too new"),
        pytest.param({"pypi:tensorflow": "2.18.0", "pypi:tensorflow-metal": "1.1.0"}, "does not load", id="old metal"),
        pytest.param(
            {"pypi:tensorflow-macos": "2.15.1", "pypi:tensorflow-metal": "1.1.0"}, "without", id="empty wheel"
        ),
        pytest.param({"pypi:tensorflow": "2.19.1", "conda:numpy": "2.2.0"}, "numpy 2.2.0", id="numpy"),
        pytest.param({"conda:tensorflow": "2.16.1", "conda:numpy": "2.0.0"}, "numpy 2.0.0", id="numpy of conda"),
        pytest.param({"conda:tensorboard": "2.20.0", "conda:setuptools": "82.0"}, "pkg_resources", id="setuptools"),
        pytest.param({"pypi:tensorflow": "2.20.0", "pypi:pyarrow": "21.0.0"}, "aborts", id="pyarrow"),
        pytest.param({"pypi:tensorflow": "2.19.1", "conda:pyarrow": "22.0.0"}, "beside PyPI", id="conda's pyarrow"),
    ],
)
def test_known_pairs(versions: dict[str, str], fault: str) -> None:
    found = list(pair_faults("3.12", "13.0", versions, {}))
    assert all(fault in each for each in found)
    assert bool(found) is bool(fault)
