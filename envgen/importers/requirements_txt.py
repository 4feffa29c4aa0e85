"""Read requirements.txt with the files that it includes.

These are pip's own rules: continuation lines, comments, options, `-r` and `-c`. They are written anew because the
parsers that exist follow `-r` wherever it leads, without end, and expand environment variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from urllib.parse import unquote, urlsplit

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.utils import canonicalize_name

from envgen.errors import ForeignFileError
from envgen.importers.items import (
    ForeignFile,
    Heading,
    Ignored,
    ImportedItem,
    ImportedLink,
    ImportedProject,
    ImportedPython,
    ImportedRequirement,
    Include,
    Span,
    Unsupported,
    index_note,
    is_solved,
    refuse_many,
)
from envgen.manifest.yaml_document import source_line
from envgen.models.platform import APPLE_SILICON, DEFAULT_MACOS, Platform
from envgen.models.requirement import Origin, Requirement

MAX_LINES = 20_000
_MAX_DEPTH = 20
_MAX_FILES = 100
_MAX_LENGTH = 1000
_MAX_BRACKETS = 20
_LONG = re.compile(r"(--[a-z][a-z-]*)(?:\s*=\s*|\s+|$)(.*)", re.DOTALL)
_SHORT = re.compile(r"(-[a-zA-Z])\s*(.*)", re.DOTALL)
_OWN_OPTION = re.compile(r"\s(?=--?[a-zA-Z])")
_HASH = re.compile(r"--hash[=\s]\s*[a-z0-9]+:[0-9a-zA-Z]+")
_LINK = re.compile(r"[a-z][a-z+]*://|git\+|file:|git@", re.IGNORECASE)
_PATH = re.compile(r"[./~\\]|[A-Za-z]:[\\/]|[^\s@<>=!~;\[]+/")
_ARCHIVE = re.compile(r"\.(whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$", re.IGNORECASE)
_WHEEL = re.compile(r"([A-Za-z0-9_.]+)-([0-9][^-]*)(-[^-]+){3,4}\.whl$")
_SDIST = re.compile(r"([A-Za-z0-9_.-]+?)-([0-9][\w.!+]*)\.(zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$")
_EXTRAS = re.compile(r"(.*?)\[([^\]]*)\]$")
_LOOSE_STAR = re.compile(r"(>=|<=|>|<)\s*(\d[\d.]*)\.\*")

_INDEX = "envgen asks the index that uv is set up for (UV_DEFAULT_INDEX, UV_INDEX)"
_BINARY = "envgen locks wheels alone, and never builds"
_OPTIONS = {
    "--index-url": _INDEX,
    "-i": _INDEX,
    "--pypi-url": _INDEX,
    "--extra-index-url": _INDEX,
    "--find-links": _INDEX,
    "-f": _INDEX,
    "--no-index": _INDEX,
    "--trusted-host": _INDEX,
    "--no-binary": _BINARY,
    "--only-binary": _BINARY,
    "--prefer-binary": _BINARY,
    "--require-hashes": "the lock holds the hash of every file",
    "--pre": "envgen takes a pre-release only where a requirement names one, or there is no other",
    "--use-feature": "it switches on a feature of pip's own",
    "--global-option": _BINARY,
    "--config-settings": _BINARY,
    "--config-setting": _BINARY,
    "--install-option": _BINARY,
    "--process-dependency-links": _INDEX,
}
_FLAGS = frozenset({"--no-index", "--prefer-binary", "--require-hashes", "--pre", "--process-dependency-links"})
_REFERENCES = {"-r": False, "--requirement": False, "-c": True, "--constraint": True}
_EDITABLE = frozenset({"-e", "--editable"})
_MINORS = range(8, 15)  # of the pythons that are built for Apple silicon


@dataclass(frozen=True, slots=True)
class LogicalLine:
    """A line with its continuation lines joined and its comment taken off."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Another file that a line names; `bound` is set where its lines only bound versions (`-c`)."""

    span: Span
    target: str
    bound: bool


def read_requirements(text: str, file: str, include: Include) -> ForeignFile:
    """Read a file of requirements; what it includes is read by `include`, each file once.

    Raises:
        ForeignFileError: it has too many lines, or names too many packages.
    """
    reader = _RequirementsReader(include=include)
    items = tuple(reader.read(text, file, depth=0, bound=False))
    return ForeignFile(
        format="requirements.txt", file=file, items=items, files=tuple(reader.files[1:]), solved=is_solved(items)
    )


@dataclass(slots=True, kw_only=True)
class _RequirementsReader:
    include: Include
    files: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    done: set[tuple[str, bool]] = field(default_factory=set)
    count: int = 0

    def read(self, text: str, file: str, *, depth: int, bound: bool) -> Iterator[ImportedItem]:
        self.files.append(file)
        self.open.append(file)
        self.done.add((file, bound))
        for line in logical_lines(text, file):
            self.count += 1
            refuse_many(self.count, file)
            item = read_line(line.text, line.span) if line.text else Heading(span=line.span)
            if isinstance(item, Reference):
                yield from self._follow(item, file, depth=depth, bound=bound or item.bound)
            elif isinstance(item, ImportedRequirement):
                yield replace(item, bound=bound)
            else:
                yield item
        self.open.pop()

    def _follow(self, item: Reference, file: str, *, depth: int, bound: bool) -> Iterator[ImportedItem]:
        try:
            _refuse_url(item.target)
            if depth >= _MAX_DEPTH:
                too_deep = f"included through more than {_MAX_DEPTH} files"
                raise ForeignFileError(too_deep, hint="put the lines into one file")
            if len(self.files) >= _MAX_FILES:
                too_many = f"more than {_MAX_FILES} files are included"
                raise ForeignFileError(too_many, hint="put the lines into one file")
            shown, text = self.include(item.target, file)
            if shown in self.open:
                raise ForeignFileError(f"a loop: {' -> '.join([*self.open, shown])}", hint="take the line out")
        except ForeignFileError as error:
            yield Unsupported(span=item.span, why=error.message, hint=error.hint)
            return
        if (shown, bound) in self.done:
            yield Heading(span=item.span, what=f"`{item.target}` was included above")
            return
        yield Heading(span=item.span, what=f"`{item.target}` is included")
        yield from self.read(text, shown, depth=depth + 1, bound=bound)


def referenced(item: Reference, file: str, include: Include) -> Iterator[ImportedItem]:
    """Read the requirements that a file of another kind names; what cannot be read is Unsupported, never an error."""
    try:
        _refuse_url(item.target)
        shown, text = include(item.target, file)
        found = read_requirements(text, shown, include)
    except ForeignFileError as error:
        yield Unsupported(span=item.span, why=error.message, hint=error.hint)
        return
    yield Heading(span=item.span, what=f"`{item.target}` is included")
    for inner in found.items:
        yield replace(inner, bound=inner.bound or item.bound) if isinstance(inner, ImportedRequirement) else inner


def _refuse_url(target: str) -> None:
    if "://" in target:
        raise ForeignFileError("a file behind a URL is not read", hint="fetch it, and name the copy")


def other_files(items: Iterable[ImportedItem], file: str) -> tuple[str, ...]:
    """List the further files that items come from, in order."""
    return tuple(dict.fromkeys(item.span.line.file for item in items if item.span.line.file != file))


def logical_lines(text: str, file: str) -> Iterator[LogicalLine]:
    """Join continuation lines and take comments off; raise ForeignFileError for too many lines.

    Lines that are blank or all comment are left out; a text of "" stands for a continuation of nothing.
    """
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise ForeignFileError(f"{file} has {len(lines):,} lines, more than {MAX_LINES:,}")
    continued: list[str] = []
    for number, line in enumerate(lines, 1):
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment and number < len(lines):
            continued.append(line.rstrip("\\"))
            continue
        # a comment line ends a continuation, as it does for pip
        joined = "".join([*continued, f" {line}" if comment else line.rstrip("\\")])
        clean = _uncommented(joined).strip()
        if clean or continued or line.strip(" \\") != line.strip():
            first = number - len(continued)
            yield LogicalLine(Span(line=source_line(file, lines, first), last=number), clean)
        continued = []


def _uncommented(line: str) -> str:
    """Take a comment off: a `#` that starts the line or follows a space."""
    at = line.find("#")
    while at > 0 and not line[at - 1].isspace():
        at = line.find("#", at + 1)
    return line if at < 0 else line[:at]


def read_line(text: str, span: Span, group: str = "") -> ImportedItem | Reference:
    """Read a line without its comment, its continuation lines joined; environment variables stay as they are."""
    text = text.strip()
    if text.startswith("-"):
        return _option(text, span, group)
    requirement, *options = _OWN_OPTION.split(text, maxsplit=1)
    return _requested(requirement.strip(), span, group, tuple(map(_left_out, options)))


def read_requirement(text: str, span: Span, group: str = "", *, refusal: str, hint: str = "") -> ImportedItem:
    """Read a requirement where no other file can be named; what names one is Unsupported, with this refusal."""
    item = read_line(text, span, group)
    return Unsupported(span=span, why=refusal, hint=hint) if isinstance(item, Reference) else item


def _left_out(options: str) -> str:
    """Return what becomes of the options behind a requirement."""
    hashes = len(_HASH.findall(options))
    rest = _HASH.sub("", options).split()
    parts = [f"its {hashes} hashes" if hashes > 1 else "its hash"] if hashes else []
    parts += [f"`{rest[0].partition('=')[0]}`"] if rest else []
    why = "the lock holds the hash of every file it names" if hashes else _BINARY
    return f"{' and '.join(parts)} left out: {why}"


def _option(text: str, span: Span, group: str) -> ImportedItem | Reference:
    found = (_LONG if text.startswith("--") else _SHORT).fullmatch(text)
    if found is None:
        return Unsupported(span=span, why="not an option that pip knows")
    name, value = found[1], unquoted(found[2])
    if name in _REFERENCES:
        reference = Reference(span=span, target=value, bound=_REFERENCES[name])
        return reference if value else Unsupported(span=span, why=f"`{name}` names no file")
    if name in _EDITABLE:
        return _editable(value, span, group)
    if name not in _OPTIONS:
        why = f"pip has no option `{name}` for a file of requirements"
        return Unsupported(span=span, why=why, hint="take the line out")
    if not value and name not in _FLAGS:
        return Unsupported(span=span, why=f"`{name}` lacks its value", hint="take the line out")
    why = index_note(_OPTIONS[name], value) if _OPTIONS[name] == _INDEX else _OPTIONS[name]
    return Ignored(span=span, what=f"pip's option `{name}`", why=why)


def _editable(value: str, span: Span, group: str) -> ImportedItem:
    if not value:
        return Unsupported(span=span, why="`-e` names no project")
    if _LINK.match(value) and not value.startswith("file:"):
        return _link(value, span, group)
    return _project(value, span, group, editable=True)


def _requested(text: str, span: Span, group: str, notes: tuple[str, ...]) -> ImportedItem:
    if len(text) > _MAX_LENGTH or text.count("(") > _MAX_BRACKETS:
        return Unsupported(span=span, why="too long for a requirement", hint="take the line out")
    if _LINK.match(text):
        return _link(text, span, group)
    if " @ " not in text and (_PATH.match(text) or _ARCHIVE.search(text.partition(";")[0].strip())):
        return _project(text.partition(" ;")[0], span, group, editable=False)
    return _requirement(text, span, group, notes)


def _requirement(text: str, span: Span, group: str, notes: tuple[str, ...]) -> ImportedItem:
    repaired = _LOOSE_STAR.sub(r"\1\2", text)
    if repaired != text:
        notes = (*notes, f"`{text}` is no requirement (PEP 440 has no `>=1.*`), and is read as `{repaired}`")
    try:
        requirement = Requirement.parse(repaired, Origin(path=text, line=span.line))
        requirement.applies(_environments()[0])  # some markers are refused, or nested too deeply, only when evaluated
    except (ValueError, RecursionError) as error:
        reason = str(error).split("\n", 1)[0] if isinstance(error, ValueError) else "a marker nested too deeply"
        single = re.search(r"[\w\]]\s*=\s*[\w.]", text) and "==" not in text
        hint = "pip wants two: `name==1.2`" if single else "write it as in PEP 508, such as `pandas>=2`"
        return Unsupported(span=span, why=reason, hint=hint)
    if requirement.url:
        link = ImportedLink(span=span, url=requirement.url, name=requirement.name, group=group)
        return unless_elsewhere(link, requirement.marker)
    if requirement.name == "python":
        return ImportedPython(span=span, bound=requirement.specifier, group=group)
    return ImportedRequirement(span=span, requirement=requirement, group=group, notes=notes)


def _project(text: str, span: Span, group: str, *, editable: bool) -> ImportedItem:
    path, extras = text.strip(), ""
    if found := _EXTRAS.fullmatch(path):
        path, extras = found[1], found[2]
    path = unquote(path.removeprefix("file:").partition("#")[0]).strip()
    if _ARCHIVE.search(path):
        return _link(path, span, group)
    names = tuple(canonicalize_name(extra) for extra in extras.split(",") if extra.strip())
    return ImportedProject(span=span, path=path or ".", editable=editable, extras=names, group=group)


def unless_elsewhere(item: ImportedLink | ImportedProject, marker: str) -> ImportedLink | ImportedProject | Ignored:
    """Return what a line asks for, unless its marker is true on other platforms alone."""
    if may_apply(marker):
        return item
    what = (item.name or "a URL") if isinstance(item, ImportedLink) else f"`{item.path}`"
    return Ignored(span=item.span, what=what, why=f"its marker `{marker}` is for another platform")


def _link(text: str, span: Span, group: str) -> ImportedItem:
    # pip wants a space before or behind the semicolon: a URL may have one of its own
    before, _, marker = text.partition("; ") if "; " in text else text.partition(" ;")
    url = before.strip().partition(" ")[0]
    name, version = _named_by(url)
    return unless_elsewhere(ImportedLink(span=span, url=url, name=name, version=version, group=group), marker.strip())


def _named_by(url: str) -> tuple[str, str]:
    """Return the name and the version that a URL says, by its `egg` or the file's name, or two empty texts."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    if egg := re.search(r"(?:^|&)egg=([A-Za-z0-9._-]+)", parts.fragment):
        return canonicalize_name(egg[1]), ""
    file = unquote(parts.path).rpartition("/")[2]
    found = _WHEEL.match(file) or _SDIST.match(file)
    return (canonicalize_name(found[1]), found[2]) if found else ("", "")


def unquoted(text: str) -> str:
    """Return a text without the quotes around it, if there are any."""
    clean = text.strip()
    return clean[1:-1] if len(clean) > 1 and clean[0] == clean[-1] and clean[0] in "'\"" else clean


def may_apply(marker: str) -> bool:
    """Return whether a marker may be true on osx-arm64, with any python that is built for it; what is none may be."""
    try:
        parsed = Marker(marker)
        return any(parsed.evaluate({**environment, "extra": ""}) for environment in _environments())
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, RecursionError):
        return True


@cache
def _environments() -> tuple[Mapping[str, str], ...]:
    platforms = (Platform(subdir=APPLE_SILICON, python=f"3.{minor}", macos=DEFAULT_MACOS) for minor in _MINORS)
    return tuple(platform.markers() for platform in platforms)
