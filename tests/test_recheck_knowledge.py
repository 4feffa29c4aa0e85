"""Test that the script which reads the index again tells what changed, from listings alone."""

from __future__ import annotations

import pytest

from envgen.errors import PypiUnreachableError
from envgen.pypi.simple_api import Project, ProjectFile
from tests.recheck_knowledge import changes, main, names

ARM = "macosx_12_0_arm64"


def project(name: str, *files: str, size: int = 200_000_000) -> Project:
    stem = name.replace("-", "_")
    made = tuple(ProjectFile(filename=f"{stem}-{file}", size=size) for file in files)
    return Project(name=name, files=made, index="test")


def told(*projects: Project) -> list[str]:
    return list(changes({each.name: each for each in projects}))


def wheels(version: str, *pythons: str, tag: str = ARM) -> list[str]:
    return [f"{version}-cp{python}-cp{python}-{tag}.whl" for python in pythons]


CASES = {
    "what is known": (project("tensorflow", *wheels("2.19.1", "39", "310", "311", "312")), ""),
    "a new release": (project("tensorflow", *wheels("2.23.0", "312")), "tensorflow 2.23.0: code, and no row"),
    "a new patch": (project("tensorflow", *wheels("2.19.2", "312")), "tensorflow 2.19.2: code, and no row"),
    "a stub where code was": (project("tensorflow", *wheels("2.19.1", "312"), size=2000), "the wheel is a stub"),
    "code where a stub was": (project("tensorflow-macos", *wheels("2.16.2", "311")), "the wheel is code"),
    "a further python": (project("tensorflow", *wheels("2.19.1", "312", "313")), "the row has fewer"),
    "Linux alone": (project("tensorflow", "2.30.0-cp312-cp312-manylinux_2_17_x86_64.whl"), ""),
    "a new plug-in": (project("tensorflow-metal", *wheels("1.3.0", "312")), "check which TensorFlow it loads with"),
    "the plug-in for more": (
        project("tensorflow-metal", *wheels("1.2.0", "39", "310", "311", "312", "313")),
        "the row says otherwise",
    ),
    "the plug-in as known": (project("tensorflow-metal", *wheels("1.2.0", "39", "310", "311", "312")), ""),
    "a wheel at last": (project("dlib", *wheels("21.0", "312")), "dlib 21.0: has a wheel for python 3.12 now"),
    "still source alone": (project("dlib", "21.0.tar.gz"), ""),
    "a floor that moved": (
        project("torch", *wheels("2.20.0", "312", tag="macosx_15_0_arm64")),
        "torch 2.20.0: needs macOS 15.0; the row >=2.12 says 14.0",
    ),
    "a floor as known": (project("torch", *wheels("2.20.0", "312", tag="macosx_14_0_arm64")), ""),
    "a satellite for more": (
        project("tensorflow-text", *wheels("2.22.0", "312", "314")),
        "tensorflow-text 2.22.0: wheels for python 3.12, 3.14",
    ),
    "a satellite of no row": (
        project("tensorflow-decision-forests", *wheels("1.13.0", "312")),
        "no row of tensorflow.toml says which TensorFlow it fits",
    ),
    "a release that was taken back": (project("tf-keras", *wheels("2.19.0", "312")), "no such release is listed"),
}


@pytest.mark.parametrize(("listed", "part"), CASES.values(), ids=CASES)
def test_what_changed_is_told_and_nothing_else(listed: Project, part: str) -> None:
    found = told(listed)
    if part:
        assert any(part in line for line in found), found
    else:
        assert found == []


def test_a_floor_that_no_row_speaks_of() -> None:
    found = told(project("numba", *wheels("0.50", "312", tag="macosx_14_0_arm64")))
    assert found == ["numba 0.50: needs macOS 14.0, and no row of macos.toml speaks of it"]


def test_what_could_not_be_looked_up_is_told() -> None:
    assert list(changes({"dlib": PypiUnreachableError("away"), "torch": None})) == ["dlib: not looked up: away"]


def test_names_are_those_of_the_tables() -> None:
    assert {"tensorflow", "tensorflow-metal", "tf-keras", "dlib", "torch", "tensorflow-cpu"} <= set(names())


def test_an_index_that_is_away_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    assert main() == 1
    assert "dlib: not looked up" in capsys.readouterr().out


@pytest.mark.network
def test_on_the_real_index_the_facts_still_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """It may fail as time goes by: then the tables want rows."""
    main()
    assert "not looked up" not in capsys.readouterr().out
