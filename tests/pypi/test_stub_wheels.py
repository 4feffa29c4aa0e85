"""Test the wheels that stand for what conda provides."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from envgen.errors import PypiError
from envgen.models.wheel import Stub
from envgen.pypi.stub_wheels import unmark, write_stubs


def test_a_stub_is_a_wheel_without_requirements(tmp_path: Path) -> None:
    constraints = write_stubs([Stub(name="typing-extensions", version="4.15.0")], tmp_path)
    assert constraints == ("typing-extensions==4.15.0+conda",)
    (path,) = tmp_path.iterdir()
    assert path.name == "typing_extensions-4.15.0+conda-py3-none-any.whl"
    name, version, _, _ = parse_wheel_filename(path.name)
    with zipfile.ZipFile(path) as archive:
        metadata = archive.read(f"typing_extensions-{version}.dist-info/METADATA").decode()
    assert metadata.splitlines() == ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]


@pytest.mark.parametrize(
    ("version", "marked"),
    [("2.1", "2.1+conda"), ("2.7+cpu", "2.7+cpu.conda"), ("1.0rc1", "1.0rc1+conda"), ("1!2.0", "1!2.0+conda")],
)
def test_versions(version: str, marked: str, tmp_path: Path) -> None:
    assert write_stubs([Stub(name="a", version=version)], tmp_path) == (f"a=={marked}",)


def test_constraints_are_sorted(tmp_path: Path) -> None:
    stubs = [Stub(name="b", version="1"), Stub(name="a", version="2")]
    assert write_stubs(stubs, tmp_path) == ("a==2+conda", "b==1+conda")


def test_a_version_that_is_none_for_pypi(tmp_path: Path) -> None:
    with pytest.raises(PypiError, match="conda's version of `a` is none for PyPI: `9e`"):
        write_stubs([Stub(name="a", version="9e")], tmp_path)


def test_texts_speak_of_conda_instead() -> None:
    text = "a depends on numpy<2 and numpy==2.1.3+conda, and torch==2.7+cpu.conda."
    assert unmark(text) == "a depends on numpy<2 and numpy==2.1.3 (conda's), and torch==2.7+cpu (conda's)."
    assert unmark("condaforge==1") == "condaforge==1"
