"""Hold what is asked of a diagnosis, and what it finds of each package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from envgen.diagnosis.fix import Fix
from envgen.errors import SourceLine
from envgen.models.findings import Severity
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.requirement import Requirement
from envgen.pypi.wheel_verdicts import FileClass

PypiClass = FileClass | Literal["EMPTY_STUB", "UNKNOWN"]
Had = Literal["conda", "pypi", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Hold what the user asks for: a requirement, or a match spec that conda alone may serve.

    `line` is None where it was written on the command line; `pypi_only` says that conda may not serve it; `group` is
    the manifest's group that it stands in, "" for none.
    """

    asked: Requirement | MatchSpec
    line: SourceLine | None = None
    pypi_only: bool = False
    group: str = ""

    @property
    def name(self) -> str:
        """Give the canonical name of the requirement, or the name of conda's package."""
        return self.asked.name

    @property
    def text(self) -> str:
        """Render what is asked for, without a marker."""
        return str(self.asked)

    @property
    def key(self) -> str:
        """Give the manifest's list that it stands in."""
        if isinstance(self.asked, MatchSpec):
            return "conda"
        return "pypi" if self.pypi_only else "dependencies"


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiStanding:
    """Say how a project stands on PyPI, and on PyPI alone.

    `version` is the one that the class is about, "" where none is. EMPTY_STUB is a wheel that fits and installs
    nothing; UNKNOWN means that the index was not asked, or did not answer.
    """

    code: PypiClass
    version: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaStanding:
    """Say whether the channels can serve a requirement on the target, as which package and version.

    `name` is the conda name as far as it is known; `known` is False where the channels could not be read, or only a
    part of them.
    """

    available: bool
    name: str | None = None
    version: str = ""
    message: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Say what is wrong beyond the files themselves, under a stable code; an error makes the verdict a refusal."""

    code: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Say whether something can be had on the target, from where, what leads to it, and what to do if not.

    `chain` starts with the name that the user wrote and ends with this one's; `root` is the requirement that the user
    wrote, and `key` the manifest's list that it stands in; `source` is where it would be taken from.
    """

    requirement: str
    root: str
    chain: tuple[str, ...]
    pypi: PypiStanding
    conda: CondaStanding
    ok: bool
    source: Had
    line: SourceLine | None = None
    key: str = "dependencies"
    troubles: tuple[Trouble, ...] = ()
    fix: Fix | None = None

    @property
    def name(self) -> str:
        """Give the name of what the verdict is about."""
        return self.chain[-1]

    @property
    def is_root(self) -> bool:
        """Tell whether the user asked for it."""
        return len(self.chain) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Hold the verdicts on what was asked for and on all that it needs, the former first.

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
        """Tell whether all that the user asked for can be had at once, and everything could be looked up."""
        every = all(verdict.ok for verdict in self.verdicts if verdict.is_root)
        return every and not self.partial and not self.refusal
