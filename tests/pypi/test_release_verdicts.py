"""Test verdicts on projects; the tables are cut from real ones, as of 2026-11-23."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from envgen.pypi.release_verdicts import FileClass, by_version, classify, describe, releases_of, remedy
from envgen.pypi.simple_api import ProjectFile
from tests.pypi.conftest import mac

ARM, INTEL = "macosx_12_0_arm64", "macosx_10_9_x86_64"
TENSORFLOW_PYTHONS = {
    "2.12.1": "",
    "2.19.1": "39 310 311 312",
    "2.20.0": "39 310 311 312 313",
    "2.21.0": "310 311 312 313",
}


def wheels(name: str, version: str, pythons: str, *systems: str) -> list[str]:
    return [f"{name}-{version}-cp{python}-cp{python}-{system}.whl" for python in pythons.split() for system in systems]


PROJECTS: dict[str, list[str]] = {
    "dlib": ["dlib-20.0.1.tar.gz", "dlib-19.7.0.tar.gz", "dlib-19.7.0-cp36-cp36m-win_amd64.whl"],
    "pyaudio": ["PyAudio-0.2.14.tar.gz", *wheels("PyAudio", "0.2.14", "311 312", "win_amd64", "win32")],
    "tensorflow-text": [
        *wheels("tensorflow_text", "2.15.0", "39 310 311", INTEL, "manylinux_2_17_x86_64"),
        *wheels("tensorflow_text", "2.16.1", "39 310 311 312", INTEL),
        *wheels("tensorflow_text", "2.20.1", "39 310 311 312 313", ARM),
    ],
    "torch": [
        *wheels("torch", "2.11.0", "310 311 312", "macosx_11_0_arm64", "manylinux_2_28_x86_64"),
        *wheels("torch", "2.12.0", "310 311 312", "macosx_14_0_arm64"),
        *wheels("torch", "2.15.0", "311 312", "macosx_14_0_arm64"),
    ],
    "mlx": [
        *wheels("mlx", "0.29.3", "312", "macosx_13_0_arm64", "macosx_14_0_arm64", "macosx_15_0_arm64"),
        *wheels("mlx", "0.32.4", "312", "macosx_14_0_arm64", "macosx_15_0_arm64", "macosx_26_0_arm64"),
    ],
    "tensorflow-cpu": wheels("tensorflow_cpu", "2.21.0", "311 312", "manylinux_2_17_x86_64", "win_amd64"),
    "tflite-runtime": wheels("tflite_runtime", "2.14.0", "39 310 311", "manylinux2014_x86_64"),
    "coremltools": [
        "coremltools-0.3.0-py2.7-none-any.whl",
        "coremltools-0.4.0-py27-none-any-extra-part-more.whl",
        *[f"coremltools-9.0-cp{python}-none-macosx_11_0_arm64.whl" for python in ("311", "312", "313")],
        "coremltools-9.0.tar.gz",
    ],
    "tensorflow-addons": wheels("tensorflow_addons", "0.23.0", "39 310 311", "macosx_11_0_arm64"),
    "promise": ["promise-2.3.tar.gz"],
    "tensorflow": [
        *wheels("tensorflow", "2.12.1", "311", INTEL),
        *(
            name
            for version, pythons in TENSORFLOW_PYTHONS.items()
            for name in wheels("tensorflow", version, pythons, ARM)
        ),
        *wheels("tensorflow", "2.22.0rc0", "310 311 312 313 314", ARM),
    ],
    "tensorflow-metal": [
        *wheels("tensorflow_metal", "1.1.0", "39 310 311", ARM),
        *wheels("tensorflow_metal", "1.2.0", "39 310 311 312", ARM),
    ],
    "onnxruntime-silicon": [
        *wheels("onnxruntime_silicon", "1.16.0", "38 39 310 311", "macosx_11_0_arm64"),
        *wheels("onnxruntime_silicon", "1.16.3", "38 39 310 311", "macosx_14_0_arm64"),
    ],
    "keras-nightly": ["keras_nightly-3.16.0.dev2026102704-py3-none-any.whl"],
    "empty": [],
}


def rows(name: str) -> list[ProjectFile]:
    return [ProjectFile(filename=filename) for filename in PROJECTS[name]]


@pytest.mark.parametrize(
    ("name", "specifier", "python", "macos", "code", "version"),
    [
        pytest.param("dlib", "", "3.11", "13.0", "SDIST_ONLY", "20.0.1", id="dlib"),
        pytest.param("dlib", "==19.7.0", "3.11", "13.0", "SDIST_ONLY", "19.7.0", id="dlib 19.7.0"),
        pytest.param("pyaudio", "", "3.11", "13.0", "SDIST_ONLY", "0.2.14", id="pyaudio"),
        pytest.param("promise", "", "3.12", "13.0", "SDIST_ONLY", "2.3", id="promise"),
        pytest.param("tensorflow-text", "==2.15.*", "3.11", "13.0", "MAC_X86_64_ONLY", "2.15.0", id="text 2.15"),
        pytest.param("tensorflow-text", "==2.16.*", "3.11", "13.0", "MAC_X86_64_ONLY", "2.16.1", id="text 2.16"),
        pytest.param("tensorflow-text", "==2.20.*", "3.11", "13.0", "OK", "2.20.1", id="text 2.20"),
        pytest.param("torch", "", "3.12", "13.0", "OK", "2.11.0", id="torch on 13"),
        pytest.param("torch", "", "3.12", "14.0", "OK", "2.15.0", id="torch on 14"),
        pytest.param("torch", ">=2.12", "3.12", "13.0", "NEEDS_NEWER_MACOS", "2.15.0", id="new torch on 13"),
        pytest.param("mlx", "", "3.12", "12.0", "NEEDS_NEWER_MACOS", "0.32.4", id="mlx on 12"),
        pytest.param("mlx", "", "3.12", "13.0", "OK", "0.29.3", id="mlx on 13"),
        pytest.param("mlx", "", "3.12", "14.0", "OK", "0.32.4", id="mlx on 14"),
        pytest.param("tensorflow-cpu", "", "3.11", "13.0", "NO_MACOS_WHEEL", "2.21.0", id="tensorflow-cpu"),
        pytest.param("tflite-runtime", "", "3.11", "13.0", "NO_MACOS_WHEEL", "2.14.0", id="tflite-runtime"),
        pytest.param("coremltools", "", "3.12", "13.0", "OK", "9.0", id="coremltools"),
        pytest.param("coremltools", "", "3.14", "13.0", "NO_WHEEL_FOR_PYTHON", "9.0", id="coremltools on 3.14"),
        pytest.param("tensorflow-addons", "", "3.11", "13.0", "OK", "0.23.0", id="addons on 3.11"),
        pytest.param("tensorflow-addons", "", "3.12", "13.0", "NO_WHEEL_FOR_PYTHON", "0.23.0", id="addons on 3.12"),
        pytest.param("tensorflow", "==2.12.1", "3.11", "13.0", "MAC_X86_64_ONLY", "2.12.1", id="tensorflow 2.12.1"),
        pytest.param("tensorflow", "==2.21.*", "3.12", "13.0", "OK", "2.21.0", id="tensorflow 2.21"),
        pytest.param("tensorflow", "", "3.14", "13.0", "NO_WHEEL_FOR_PYTHON", "2.21.0", id="tensorflow on 3.14"),
        pytest.param("tensorflow", "==2.22.0rc0", "3.14", "13.0", "OK", "2.22.0rc0", id="a pre-release by name"),
        pytest.param("tensorflow", ">=2.21.1", "3.12", "13.0", "NO_VERSION_MATCHES", "", id="only a pre-release"),
        pytest.param("tensorflow", ">=99", "3.12", "13.0", "NO_VERSION_MATCHES", "", id="no such version"),
        pytest.param("tensorflow-metal", "", "3.13", "13.0", "NO_WHEEL_FOR_PYTHON", "1.2.0", id="metal on 3.13"),
        pytest.param(
            "tensorflow-metal", "==1.1.0", "3.12", "13.0", "NO_WHEEL_FOR_PYTHON", "1.1.0", id="metal 1.1 on 3.12"
        ),
        pytest.param("onnxruntime-silicon", "", "3.11", "13.0", "OK", "1.16.0", id="onnxruntime-silicon on 13"),
        pytest.param("keras-nightly", "", "3.12", "13.0", "OK", "3.16.0.dev2026102704", id="nothing but pre-releases"),
        pytest.param("empty", "", "3.12", "13.0", "NO_VERSION_MATCHES", "", id="no files"),
    ],
)
def test_verdicts(name: str, specifier: str, python: str, macos: str, code: FileClass, version: str) -> None:
    verdict = classify(rows(name), mac(python, macos), specifier)
    assert (verdict.code, verdict.version) == (code, version)


def test_a_name_that_does_not_exist() -> None:
    assert classify(None, mac()).code == "NOT_ON_INDEX"


def test_the_newer_ones_are_listed_newest_first() -> None:
    verdict = classify(rows("torch"), mac(macos="13.0"))
    assert [(held.version, held.code, held.macos) for held in verdict.held_back] == [
        ("2.15.0", "NEEDS_NEWER_MACOS", "14.0"),
        ("2.12.0", "NEEDS_NEWER_MACOS", "14.0"),
    ]
    assert verdict.newest == "2.15.0"


def test_only_prereleases_match() -> None:
    assert classify(rows("tensorflow"), mac(), ">=2.21.1").only_prereleases
    assert not classify(rows("tensorflow"), mac(), ">=99").only_prereleases


def test_yanked_versions() -> None:
    files = [
        ProjectFile(filename="a-1.0-py3-none-any.whl"),
        ProjectFile(filename="a-2.0-py3-none-any.whl", yanked=True, yanked_reason="broken"),
        ProjectFile(filename="a-3.0.tar.gz", yanked=True),
    ]
    assert classify(files, mac()).version == "1.0"
    verdict = classify(files, mac(), ">=2")
    assert (verdict.code, verdict.version) == ("YANKED", "2.0")
    assert classify(files, mac(), "==3.0").code == "YANKED"


def test_a_malformed_specifier() -> None:
    with pytest.raises(ValueError, match="not a version specifier: `=>1`"):
        classify(rows("torch"), mac(), "=>1")


def uploaded(*names: str, year: int = 2025) -> list[ProjectFile]:
    return [
        ProjectFile(filename=name, uploaded=datetime(year, month, 1, tzinfo=UTC)) for month, name in enumerate(names, 1)
    ]


def test_releases_are_the_newest_of_each_series_that_fits() -> None:
    files = [ProjectFile(filename=name) for name in PROJECTS["torch"]]
    found = releases_of(files, mac(python="3.12"), "")
    assert (found.fitting, found.later, found.macos) == (("2.11.0",), "2.15.0", "14.0")
    found = releases_of(files, mac(python="3.12", macos="14.0"), "<2.15")
    assert (found.fitting, found.later) == (("2.12.0", "2.11.0"), "")
    files = uploaded("a-2.0rc1-py3-none-any.whl", *(f"a-1.{minor}.0-py3-none-any.whl" for minor in range(9)))
    assert releases_of(files, mac(), "").fitting == ("1.8.0", "1.7.0", "1.6.0", "1.5.0", "1.4.0", "1.3.0")
    patches = uploaded("b-1.0.0-py3-none-any.whl", "b-1.0.1-py3-none-any.whl")
    assert releases_of(patches, mac(), "").fitting == ("1.0.1",)
    assert releases_of(patches, mac(), "!=1.0.1").fitting == ("1.0.0",)


def test_a_release_came_out_with_its_first_file() -> None:
    files = [*uploaded("a-1.0-py3-none-any.whl", "a-1.0.tar.gz", "a-2.0.tar.gz"), ProjectFile(filename="a-3.0.tar.gz")]
    found = releases_of(files, mac(), "")
    assert {version: date.month for version, date in found.published.items()} == {"1.0": 1, "2.0": 3}
    assert found.fitting == ("1.0",)


def test_other_files_are_passed_over() -> None:
    names = ["a-1.0.exe", "a.whl", "a-1.0.win32.zip", "a-one-py3-none-any.whl", "a-1.0-py3-none-any.whl", "a-2.0.zip"]
    found = by_version([ProjectFile(filename=name) for name in names])
    assert [str(version) for version in found] == ["1.0", "2.0"]


def test_a_version_without_a_valid_file_is_none() -> None:
    files = [ProjectFile(filename="a-2.0-py3-none.whl"), ProjectFile(filename="a-1.0-py3-none-any.whl")]
    assert classify(files, mac()).version == "1.0"
    assert classify(files, mac(), "==2.0").code == "NO_VERSION_MATCHES"


VERSIONS = st.sampled_from(["1.0", "1.5", "2.0rc1", "2.0", "3.0.dev1"])
TAGS = st.sampled_from(
    [
        "py3-none-any",
        f"cp312-cp312-{ARM}",
        f"cp311-cp311-{ARM}",
        "cp312-cp312-macosx_14_0_arm64",
        f"cp312-cp312-{INTEL}",
    ]
)


@given(st.lists(st.tuples(VERSIONS, TAGS), max_size=6), st.sampled_from(["", ">=1.5", "==2.0rc1", "<2"]))
def test_verdicts_keep_to_the_specifier_and_the_order(pairs: list[tuple[str, str]], specifier: str) -> None:
    files = [ProjectFile(filename=f"a-{version}-{tag}.whl") for version, tag in pairs]
    verdict = classify(files, mac(), specifier)
    assert verdict == classify(list(reversed(files)), mac(), specifier)
    if verdict.chosen:
        assert SpecifierSet(specifier).contains(verdict.version, prereleases=True)
    if verdict.code == "OK":
        assert all(held.code != "OK" for held in verdict.held_back)
        newer = classify(files, mac(macos="14.0"), specifier)
        assert newer.code == "OK"


@pytest.mark.parametrize(
    ("name", "specifier", "python", "macos", "words", "help_"),
    [
        (
            "torch",
            "",
            "3.12",
            "13.0",
            "`torch` is held back to 2.11.0: every version from 2.12.0 to 2.15.0 needs macOS 14.0, "
            "and the floor is 13.0",
            "",
        ),
        (
            "onnxruntime-silicon",
            "",
            "3.11",
            "13.0",
            "`onnxruntime-silicon` is held back to 1.16.0: 1.16.3 needs macOS 14.0, and the floor is 13.0",
            "",
        ),
        ("torch", "", "3.12", "14.0", "`torch` 2.15.0 has a wheel for osx-arm64, macOS 14.0 and python 3.12", ""),
        (
            "torch",
            ">=2.12",
            "3.12",
            "13.0",
            "`torch` 2.15.0 needs macOS 14.0, and the floor is 13.0",
            "raise the macOS floor to 14.0, or ask for an older version",
        ),
        (
            "dlib",
            "",
            "3.11",
            "13.0",
            "`dlib` 20.0.1 has no wheel for osx-arm64, macOS 13.0 and python 3.11, only its source",
            "take it from conda-forge if it is there: nothing is built while locking",
        ),
        (
            "tensorflow-text",
            "==2.15.*",
            "3.11",
            "13.0",
            "`tensorflow-text` 2.15.0 has wheels for Intel Macs only",
            "ask for a version with an arm64 wheel, or take it from conda-forge",
        ),
        (
            "tensorflow-cpu",
            "",
            "3.11",
            "13.0",
            "`tensorflow-cpu` 2.21.0 has no wheel for macOS",
            "ask for a version with a macOS wheel, or take it from conda-forge",
        ),
        (
            "tensorflow-metal",
            "",
            "3.13",
            "13.0",
            "`tensorflow-metal` 1.2.0 has wheels for python 3.9, 3.10, 3.11, 3.12, not for 3.13",
            "change the python, or ask for another version",
        ),
        (
            "tensorflow",
            ">=2.21.1",
            "3.12",
            "13.0",
            "only pre-releases of `tensorflow` match, and none is asked for by name (the newest final is 2.21.0)",
            "ask for a version that exists",
        ),
        (
            "tensorflow",
            ">=99",
            "3.12",
            "13.0",
            "no version of `tensorflow` on the package index matches (the newest is 2.21.0)",
            "ask for a version that exists",
        ),
        (
            "empty",
            "",
            "3.12",
            "13.0",
            "no version of `empty` on the package index matches",
            "ask for a version that exists",
        ),
    ],
    ids=str,
)
def test_words(name: str, specifier: str, python: str, macos: str, words: str, help_: str) -> None:
    platform = mac(python, macos)
    verdict = classify(rows(name), platform, specifier)
    assert describe(name, verdict, platform) == words
    assert remedy(verdict, platform) == help_


def test_more_words() -> None:
    platform = mac("3.11")
    missing = classify(None, platform)
    assert describe("tensorflow-deps", missing, platform) == "`tensorflow-deps` is not on the package index"
    assert remedy(missing, platform) == "check the spelling, or the index"
    late = [ProjectFile(filename="a-2-py3-none-any.whl", requires_python=">=3.12"), ProjectFile(filename="a-3.tar.gz")]
    assert describe("a", classify(late, platform, "==2"), platform) == "`a` 2 requires python >=3.12"
    early = ProjectFile(filename="a-1-py3-none-any.whl")
    mixed = describe("a", classify([early, *late], platform), platform)
    assert mixed == "`a` is held back to 1: 3 has no wheel for osx-arm64, macOS 13.0 and python 3.11, only its source"
    gone = [ProjectFile(filename="a-1-py3-none-any.whl", yanked=True, yanked_reason="broken")]
    assert describe("a", classify(gone, platform), platform) == "`a` 1 was withdrawn by its authors (yanked: broken)"
