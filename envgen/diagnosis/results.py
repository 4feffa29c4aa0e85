"""The values of a diagnosis: its request, its verdicts, the fixes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from envgen.errors import SourceLine
from envgen.knowledge.version_ranges import to_numbers
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.findings import Severity
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import APPLE_SILICON, Platform
from envgen.models.requirement import Requirement
from envgen.pypi.release_verdicts import FileClass

PypiClass = FileClass | Literal["EMPTY_STUB", "UNKNOWN"]
VerdictSource = Literal["conda", "pypi", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing that the user asks for: a requirement, or a match spec that conda alone may serve.

    `line` is None where it was written on the command line; `pypi_only` says that conda may not serve it; `group` is
    the manifest's group that it is listed in, "" for none.
    """

    requested: Requirement | MatchSpec
    line: SourceLine | None = None
    pypi_only: bool = False
    group: str = ""

    @property
    def name(self) -> str:
        """Return the canonical name of the requirement, or the name of conda's package."""
        return self.requested.name

    @property
    def text(self) -> str:
        """Return what is requested, without a marker."""
        return str(self.requested)

    @property
    def key(self) -> str:
        """Return the manifest's list that it is listed in."""
        if isinstance(self.requested, MatchSpec):
            return "conda"
        return "pypi" if self.pypi_only else "dependencies"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisRequest:
    """The questions that are asked together of one target, with the manifest that asks them.

    A question's *place* is its index in `questions`; conflicts and fixes speak of questions by their places.
    """

    questions: tuple[Question, ...]
    platform: Platform
    manifest: str = ""
    accelerator: str | None = None
    channels: tuple[Channel, ...] = (CONDA_FORGE,)
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    constraints: tuple[Requirement, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiAvailability:
    """What PyPI alone has of a requirement.

    `version` is the one that `code` is about, "" where it is about none. EMPTY_STUB is a wheel that fits and installs
    nothing; UNKNOWN means that the index was not asked, or did not answer.
    """

    code: PypiClass
    version: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaAvailability:
    """What the channels have of a requirement on the target.

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
    """Something wrong beyond the files themselves, under a stable code; an error makes the verdict a refusal."""

    code: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a name is available on the target, from where, what leads to it, and what to do if it is not.

    `chain` starts with the name that the user wrote and ends with this one's; `root` is the requirement that the user
    wrote, and `key` the manifest's list that has it; `source` is where it would be taken from.
    """

    requirement: str
    root: str
    chain: tuple[str, ...]
    pypi: PypiAvailability
    conda: CondaAvailability
    ok: bool
    source: VerdictSource
    line: SourceLine | None = None
    key: str = "dependencies"
    faults: tuple[Fault, ...] = ()
    fix: Fix | None = None

    @property
    def name(self) -> str:
        return self.chain[-1]

    @property
    def is_root(self) -> bool:
        """Return whether the user asked for it."""
        return len(self.chain) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The verdicts on what was asked for and on all that it needs, the former first.

    `partial` says that something could not be looked up; `manifest` is a manifest with every fix in it, "" where
    there is nothing to fix or no way to; `locks` says that it was tried and locks. `refusal` says why the whole does
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEdit:
    """What takes the place of one of a manifest's requirements.

    `dependencies`, `pypi` and `overrides` are PEP 508 texts, `conda` match specs; `python`, `macos` and `accelerator`
    are "" where they stay. `keeps` says that the requirement itself stays as it is written.
    """

    dependencies: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    pypi: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    python: str = ""
    macos: str = ""
    accelerator: str = ""
    keeps: bool = False


def combined(edits: Sequence[ManifestEdit]) -> ManifestEdit:
    """Merge edits about one requirement: the first python and accelerator win, and the newest macOS."""

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
        keeps=all(edit.keeps for edit in edits),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JointFix:
    """A fix of several questions at once, in words, with an edit for the place of each question that it changes."""

    text: str
    edits: Mapping[int, ManifestEdit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A change that makes one question available, in words and as an edit (None where no edit can).

    `text` has no full stop at its end; `locks` says that it was tried.
    """

    text: str
    edit: ManifestEdit | None = None
    locks: bool = False


def fragment(edit: ManifestEdit | None, requirement: str, key: str = "dependencies") -> str:
    """Return an edit as keys of envgen.yaml, to be put in place of a requirement's line under a key; "" for none.

    `dependencies: []` says that nothing takes its place there.
    """
    if edit is None:
        return ""
    return "\n".join(_lines(edit, requirement, key)) + "\n"


def _lines(edit: ManifestEdit, requirement: str, key: str) -> Iterator[str]:
    if not edit.keeps:
        yield f"# in place of `{requirement}`"
    if edit.python:
        yield f'python: "{edit.python}"'
    if edit.macos:
        yield f'platforms: [{{platform: {APPLE_SILICON}, macos: "{edit.macos}"}}]'
    if edit.accelerator:
        yield f"accelerator: {edit.accelerator}"
    lists = {"dependencies": edit.dependencies, "conda": edit.conda, "pypi": edit.pypi, "overrides": edit.overrides}
    for name, items in lists.items():
        listed = (*((requirement,) if edit.keeps and name == key else ()), *items)
        if listed:
            yield f"{name}:"
            yield from (f"  - {_scalar(item)}" for item in listed)
        elif name == key:
            yield f"{name}: []"


def _scalar(text: str) -> str:
    """Quote a text that YAML would not read as itself."""
    if all(character.isalnum() or character in "-_.=<>!~,[]" for character in text) and text[0].isalpha():
        return text
    return "'" + text.replace("'", "''") + "'"
