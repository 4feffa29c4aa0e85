"""Read one line as pip reads it: a requirement, an option, a project's path or a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from envgen.models.platform import DEFAULT_MACOS, Platform
from envgen.models.requirement import Origin, Requirement
from envgen.readers.foreign import Aside, Asked, AskedLink, AskedProject, AskedPython, AskedRequirement, Span, Unread
from envgen.readers.markers import may_hold

MAX_LENGTH = 1000
_BRACKETS = 20
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
_SAMPLE = Platform(subdir="osx-arm64", python="3.12", macos=DEFAULT_MACOS).markers()

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Hold another file that a line names; `bound` tells that its lines only bound versions (`-c`)."""

    span: Span
    target: str
    bound: bool


def read_line(text: str, span: Span, group: str = "") -> Asked | Reference:
    """Read a line without its comment, its continuation lines joined; environment variables stay as they are."""
    text = text.strip()
    if text.startswith("-"):
        return _option(text, span, group)
    parts = _OWN_OPTION.split(text, maxsplit=1)
    notes = _left_out(parts[1]) if len(parts) > 1 else ()
    return _wanted(parts[0].strip(), span, group, notes)


def _left_out(options: str) -> tuple[str, ...]:
    """Say what becomes of the options behind a requirement."""
    hashes = len(_HASH.findall(options))
    rest = _HASH.sub("", options).split()
    told = [f"its {hashes} hashes" if hashes > 1 else "its hash"] if hashes else []
    told += [f"`{rest[0].partition('=')[0]}`"] if rest else []
    why = "the lock holds the hash of every file it names" if hashes else _BINARY
    return (f"{' and '.join(told)} left out: {why}",) if told else ()


def _option(text: str, span: Span, group: str) -> Asked | Reference:
    found = (_LONG if text.startswith("--") else _SHORT).fullmatch(text)
    if found is None:
        return Unread(span=span, why="not an option that pip knows")
    name, value = found[1], _unquoted(found[2])
    if name in _REFERENCES:
        return _reference(name, value, span)
    if name in _EDITABLE:
        return _editable(value, span, group)
    if name not in _OPTIONS:
        return Unread(span=span, why=f"pip has no option `{name}` for a file of requirements", hint="take the line out")
    if not value and name not in _FLAGS:
        return Unread(span=span, why=f"`{name}` lacks its value", hint="take the line out")
    return Aside(span=span, what=f"pip's option `{name}`", why=_OPTIONS[name])


def _reference(name: str, value: str, span: Span) -> Reference | Unread:
    if not value:
        return Unread(span=span, why=f"`{name}` names no file")
    return Reference(span=span, target=value, bound=_REFERENCES[name])


def _editable(value: str, span: Span, group: str) -> Asked:
    if not value:
        return Unread(span=span, why="`-e` names no project")
    if _LINK.match(value) and not value.startswith("file:"):
        return _link(value, span, group)
    return _project(value, span, group, editable=True)


def _wanted(text: str, span: Span, group: str, notes: tuple[str, ...]) -> Asked:
    if len(text) > MAX_LENGTH or text.count("(") > _BRACKETS:
        return Unread(span=span, why="too long for a requirement", hint="take the line out")
    if _LINK.match(text):
        return _link(text, span, group)
    if " @ " not in text and (_PATH.match(text) or _ARCHIVE.search(text.partition(";")[0].strip())):
        return _project(text.partition(" ;")[0], span, group, editable=False)
    return _requirement(text, span, group, notes)


def _requirement(text: str, span: Span, group: str, notes: tuple[str, ...]) -> Asked:
    repaired = _LOOSE_STAR.sub(r"\1\2", text)
    if repaired != text:
        notes = (*notes, f"`{text}` is no requirement (PEP 440 has no `>=1.*`), and is read as `{repaired}`")
    try:
        requirement = Requirement.parse(repaired, Origin(path=text, line=span.line))
        requirement.applies(_SAMPLE)
    except (ValueError, RecursionError) as error:
        return Unread(span=span, why=_reason(error), hint=_hint(text))
    if requirement.url:
        link = AskedLink(span=span, url=requirement.url, name=requirement.name, group=group)
        return unless_elsewhere(link, requirement.marker)
    if requirement.name == "python":
        return AskedPython(span=span, bound=requirement.specifier, group=group)
    return AskedRequirement(span=span, requirement=requirement, group=group, notes=notes)


def _reason(error: Exception) -> str:
    text = str(error).split("\n", 1)[0]
    return text if isinstance(error, ValueError) else "a marker nested too deeply"


def _hint(text: str) -> str:
    if re.search(r"[\w\]]\s*=\s*[\w.]", text) and "==" not in text:
        return "pip wants two: `name==1.2`"
    return "write it as in PEP 508, such as `pandas>=2`"


def _project(text: str, span: Span, group: str, *, editable: bool) -> Asked:
    path, extras = text.strip(), ""
    if found := _EXTRAS.fullmatch(path):
        path, extras = found[1], found[2]
    path = unquote(path.removeprefix("file:").partition("#")[0]).strip()
    if _ARCHIVE.search(path):
        return _link(path, span, group)
    names = tuple(canonicalize_name(extra) for extra in extras.split(",") if extra.strip())
    return AskedProject(span=span, path=path or ".", editable=editable, extras=names, group=group)


def unless_elsewhere(item: AskedLink | AskedProject, marker: str) -> AskedLink | AskedProject | Aside:
    """Give what a line asks for, unless its marker holds on other platforms alone."""
    if not marker or may_hold(marker):
        return item
    what = (item.name or "a URL") if isinstance(item, AskedLink) else f"`{item.path}`"
    return Aside(span=item.span, what=what, why=f"its marker `{marker}` is for another platform")


def _link(text: str, span: Span, group: str) -> Asked:
    bare, marker = _marked(text)
    return unless_elsewhere(_artifact(bare, span, group), marker)


def _marked(text: str) -> tuple[str, str]:
    """Take the marker from behind a URL, where pip wants a space before or behind the semicolon."""
    url, _, marker = text.partition("; ") if "; " in text else text.partition(" ;")
    return url.strip().partition(" ")[0], marker.strip()


def _artifact(bare: str, span: Span, group: str) -> AskedLink:
    try:
        parts = urlsplit(bare)
    except ValueError:
        return AskedLink(span=span, url=bare, group=group)
    egg = re.search(r"(?:^|&)egg=([A-Za-z0-9._-]+)", parts.fragment)
    file = unquote(parts.path).rpartition("/")[2]
    told = _WHEEL.match(file) or _SDIST.match(file)
    name = canonicalize_name(egg[1] if egg else told[1] if told else "")
    return AskedLink(span=span, url=bare, name=name, version=told[2] if told and not egg else "", group=group)


def _unquoted(text: str) -> str:
    clean = text.strip()
    return clean[1:-1] if len(clean) > 1 and clean[0] == clean[-1] and clean[0] in "'\"" else clean
