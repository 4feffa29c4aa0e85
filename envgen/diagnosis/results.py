"""What is asked of a diagnosis, and what it finds of each package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from envgen.errors import SourceLine
from envgen.knowledge.version_ranges import to_numbers
from envgen.models.findings import Severity
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.requirement import Requirement
from envgen.pypi.wheel_verdicts import FileClass

PypiClass = FileClass | Literal["EMPTY_STUB", "UNKNOWN"]
Had = Literal["conda", "pypi", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the user asks for: a requirement, or a match spec that conda alone may serve.

    `line` is None where it was written on the command line; `pypi_only` says that conda may not serve it; `group` is
    the manifest's group that it stands in, "" for none.
    """

    asked: Requirement | MatchSpec
    line: SourceLine | None = None
    pypi_only: bool = False
    group: str = ""

    @property
    def name(self) -> str:
        """Return the canonical name of the requirement, or the name of conda's package."""
        return self.asked.name

    @property
    def text(self) -> str:
        """Render what is asked for, without a marker."""
        return str(self.asked)

    @property
    def key(self) -> str:
        """Return the manifest's list that it stands in."""
        if isinstance(self.asked, MatchSpec):
            return "conda"
        return "pypi" if self.pypi_only else "dependencies"


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiAvailability:
    """Describe how a project stands on PyPI, and on PyPI alone.

    `version` is the one that the class is about, "" where none is. EMPTY_STUB is a wheel that fits and installs
    nothing; UNKNOWN means that the index was not asked, or did not answer.
    """

    code: PypiClass
    version: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaAvailability:
    """Describe whether the channels can serve a requirement on the target, as which package and version.

    `name` is the conda name as far as it is known; `known` is False where the channels could not be read, or only a
    part of them.
    """

    available: bool
    name: str | None = None
    version: str = ""
    message: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Describe what is wrong beyond the files themselves, under a stable code; an error makes the verdict a refusal."""

    code: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Describe whether something can be had on the target, from where, what leads to it, and what to do if not.

    `chain` starts with the name that the user wrote and ends with this one's; `root` is the requirement that the user
    wrote, and `key` the manifest's list that it stands in; `source` is where it would be taken from.
    """

    requirement: str
    root: str
    chain: tuple[str, ...]
    pypi: PypiAvailability
    conda: CondaAvailability
    ok: bool
    source: Had
    line: SourceLine | None = None
    key: str = "dependencies"
    faults: tuple[Fault, ...] = ()
    fix: Fix | None = None

    @property
    def name(self) -> str:
        """Return the name of what the verdict is about."""
        return self.chain[-1]

    @property
    def is_root(self) -> bool:
        """Return whether the user asked for it."""
        return len(self.chain) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The verdicts on what was asked for and on all that it needs, the former first.

    `partial` tells that something could not be looked up; `manifest` is a manifest with every fix in it, "" where
    there is nothing to fix or no way to; `locks` tells that it was tried and locks. `refusal` says why the whole does
    not lock where no verdict says it, "" otherwise.
    """

    platform: Platform
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    partial: bool = False
    manifest: str = ""
    locks: bool = False
    refusal: str = ""

    @property
    def ok(self) -> bool:
        """Return whether all that the user asked for can be had at once, and everything could be looked up."""
        every = all(verdict.ok for verdict in self.verdicts if verdict.is_root)
        return every and not self.partial and not self.refusal


# Describe a change of a manifest that makes something installable.


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEdit:
    """What is put in the place of a requirement of a manifest's.

    `dependencies`, `pypi` and `overrides` are PEP 508 texts, `conda` match specs; `python`, `macos` and `accelerator`
    are "" where they stay. `drops` are further names of the manifest's that go with the requirement; `keeps` says that
    the requirement itself stays as it is written.
    """

    dependencies: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    pypi: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    python: str = ""
    macos: str = ""
    accelerator: str = ""
    drops: tuple[str, ...] = ()
    keeps: bool = False


def combined(edits: Sequence[ManifestEdit]) -> ManifestEdit:
    """Make one edit of several that are about one requirement: the first python counts, and the newest macOS."""

    def all_of(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for items in lists for text in items))

    return ManifestEdit(
        dependencies=all_of(edit.dependencies for edit in edits),
        conda=all_of(edit.conda for edit in edits),
        pypi=all_of(edit.pypi for edit in edits),
        overrides=all_of(edit.overrides for edit in edits),
        python=next((edit.python for edit in edits if edit.python), ""),
        macos=max((edit.macos for edit in edits if edit.macos), key=to_numbers, default=""),
        accelerator=next((edit.accelerator for edit in edits if edit.accelerator), ""),
        drops=all_of(edit.drops for edit in edits),
        keeps=all(edit.keeps for edit in edits),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JointFix:
    """A way out in words, with the edits that take it, by the place of the question that each is about."""

    text: str
    edits: Mapping[int, ManifestEdit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A way out in words, with the edit that takes it (None where no edit can); `locks` tells that it was tried.

    `text` has no full stop at its end.
    """

    text: str
    edit: ManifestEdit | None = None
    locks: bool = False


def fragment(edit: ManifestEdit | None, requirement: str, key: str = "dependencies") -> str:
    """Write an edit as the keys of envgen.yaml, to be put in place of a requirement's line under a key; "" for none.

    `dependencies: []` says that nothing takes its place there.
    """
    if edit is None:
        return ""
    return "\n".join(_lines(edit, requirement, key)) + "\n"


def _lines(edit: ManifestEdit, requirement: str, key: str) -> Iterator[str]:
    names = ", ".join(f"`{name}`" for name in (*(() if edit.keeps else (requirement,)), *edit.drops))
    if names:
        yield f"# in place of {names}"
    if edit.python:
        yield f'python: "{edit.python}"'
    if edit.macos:
        yield f'platforms: [{{platform: osx-arm64, macos: "{edit.macos}"}}]'
    if edit.accelerator:
        yield f"accelerator: {edit.accelerator}"
    lists = {"dependencies": edit.dependencies, "conda": edit.conda, "pypi": edit.pypi, "overrides": edit.overrides}
    for name, items in lists.items():
        kept = (requirement,) if edit.keeps and name == key else ()
        yield from _list(name, (*kept, *items), always=name == key)


def _list(key: str, items: Sequence[str], *, always: bool) -> Iterator[str]:
    if not items:
        if always:
            yield f"{key}: []"
        return
    yield f"{key}:"
    yield from (f"  - {_scalar(item)}" for item in items)


def _scalar(text: str) -> str:
    """Quote a text that YAML would not read as itself."""
    if all(character.isalnum() or character in "-_.=<>!~,[]" for character in text) and text[0].isalpha():
        return text
    return "'" + text.replace("'", "''") + "'"
