"""Only regular files are opened: a pipe or a socket in a file's place gets a message, and nobody waits."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.tiny_project import Project, manifest


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listener(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)  # a whole path may be too long for one


KINDS = {"a pipe": pipe, "a socket": listener}
PLACES = {
    "the manifest": ("environments/demo/envgen.yaml", "lock demo"),
    "the manifest that is added to": ("environments/demo/envgen.yaml", "add demo six"),
    "the lock": ("environments/demo/conda-lock.yml", "lock demo"),
    "the lock that is read": ("environments/demo/conda-lock.yml", "why demo six"),
    "the lock that is compared": ("environments/demo/conda-lock.yml", "diff demo demo"),
    "the lock that is checked": ("environments/demo/conda-lock.yml", "check demo"),
    "an output": ("environments/demo/environment.yml", "lock demo --upgrade"),
    "a requirements file": ("r.txt", "import r.txt"),
    "an environment.yml": ("environment.yml", "import environment.yml"),
    "a file of a new one": ("r.txt", "new other --from r.txt"),
    "a file that is included": ("more.txt", "import all.txt"),
    "a file that is mapped": ("r.txt", "map ./r.txt"),
    "a file that is diagnosed": ("r.txt", "diagnose ./r.txt --no-try"),
    "a project of the user's": ("pyproject.toml", "lock own"),
    "a listing": ("vendored/envgen-vendor.json", "vendor --verify vendored"),
    "uv's settings": ("config/uv/uv.toml", "lock both"),
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(("place", "call"), PLACES.values(), ids=PLACES)
def test_it_is_named_and_not_waited_for(
    project: Project, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], place: str, call: str
) -> None:
    project.write("demo", manifest("demo", "six"))
    project.write("own", manifest("own", more="local: [{path: .}]\n"))
    project.write("both", manifest("both", more="pypi: [six]\n"))
    (project.folder / "all.txt").write_text("-r more.txt\n")
    for folder in ("vendored", "config/uv"):
        (project.folder / folder).mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(project.folder / "config"))
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    path = project.folder / place
    path.unlink(missing_ok=True)
    with monkeypatch.context() as patch:
        patch.chdir(path.parent)
        make(path)
    ran = project.run(*shlex.split(call))
    assert ran.code == 1, ran
    assert " is not a regular file" in ran.err + ran.out
    assert path.name in ran.err + ran.out
