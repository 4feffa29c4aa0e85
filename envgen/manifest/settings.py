"""Set single keys in the text of a manifest, and leave the rest as it is."""

from __future__ import annotations

from envgen.errors import Problem
from envgen.manifest import fields
from envgen.manifest.document import Accelerator
from envgen.manifest.keys import flow_entry, new_key
from envgen.manifest.problems import RefusalError, manifest_error
from envgen.manifest.splicing import FILE, Splice, by_hand, line_end, newline, read_sound, scalar, spliced
from envgen.manifest.tree import ListNode, MapNode, Node, TextNode, Tree, last_mark, plain


def set_name(text: str, name: str, file: str = FILE) -> str:
    """Set the environment's name; raise ManifestError when it is none."""
    return _set(text, file, "name", _checked("name", name))


def set_python(text: str, python: str, file: str = FILE) -> str:
    """Set the python minor version, in quotes; raise ManifestError when it is none."""
    return _set(text, file, "python", _checked("python", python), quote='"')


def set_accelerator(text: str, accelerator: Accelerator, file: str = FILE) -> str:
    """Set the accelerator."""
    return _set(text, file, "accelerator", accelerator)


def set_macos(text: str, macos: str, platform: str = "osx-arm64", file: str = FILE) -> str:
    """Set the macOS floor of a platform, written out; the key `platforms` is added where it is missing.

    Raises ManifestError for what is no macOS version, and where the file has other platforms only.
    """
    floor = _checked("macos", macos)
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


def _with_floor(tree: Tree, item: Node, entry: str, floor: str) -> Splice:
    if not isinstance(item, MapNode):
        return Splice(item.start.offset, item.end.offset, entry)
    written = item.entry("macos")
    if written:
        return Splice(written.value.start.offset, written.value.end.offset, f'"{floor}"')
    if item.flow:
        return flow_entry(item, f'macos: "{floor}"')
    at = line_end(tree.text, last_mark(item).offset)
    return Splice(at, at, newline(tree.text) + " " * item.entries[0].key.start.column + f'macos: "{floor}"')


def _checked(key: str, value: str) -> str:
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
