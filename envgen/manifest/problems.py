"""Turn what is wrong with a manifest into one error that lists it all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from envgen.errors import ManifestError, Problem

_SHOWN = 80
_MEANT = {"gpu": "metal", "mps": "metal", "cuda": "metal"}  # what computes on the GPU of a Mac
_MESSAGE = 400
_USER_INFO = re.compile(r"(?<=://)[^/\s]+(?=@)")
_TOKEN = re.compile(r"(?<=/t/)[^/\s\"'\],}]+")


class RefusalError(ValueError):
    """Describe why a value is refused.

    `hint` says what to write instead; `at` leads from the value that was looked at to the part that is meant, `beside`
    to others that take part.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        at: Sequence[str | int] = (),
        beside: Sequence[Sequence[str | int]] = (),
    ) -> None:
        """Keep the parts apart, so that each lands in its place of a Problem."""
        clean = shown(message)
        self.message = f"{clean[:_MESSAGE]}…" if len(clean) > _MESSAGE else clean
        super().__init__(self.message)
        self.hint = hint
        self.at = tuple(at)
        self.beside = tuple(map(tuple, beside))


def dotted(path: Sequence[str | int]) -> str:
    """Render a path as people write it: `platforms[0].macos`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return shown(text)


def quoted(value: object) -> str:
    """Show a value of the user's within a message, cut to a readable length and fit to be shown."""
    text = shown(str(value))
    return f"`{text[:_SHOWN]}…`" if len(text) > _SHOWN else f"`{text}`"


def shown(text: str) -> str:
    """Make a text fit for a message: no secrets (the user info and tokens of URLs), no control characters."""
    clean = "".join(character if character.isprintable() else _stand_in(character) for character in text)
    return _TOKEN.sub("***", _USER_INFO.sub("***", clean))


def _stand_in(character: str) -> str:
    return " " if character in "\t\n\r" else "\ufffd"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message that suggests the known name of the same meaning, or the nearest, or ""."""
    names = sorted(known)
    close = [word for word in (_MEANT.get(name.lower(), ""),) if word in names]
    close = close or get_close_matches(name[:_SHOWN].lower(), names, n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""


def manifest_error(file: str, problems: Sequence[Problem]) -> ManifestError:
    """Build the one error that lists these problems, in the order of the file's lines.

    One problem's hint is the error's; of several, each stands behind its own problem.
    """
    ordered = sorted(problems, key=lambda problem: (problem.line.line if problem.line else 0, problem.column))
    if len(ordered) == 1:
        return ManifestError(f"{file}: {ordered[0]}", problems=ordered, hint=ordered[0].hint)
    lines = (f"{problem} ({problem.hint})" if problem.hint else str(problem) for problem in ordered)
    message = "\n  ".join([f"{file} has {len(ordered)} problems", *lines])
    return ManifestError(message, problems=ordered)
