"""What other tools' files ask for, line by line and whatever their format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from envgen.errors import ForeignFileError, SourceLine
from envgen.models.requirement import Requirement
from envgen.models.secrets import advice, has_secret

ForeignFormat = Literal[
    "requirements.txt", "environment.yml", "pyproject.toml", "pixi.toml", "conda-lock.yml", "conda list"
]
_MAX_PACKAGES = 2000
_LONG_LIST = 30
_NEARLY_ALL = 0.9
_EXACT_SPEC = re.compile(r"={0,2}\d[^,|*<>!~]*")
_EXACT_SPECIFIER = re.compile(r"===?[^,*]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One or more lines of a file: `line` is the first of them, `last` the number of the last."""

    line: SourceLine
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRequirement:
    """A requirement of PyPI's world.

    `group` is "" for what is always wanted; `bound` is set where the line bounds a version and asks for nothing (pip's
    `-c`). `needs` are the names that the package depends on, where the file itself says so; `notes` say what of the
    line was changed or left out in reading.
    """

    span: Span
    requirement: Requirement
    group: str = ""
    bound: bool = False
    needs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedMatchSpec:
    """A match spec in its parts, as conda writes them; "" is what the line does not say.

    `group` and `needs` are as in ImportedRequirement.
    """

    span: Span
    name: str
    version: str = ""
    build: str = ""
    channel: str = ""
    group: str = ""
    needs: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        channel = f"{self.channel}::" if self.channel else ""
        build = f" {self.build}" if self.build else ""
        version = self.version or ("*" if build else "")
        return f"{channel}{self.name}" + (f" {version}{build}" if version else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPython:
    """A bound on python itself: a PEP 440 specifier, or conda's version spec where `conda` is set."""

    span: Span
    bound: str
    conda: bool = False
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedChannel:
    """A conda channel, by its name or URL."""

    span: Span
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedProject:
    """A project of the user's own, by its path relative to the file's folder."""

    span: Span
    path: str
    editable: bool = False
    extras: tuple[str, ...] = ()
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedGroup:
    """A group that another takes in whole."""

    span: Span
    included: str
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedLink:
    """What is fetched from a URL, an archive or a repository; `name` is "" where the line does not say it."""

    span: Span
    url: str
    name: str = ""
    version: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A line that asks for no package, with what it is and why it needs no place in a manifest."""

    span: Span
    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A line that only opens a part of the file, or another file, and says which in `what`."""

    span: Span
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """A line that cannot be understood or followed, with the reason and what to do."""

    span: Span
    why: str
    hint: str = ""


ImportedItem = (
    ImportedRequirement
    | ImportedMatchSpec
    | ImportedPython
    | ImportedChannel
    | ImportedProject
    | ImportedGroup
    | ImportedLink
    | Ignored
    | Heading
    | Unsupported
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignFile:
    """A file that was read: what each line asks for, in the order of the lines.

    `name` is the environment's or project's, `macos` a macOS floor; both are "" where the file says nothing. `files`
    are the further files that were read, in order. `solved` is set where the file lists what a solver chose, `project`
    where it describes a project, which is not installed by what it asks for.
    """

    format: ForeignFormat
    file: str
    items: tuple[ImportedItem, ...]
    name: str = ""
    macos: str = ""
    files: tuple[str, ...] = ()
    solved: bool = False
    project: bool = False
    notes: tuple[str, ...] = ()


Include = Callable[[str, str], tuple[str, str]]
"""Reads a file that another names, given the name as written and the naming file: returns its shown name and its text.

Raises ForeignFileError where it cannot be read.
"""


def refuse_many(count: int, file: str) -> None:
    """Refuse a file that names more packages than any environment has: raise ForeignFileError."""
    if count > _MAX_PACKAGES:
        raise ForeignFileError(f"{file} names {count:,} packages, more than {_MAX_PACKAGES:,}")


def is_solved(items: Iterable[ImportedItem]) -> bool:
    """Return whether nearly every line of a long list names one version: an export, a freeze, a compiled file."""
    packages = [item for item in items if isinstance(item, ImportedRequirement | ImportedMatchSpec)]
    return len(packages) >= _LONG_LIST and sum(map(_is_exact, packages)) >= _NEARLY_ALL * len(packages)


def _is_exact(item: ImportedRequirement | ImportedMatchSpec) -> bool:
    if isinstance(item, ImportedMatchSpec):
        return bool(_EXACT_SPEC.fullmatch(item.version))
    return bool(_EXACT_SPECIFIER.fullmatch(item.requirement.specifier))


def index_note(why: str, value: object) -> str:
    """Return why an index is left out and, where its address has a secret or a variable, what to write to have it."""
    if not isinstance(value, str) or "://" not in value or not has_secret(value):
        return why
    return f"{why}; to ask this one, under `indexes` {advice(value)}"
