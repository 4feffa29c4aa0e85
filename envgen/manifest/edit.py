"""Edit the text of a manifest as a careful person would: one line changes, comments and order stay.

Every edit is read back and compared with what was meant; a text that cannot be edited so is refused, never damaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name

from envgen.errors import ManifestError, Problem, UsageError
from envgen.manifest import fields
from envgen.manifest.fields import Kind
from envgen.manifest.problems import RefusalError, did_you_mean, dotted, manifest_error, quoted
from envgen.manifest.schema import Accelerator
from envgen.manifest.validation import leading_name
from envgen.manifest.yaml_document import ListNode, MapNode, Node, Path, TextNode, YamlTree, last_mark, plain
from envgen.manifest.yaml_edit import (
    FILE,
    Splice,
    by_hand,
    comment_on,
    flow_entry,
    insertion,
    line_end,
    new_key,
    new_list,
    newline,
    read_sound,
    removal,
    replacement,
    scalar,
    spliced,
)

_MAIN_LISTS: tuple[Kind, ...] = ("dependencies", "conda", "pypi")
_CONDA_NAME = re.compile(r"\s*(?:[^\s:]+::)?([A-Za-z0-9_.-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """An edited text, with notes on what the user may not expect."""

    text: str
    notes: tuple[str, ...] = ()


def add_requirements(
    text: str,
    requirements: Sequence[str],
    group: str | None = None,
    kind: Kind = "dependencies",
    file: str = FILE,
) -> Edited:
    """Add requirements (match specs with `conda`), in order where the list is in order, else at its end.

    A package that is there already has its requirement replaced, and a note says so. Raises ManifestError for what is
    no requirement, UsageError for a group of anything but `dependencies`.
    """
    notes: list[str] = []
    for requirement in _checked(requirements, group, kind):
        tree = read_sound(text, file)
        path = _list_path(tree, group, kind)
        text, note = _with(tree, path, requirement)
        notes += [note] if note else []
        notes += _elsewhere(tree, path, _name(path, requirement))
    return Edited(text=text, notes=tuple(dict.fromkeys(notes)))


def remove_requirements(text: str, names: Sequence[str], group: str | None = None, file: str = FILE) -> Edited:
    """Take packages out of `dependencies`, `conda` and `pypi`, or of one group.

    What follows a name (extras, versions) is ignored. Raises ManifestError for a package that is not there.
    """
    notes: list[str] = []
    tree = read_sound(text, file)
    _refuse_absent(tree, names, group)
    for name in names:
        while found := next(_places(tree, _own_lists(tree, group), name), None):
            path, node, index = found
            comment = comment_on(tree.text, node, index)
            notes += [f"the comment on the line of `{name}` went with it: {comment}"] if comment else []
            meant = [plain(item) for item in (*node.items[:index], *node.items[index + 1 :])]
            tree = read_sound(spliced(tree, path, removal(tree, path, node, index), meant), file)
    return Edited(text=tree.text, notes=tuple(notes))


def refuse_call(requirements: Sequence[str], group: str | None = None, kind: Kind = "dependencies") -> None:
    """Refuse what a call asks to add, before anything is read: raise UsageError with every text that is refused."""
    try:
        _checked(requirements, group, kind)
    except ManifestError as error:
        told = [f"{one.message} ({one.hint})" if one.hint else one.message for one in error.problems]
        if len(told) > 1:
            raise UsageError("\n  ".join([f"{len(told)} words of the call cannot be added", *told])) from error
        raise UsageError(error.problems[0].message, hint=error.hint) from error


def _checked(requirements: Sequence[str], group: str | None, kind: Kind) -> Iterator[str]:
    """Return clean texts; raise ManifestError with every refused one, UsageError for a group of other things."""
    if group is not None and kind != "dependencies":
        raise UsageError(f"a group holds requirements, not `{kind}`", hint="leave out --group")
    problems = []
    clean = []
    for requirement in requirements:
        try:
            read = fields.match_spec(requirement) if kind == "conda" else fields.requirement(requirement)
            clean.append(read.text)
        except RefusalError as error:
            problems.append(Problem(path="", message=error.message, hint=error.hint))
    try:
        fields.group_name(group or "dev")
    except RefusalError as error:
        problems.append(Problem(path="", message=error.message, hint=error.hint))
    if problems:
        raise manifest_error("the command", problems)
    return iter(clean)


def _list_path(tree: YamlTree, group: str | None, kind: Kind) -> Path:
    """Return the path of a list, with the group's name as the file writes it."""
    if group is None:
        return (kind,)
    groups = tree.find(("groups",))
    keys = [entry.key.text for entry in groups.entries] if isinstance(groups, MapNode) else []
    return ("groups", next((key for key in keys if canonicalize_name(key) == canonicalize_name(group)), group))


def _with(tree: YamlTree, path: Path, requirement: str) -> tuple[str, str]:
    """Return the text with one requirement added, and a note if it stood there before."""
    node = tree.find(path)
    if not isinstance(node, ListNode) or not node.items:
        return spliced(tree, path, new_list(tree, path, requirement), [requirement]), ""
    values = [plain(item) for item in node.items]
    index = _same_line(tree, path, node, requirement)
    if index is None:
        index = _index_for(path, node, requirement)
        splices = insertion(tree, path, node, index, requirement)
        return spliced(tree, path, splices, [*values[:index], requirement, *values[index:]]), ""
    before = values[index]
    if before == requirement:
        return tree.text, f"`{requirement}` is there already"
    splices = replacement(node.items[index], requirement, flow=node.flow)
    meant = [*values[:index], requirement, *values[index + 1 :]]
    return spliced(tree, path, splices, meant), f"`{before}` became `{requirement}`"


def _same_line(tree: YamlTree, path: Path, node: ListNode, requirement: str) -> int | None:
    """Find the one item that a requirement replaces: of the same package and, among several, of the same marker."""
    name, marker = _name(path, requirement), _marker(requirement)
    same = [index for index, item in enumerate(node.items) if _name(path, item) == name]
    chosen = [index for index in same if _marker(node.items[index]) == marker] or ([] if marker else same)
    if len(chosen) > 1:
        hint = "join its lines, or edit them by hand"
        message = f"`{name}` stands on several lines, and any could be meant"
        raise manifest_error(tree.file, [tree.problem([*path, index], message, hint) for index in chosen])
    return chosen[0] if chosen else None


def _index_for(path: Path, node: ListNode, requirement: str) -> int:
    """Choose where a new item goes: in order where the names are in order, else at the end."""
    name = _name(path, requirement)
    names = [_name(path, item) for item in node.items]
    known = [one for one in names if one]
    if known != sorted(known):
        return len(names)
    return next((index for index, one in enumerate(names) if one > name), len(names))


def _name(path: Path, item: Node | str) -> str:
    """Return the canonical name of the package that an item asks for; "" for an include."""
    text = item if isinstance(item, str) else item.text if isinstance(item, TextNode) else ""
    if path[0] != "conda":
        return leading_name(text)
    found = _CONDA_NAME.match(text)
    return canonicalize_name(found[1]) if found else ""


def _marker(item: Node | str) -> str:
    text = item if isinstance(item, str) else item.text if isinstance(item, TextNode) else ""
    try:
        return str(Pep508(text).marker or "")
    except InvalidRequirement:
        return ""


def _all_lists(tree: YamlTree) -> list[Path]:
    groups = tree.find(("groups",))
    names = [entry.key.text for entry in groups.entries] if isinstance(groups, MapNode) else []
    return [*((kind,) for kind in _MAIN_LISTS), *(("groups", name) for name in names)]


def _own_lists(tree: YamlTree, group: str | None) -> list[Path]:
    return [(kind,) for kind in _MAIN_LISTS] if group is None else [_list_path(tree, group, "dependencies")]


def _places(tree: YamlTree, lists: Sequence[Path], name: str) -> Iterator[tuple[Path, ListNode, int]]:
    """List where a package is asked for: the list's path, the list, and the place in it."""
    for path in lists:
        node = tree.find(path)
        if not isinstance(node, ListNode):
            continue
        for index, item in enumerate(node.items):
            if _name(path, item) and _name(path, item) == _name(path, name):
                yield path, node, index


def _elsewhere(tree: YamlTree, path: Path, name: str) -> list[str]:
    others = [other for other in _all_lists(tree) if tuple(other) != tuple(path)]
    return [f"`{name}` also stands in {dotted(other)}" for other, _, _ in _places(tree, others, name)]


def _refuse_absent(tree: YamlTree, names: Sequence[str], group: str | None) -> None:
    own = _own_lists(tree, group)
    problems = []
    for name in names:
        if next(_places(tree, own, name), None):
            continue
        hint = "".join(_hints(tree, own, name, group))
        problems.append(Problem(path="", message=f"{quoted(name)} is not in {_where(group)}", hint=hint))
    if problems:
        raise manifest_error(tree.file, problems)


def _where(group: str | None) -> str:
    return f"the group {quoted(group)}" if group else "`dependencies`, `conda` or `pypi`"


def _hints(tree: YamlTree, own: Sequence[Path], name: str, group: str | None) -> Iterator[str]:
    """Yield where a package stands instead, or which name is near."""
    others = [dotted(path) for path, _, _ in _places(tree, _all_lists(tree), name)]
    if others:
        option = "leave out --group" if group else "name the group with --group"
        yield f"it is in {', '.join(others)}: {option}"
        return
    known = {_name(path, item) for path in own for item in _nodes(tree, path)} - {""}
    yield did_you_mean(leading_name(name), known).removeprefix("; ")


def _nodes(tree: YamlTree, path: Path) -> tuple[Node, ...]:
    node = tree.find(path)
    return node.items if isinstance(node, ListNode) else ()


# Set single keys in the text of a manifest, and leave the rest as it is.


def set_name(text: str, name: str, file: str = FILE) -> str:
    """Set the environment's name; raise ManifestError when it is none."""
    return _set(text, file, "name", _settings_checked("name", name))


def set_python(text: str, python: str, file: str = FILE) -> str:
    """Set the python minor version, in quotes; raise ManifestError when it is none."""
    return _set(text, file, "python", _settings_checked("python", python), quote='"')


def set_accelerator(text: str, accelerator: Accelerator, file: str = FILE) -> str:
    """Set the accelerator."""
    return _set(text, file, "accelerator", accelerator)


def set_macos(text: str, macos: str, platform: str = "osx-arm64", file: str = FILE) -> str:
    """Set the macOS floor of a platform, written out; the key `platforms` is added where it is missing.

    Raises ManifestError for what is no macOS version, and where the file has other platforms only.
    """
    floor = _settings_checked("macos", macos)
    tree = read_sound(text, file)
    node = tree.find(("platforms",))
    entry = f'{{platform: {platform}, macos: "{floor}"}}'
    meant = {"platform": platform, "macos": floor}
    if node is None:
        return spliced(tree, ("platforms",), new_key(tree, ["platforms"], f"- {entry}", f"[{entry}]"), [meant])
    items = node.items if isinstance(node, ListNode) else ()
    index = next((index for index, item in enumerate(items) if _platform(item) == platform), None)
    if index is None:
        raise manifest_error(file, [tree.problem(("platforms",), f"has no {platform}", f"add `- {entry}`")])
    values = [plain(item) for item in items]
    values[index] = meant
    return spliced(tree, ("platforms",), [_with_floor(tree, items[index], entry, floor)], values)


def _platform(item: Node) -> object:
    value = plain(item)
    return value.get("platform") if isinstance(value, dict) else value


def _with_floor(tree: YamlTree, item: Node, entry: str, floor: str) -> Splice:
    if not isinstance(item, MapNode):
        return Splice(item.start.offset, item.end.offset, entry)
    written = item.entry("macos")
    if written:
        return Splice(written.value.start.offset, written.value.end.offset, f'"{floor}"')
    if item.flow:
        return flow_entry(item, f'macos: "{floor}"')
    at = line_end(tree.text, last_mark(item).offset)
    return Splice(at, at, newline(tree.text) + " " * item.entries[0].key.start.column + f'macos: "{floor}"')


def _settings_checked(key: str, value: str) -> str:
    readers = {"name": fields.environment_name, "python": fields.python_minor, "macos": fields.macos_floor}
    try:
        return readers[key](value)
    except RefusalError as error:
        raise manifest_error("the command", [Problem(path=key, message=error.message, hint=error.hint)]) from error


def _set(text: str, file: str, key: str, value: str, quote: str = "") -> str:
    tree = read_sound(text, file)
    node = tree.find((key,))
    if isinstance(node, TextNode):
        shown = scalar(value, flow=tree.root.flow, quote=quote or (node.quote if node.quote in ("'", '"') else ""))
        space = " " if node.start == node.end else ""
        splices = [Splice(node.start.offset, node.end.offset, space + shown)]
    elif node is None:
        shown = scalar(value, flow=tree.root.flow, quote=quote)
        splices = new_key(tree, [key], shown, shown)
    else:
        raise by_hand(tree, (key,))
    return spliced(tree, (key,), splices, value)
