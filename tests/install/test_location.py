"""Named environments go where conda and mamba list them, and where they may be written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from envgen.errors import WriteError
from envgen.install.location import Surroundings, conda_root, given_location, is_conda_root, named_location, register


def around(folder: Path, subdir: str = "osx-arm64", **environ: str) -> Surroundings:
    return Surroundings(
        environ=environ, home=folder / "home", data=folder / "data", subdir=subdir, system_roots=(str(folder / "opt"),)
    )


def root(path: Path, subdir: str = "osx-arm64") -> Path:
    """Make what looks like conda's installation for a platform; "" makes a micromamba root."""
    (path / "conda-meta").mkdir(parents=True)
    (path / "envs").mkdir()
    if not subdir:
        (path / "conda-meta").rmdir()
    else:
        (path / "conda-meta" / "python-3.12.4-h1_0.json").write_text(json.dumps({"subdir": subdir}))
    return path


def test_without_conda_the_data_folder(tmp_path: Path) -> None:
    found = named_location("demo", around(tmp_path))
    assert (found.prefix, found.active) == (tmp_path / "data/envs/demo", "")


ROOTS = {
    "CONDA_EXE": ("x/conda", {"CONDA_EXE": "{0}/x/conda/bin/conda"}),
    "MAMBA_EXE": ("x/mamba", {"MAMBA_EXE": "{0}/x/mamba/bin/mamba"}),
    "MAMBA_ROOT_PREFIX": ("x/micromamba", {"MAMBA_ROOT_PREFIX": "{0}/x/micromamba"}),
    "the home folder": ("home/miniforge3", {}),
    "the system": ("opt", {}),
}


@pytest.mark.parametrize(("place", "environ"), ROOTS.values(), ids=list(ROOTS))
def test_conda_is_found(tmp_path: Path, place: str, environ: dict[str, str]) -> None:
    made = root(tmp_path / place)
    variables = {name: value.format(tmp_path) for name, value in environ.items()}
    found = named_location("demo", around(tmp_path, **variables))
    assert (found.prefix, found.active) == (made / "envs/demo", "demo")


def test_a_conda_of_another_platform_is_passed_over(tmp_path: Path) -> None:
    root(tmp_path / "home/miniforge3", "osx-64")
    assert conda_root(around(tmp_path)) is None
    native = root(tmp_path / "opt")
    assert conda_root(around(tmp_path)) == native


def test_a_root_without_python_serves_any_platform(tmp_path: Path) -> None:
    made = root(tmp_path / "mm", "")
    assert conda_root(around(tmp_path, MAMBA_ROOT_PREFIX=str(made))) == made


def test_a_damaged_record_of_python_is_passed_over(tmp_path: Path) -> None:
    made = root(tmp_path / "opt")
    (made / "conda-meta" / "python-3.12.4-h1_0.json").write_text("{")
    assert conda_root(around(tmp_path)) == made


def test_condas_own_variable_says_where(tmp_path: Path) -> None:
    root(tmp_path / "opt")
    (tmp_path / "mine").mkdir()
    found = named_location("demo", around(tmp_path, CONDA_ENVS_DIRS=f"{tmp_path}/mine:{tmp_path}/other"))
    assert found.prefix == tmp_path / "mine/demo"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_passed_over(tmp_path: Path) -> None:
    made = root(tmp_path / "opt")
    (made / "envs").chmod(0o500)
    (tmp_path / "home").mkdir()
    assert named_location("demo", around(tmp_path)).prefix == tmp_path / "home/.conda/envs/demo"
    (tmp_path / "home").chmod(0o500)
    assert named_location("demo", around(tmp_path)).prefix == tmp_path / "data/envs/demo"


def test_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root(tmp_path / "opt")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    found = named_location("demo", around(tmp_path))
    assert (found.prefix, found.active) == (tmp_path / "data/envs/demo", str(tmp_path / "data/envs/demo"))


def test_a_prefix_that_is_given(tmp_path: Path) -> None:
    assert given_location(tmp_path / "p", around(tmp_path)).active == ""
    root(tmp_path / "opt")
    assert given_location(tmp_path / "p", around(tmp_path)).active == str(tmp_path / "p")


def test_registering(tmp_path: Path) -> None:
    register(tmp_path / "one", tmp_path)
    listed = tmp_path / ".conda" / "environments.txt"
    assert listed.read_text() == f"{tmp_path}/one\n"
    listed.write_text("/elsewhere")
    register(tmp_path / "two", tmp_path)
    register(tmp_path / "two", tmp_path)
    assert listed.read_text() == f"/elsewhere\n{tmp_path}/two\n"


def test_registering_where_it_cannot_be(tmp_path: Path) -> None:
    (tmp_path / ".conda").write_text("")
    with pytest.raises(WriteError, match="cannot write"):
        register(tmp_path / "one", tmp_path)


def test_what_is_conda_itself(tmp_path: Path) -> None:
    (tmp_path / "a" / "condabin").mkdir(parents=True)
    (tmp_path / "b" / "conda-meta").mkdir(parents=True)
    (tmp_path / "b" / "conda-meta" / "conda-24.1.2-py312_0.json").write_text("{}")
    (tmp_path / "c" / "conda-meta").mkdir(parents=True)
    (tmp_path / "c" / "conda-meta" / "conda-lock-4.0-0.json").write_text("{}")
    assert [is_conda_root(tmp_path / name) for name in "abc"] == [True, True, False]
