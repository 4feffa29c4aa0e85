"""The terminal: the home of all styling.

stdout holds the data that was asked for; notes, findings, progress and errors go to stderr. Colour needs a terminal
and no `NO_COLOR`; nothing is said by colour alone. Whatever is printed may hold other people's words, so what a
terminal or a reader would not take for text is escaped here (`printable`), and what has an end of a line in it stands
deeper from there on (`_hanging`): no name, note or error text of others can pass for a line of envgen's own.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from envgen.errors import EnvgenError

Json = Mapping[str, object]
Progress = Callable[[str], None]
_MOST_LINES = 100  # of a failure, below its first: a manifest of thousands may have each of its own in it
_UNITS = ("kB", "MB", "GB", "TB")
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff\U0001d173-\U0001d17a]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Print results as text or as one JSON object."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    def data(self, shape: Json, text: str | Iterable[str]) -> None:
        """Print what was asked for: the shape with `--json`, else the text, which `--quiet` does not take away.

        A text is a document as it stands; lines are envgen's own, each with values of others in it.
        """
        if self.as_json:
            sys.stdout.write(_json(shape))
        elif shown := (text if isinstance(text, str) else "\n".join(map(_hanging, text))):
            sys.stdout.write(printable(shown.rstrip("\n")) + "\n")
        sys.stdout.flush()

    def report(self, shape: Json, lines: Iterable[str]) -> None:
        """Print what a command did: the shape with `--json`, else the lines unless `--quiet`."""
        self.data(shape, () if self.quiet else lines)

    def info(self, text: str) -> None:
        """Print a line for people on stderr."""
        if not self.quiet and not self.as_json:
            _print("", "", text)

    def note(self, text: str) -> None:
        """Print a note on stderr."""
        if not self.quiet and not self.as_json:
            _print("note: ", "cyan", text)

    def warn(self, text: str) -> None:
        """Print a warning on stderr, even with `--quiet`."""
        if not self.as_json:
            _print("warning: ", "yellow", text)

    @contextmanager
    def progress(self, text: str) -> Iterator[Progress]:
        """Show what is being done on a terminal, and nothing elsewhere."""
        if self.quiet or self.as_json or not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.console import Console as RichConsole
        from rich.text import Text

        with RichConsole(stderr=True).status(Text(printable(text))) as status:
            yield lambda step: status.update(Text(printable(step)))


def show_error(error: EnvgenError, *, as_json: bool) -> None:
    """Print a failure: the JSON shape on stdout with `--json`, else text on stderr."""
    if as_json:
        lines = [{"file": line.file, "line": line.line, "text": line.text} for line in error.lines]
        shape = {"error": {"code": error.code, "message": error.message, "hint": error.hint, "lines": lines}}
        try:
            sys.stdout.write(_json(shape))
            sys.stdout.flush()
        except OSError:  # then it is told where it can be
            show_error(error, as_json=False)
        return
    hint = f"\nhint: {error.hint}" if error.hint else ""
    first, *rest = str(error).removesuffix(hint).split("\n")
    if len(rest) > _MOST_LINES:  # what it comes to, and the user's lines, are at its end
        half = _MOST_LINES // 2
        left_out = f"  … {len(rest) - 2 * half} lines are left out here, --json has them all"
        rest = [*rest[:half], left_out, *rest[-half:]]
    _print("error: ", "bold red", "\n".join([first, *rest]))
    if error.hint:
        _print("hint: ", "cyan", error.hint)


def printable(text: str) -> str:
    """Return a text that a terminal shows as it is: with escapes, as Python's, for all that would do something else.

    These are control characters (C0 and C1, but for the end of a line and a tab), what is not seen or turns the
    direction of what follows (zero-width, bidi and other format characters), other ends of lines, and half characters.
    """
    return _UNPRINTABLE.sub(lambda match: _escape(match[0]), text)


def _escape(sign: str) -> str:
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json(shape: Json) -> str:
    """Return an object as text, with escapes of JSON's own for what is not printable or stdout cannot encode."""
    plain = json.dumps(shape, indent=2, ensure_ascii=False)
    text = _UNPRINTABLE.sub(lambda match: json.dumps(match[0])[1:-1].replace("\x7f", "\\u007f"), plain) + "\n"
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(shape, indent=2) + "\n"
    return text


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of rows laid out in columns as plain text, two spaces apart, the last column unpadded."""
    lines = [tuple(cell.replace("\n", " ") for cell in row) for row in (headers, *rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(headers))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _hanging(text: str) -> str:
    """Return a text whose further lines all stand deeper than the first."""
    first, *rest = text.split("\n")
    deeper = " " * (len(first) - len(first.lstrip(" ")) + 2)
    if all(line.startswith(deeper) for line in rest):
        return text
    return "\n".join([first, *(f"{deeper}{line}" for line in rest)])


def _print(label: str, style: str, text: str) -> None:
    """Print a label in a style and a text without one, on stderr; plain where it is no terminal."""
    text = _hanging(printable(text))
    with contextlib.suppress(OSError):  # a terminal that has gone away, or a full disk, hears nothing
        if not sys.stderr.isatty():
            sys.stderr.write(f"{label}{text}\n")
            return
        from rich.console import Console as RichConsole
        from rich.text import Text

        RichConsole(stderr=True).print(Text.assemble((label, style), text), soft_wrap=True)


def size_text(size: int | None) -> str:
    """Return a number of bytes in units of 1000; "?" for an unknown one."""
    if size is None:
        return "?"
    if abs(size) < 1000:
        return f"{size} B"
    value = float(size)
    for unit in _UNITS:
        value /= 1000
        if abs(value) < 999.95 or unit == _UNITS[-1]:
            return f"{value:.1f} {unit}"
    raise AssertionError("the last unit takes every size")


def growth_text(before: int | None, after: int | None) -> str:
    """Return how a size changed, with its sign; "?" where one is unknown."""
    if before is None or after is None:
        return "?"
    change = after - before
    return "0 B" if not change else f"{'+' if change > 0 else '-'}{size_text(abs(change))}"
