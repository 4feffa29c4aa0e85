"""What is released holds what it needs, and says of itself what is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from ruamel.yaml import YAML

import envgen
from envgen.pypi.uv import find_uv

ROOT = Path(__file__).parents[1]
VERSION = envgen.__version__


def build(folder: Path, *words: str, source: Path = ROOT) -> Path:
    """Build with the backend that is installed here; give the one file."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), *words, str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"), "--wheel")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("sdist"), "--sdist")


def members(wheel: Path) -> dict[str, bytes]:
    """Read the files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def tracked(*folders: str) -> set[str]:
    """List the files of these folders, as the wheel holds them, without what Python or git leave."""
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*"))
    return {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_the_wheel_holds_the_package_and_its_data(wheel: Path) -> None:
    assert wheel.name == f"envgen-{VERSION}-py3-none-any.whl"
    found = {name for name in members(wheel) if ".dist-info/" not in name}
    templates = {f"envgen/{name}" for name in tracked("templates")}
    assert found == tracked("envgen") | templates
    assert {"envgen/py.typed", "envgen/starter/conda-forge.json.zst", "envgen/templates/data-science.yaml"} <= found
    assert any(re.fullmatch(r"envgen/knowledge/\w+\.toml", name) for name in found)


def test_the_wheels_metadata_is_valid_and_complete(wheel: Path) -> None:
    files = members(wheel)
    info = f"envgen-{VERSION}.dist-info"
    metadata = Metadata.from_email(files[f"{info}/METADATA"], validate=True)
    assert str(metadata.version) == VERSION
    assert metadata.license_expression == "BSD-3-Clause"
    assert metadata.description_content_type == "text/markdown"
    assert (metadata.description or "").startswith("# envgen")
    assert str(metadata.requires_python) == ">=3.11"
    assert f"{info}/licenses/LICENSE" in files
    assert files[f"{info}/entry_points.txt"].decode().split() == [
        "[console_scripts]",
        "envgen",
        "=",
        "envgen.__main__:main",
    ]


def test_the_same_tree_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    assert build(tmp_path, "--wheel").read_bytes() == wheel.read_bytes()


def test_the_sdist_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert source.name == f"envgen-{VERSION}"
    for name in ("LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "tests/conftest.py", "recipe/recipe.yaml"):
        assert (source / name).is_file(), name
    again = build(tmp_path / "again", "--wheel", source=source)
    assert members(again) == members(wheel)


def test_the_installed_wheel_works(wheel: Path, tmp_path: Path) -> None:
    install = [
        find_uv(),
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(tmp_path / "site"),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "HOME": str(tmp_path)}
    code = "import envgen, sys; from envgen.cli.main import run; print(envgen.__file__); sys.exit(run(sys.argv[1:]))"
    for word in ("--version", "templates", "schema"):
        command = [sys.executable, "-c", code, word]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
        assert done.stdout.startswith(str(tmp_path / "site" / "envgen"))
        assert len(done.stdout.splitlines()) > 1


def test_the_conda_recipe_asks_for_what_the_wheel_asks_for() -> None:
    recipe = YAML(typ="safe").load((ROOT / "recipe" / "recipe.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert recipe["context"]["version"] == VERSION
    run = _specs(recipe["requirements"]["run"])
    assert "libmambapy" in run, "the recipe brings the solver that the wheel cannot"
    requirements = [Requirement(text) for text in project["dependencies"]]
    # conda-forge has a package for an extra: `cachecontrol-with-filecache`, and another name for one
    renamed = {"msgpack": "msgpack-python"}
    asked = {
        renamed.get(each.name, "-with-".join([each.name, *each.extras])): str(each.specifier) for each in requirements
    }
    own = {name: spec for name, spec in run.items() if name not in ("libmambapy", "python", "__unix")}
    assert {name: _sorted(spec) for name, spec in own.items()} == {name: _sorted(spec) for name, spec in asked.items()}
    assert recipe["build"]["python"]["entry_points"] == [
        f"{name} = {target}" for name, target in project["scripts"].items()
    ]
    assert recipe["about"]["license"] == project["license"]
    assert recipe["about"]["summary"] == project["description"]


def _specs(lines: list[str]) -> Mapping[str, str]:
    return {line.split(" ")[0]: line.partition(" ")[2] for line in lines}


def _sorted(spec: str) -> list[str]:
    return sorted(spec.replace(" ", "").split(","))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_completions(shell: str, tmp_path: Path) -> None:
    environ = {**os.environ, "_ENVGEN_COMPLETE": f"source_{shell}", "HOME": str(tmp_path)}
    done = subprocess.run(
        [Path(sys.executable).parent / "envgen"], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "_ENVGEN_COMPLETE" in done.stdout


def test_a_shell_completes_commands_and_options(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        "_ENVGEN_COMPLETE": "complete_bash",
        "COMP_WORDS": "envgen cre",
        "COMP_CWORD": "1",
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [Path(sys.executable).parent / "envgen"], env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["create"]
