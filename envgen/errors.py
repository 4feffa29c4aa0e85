"""The expected failures of envgen, each with its code and exit code.

EnvgenError
├── UsageError                 the call itself is wrong (exit 2)
├── ManifestError              envgen.yaml is malformed or inconsistent
├── MappingError               a name, extra or specifier cannot be translated
├── PlanError                  the requirements cannot be given sources that fit
├── RepodataError              a channel's index cannot be read
│   └── ChannelUnreachableError
├── SolveError                 a solver failed
│   ├── UnsatisfiableError     no set of records meets the request
│   ├── SolverUnavailableError the chosen solver cannot be imported
│   └── UnsupportedOptionError the solver cannot honour an option
├── PypiError                  the PyPI side failed
│   ├── PypiUnreachableError
│   └── PypiUnsatisfiableError
├── ProofError                 the lock does not fit together
├── LockfileError              a committed lock is missing or damaged
├── ForeignFileError           another tool's file cannot be read
├── InstallError               a prefix cannot be made or changed
│   └── InterruptedInstallError
├── InterruptedRunError        the user stopped the run (exit 130)
└── WriteError                 a file cannot be written
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SourceLine:
    """A line of a file of the user's own; lines sort as they stand in their files.

    `line` counts from 1; 0 means that the text has no line (a command-line argument).
    """

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        """Render as `file:line: text`."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.text.strip()}"


def sorted_lines(lines: Iterable[SourceLine | None]) -> list[SourceLine]:
    """Return the lines that there are, each once, sorted by file and number."""
    return sorted({line for line in lines if line})


class EnvgenError(Exception):
    """An expected failure: what failed, on which lines, and what to do.

    `message` says what failed and why, without a full stop; `hint` what to do; `lines` are the user's own
    lines that take part; `exit_code` is 1, or 2 where the call itself is wrong.
    """

    code = "error"
    exit_code = 1

    def __init__(
        self, message: str, *, hint: str = "", lines: Sequence[SourceLine] = (), code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.lines = tuple(lines)
        if code is not None:
            self.code = code

    def with_lines(self, lines: Iterable[SourceLine]) -> Self:
        """Return the same failure at other lines, each once; its cause and traceback are this one's."""
        return self._with(lines=tuple(dict.fromkeys(lines)))

    def with_hint(self, hint: str) -> Self:
        """Return the same failure with another hint."""
        return self._with(hint=hint)

    def _with(self, **fields: object) -> Self:
        # A subclass's `__init__` takes other arguments: the fields are copied instead of calling it again.
        made = type(self).__new__(type(self), *self.args)
        vars(made).update(vars(self) | fields)
        made.__cause__, made.__traceback__ = self.__cause__, self.__traceback__
        made.__suppress_context__ = True
        return made

    def __str__(self) -> str:
        """Render the message, then the lines, then the hint."""
        parts = [self.message, *(f"  {line}" for line in self.lines)]
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n".join(parts)


class UsageError(EnvgenError):
    """A call that is wrong in itself."""

    code = "usage"
    exit_code = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong at one place of a file of the user's own.

    `path` is dotted (`dependencies[3]`), "" for the file as a whole; `column` counts from 1 in the line as it stands in
    the file, 0 where none is known; `others` are further lines that take part.
    """

    path: str
    message: str
    hint: str = ""
    line: SourceLine | None = None
    column: int = 0
    others: tuple[SourceLine, ...] = ()

    def __str__(self) -> str:
        """Render as `path: message`."""
        return f"{self.path}: {self.message}" if self.path else self.message


class ManifestError(EnvgenError):
    """Every problem of a manifest at once.

    `message` lists them all; `problems` keeps each apart; `lines` are theirs unless given.
    """

    code = "manifest"

    def __init__(
        self, message: str, *, problems: Sequence[Problem] = (), hint: str = "", lines: Sequence[SourceLine] = ()
    ) -> None:
        own = [line for problem in problems for line in (problem.line, *problem.others) if line is not None]
        super().__init__(message, hint=hint, lines=lines or own)
        self.problems = tuple(problems)

    def with_problems(self, problems: Iterable[Problem]) -> Self:
        """Return the same failure with other problems."""
        return self._with(problems=tuple(problems))

    def __str__(self) -> str:
        """Render each problem with its line below it, then the hint."""
        if not self.problems:
            return super().__str__()
        parts = self.message.split("\n", 1)[:1]
        for problem in self.problems:
            if len(self.problems) > 1:
                parts.append(f"  {problem}" + (f" ({problem.hint})" if problem.hint else ""))
            parts.extend(_pointed(problem))
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n".join(parts)


def _pointed(problem: Problem) -> list[str]:
    """Render a problem's line with a caret below its column, else with the other lines that take part."""
    if problem.line is None:
        return []
    shown = f"    {problem.line}"
    if not problem.column:
        return [shown, *(f"    {line}" for line in problem.others)]
    text = problem.line.text
    skipped = len(text) - len(text.lstrip())
    start = len(shown) - len(text.strip())
    return [shown, " " * (start + max(0, problem.column - 1 - skipped)) + "^"]


class MappingError(EnvgenError):
    """A requirement that cannot be translated."""

    code = "mapping"


class PlanError(EnvgenError):
    """Requirements that cannot be given sources that fit."""

    code = "plan"


class RepodataError(EnvgenError):
    """An index that cannot be read."""

    code = "repodata"


class ChannelUnreachableError(RepodataError):
    """A channel that does not answer."""

    code = "channel-unreachable"


class SolveError(EnvgenError):
    """A failure of a solver."""

    code = "solve"


class UnsatisfiableError(SolveError):
    """A request that no set of records meets.

    `problem` is the solver's own explanation, as a plain-text tree; `names` are the packages whose requirements cannot
    be met together, where they were looked for.
    """

    code = "unsatisfiable"

    def __init__(
        self,
        message: str,
        *,
        problem: str,
        hint: str = "",
        lines: Sequence[SourceLine] = (),
        names: Sequence[str] = (),
    ) -> None:
        super().__init__(message, hint=hint, lines=lines)
        self.problem = problem
        self.names = tuple(names)


class SolverUnavailableError(SolveError):
    """A solver that cannot be imported."""

    code = "solver-unavailable"


class UnsupportedOptionError(SolveError):
    """An option that a solver cannot honour."""

    code = "unsupported-option"


class PypiError(EnvgenError):
    """A failure of the PyPI side."""

    code = "pypi"


class PypiUnreachableError(PypiError):
    """An index that does not answer, or answers with something else."""

    code = "pypi-unreachable"


FailureKind = Literal["wheels", "versions", "conflict", "unknown"]
"""Why a PyPI resolver has no answer: a project has no wheel that fits, or is nowhere; one has no such version; versions
exclude each other; an explanation that nobody has read before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiFailure:
    """What a PyPI resolver's explanation says.

    `problem` is its own text, and `names` the distributions that it speaks of, in its order; `required` are those that
    it calls the user's own, `conclusion` is what cannot stand together, of a readable length.
    """

    problem: str
    kind: FailureKind = "unknown"
    names: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    conclusion: str = ""


class PypiUnsatisfiableError(PypiError):
    """Requirements that no set of wheels meets; `because` are the user's lines that keep those from conda."""

    code = "pypi-unsatisfiable"

    def __init__(
        self,
        message: str,
        failure: PypiFailure,
        *,
        hint: str = "",
        lines: Sequence[SourceLine] = (),
        because: Sequence[SourceLine] = (),
    ) -> None:
        super().__init__(message, hint=hint, lines=lines)
        self.failure = failure
        self.because = tuple(because)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the distributions that take part."""
        return self.failure.names

    @property
    def problem(self) -> str:
        """Return the resolver's own explanation."""
        return self.failure.problem


class ProofError(EnvgenError):
    """A lock that does not fit together."""

    code = "proof"


class LockfileError(EnvgenError):
    """A committed lock that is missing or damaged."""

    code = "lockfile"


class ForeignFileError(EnvgenError):
    """A file of another tool's that cannot be read."""

    code = "foreign-file"


class InstallError(EnvgenError):
    """A prefix that cannot be made or changed."""

    code = "install"


class InterruptedInstallError(InstallError):
    """A change of a prefix that the user stopped."""

    code = "interrupted"
    exit_code = 130


class InterruptedRunError(EnvgenError):
    """A run that the user stopped."""

    code = "interrupted"
    exit_code = 130


class WriteError(EnvgenError):
    """A file that cannot be written."""

    code = "write"
