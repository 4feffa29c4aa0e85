"""The edits of a manifest's text, made as a careful person would: one line changes, comments and order stay.

Every edit is read back and compared with what was meant; a text that cannot be edited so is refused, never damaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from envgen.errors import ManifestError, Problem, UsageError
from envgen.manifest import fields
from envgen.manifest.fields import Kind
from envgen.manifest.problems import RefusalError, did_you_mean, dotted, manifest_error, quoted
from envgen.manifest.schema import Accelerator
from envgen.manifest.validation import written_group
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
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import APPLE_SILICON
from envgen.models.requirement import Origin, Requirement

_MAIN_LISTS: tuple[Kind, ...] = ("dependencies", "conda", "pypi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """An edited text, with notes on what the user may not expect."""

    text: str
    notes: tuple[str, ...] = ()


def add_requirements(
    text: str, requirements: Sequence[str], group: str | None = None, kind: Kind = "dependencies", file: str = FILE
) -> Edited:
    """Add requirements (match specs with `conda`), in order where the list is in order, else at its end.

    A package that is there already has its requirement replaced, and a note says so. Raises ManifestError for what is
    no requirement, UsageError for a group of anything but `dependencies`.
    """
    checked = _checked(requirements, group, kind)
    if not checked:
        return Edited(text=text)
    notes: list[str] = []
    tree = read_sound(text, file)
    for batch in _batches(checked):
        path = _list_path(tree, group, kind)
        others = [other for other in _all_lists(tree) if other != path]
        tree, told = _with(tree, path, batch)
        found = _names(tree, others).items()
        names = [canonicalize_name(requirement.name) for requirement in batch]
        notes += [
            *told,
            *(f"`{name}` also stands in {dotted(at)}" for name in names for at, own in found if name in own),
        ]
    return Edited(text=tree.text, notes=tuple(dict.fromkeys(notes)))


def remove_requirements(
    text: str, names: Sequence[str], group: str | None = None, file: str = FILE, *, missing_ok: bool = False
) -> Edited:
    """Take packages out of `dependencies`, `conda` and `pypi`, or of one group.

    What follows a name (extras, versions) is ignored. Raises ManifestError for a package that is not there, unless
    `missing_ok`.
    """
    notes: list[str] = []
    tree = read_sound(text, file)
    if not missing_ok:
        _refuse_absent(tree, names, group)
    for path in _own_lists(tree, group):
        going = {_name(path, name) for name in names}
        while isinstance(node := tree.find(path), ListNode):
            indexes = [index for index, item in enumerate(node.items) if _name(path, item) in going]
            if not indexes:
                break
            if node.flow:  # each changes where the commas of the others are
                indexes = indexes[:1]
            for index in indexes:
                comment = comment_on(tree.text, node, index)
                name = _name(path, node.items[index])
                notes += [f"the comment on the line of `{name}` went with it: {comment}"] if comment else []
            meant = [plain(item) for index, item in enumerate(node.items) if index not in {*indexes}]
            tree = spliced(tree, path, removal(tree, path, node, indexes), meant)
    return Edited(text=tree.text, notes=tuple(notes))


def refuse_call(requirements: Sequence[str], group: str | None = None, kind: Kind = "dependencies") -> None:
    """Refuse what a call asks to add, before anything is read: raise UsageError with every text that is refused."""
    try:
        _checked(requirements, group, kind)
    except ManifestError as error:
        reasons = [f"{one.message} ({one.hint})" if one.hint else one.message for one in error.problems]
        if len(reasons) > 1:
            raise UsageError("\n  ".join([f"{len(reasons)} words of the call cannot be added", *reasons])) from error
        raise UsageError(error.problems[0].message, hint=error.hint) from error


def _checked(requirements: Sequence[str], group: str | None, kind: Kind) -> list[Requirement | MatchSpec]:
    """Read what is to be added; raise ManifestError with every refused text, UsageError for a group of other things."""
    if group is not None and kind != "dependencies":
        raise UsageError(f"a group holds requirements, not `{kind}`", hint="leave out --group")
    problems = []
    read: list[Requirement | MatchSpec] = []
    for text in requirements:
        try:
            read.append(fields.match_spec(text) if kind == "conda" else fields.requirement(text))
        except RefusalError as error:
            problems.append(Problem(path="", message=error.message, hint=error.hint))
    try:
        fields.group_name(group or "dev")
    except RefusalError as error:
        problems.append(Problem(path="", message=error.message, hint=error.hint))
    if problems:
        raise manifest_error("the command", problems)
    return read


def _list_path(tree: YamlTree, group: str | None, kind: Kind) -> Path:
    """Return the path of a list, with the group's name as the file writes it."""
    return (kind,) if group is None else ("groups", written_group(tree, group))


def _batches(requirements: Sequence[Requirement | MatchSpec]) -> Iterator[list[Requirement | MatchSpec]]:
    """Yield the requirements in runs in which no package stands twice, so that each run is one edit."""
    batch: dict[str, Requirement | MatchSpec] = {}
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        if name in batch:
            yield [*batch.values()]
            batch = {}
        batch[name] = requirement
    yield [*batch.values()]


def _names(tree: YamlTree, lists: Sequence[Path]) -> dict[Path, set[str]]:
    """Return the canonical names of the packages that each list asks for."""
    return {path: {_name(path, item) for item in tree.items(path)} - {""} for path in lists}


def _with(tree: YamlTree, path: Path, requirements: Sequence[Requirement | MatchSpec]) -> tuple[YamlTree, list[str]]:
    """Return the tree with requirements of different packages added, and a note on each that stood there before.

    The text is read anew once, not for each of them: there may be thousands.
    """
    node = tree.find(path)
    if not isinstance(node, ListNode) or not node.items:
        first, *rest = requirements
        tree = spliced(tree, path, new_list(tree, path, first.text), [first.text])
        return _with(tree, path, rest) if rest else (tree, [])
    if node.flow and len(requirements) > 1:  # each changes where the commas of the others are
        notes = []
        for requirement in requirements:
            tree, told = _with(tree, path, [requirement])
            notes += told
        return tree, notes
    names = [_name(path, item) for item in node.items]
    values = [plain(item) for item in node.items]
    splices: list[Splice] = []
    notes, came = [], []
    for requirement in requirements:
        name, text = canonicalize_name(requirement.name), requirement.text
        index = _same_line(tree, path, [at for at, one in enumerate(names) if one == name], requirement)
        if index is None:
            came.append((_index_for(names, name), name, text))
        elif values[index] == text:
            notes.append(f"`{text}` is there already")
        else:
            notes.append(f"`{values[index]}` became `{text}`")
            splices += replacement(node.items[index], text, flow=node.flow)
            values[index] = text
    if _in_order(names):
        came.sort(key=lambda each: each[1])
    for index, _, text in came:
        splices += insertion(tree, path, node, index, text)
    for index, _, text in reversed(came):
        values.insert(index, text)
    return spliced(tree, path, splices, values) if splices else tree, notes


def _same_line(tree: YamlTree, path: Path, same: Sequence[int], requirement: Requirement | MatchSpec) -> int | None:
    """Return the place of the item that a requirement replaces: of those of its package, the one with its marker."""
    items = tree.items(path)
    marker = requirement.marker if isinstance(requirement, Requirement) else ""
    chosen = [index for index in same if _marker(items[index]) == marker] or ([] if marker else same)
    if len(chosen) > 1:
        hint = "join its lines, or edit them by hand"
        message = f"`{canonicalize_name(requirement.name)}` stands on several lines, and any could be meant"
        raise manifest_error(tree.file, [tree.problem([*path, index], message, hint) for index in chosen])
    return chosen[0] if chosen else None


def _index_for(names: Sequence[str], name: str) -> int:
    """Return where a new item goes: in order where the names are in order, else at the end."""
    if not _in_order(names):
        return len(names)
    return next((index for index, one in enumerate(names) if one > name), len(names))


def _in_order(names: Sequence[str]) -> bool:
    known = [one for one in names if one]
    return known == sorted(known)


def _name(path: Path, item: Node | str) -> str:
    """Return the canonical name of the package that an item asks for; "" for an include."""
    text = item if isinstance(item, str) else item.text if isinstance(item, TextNode) else ""
    if path[0] == "conda":
        return canonicalize_name(MatchSpec.name_of(text))
    return Requirement.name_of(text)


def _marker(item: Node) -> str:
    try:
        return Requirement.parse(item.text, Origin(path="")).marker if isinstance(item, TextNode) else ""
    except ValueError:
        return ""


def _all_lists(tree: YamlTree) -> list[Path]:
    return [*((kind,) for kind in _MAIN_LISTS), *(("groups", name) for name in tree.keys(("groups",)))]


def _own_lists(tree: YamlTree, group: str | None) -> list[Path]:
    return [(kind,) for kind in _MAIN_LISTS] if group is None else [_list_path(tree, group, "dependencies")]


def _refuse_absent(tree: YamlTree, names: Sequence[str], group: str | None) -> None:
    own = _own_lists(tree, group)
    known = _names(tree, own)
    problems = []
    for name in names:
        if any(_name(path, name) in found for path, found in known.items()):
            continue
        where = f"the group {quoted(group)}" if group else "`dependencies`, `conda` or `pypi`"
        message = f"{quoted(name)} is not in {where}"
        problems.append(Problem(path="", message=message, hint=_elsewhere_hint(tree, own, name, group)))
    if problems:
        raise manifest_error(tree.file, problems)


def _elsewhere_hint(tree: YamlTree, own: Sequence[Path], name: str, group: str | None) -> str:
    """Return where a package stands instead, or which name is near."""
    others = [dotted(path) for path, found in _names(tree, _all_lists(tree)).items() if _name(path, name) in found]
    if others:
        option = "leave out --group" if group else "name the group with --group"
        return f"it is in {', '.join(others)}: {option}"
    known = {name for found in _names(tree, own).values() for name in found}
    return did_you_mean(Requirement.name_of(name), known).removeprefix("; ")


def set_name(text: str, name: str, file: str = FILE) -> str:
    """Set the environment's name; raise ManifestError when it is none."""
    return _set(text, file, "name", _value("name", name))


def set_python(text: str, python: str, file: str = FILE) -> str:
    """Set the python minor version, in quotes; raise ManifestError when it is none."""
    return _set(text, file, "python", _value("python", python), quote='"')


def set_accelerator(text: str, accelerator: Accelerator, file: str = FILE) -> str:
    """Set the accelerator."""
    return _set(text, file, "accelerator", accelerator)


def set_macos(text: str, macos: str, platform: str = APPLE_SILICON, file: str = FILE) -> str:
    """Set the macOS floor of a platform, written out; the key `platforms` is added where it is missing.

    Raises ManifestError for what is no macOS version, and where the file has other platforms only.
    """
    floor = _value("macos", macos)
    tree = read_sound(text, file)
    entry = f'{{platform: {platform}, macos: "{floor}"}}'
    meant = {"platform": platform, "macos": floor}
    if tree.find(("platforms",)) is None:
        return spliced(tree, ("platforms",), new_key(tree, ["platforms"], f"- {entry}", f"[{entry}]"), [meant]).text
    items = tree.items(("platforms",))
    index = next((index for index, item in enumerate(items) if _platform(item) == platform), None)
    if index is None:
        raise manifest_error(file, [tree.problem(("platforms",), f"has no {platform}", f"add `- {entry}`")])
    values = [plain(item) for item in items]
    values[index] = meant
    return spliced(tree, ("platforms",), [_with_floor(tree, items[index], entry, floor)], values).text


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


def _value(key: str, value: str) -> str:
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
    return spliced(tree, (key,), splices, value).text
