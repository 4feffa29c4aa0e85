"""Run the command line over the real partial channel beside the checkout, and over PyPI where a test says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.tiny_project import DEAD_INDEX, Project, Ran, set_variables
from tests.independent import Sources, faults
from tests.independent_metadata import served_metadata
from tests.solvers.conftest import needs_libmamba

SHARED = Path(__file__).parents[1] / ".." / "shared"
CHANNEL = SHARED / "channel" / "conda-forge"
NAMES = SHARED / "facts" / "name_map_top5000.csv"
SOLVERS = ["rattler", pytest.param("libmamba", marks=needs_libmamba)]
needs_channel = pytest.mark.skipif(not CHANNEL.is_dir(), reason="no ../shared/channel beside the checkout")


@dataclass(kw_only=True)
class RealProject(Project):
    """Lock manifests, each once for each solver."""

    done: dict[tuple[str, str], Ran] = field(default_factory=dict)

    def locked(self, name: str, text: str, solver: str) -> dict[str, Any]:
        """Lock a manifest unless that is done already; give its platform's part of the answer."""
        ran = self.ran(name, text, solver)
        assert ran.code == 0, ran.out
        platform: dict[str, Any] = ran.json["environments"][0]["platforms"]["osx-arm64"]
        return platform

    def ran(self, name: str, text: str, solver: str) -> Ran:
        """Lock a manifest as `NAME-SOLVER` unless that is done already."""
        key = (name, solver)
        if key not in self.done:
            self.write(f"{name}-{solver}", text.replace(f"name: {name}\n", f"name: {name}-{solver}\n"))
            self.done[key] = self.run("lock", f"{name}-{solver}", "--solver", solver, "--json")
        return self.done[key]

    def again(self, name: str, text: str, solver: str) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Lock from nothing a second time, with the manifest given; give the files before and after but for it."""
        folder = self.environment(f"{name}-{solver}")
        before = generated(folder)
        for file in before:
            (folder / file).unlink()
        self.write(folder.name, text.replace(f"name: {name}\n", f"name: {folder.name}\n"))
        ran = self.run("lock", folder.name, "--solver", solver, "--json")
        assert ran.code == 0, ran.out
        return before, generated(folder)

    def faults(self, name: str, solver: str) -> list[str]:
        """Let the independent reader judge, from the channel's own records and the index's own metadata."""
        folder = self.environment(f"{name}-{solver}")
        return faults(folder, Sources(channel=CHANNEL, metadata=served_metadata(folder), names=NAMES))


def generated(folder: Path) -> dict[str, bytes]:
    """Read the files of an environment but for its manifest."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "envgen.yaml"}


@contextmanager
def real_project(root: Path, *, pypi: bool = False) -> Iterator[RealProject]:
    """Make a project over the real channel; with `pypi`, the machine's own index is asked, once in a run."""
    folder = root / "project"
    (folder / "environments").mkdir(parents=True)
    variables = {
        "ENVGEN_CACHE_DIR": str(_of_the_run(root) / "real-cache" if pypi else root / "cache"),
        "ENVGEN_MIRRORS": f"conda-forge={CHANNEL.resolve()}",
        **({} if pypi else {"UV_DEFAULT_INDEX": DEAD_INDEX, "UV_CACHE_DIR": str(root / "uv-cache")}),
    }
    with pytest.MonkeyPatch.context() as patch:
        set_variables(patch, variables, keep=("UV_",) if pypi else ())
        patch.chdir(folder)
        yield RealProject(folder=folder, channel=CHANNEL, variables=variables)


def _of_the_run(root: Path) -> Path:
    """Return the temporary folder that all workers of a run share, given one of a module's own."""
    worker = root.parent
    return worker.parent if worker.name.startswith("popen-") else worker


def versions(platform: dict[str, Any]) -> dict[str, str]:
    """Return the versions of a lock's packages by `conda:NAME` and `pypi:NAME`."""
    halves = ("conda", "pypi")
    return {f"{half}:{entry['name']}": entry["version"] for half in halves for entry in platform[half]}


def wheels(platform: dict[str, Any]) -> dict[str, str]:
    """Return the versions of a lock's wheels."""
    return {entry["name"]: entry["version"] for entry in platform["pypi"]}


def dumped(value: object) -> str:
    """Render a value for a comparison that reads well."""
    return json.dumps(value, indent=1, sort_keys=True)
