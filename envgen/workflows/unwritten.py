"""Point at lines of a manifest that was edited in memory and then not written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from envgen.errors import EnvgenError, ManifestError, SourceLine

COMMAND = "the command"


@contextmanager
def unwritten(file: str, before: str) -> Iterator[None]:
    """Let a failure name the lines of the manifest as it stands, and call those that an edit would add the command's.

    `before` is the text that the file still has.
    """
    try:
        yield
    except EnvgenError as error:
        lines = before.split("\n")
        error.lines = tuple(dict.fromkeys(_placed(line, file, lines) for line in error.lines))
        if isinstance(error, ManifestError):
            error.problems = tuple(
                replace(
                    problem,
                    line=problem.line and _placed(problem.line, file, lines),
                    others=tuple(_placed(line, file, lines) for line in problem.others),
                )
                for problem in error.problems
            )
        raise


def _placed(line: SourceLine, file: str, lines: list[str]) -> SourceLine:
    if line.file != file or not line.line:
        return line
    same = [number for number, text in enumerate(lines, 1) if text.strip() == line.text.strip()]
    if not same:
        return SourceLine(file=COMMAND, line=0, text=line.text.strip().removeprefix("- "))
    nearest = min(same, key=lambda number: abs(number - line.line))
    return replace(line, line=nearest, text=lines[nearest - 1])
