"""Other people's text files, in whatever encoding they were saved, and of which kind each is."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from envgen.errors import ForeignFileError
from envgen.importers.conda_lists import is_conda_list, read_conda_list, read_foreign_lock, table_hint
from envgen.importers.environment_yml import read_environment
from envgen.importers.items import (
    ForeignFile,
    ForeignFormat,
    Heading,
    Ignored,
    ImportedChannel,
    Include,
    Unsupported,
    refuse_many,
)
from envgen.importers.pixi_toml import read_pixi
from envgen.importers.pyproject import read_pyproject
from envgen.importers.requirements_txt import read_requirements
from envgen.manifest.yaml_document import source_line
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


_KNOWN = "requirements.txt, environment.yml, pyproject.toml, pixi.toml and conda-lock.yml are read"
_INSTEAD = {
    "uv.lock": "give pyproject.toml",
    "poetry.lock": "give pyproject.toml",
    "pdm.lock": "give pyproject.toml",
    "pylock.toml": "give pyproject.toml",
    "pixi.lock": "give pixi.toml",
    "Pipfile": "give what `pipenv requirements` prints",
    "Pipfile.lock": "give what `pipenv requirements` prints",
    "setup.py": "give pyproject.toml or requirements.txt",
    "setup.cfg": "give pyproject.toml or requirements.txt",
    "envgen.yaml": "it is a manifest already: `envgen lock` it",
}
_YAML = re.compile(r"^(name|channels|dependencies|prefix|variables)\s*:", re.MULTILINE)
_LOCK = re.compile(r"^(metadata|package)\s*:", re.MULTILINE)
_MERGE = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
_TOML = re.compile(r"^\[\[?[\w.\"' -]+\]\]?\s*(#.*)?$", re.MULTILINE)
_PIXI = re.compile(r"^\[(workspace|dependencies|pypi-dependencies|feature\.|tasks)", re.MULTILINE)
_PYPROJECT = re.compile(r"^\[(build-system|dependency-groups|tool\.|project\.(optional-|urls|scripts))", re.MULTILINE)
_FEW = 3  # lines that cannot be understood, which no file is refused for
_SHOWN = 5
_WHERE: dict[ForeignFormat, str] = {
    "requirements.txt": "write a requirement a line, such as `pandas>=2`",
    "environment.yml": "list them under `dependencies`",
    "pyproject.toml": "if setup.py or setup.cfg lists them, write them to a requirements.txt and give that",
    "pixi.toml": "list them under `[dependencies]` or `[pypi-dependencies]`",
}


def read_foreign(text: str, file: str, include: Include) -> ForeignFile:
    """Read another tool's file, whose kind its content decides first and its name second.

    Raises:
        ForeignFileError: it is none of the kinds that are read, empty, or malformed; it asks for nothing, or most of
            its lines cannot be understood.
    """
    found = _read(format_of(text, file), text, file, include)
    _refuse_nothing(found)
    return found


def _read(kind: ForeignFormat, text: str, file: str, include: Include) -> ForeignFile:
    match kind:
        case "environment.yml":
            return read_environment(text, file, include)
        case "conda-lock.yml":
            return read_foreign_lock(text, file)
        case "pyproject.toml":
            return read_pyproject(text, file, include)
        case "pixi.toml":
            return read_pixi(text, file)
        case "conda list":
            return read_conda_list(text, file)
        case "requirements.txt":
            return read_requirements(text, file, include)


def format_of(text: str, file: str) -> ForeignFormat:
    """Return a file's kind; raise ForeignFileError for one that is not read, with what to give instead."""
    name = file.rpartition("/")[2]
    lower = name.lower()
    _refuse_unread(text, name)
    if lower.endswith(".toml") or (_TOML.search(text) and not lower.endswith((".yml", ".yaml"))):
        pixi = lower == "pixi.toml" or (_PIXI.search(text) and not _PYPROJECT.search(text))
        return "pixi.toml" if pixi else "pyproject.toml"
    if not _YAML.search(text) and len(_LOCK.findall(text)) == 2:
        return "conda-lock.yml"
    if _YAML.search(text) or lower.endswith((".yml", ".yaml")):
        return "environment.yml"
    return "conda list" if is_conda_list(text) else "requirements.txt"


def _refuse_unread(text: str, name: str) -> None:
    """Refuse what none of the readers is for, with what to give in its place."""
    if name in _INSTEAD:
        raise ForeignFileError(f"{name} is not read", hint=f"{_INSTEAD[name]}; {_KNOWN}")
    if merge := _MERGE.search(text):
        line = source_line(name, text.split("\n"), text.count("\n", 0, merge.start()) + 1)
        hint = "keep the wanted lines, and delete the markers"
        raise ForeignFileError(f"{name} holds an unresolved merge", lines=[line], hint=hint)
    if re.search(r"^@EXPLICIT\s*$", text, re.MULTILINE):
        hint = "give the environment.yml that it was made from, or what `conda env export --from-history` prints"
        raise ForeignFileError(f"{name} is an explicit file: it names the files of one platform", hint=hint)
    if text.lstrip()[:1] in ("{", "<") or name.endswith((".json", ".py", ".ipynb", ".html")):
        raise ForeignFileError(f"{name} is none of the kinds that are read", hint=_KNOWN)
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.split("\n")):
        what = "holds nothing but comments" if text.strip() else "is empty"
        raise ForeignFileError(f"{name} {what}", hint=f"give a file that asks for packages; {_KNOWN}")
    if hint := table_hint(text):
        raise ForeignFileError(f"{name} is a table for people to read", hint=hint)


def _refuse_nothing(found: ForeignFile) -> None:
    """Refuse a file that asks for nothing, or most of whose lines cannot be understood: it is no list of packages."""
    unsupported = [item for item in found.items if isinstance(item, Unsupported)]
    wanted = [item for item in found.items if not isinstance(item, Unsupported | Ignored | Heading | ImportedChannel)]
    refuse_many(len(wanted), found.file)
    if not wanted and not unsupported:
        hint = _WHERE.get(found.format, "give the files that it was made from")
        raise ForeignFileError(f"{found.file} asks for no packages", hint=hint)
    strange = [item for item in unsupported if not item.span.line.text.strip().removeprefix("- ").startswith("-")]
    if wanted and len(strange) < max(_FEW, len(wanted)):
        return
    first = (strange or unsupported)[0]
    why = "most of its lines cannot be understood" if wanted else f"none of its lines asks for a package ({first.why})"
    lines = list(dict.fromkeys(item.span.line for item in strange or unsupported))
    raise ForeignFileError(f"{found.file} cannot be read: {why}", lines=lines[:_SHOWN], hint=first.hint)
