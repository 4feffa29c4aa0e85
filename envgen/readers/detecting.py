"""Tell what kind of file another tool's file is, by its content and its name, and read it."""

from __future__ import annotations

import re

from envgen.errors import ForeignFileError
from envgen.manifest.yaml_document import source_line
from envgen.readers.conda_list import is_conda_list, read_conda_list, table_hint
from envgen.readers.environment_yml import read_environment
from envgen.readers.foreign import ForeignFile, Format, Include
from envgen.readers.foreign_lock import read_foreign_lock
from envgen.readers.pixi_toml import read_pixi
from envgen.readers.pyproject import read_pyproject
from envgen.readers.requirements_txt import read_requirements
from envgen.readers.substance import refuse_nothing

KNOWN = "requirements.txt, environment.yml, pyproject.toml, pixi.toml and conda-lock.yml are read"
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


def read_foreign(text: str, file: str, include: Include) -> ForeignFile:
    """Read another tool's file, whose kind is told by its content first and its name second.

    Raises:
        ForeignFileError: it is none of the kinds that are read, empty, or malformed.
    """
    found = _read(format_of(text, file), text, file, include)
    refuse_nothing(found)
    return found


def _read(kind: Format, text: str, file: str, include: Include) -> ForeignFile:
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


def format_of(text: str, file: str) -> Format:
    """Tell a file's kind; raise ForeignFileError for one that is not read, with what to give instead."""
    name = file.rpartition("/")[2]
    lower = name.lower()
    _refuse(text, name)
    if lower.endswith(".toml") or (_TOML.search(text) and not lower.endswith((".yml", ".yaml"))):
        return _toml_format(text, lower)
    if _YAML.search(text) or lower.endswith((".yml", ".yaml")):
        return _yaml_format(text)
    if len(_LOCK.findall(text)) == 2:
        return "conda-lock.yml"
    return "conda list" if is_conda_list(text) else "requirements.txt"


def _refuse(text: str, name: str) -> None:
    if name in _INSTEAD:
        raise ForeignFileError(f"{name} is not read", hint=f"{_INSTEAD[name]}; {KNOWN}")
    if merge := _MERGE.search(text):
        line = source_line(name, text.split("\n"), text.count("\n", 0, merge.start()) + 1)
        hint = "keep the wanted lines, and delete the markers"
        raise ForeignFileError(f"{name} holds an unresolved merge", lines=[line], hint=hint)
    if re.search(r"^@EXPLICIT\s*$", text, re.MULTILINE):
        hint = "give the environment.yml that it was made from, or what `conda env export --from-history` prints"
        raise ForeignFileError(f"{name} is an explicit file: it names the files of one platform", hint=hint)
    if text.lstrip()[:1] in ("{", "<") or name.endswith((".json", ".py", ".ipynb", ".html")):
        raise ForeignFileError(f"{name} is none of the kinds that are read", hint=KNOWN)
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.split("\n")):
        what = "holds nothing but comments" if text.strip() else "is empty"
        raise ForeignFileError(f"{name} {what}", hint=f"give a file that asks for packages; {KNOWN}")
    if hint := table_hint(text):
        raise ForeignFileError(f"{name} is a table for people to read", hint=hint)


def _toml_format(text: str, lower: str) -> Format:
    if lower == "pixi.toml" or (_PIXI.search(text) and not _PYPROJECT.search(text)):
        return "pixi.toml"
    return "pyproject.toml"


def _yaml_format(text: str) -> Format:
    if len(_LOCK.findall(text)) == 2 and not _YAML.search(text):
        return "conda-lock.yml"
    return "environment.yml"
