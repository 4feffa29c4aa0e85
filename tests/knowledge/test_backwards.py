"""Test what names of conda's are known to be."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from envgen.knowledge.names import aliases, is_main, is_native, is_tool, name_table


@pytest.mark.parametrize("name", ["libxml2", "openssl", "git", "xorg-libx11", "_openmp_mutex", "hdf5", "qt6-main"])
def test_libraries_and_tools(name: str) -> None:
    assert is_native(name)


@pytest.mark.parametrize("name", ["numpy", "librosa", "libcst", "python-xxhash", "pyqt", "lightgbm", "redis-py"])
def test_python_packages(name: str) -> None:
    assert not is_native(name)


def test_tools() -> None:
    assert is_tool("nodejs")
    assert not is_tool("openssl")


def test_aliases_stand_for_requirements() -> None:
    for text in aliases().values():
        Requirement(text)
    assert aliases()["opencv"] == "opencv-python"
    told = {name: name_table().contents.get(name, ()) for name in aliases()}
    assert {name: held for name, held in told.items() if held and Requirement(aliases()[name]).name not in held} == {}


def test_projects_that_people_ask_for_by_name() -> None:
    assert is_main("numpy")
    assert not is_main("six")
