"""Other people's text files, in whatever encoding they were saved."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from envgen.errors import ForeignFileError
from envgen.system.files import IrregularFileError, inside, open_regular
from envgen.system.settings import Ceiling

MAX_BYTES: int = Ceiling.FOREIGN
MAX_LINE = 100_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
# Python's own, which are no character sets: some take hours, or fail in ways of their own
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignText:
    """A file's text, its line breaks all the same; `shown` is its path relative to the folder that it was read from."""

    shown: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignFolder:
    """The files of one folder and of those below it, and of no other: a file may name others by relative paths."""

    folder: Path

    def read(self, name: str, beside: str = "") -> ForeignText:
        """Read a file whose path is relative to the folder, or to the file `beside` in it.

        Raises:
            ForeignFileError: it is missing, outside of the folder, too large, or no text.
        """
        if "\0" in name:
            raise ForeignFileError("not a path: it holds a NUL")
        relative = Path(beside).parent / name
        path = inside(self.folder, relative, error=ForeignFileError)
        shown = path.relative_to(self.folder.resolve()).as_posix()
        try:
            return ForeignText(shown=shown, text=decoded(_content(path, shown), shown))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ForeignFileError(f"cannot read {shown}: {reason}", hint="check the path") from error


def open_foreign(path: Path) -> tuple[ForeignFolder, ForeignText]:
    """Read a file; return it with the folder that it may name other files of.

    Raises:
        ForeignFileError: it is missing, too large, or no text.
    """
    try:
        folder = ForeignFolder(folder=path.parent)
        return folder, folder.read(path.name)
    except ForeignFileError:
        if not (path.is_symlink() and path.is_file()):
            raise
        path = path.resolve()  # a link that leads out of its folder is the user's own choice
        folder = ForeignFolder(folder=path.parent)
        return folder, folder.read(path.name)


def decoded(content: bytes, shown: str) -> str:
    """Decode a file by its byte order mark, else by its coding comment (PEP 263), else as UTF-8, with one line break.

    Raises:
        ForeignFileError: it is no text, or has a line that no person wrote.
    """
    encoding, rest = _encoding(content)
    try:
        if codecs.lookup(encoding).name.replace("_", "-") in _NO_CHARSETS:
            raise LookupError
        text = rest.decode(encoding)
    except LookupError as error:
        raise ForeignFileError(f"{shown} names an unknown encoding, `{encoding}`", hint="save it as UTF-8") from error
    except UnicodeDecodeError as error:
        line = rest.count(b"\n", 0, error.start) + 1
        message = f"{shown} is not {encoding.upper()} text (line {line}, byte 0x{rest[error.start]:02x})"
        raise ForeignFileError(message, hint="save it as UTF-8") from error
    if "\0" in text:
        hint = "save it as UTF-8" if rest[1:2] == b"\0" or rest[:1] == b"\0" else "give a text file"
        raise ForeignFileError(f"{shown} is a binary file: it holds NUL characters", hint=hint)
    text = _BREAK.sub("\n", text)
    longest = max(map(len, text.split("\n")))
    if longest > MAX_LINE:
        raise ForeignFileError(
            f"{shown} has a line of {longest:,} characters, which is none of a file that lists packages",
            hint=f"lines may have up to {MAX_LINE:,} characters",
        )
    return text


def _encoding(content: bytes) -> tuple[str, bytes]:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return encoding, content[len(mark) :]
    for line in content[:1000].split(b"\n")[:2]:
        if found := _CODING.match(line):
            return found[1].decode("ascii", errors="replace"), content
    return "utf-8", content


def _content(path: Path, shown: str) -> bytes:
    try:
        opened = open_regular(path)
    except IrregularFileError as error:
        raise ForeignFileError(f"{shown} is not a regular file", hint="give the path of a file") from error
    with opened as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ForeignFileError(f"{shown} is larger than {MAX_BYTES:,} bytes")
    return content
