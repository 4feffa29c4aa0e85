"""Describe what is measured: the same request to envgen, to bare solvers and to conda-lock, over the same index."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from uv import find_uv_bin

from tests.benchmarks.measure import Case

SHARED = Path(__file__).parents[2] / ".." / "shared" / "channel" / "conda-forge"
SCRIPTS = Path(__file__).parent

LEAST_PYTHON, LEAST_HELP = "python -c pass", "envgen --help"
BARE_RATTLER, BARE_LIBMAMBA = "bare rattler solve", "bare libmamba solve"
LOCK_RATTLER, LOCK_LIBMAMBA = "envgen lock --solver rattler", "envgen lock --solver libmamba"
UNCHANGED = "envgen lock, nothing changed"
CONDA_LOCK = "conda-lock lock, solving with bare rattler"
MIXED, MIXED_SOLVE, MIXED_UV = "envgen lock, with Metal", "bare rattler solve of the conda half", "bare uv pip compile"

NAMES = ("scikit-learn", "pandas", "matplotlib", "jupyterlab", "pip")
CONDA_SPECS = ("scikit-learn", "pandas", "matplotlib-base", "jupyterlab", "pip")
MANIFEST = """\
name: {name}
python: "{python}"
platforms: [{{platform: osx-arm64, macos: "13.0"}}]
accelerator: {accelerator}
channels: [conda-forge]
dependencies: [tensorflow, {names}]
"""
ENVIRONMENT = """\
channels: [{channel}]
dependencies: [{specs}]
"""


def start_cases(folder: Path) -> list[Case]:
    """Measure what a command costs that does nothing."""
    return [
        Case(name=LEAST_PYTHON, command=(sys.executable, "-c", "pass"), folder=folder),
        Case(name=LEAST_HELP, command=(sys.executable, "-m", "envgen", "--help"), folder=folder),
    ]


def conda_cases(channel: Path, folder: Path) -> list[Case]:
    """Measure the lock of some 250 records, all from conda."""
    url, specs = channel.resolve().as_uri(), ("python 3.11.*", "tensorflow", *CONDA_SPECS)
    cases = [
        _bare("bare_rattler.py", BARE_RATTLER, url, specs, folder),
        _lock(LOCK_RATTLER, channel, folder, "rattler"),
    ]
    if importlib.util.find_spec("libmambapy"):
        cases.append(_bare("bare_libmamba.py", BARE_LIBMAMBA, str(channel), specs, folder))
        cases.append(_lock(LOCK_LIBMAMBA, channel, folder, "libmamba"))
    cases.append(_lock(UNCHANGED, channel, folder, "rattler", again=False))
    return [*cases, *_conda_lock(url, specs, folder)]


def mixed_cases(channel: Path, folder: Path) -> list[Case]:
    """Measure the lock of TensorFlow with Metal, whose wheels come from PyPI; uv keeps what it fetched."""
    cache = {"UV_CACHE_DIR": str(folder / "uv")}
    specs = ("python 3.12.*", *CONDA_SPECS)
    (folder / "requirements.in").write_text("\n".join(("tensorflow==2.19.*", "tensorflow-metal", *NAMES)))
    uv = (find_uv_bin(), "pip", "compile", "requirements.in", "--output-file", "pylock.toml", "--format", "pylock.toml")
    target = ("--python-platform", "aarch64-apple-darwin", "--python-version", "3.12", "--only-binary", ":all:")
    compiled = folder / "pylock.toml"
    return [
        _bare("bare_rattler.py", MIXED_SOLVE, channel.resolve().as_uri(), specs, folder),
        Case(
            name=MIXED_UV,
            command=(*uv, *target, "--no-python-downloads"),
            folder=folder,
            environment={**cache, "MACOSX_DEPLOYMENT_TARGET": "13.0"},
            prepare=lambda: compiled.unlink(missing_ok=True),
        ),
        _lock(MIXED, channel, folder, "rattler", accelerator="metal", environment=cache),
    ]


def _bare(script: str, name: str, channel: str, specs: Sequence[str], folder: Path) -> Case:
    return Case(name=name, command=(sys.executable, str(SCRIPTS / script), channel, *specs), folder=folder)


def _lock(
    name: str,
    channel: Path,
    folder: Path,
    solver: str,
    *,
    again: bool = True,
    accelerator: str = "cpu",
    environment: dict[str, str] | None = None,
) -> Case:
    """Lock an environment of its own, each time `again` as if for the first time."""
    project = folder / name.replace(" ", "-")
    home = project / "environments" / accelerator
    home.mkdir(parents=True)
    python = "3.12" if accelerator == "metal" else "3.11"
    (home / "envgen.yaml").write_text(
        MANIFEST.format(name=accelerator, python=python, accelerator=accelerator, names=", ".join(NAMES))
    )

    def forget() -> None:
        for file in home.glob("*.yml") if again else ():
            file.unlink()

    return Case(
        name=name,
        command=(sys.executable, "-m", "envgen", "lock", accelerator, "--solver", solver, "--quiet"),
        folder=project,
        environment={
            "ENVGEN_MIRRORS": f"conda-forge={channel.resolve()}",
            "ENVGEN_CACHE_DIR": str(folder / "cache"),
            **(environment or {}),
        },
        prepare=forget,
    )


def _conda_lock(channel: str, specs: Sequence[str], folder: Path) -> Iterator[Case]:
    """Let conda-lock solve with the bare solver, the quickest that it could have."""
    program = shutil.which("conda-lock", path=f"{Path(sys.executable).parent}")
    if program is None:
        return
    (folder / "environment.yml").write_text(ENVIRONMENT.format(channel=channel, specs=", ".join(specs)))
    solver, lock = folder / "conda", folder / "conda-lock.yml"
    solver.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{SCRIPTS / "bare_rattler.py"}" "$@"\n')
    solver.chmod(0o755)
    yield Case(
        name=CONDA_LOCK,
        command=(
            *(program, "lock", "--conda", str(solver), "--file", "environment.yml"),
            *("--platform", "osx-arm64", "--lockfile", lock.name),
        ),
        folder=folder,
        environment={"SPEED_CHANNEL": channel},
        prepare=lambda: lock.unlink(missing_ok=True),
    )
