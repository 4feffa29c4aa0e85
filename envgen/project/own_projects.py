"""The requirements of the user's own projects (`local`), as part of a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from packaging.specifiers import SpecifierSet

from envgen.errors import EnvgenError, ForeignFileError, PlanError, SourceLine
from envgen.importers.own_project import OwnProject, read_own_project
from envgen.manifest.model import Manifest
from envgen.manifest.schema import LocalProject
from envgen.project.project import Environment, open_environment
from envgen.system.files import inside, read_text
from envgen.system.settings import Ceiling

PYPROJECT = "pyproject.toml"
_OLDER = ("setup.py", "setup.cfg")
_MICROS = 60  # of a python minor: no minor had half as many


def open_whole(root: Path, name: str) -> Environment:
    """Read an environment's manifest with what the user's own projects need.

    Raises:
        UsageError: there is no such environment. ManifestError: its manifest is malformed. ForeignFileError: a project
            is not there, or cannot be read. PlanError: a project does not run on the manifest's python.
    """
    environment = open_environment(root, name)
    return replace(environment, manifest=with_projects(root, environment.manifest))


def with_projects(root: Path, manifest: Manifest) -> Manifest:
    """Return a manifest with what the user's own projects need; a requirement that is one of them is left out.

    Raises:
        ForeignFileError: with every project that is not there or cannot be read. PlanError: one needs another python.
    """
    projects: list[OwnProject] = []
    faults: list[EnvgenError] = []
    for index, project in enumerate(manifest.local):
        try:
            projects.append(_read(root, project, manifest.origin("local", index).line))
        except ForeignFileError as error:
            faults.append(error)
    if faults:
        raise _joined(faults)
    for own in projects:
        _refuse_python(manifest, own)
    names = {own.name for own in projects if own.name}
    needed = [item for own in projects for item in own.requirements if item.name not in names]
    notes = [
        f"what your project `{project.path}` needs could not be read, so it is not locked: {own.unread}; "
        "list it under `dependencies`"
        for project, own in zip(manifest.local, projects, strict=True)
        if own.unread
    ]
    return manifest.needing(needed, notes)


def _read(root: Path, project: LocalProject, line: SourceLine | None) -> OwnProject:
    folder = inside(root, project.path, error=ForeignFileError)
    lines = [line] if line else []
    if not folder.is_dir():
        hint = "check it out, or take it out of `local`"
        raise ForeignFileError(f"there is no project at `{project.path}`", hint=hint, lines=lines, code="local")
    path = folder / PYPROJECT
    if path.exists():
        shown = PYPROJECT if project.path == "." else f"{project.path}/{PYPROJECT}"
        text = read_text(path, limit=Ceiling.MANIFEST, error=ForeignFileError)
        return read_own_project(text, shown, project.extras)
    older = next((name for name in _OLDER if (folder / name).is_file()), None)
    if older is None:
        raise ForeignFileError(
            f"`{project.path}` holds no Python project: there is no {PYPROJECT} in it",
            hint="name the folder that holds it, or take it out of `local`",
            lines=lines,
            code="local",
        )
    return OwnProject(unread=f"it has no {PYPROJECT}, and {older} would have to be run")


def _joined(faults: Sequence[EnvgenError]) -> EnvgenError:
    if len(faults) == 1:
        return faults[0]
    listed = "\n  ".join(f"{each.message} ({each.hint})" if each.hint else each.message for each in faults)
    lines = [line for each in faults for line in each.lines]
    return ForeignFileError(f"{len(faults)} projects cannot be read\n  {listed}", lines=lines, code="local")


def _refuse_python(manifest: Manifest, own: OwnProject) -> None:
    minor = manifest.python
    if not minor or not own.python:
        return
    bounds = SpecifierSet(own.python)
    if not any(bounds.contains(f"{minor}.{micro}") for micro in range(_MICROS)):
        lines = [line for line in (own.python_line, manifest.origin("python").line) if line]
        raise PlanError(
            f"your own project needs python {own.python}, and the environment has python {minor}",
            hint="change `python` in the manifest, or `requires-python` of the project",
            lines=lines,
        )
