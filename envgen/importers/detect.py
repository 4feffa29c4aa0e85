"""The kind of another tool's file, by its content and its name."""

from __future__ import annotations

import re

from envgen.errors import ForeignFileError
from envgen.importers.conda_lists import is_conda_list, read_conda_list, read_foreign_lock, table_hint
from envgen.importers.environment_yml import read_environment
from envgen.importers.items import (
    ForeignFile,
    ForeignFormat,
    Heading,
    Ignored,
    ImportedChannel,
    Include,
    Unsupported,
    refuse_many,
)
from envgen.importers.pixi_toml import read_pixi
from envgen.importers.pyproject import read_pyproject
from envgen.importers.requirements_txt import read_requirements
from envgen.manifest.yaml_document import source_line

_KNOWN = "requirements.txt, environment.yml, pyproject.toml, pixi.toml and conda-lock.yml are read"
_INSTEAD = {
    "uv.lock": "give pyproject.toml",
    "poetry.lock": "give pyproject.toml",
    "pdm.lock": "give pyproject.toml",
    "pylock.toml": "give pyproject.toml",
    "pixi.lock": "give pixi.toml",
    "Pipfile": "give what `pipenv requirements` prints",
    "Pipfile.lock": "give what `pipenv requirements` prints",
    "setup.py": "give pyproject.toml or requirements.txt",
    "setup.cfg": "give pyproject.toml or requirements.txt",
    "envgen.yaml": "it is a manifest already: `envgen lock` it",
}
_YAML = re.compile(r"^(name|channels|dependencies|prefix|variables)\s*:", re.MULTILINE)
_LOCK = re.compile(r"^(metadata|package)\s*:", re.MULTILINE)
_MERGE = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
_TOML = re.compile(r"^\[\[?[\w.\"' -]+\]\]?\s*(#.*)?$", re.MULTILINE)
_PIXI = re.compile(r"^\[(workspace|dependencies|pypi-dependencies|feature\.|tasks)", re.MULTILINE)
_PYPROJECT = re.compile(r"^\[(build-system|dependency-groups|tool\.|project\.(optional-|urls|scripts))", re.MULTILINE)
_FEW = 3  # lines that cannot be understood, which no file is refused for
_SHOWN = 5
_WHERE: dict[ForeignFormat, str] = {
    "requirements.txt": "write a requirement a line, such as `pandas>=2`",
    "environment.yml": "list them under `dependencies`",
    "pyproject.toml": "if setup.py or setup.cfg lists them, write them to a requirements.txt and give that",
    "pixi.toml": "list them under `[dependencies]` or `[pypi-dependencies]`",
}


def read_foreign(text: str, file: str, include: Include) -> ForeignFile:
    """Read another tool's file, whose kind its content decides first and its name second.

    Raises:
        ForeignFileError: it is none of the kinds that are read, empty, or malformed; it asks for nothing, or most of
            its lines cannot be understood.
    """
    found = _read(format_of(text, file), text, file, include)
    _refuse_nothing(found)
    return found


def _read(kind: ForeignFormat, text: str, file: str, include: Include) -> ForeignFile:
    match kind:
        case "environment.yml":
            return read_environment(text, file, include)
        case "conda-lock.yml":
            return read_foreign_lock(text, file)
        case "pyproject.toml":
            return read_pyproject(text, file, include)
        case "pixi.toml":
            return read_pixi(text, file)
        case "conda list":
            return read_conda_list(text, file)
        case "requirements.txt":
            return read_requirements(text, file, include)


def format_of(text: str, file: str) -> ForeignFormat:
    """Return a file's kind; raise ForeignFileError for one that is not read, with what to give instead."""
    name = file.rpartition("/")[2]
    lower = name.lower()
    _refuse_unread(text, name)
    if lower.endswith(".toml") or (_TOML.search(text) and not lower.endswith((".yml", ".yaml"))):
        pixi = lower == "pixi.toml" or (_PIXI.search(text) and not _PYPROJECT.search(text))
        return "pixi.toml" if pixi else "pyproject.toml"
    if not _YAML.search(text) and len(_LOCK.findall(text)) == 2:
        return "conda-lock.yml"
    if _YAML.search(text) or lower.endswith((".yml", ".yaml")):
        return "environment.yml"
    return "conda list" if is_conda_list(text) else "requirements.txt"


def _refuse_unread(text: str, name: str) -> None:
    """Refuse what none of the readers is for, with what to give in its place."""
    if name in _INSTEAD:
        raise ForeignFileError(f"{name} is not read", hint=f"{_INSTEAD[name]}; {_KNOWN}")
    if merge := _MERGE.search(text):
        line = source_line(name, text.split("\n"), text.count("\n", 0, merge.start()) + 1)
        hint = "keep the wanted lines, and delete the markers"
        raise ForeignFileError(f"{name} holds an unresolved merge", lines=[line], hint=hint)
    if re.search(r"^@EXPLICIT\s*$", text, re.MULTILINE):
        hint = "give the environment.yml that it was made from, or what `conda env export --from-history` prints"
        raise ForeignFileError(f"{name} is an explicit file: it names the files of one platform", hint=hint)
    if text.lstrip()[:1] in ("{", "<") or name.endswith((".json", ".py", ".ipynb", ".html")):
        raise ForeignFileError(f"{name} is none of the kinds that are read", hint=_KNOWN)
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.split("\n")):
        what = "holds nothing but comments" if text.strip() else "is empty"
        raise ForeignFileError(f"{name} {what}", hint=f"give a file that asks for packages; {_KNOWN}")
    if hint := table_hint(text):
        raise ForeignFileError(f"{name} is a table for people to read", hint=hint)


def _refuse_nothing(found: ForeignFile) -> None:
    """Refuse a file that asks for nothing, or most of whose lines cannot be understood: it is no list of packages."""
    unsupported = [item for item in found.items if isinstance(item, Unsupported)]
    wanted = [item for item in found.items if not isinstance(item, Unsupported | Ignored | Heading | ImportedChannel)]
    refuse_many(len(wanted), found.file)
    if not wanted and not unsupported:
        hint = _WHERE.get(found.format, "give the files that it was made from")
        raise ForeignFileError(f"{found.file} asks for no packages", hint=hint)
    strange = [item for item in unsupported if not item.span.line.text.strip().removeprefix("- ").startswith("-")]
    if wanted and len(strange) < max(_FEW, len(wanted)):
        return
    first = (strange or unsupported)[0]
    why = "most of its lines cannot be understood" if wanted else f"none of its lines asks for a package ({first.why})"
    lines = list(dict.fromkeys(item.span.line for item in strange or unsupported))
    raise ForeignFileError(f"{found.file} cannot be read: {why}", lines=lines[:_SHOWN], hint=first.hint)
