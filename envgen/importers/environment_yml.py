"""Read environment.yml with its match specs, as conda, mamba and the people who write it by hand mean it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from envgen.errors import ForeignFileError, ManifestError
from envgen.importers.items import (
    ForeignFile,
    Heading,
    Ignored,
    ImportedChannel,
    ImportedItem,
    ImportedLink,
    ImportedMatchSpec,
    ImportedPython,
    Include,
    Span,
    Unsupported,
    is_solved,
)
from envgen.importers.requirements_txt import Reference, other_files, read_line, read_requirement, referenced
from envgen.manifest.yaml_document import Entry, ListNode, MapNode, Node, TextNode, YamlTree, last_mark
from envgen.manifest.yaml_parser import parse_tree
from envgen.models.match_spec import MatchSpec

_ASIDES = {
    "name": "it names the environment",
    "prefix": "it is where the environment stood on somebody's machine",
    "platforms": "envgen locks for osx-arm64; name more under `platforms` if you need them",
    "platform": "envgen locks for osx-arm64; name more under `platforms` if you need them",
    "channel_priority": "envgen always solves with strict channel priority",
    "category": "envgen solves all groups together",
    "auto_update_base": "it is a setting of conda's own",
    "variables": "envgen does not set environment variables yet; `conda env config vars set` does, once it is made",
}
# Selectors are a key in micromamba's files, `sel(osx):`, and in conda-lock's a comment behind a line, `# [osx]`.
_MAMBA_SELECTOR = re.compile(r"sel\((\w+)\)")
_SELECTOR = re.compile(r"\s#\s*\[([^][]+)\]\s*$")
_OURS = frozenset({"osx", "arm64", "osx-arm64", "osx_arm64", "unix", "m1"})
_OTHERS = frozenset(
    {"win", "win32", "win64", "win-64", "linux", "linux32", "linux64", "linux-64", "linux-aarch64", "osx64", "osx-64"}
    | {"aarch64", "ppc64le", "x86", "x86_64", "cuda"}
)
_MAX_LENGTH = 1000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_BRACKETS = re.compile(r"\s*\[([^\]]*)\]\s*$")
_KEY = re.compile(r"\s*([a-z_]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^,'\"]*))\s*(?:,|$)")
_SPACED = re.compile(r"([<>=!~]=?|,|\|)\s+|\s+(?=[,|])")
_COMPACT = re.compile(r"(={0,2})([^=<>!~,|\s]+)=([^=\s]+)")
_ARTIFACT = re.compile(r".*/([a-z0-9_][a-z0-9_.-]*)-([^-/]+)-[^-/]+\.(?:conda|tar\.bz2)(?:#.*)?")


def read_environment(text: str, file: str, include: Include) -> ForeignFile:
    """Read an environment file; requirement files that its pip section names are read by `include`.

    Raises:
        ForeignFileError: it is no YAML, or not a mapping with `dependencies`.
    """
    tree = _parsed(text, file)
    found = list(_items(tree, include))
    items = tuple(_in_order([*found, *_unreported(tree, found)], file))
    name = tree.find(("name",))
    return ForeignFile(
        format="environment.yml",
        file=file,
        items=items,
        name=name.text if isinstance(name, TextNode) else "",
        files=other_files(items, file),
        solved=is_solved(items),
        notes=tree.notes,
    )


def _parsed(text: str, file: str) -> YamlTree:
    try:
        return parse_tree(text, file)
    except ManifestError as error:
        if "is not a mapping" in error.message:
            message = f"{file} is no environment file: it is not made of keys such as `dependencies`"
            raise ForeignFileError(message, hint="list packages under `dependencies`") from error
        raise ForeignFileError(error.message, hint=error.hint, lines=error.lines) from error


def _in_order(items: Iterable[ImportedItem], file: str) -> list[ImportedItem]:
    """Sort by line; the lines of an included file stay behind the line that includes it."""
    placed: list[tuple[int, ImportedItem]] = []
    for item in items:
        own = item.span.line.file == file
        placed.append((item.span.line.line if own or not placed else placed[-1][0], item))
    return [item for _, item in sorted(placed, key=lambda pair: pair[0])]


def _unreported(tree: YamlTree, items: Iterable[ImportedItem]) -> Iterator[ImportedItem]:
    """Yield the lines below what was refused."""
    spans = [item.span for item in items if item.span.line.file == tree.file]
    reported = {number for span in spans for number in range(span.line.line, span.last + 1)}
    for number, line in enumerate(tree.lines, 1):
        if number not in reported and line.strip().rstrip("-.") and not line.lstrip().startswith("#"):
            why = "it belongs to a part of the file that cannot be read"
            yield Unsupported(span=Span(line=tree.source_line(number), last=number), why=why)


def _items(tree: YamlTree, include: Include) -> Iterator[ImportedItem]:
    for problem in tree.problems:
        if problem.line:
            span = Span(line=problem.line, last=problem.line.line)
            yield Unsupported(span=span, why=problem.message, hint=problem.hint)
    known = {problem.line.line for problem in tree.problems if problem.line}
    for entry in tree.root.entries:
        for item in _top(tree, entry, include):
            if item.span.line.line not in known:
                yield item


def _top(tree: YamlTree, entry: Entry, include: Include) -> Iterator[ImportedItem]:
    key = entry.key.text
    if key in ("dependencies", "channels"):
        yield Heading(span=_span(tree, entry.key))
        yield from _dependencies(tree, entry.value, include) if key == "dependencies" else _channels(tree, entry.value)
    else:
        what = f"`{key}`" if key in _ASIDES else f"the key `{key}`"
        why = _ASIDES.get(key, "conda does not know it either")
        yield Ignored(span=_span(tree, entry.key, entry.value), what=what, why=why)


def _channels(tree: YamlTree, value: Node) -> Iterator[ImportedItem]:
    for node in value.items if isinstance(value, ListNode) else (value,):
        span = _span(tree, node)
        if not isinstance(node, TextNode):
            yield Unsupported(span=span, why="a channel is a name or a URL")
        else:
            yield ImportedChannel(span=span, channel=node.text) if node.text else Heading(span=span)


def _dependencies(tree: YamlTree, value: Node, include: Include) -> Iterator[ImportedItem]:
    for node in value.items if isinstance(value, ListNode) else (value,):
        if isinstance(node, TextNode):
            yield from _spec(tree, node)
        elif isinstance(node, MapNode):
            for entry in node.entries:
                yield from _section(tree, entry, include)
        else:
            yield Unsupported(span=_span(tree, node), why="a dependency is a match spec, or `pip:` with a list")


def _spec(tree: YamlTree, node: TextNode) -> Iterator[ImportedItem]:
    span = _span(tree, node)
    if not node.text.strip():
        yield Heading(span=span)
        return
    selector = _SELECTOR.search(tree.lines[node.end.line - 1])
    if selector and not selected(selector[1]):
        yield Ignored(span=span, what=f"`{node.text}`", why=f"its selector `[{selector[1]}]` is for another platform")
        return
    yield spec_item(node.text, span)


def spec_item(text: str, span: Span, group: str = "") -> ImportedItem:
    """Read one match spec of a line, or the URL of a package."""
    if re.match(r"[a-z]+://", text) and "::" not in text:
        found = _ARTIFACT.fullmatch(text)
        name, version = found.groups() if found else ("", "")
        return ImportedLink(span=span, url=text, name=name, version=version, group=group)
    if re.fullmatch(r"[\w.-]+\[[\w.,\s-]+\].*", text):  # an extra, which no match spec has
        return read_requirement(text, span, group, refusal="not a match spec")
    try:
        parts = read_match_spec(text)
    except ValueError as error:
        return Unsupported(span=span, why=str(error), hint="write it as conda does, such as `numpy >=1.26`")
    if parts.name == "python":
        return ImportedPython(span=span, bound=parts.version, conda=True, group=group)
    return ImportedMatchSpec(
        span=span, name=parts.name, version=parts.version, build=parts.build, channel=parts.channel, group=group
    )


def _section(tree: YamlTree, entry: Entry, include: Include) -> Iterator[ImportedItem]:
    """Read a mapping below `dependencies`: `pip:`, micromamba's `sel(osx):`, or what no tool installs."""
    if selector := _MAMBA_SELECTOR.fullmatch(entry.key.text):
        if selected(selector[1]):
            yield from _dependencies(tree, entry.value, include)
        else:
            span = _span(tree, entry.key, entry.value)
            yield Ignored(span=span, what=f"`{entry.key.text}`", why="it selects another platform")
        return
    yield Heading(span=_span(tree, entry.key))
    nodes = entry.value.items if isinstance(entry.value, ListNode) else (entry.value,)
    for node in nodes:
        span = _span(tree, node)
        if isinstance(node, TextNode) and not node.text.strip():
            yield Heading(span=span)
        elif entry.key.text == "pip" and isinstance(node, TextNode):
            yield from _pip_lines(tree, node, include)
        elif entry.key.text == "pip":
            yield Unsupported(span=span, why="a line of the pip section is a text", hint="put it in quotes")
        else:
            why = f"`{entry.key.text}` is no section that conda or mamba installs from"
            yield Ignored(span=span, what=f"a line of `{entry.key.text}`", why=why)


def _pip_lines(tree: YamlTree, node: TextNode, include: Include) -> Iterator[ImportedItem]:
    span = _span(tree, node)
    for line in node.text.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        item = read_line(line, span)
        if isinstance(item, Reference):
            yield from referenced(item, tree.file, include)
        else:
            yield item


def _span(tree: YamlTree, first: Node, last: Node | None = None) -> Span:
    """Return the lines from a node's start to its end, or to that of another."""
    start, node = first.start.line, last or first
    end = last_mark(node)
    below = isinstance(node, TextNode) and node.quote in ("|", ">") and end.column == 0  # a block ends a line too late
    return Span(line=tree.source_line(start), last=max(start, end.line - below))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecParts:
    """The parts of a match spec; "" is what it does not say."""

    name: str
    version: str = ""
    build: str = ""
    channel: str = ""


def read_match_spec(text: str) -> SpecParts:
    """Read a match spec with its channel, spaces behind operators and brackets; raise ValueError where it is none."""
    if len(text) > _MAX_LENGTH:
        raise ValueError("too long for a match spec")
    channel, separator, rest = text.strip().rpartition("::")
    if separator and not channel.strip():
        raise ValueError(f"not a match spec: `{text}` names no channel")
    keys: dict[str, str] = {}
    if brackets := _BRACKETS.search(rest):
        keys = _keys(brackets[1], text)
        rest = rest[: brackets.start()]
    name = _NAME.match(rest)
    if name is None:
        raise ValueError(f"not a match spec: `{text}` names no package")
    clean = _SPACED.sub(r"\1", rest[name.end() :].strip())
    if compact := _COMPACT.fullmatch(clean):
        version, build = f"=={compact[2]}", compact[3]
    else:
        version, _, build = clean.partition(" ")
    parts = SpecParts(
        name=name[0].lower(),
        version=keys.get("version", "" if version == "*" else version),
        build=keys.get("build", build.strip()),
        channel=keys.get("channel", channel.strip()),
    )
    if " " in parts.build or re.search(r"\w=", parts.version):
        raise ValueError(f"not a match spec: `{text}`")
    try:
        MatchSpec.parse(f"{parts.name} {parts.version or '*'} {parts.build}".strip())
    except ValueError as error:  # its words may quote what `text` keeps secret
        raise ValueError(f"not a match spec: `{text}`") from error
    return parts


def _keys(inner: str, text: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    at = 0
    while at < len(inner):
        found = _KEY.match(inner, at)
        if found is None:
            raise ValueError(f"not a match spec: `{text}`")
        keys[found[1]] = next(part for part in (found[2], found[3], found[4]) if part is not None).strip()
        at = found.end()
    return keys


def selected(selector: str) -> bool:
    """Return whether a selector, a comment such as `# [osx and not win]`, picks osx-arm64; one not understood does."""
    return any(all(map(_is_met, part.split(" and "))) for part in selector.split(" or "))


def _is_met(condition: str) -> bool:
    word = condition.strip()
    if word.startswith("not "):
        return word[4:].strip() not in _OURS
    return word not in _OTHERS
