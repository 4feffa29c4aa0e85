"""Test how single files stand on a target; the rows are real projects' files."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from envgen.models.platform import Platform
from envgen.pypi.release_verdicts import FileClass, VersionVerdict, judge, shut_out
from envgen.pypi.simple_api import ProjectFile
from tests.pypi.conftest import mac

INTEL = Platform(subdir="osx-64", python="3.12", macos="13.0")
LINUX = Platform(subdir="linux-64", python="3.12")


def files(*names: str, requires_python: str = "", yanked: bool = False) -> tuple[ProjectFile, ...]:
    return tuple(ProjectFile(filename=name, requires_python=requires_python, yanked=yanked) for name in names)


def verdict(rows: Sequence[ProjectFile], platform: Platform) -> VersionVerdict:
    answer = judge("1.0", rows, platform)
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("a-1.0-py3-none-any.whl", "OK", id="pure"),
        pytest.param("a-1.0-py2.py3-none-any.whl", "OK", id="pure for both"),
        pytest.param("a-1.0-cp312-cp312-macosx_11_0_arm64.whl", "OK", id="arm64"),
        pytest.param("a-1.0-cp312-cp312-macosx_13_0_arm64.whl", "OK", id="arm64 of the floor"),
        pytest.param("a-1.0-cp312-cp312-macosx_10_13_universal2.whl", "OK", id="universal2"),
        pytest.param("a-1.0-cp310-abi3-macosx_11_0_arm64.whl", "OK", id="abi3"),
        pytest.param("a-1.0-1-py2.py3-none-macosx_11_0_arm64.whl", "OK", id="build tag"),
        pytest.param("a-1.0-py3-none-macosx_12_0_arm64.whl", "OK", id="no interpreter"),
        pytest.param("a-1.0-cp312-cp312-macosx_10_9_x86_64.macosx_11_0_arm64.whl", "OK", id="both architectures"),
        pytest.param("a-1.0-cp312-cp312-macosx_14_0_arm64.whl", "NEEDS_NEWER_MACOS", id="newer macOS"),
        pytest.param("a-1.0-cp312-cp312-macosx_26_0_arm64.whl", "NEEDS_NEWER_MACOS", id="much newer macOS"),
        pytest.param("a-1.0-cp311-cp311-macosx_11_0_arm64.whl", "NO_WHEEL_FOR_PYTHON", id="older python"),
        pytest.param("a-1.0-cp313-abi3-macosx_11_0_arm64.whl", "NO_WHEEL_FOR_PYTHON", id="newer abi3"),
        pytest.param("a-1.0-cp311-cp311-macosx_14_0_arm64.whl", "NO_WHEEL_FOR_PYTHON", id="older python, newer macOS"),
        pytest.param("a-1.0-cp312-cp312t-macosx_11_0_arm64.whl", "NO_WHEEL_FOR_PYTHON", id="free-threaded"),
        pytest.param("a-1.0-py2-none-any.whl", "NO_WHEEL_FOR_PYTHON", id="python 2"),
        pytest.param("a-1.0-cp312-cp312-macosx_10_9_x86_64.whl", "MAC_X86_64_ONLY", id="Intel"),
        pytest.param("a-1.0-cp27-cp27m-macosx_10_6_intel.whl", "MAC_X86_64_ONLY", id="old Intel"),
        pytest.param("a-1.0-cp312-cp312-win_amd64.whl", "NO_MACOS_WHEEL", id="Windows"),
        pytest.param("a-1.0-cp312-cp312-manylinux2014_x86_64.whl", "NO_MACOS_WHEEL", id="Linux"),
        pytest.param(
            "a-1.0-cp312-cp312-macosx_12_3_arm64.whl", "NO_MACOS_WHEEL", id="a macOS minor, which no pip takes"
        ),
        pytest.param("a-1.0-cp312-cp312-ios_13_0_arm64_iphoneos.whl", "NO_MACOS_WHEEL", id="iOS"),
        pytest.param("a-1.0.tar.gz", "SDIST_ONLY", id="source"),
    ],
)
def test_one_file(name: str, code: FileClass) -> None:
    found = verdict(files(name), mac("3.12", "13.0"))
    assert (found.code, found.has_sdist) == (code, name.endswith(".tar.gz"))


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        pytest.param(files("a-1.0.tar.gz", "a-1.0-py3-none-any.whl"), "OK", id="a wheel beside source"),
        pytest.param(files("a-1.0.tar.gz", "a-1.0-cp312-cp312-win_amd64.whl"), "SDIST_ONLY", id="pyaudio"),
        pytest.param(
            files("a-1.0.tar.gz", "a-1.0-cp312-cp312-macosx_10_9_x86_64.whl"),
            "MAC_X86_64_ONLY",
            id="Intel beside source",
        ),
        pytest.param(
            files("a-1.0-cp312-cp312-macosx_10_9_x86_64.whl", "a-1.0-cp39-cp39-macosx_11_0_arm64.whl"),
            "NO_WHEEL_FOR_PYTHON",
            id="arm64 for another python",
        ),
        pytest.param(
            files("a-1.0-cp39-cp39-macosx_11_0_arm64.whl", "a-1.0-cp312-cp312-macosx_14_0_arm64.whl"),
            "NEEDS_NEWER_MACOS",
            id="the nearer one counts",
        ),
        pytest.param(files("a-1.0.tar.gz", "a-1.0-x.whl"), "SDIST_ONLY", id="an invalid wheel name"),
    ],
)
def test_several_files(rows: Sequence[ProjectFile], code: FileClass) -> None:
    found = verdict(rows, mac())
    assert (found.code, found.has_sdist) == (code, any(row.filename.endswith(".tar.gz") for row in rows))


def test_no_valid_file() -> None:
    assert judge("1.0", files("a-1.0-x.whl"), mac()) is None
    assert judge("1.0", files("a-1.0-x.whl", yanked=True), mac()) is None
    assert judge("1.0", (), mac()) is None


def test_details_of_macos() -> None:
    rows = files(*(f"mlx-0.32.4-cp312-cp312-macosx_{major}_0_arm64.whl" for major in (26, 14, 15)))
    assert verdict(rows, mac(macos="13.0")).macos == "14.0"
    assert verdict(rows, mac(macos="14.0")).code == "OK"


def test_details_of_pythons() -> None:
    names = [f"a-1.0-cp{python}-cp{python}-macosx_12_0_arm64.whl" for python in ("311", "39", "310")]
    odd = ["a-1.0-cp313-cp313t-macosx_12_0_arm64.whl", "a-1.0-pp310-pypy310_pp73-macosx_12_0_arm64.whl"]
    found = verdict(files(*names, *odd, "a-1.0.tar.gz", "a-1.0-foo-none-any.whl"), mac("3.12"))
    assert found.pythons == ("3.9", "3.10", "pp 3.10", "3.11", "3.13t")
    assert found.has_sdist


@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("a-1.0-py3-none-any.whl", "REQUIRES_PYTHON", id="pure"),
        pytest.param("a-1.0-py3-none-macosx_14_0_arm64.whl", "REQUIRES_PYTHON", id="a newer macOS would not help"),
        pytest.param("a-1.0.tar.gz", "REQUIRES_PYTHON", id="source"),
        pytest.param("a-1.0-cp313-cp313-macosx_11_0_arm64.whl", "NO_WHEEL_FOR_PYTHON", id="no tag fits"),
    ],
)
def test_requires_python(name: str, code: FileClass) -> None:
    found = verdict(files(name, requires_python=">=3.13"), mac("3.12"))
    assert found.code == code
    assert found.requires_python == (">=3.13" if code == "REQUIRES_PYTHON" else "")


@pytest.mark.parametrize(
    ("bound", "python", "shut"),
    [
        pytest.param("", "3.12", False, id="none"),
        pytest.param(">=3.9", "3.12", False, id="within"),
        pytest.param(" >= 3.9 , < 3.12 ", "3.12", True, id="upper, spaces"),
        pytest.param("<4", "3.12", False, id="the usual upper"),
        pytest.param("!=3.14.1,>=3.10", "3.14", False, id="one patch"),
        pytest.param(">=3.12.4", "3.12", True, id="a patch of the minor"),
        pytest.param(">=3.6.*", "3.12", False, id="old style"),
        pytest.param(">=2.7,!=3.0.*,!=3.1.*", "3.12", False, id="stars that are allowed"),
        pytest.param("three", "3.12", False, id="nonsense"),
    ],
)
def test_bounds(bound: str, python: str, shut: bool) -> None:
    assert bool(shut_out(bound, mac(python))) is shut


def test_yanked_files_count_only_alone() -> None:
    gone = files("a-1.0-py3-none-any.whl", yanked=True)
    kept = files("a-1.0.tar.gz")
    assert verdict((*gone, *kept), mac()).code == "SDIST_ONLY"
    found = verdict(gone, mac())
    assert (found.code, found.unyanked) == ("YANKED", "OK")


@pytest.mark.parametrize(
    ("name", "platform", "code"),
    [
        pytest.param("a-1.0-cp312-cp312-macosx_10_9_x86_64.whl", INTEL, "OK", id="Intel on Intel"),
        pytest.param("a-1.0-cp312-cp312-macosx_11_0_arm64.whl", INTEL, "NO_WHEEL_FOR_PLATFORM", id="arm64 on Intel"),
        pytest.param("a-1.0-cp312-cp312-macosx_14_0_x86_64.whl", INTEL, "NEEDS_NEWER_MACOS", id="newer on Intel"),
        pytest.param("a-1.0-cp312-cp312-manylinux_2_17_x86_64.whl", LINUX, "OK", id="Linux"),
        pytest.param("a-1.0-cp312-cp312-macosx_11_0_arm64.whl", LINUX, "NO_WHEEL_FOR_PLATFORM", id="arm64 on Linux"),
        pytest.param("a-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", LINUX, "NO_WHEEL_FOR_PYTHON", id="python on Linux"),
    ],
)
def test_other_targets(name: str, platform: Platform, code: FileClass) -> None:
    assert verdict(files(name), platform).code == code
