"""The problems of a manifest, in words, as one error that lists them all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envgen.errors import ManifestError, Problem
from envgen.models.near_names import near_names
from envgen.models.secrets import mask

_SHOWN = 80
_MESSAGE = 400
_MEANT = {"gpu": "metal", "mps": "metal", "cuda": "metal"}  # what computes on the GPU of a Mac


class RefusalError(ValueError):
    """A value that is refused, with the reason.

    `hint` says what to write instead; `at` leads from the value that was looked at to the part that is meant, `beside`
    to others that take part.
    """

    def __init__(
        self, message: str, *, hint: str = "", at: Sequence[str | int] = (), beside: Sequence[Sequence[str | int]] = ()
    ) -> None:
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
    clean = "".join(
        character if character.isprintable() else " " if character in "\t\n\r" else "\ufffd" for character in text
    )
    return mask(clean)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message that suggests the known name of the same meaning, or the nearest, or ""."""
    names = sorted(known, reverse=True)
    meant = _MEANT.get(name.lower())
    close = (meant,) if meant in names else near_names(name[:_SHOWN].lower(), names)
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
