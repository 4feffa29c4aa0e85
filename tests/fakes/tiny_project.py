"""Run the command line in a project of its own, over a tiny conda-forge and no PyPI unless a test serves one."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from envgen.cli.main import main
from envgen.models.channel import CONDA_FORGE
from tests.fakes.channels import lay_out
from tests.fakes.loopback import Json, package, repodata
from tests.fakes.tables import table

NATIVE = """
    python 3.11.9 h1_0 : __osx >=11.0
    python 3.12.4 h1_0 : __osx >=11.0
    python 3.13.1 h1_0 : __osx >=11.0
    numpy 1.26.4 py311_0 : python >=3.11&<3.12.0a0
    numpy 1.26.4 py312_0 : python >=3.12&<3.13.0a0
    numpy 2.1.3 py312_0 : python >=3.12&<3.13.0a0
    numpy 2.3.1 py312_0 : python >=3.12&<3.13.0a0
    numpy 2.3.1 py313_0 : python >=3.13&<3.14.0a0
    tall 1.0 py312_0 : python >=3.12&<3.13.0a0, __osx >=14.0
    held 1.0 py312_0 : python >=3.12&<3.13.0a0 ! __osx >=14.0
    libfoo 1.0 h1_0 : __osx >=11.0
"""
NOARCH = """
    pip 24.0 pyh_0 : python >=3.8
    setuptools 70.0 pyh_0 : python >=3.8
    pandas 2.0.3 pyh_0 : python >=3.9, numpy >=1.21
    pandas 2.2.3 pyh_0 : python >=3.9, numpy >=1.22.4
    tqdm 4.66.0 pyh_0 : python >=3.7
    six 1.16.0 pyh_0 : python >=3.6
    six 1.17.0 pyh_0 : python >=3.6
    scikit-learn 1.5.0 pyh_0 : python >=3.9, numpy >=1.23
    pytest 8.3.0 pyh_0 : python >=3.8
"""
DEAD_INDEX = "http://127.0.0.1:9/simple/"


def tiny_channel(folder: Path, *, native: str = NATIVE, noarch: str = NOARCH) -> Path:
    """Write a channel of these tables (see `tests.fakes.tables.table`)."""
    return lay_out(folder, repodata("noarch", *_entries(noarch)), repodata("osx-arm64", *_entries(native)))


def _entries(text: str) -> Iterator[Json]:
    for record in table(text, CONDA_FORGE).records:
        yield package(
            record.name,
            record.version,
            build=record.build,
            build_number=record.build_number,
            depends=list(record.depends),
            constrains=list(record.constrains) or None,
            license="MIT",
        )


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a run left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the one JSON object on stdout."""
        return json.loads(self.out)


def run(*words: str) -> Ran:
    """Run envgen in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as caught:
        main(words)
    code = caught.value.code
    assert isinstance(code, int)
    return Ran(code=code, out=out.getvalue(), err=err.getvalue())


@dataclass(kw_only=True)
class Project:
    """A folder to run envgen in, and the tiny channel that stands for conda-forge."""

    folder: Path
    channel: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> Ran:
        """Run envgen in this process, as from this project's folder."""
        return run(*words)

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        """Start envgen as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "envgen", *words],
            cwd=self.folder,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_from(self, made: Project) -> None:
        """Copy the environments and the caches of a project that was made once."""
        shutil.copytree(made.folder, self.folder, symlinks=True, dirs_exist_ok=True)
        for name in ("ENVGEN_CACHE_DIR", "UV_CACHE_DIR"):
            if Path(made.variables[name]).exists():
                shutil.copytree(made.variables[name], self.variables[name], symlinks=True, dirs_exist_ok=True)

    def environment(self, name: str) -> Path:
        """Return the folder of an environment."""
        return self.folder / "environments" / name

    def write(self, name: str, text: str) -> Path:
        """Write an environment's manifest; give its folder."""
        folder = self.environment(name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "envgen.yaml").write_text(text, encoding="utf-8")
        return folder

    def files(self) -> dict[str, bytes]:
        """Read every file of the project."""
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}


def manifest(name: str, *dependencies: str, python: str = "3.12", macos: str = "13.0", more: str = "") -> str:
    """Write a manifest; `more` are further lines."""
    listed = "".join(f"  - {json.dumps(text)}\n" for text in dependencies) if dependencies else "  []\n"
    return (
        f'name: {name}\npython: "{python}"\nplatforms: [{{platform: osx-arm64, macos: "{macos}"}}]\n'
        f"channels: [conda-forge]\ndependencies:\n{listed}{more}"
    )


def set_variables(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], *, keep: tuple[str, ...] = ()) -> None:
    """Set environment variables, after those of the machine that matter are gone, but for what starts with `keep`."""
    for name in list(os.environ):
        entries = name.startswith(("ENVGEN_", "UV_", "PIP_", "NO_COLOR", "FORCE_COLOR", "MACOSX_"))
        if entries and not (keep and name.startswith(keep)):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def empty_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return an empty project over the tiny channel; PyPI does not answer."""
    folder = tmp_path / "project"
    (folder / "environments").mkdir(parents=True)
    channel = tiny_channel(tmp_path / "channel")
    variables = {
        "ENVGEN_CACHE_DIR": str(tmp_path / "cache"),
        "ENVGEN_DATA_DIR": str(tmp_path / "data"),
        "ENVGEN_MIRRORS": f"conda-forge={channel}",
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_DEFAULT_INDEX": DEAD_INDEX,
        "UV_HTTP_RETRIES": "0",
    }
    set_variables(monkeypatch, variables)
    monkeypatch.chdir(folder)
    return Project(folder=folder, channel=channel, variables=variables)
