"""What the tables of pixi ask for, in pixi.toml or in pyproject.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from packaging.utils import canonicalize_name

from envgen.importers.environment_yml import spec_item
from envgen.importers.items import (
    ForeignFile,
    Heading,
    Ignored,
    ImportedChannel,
    ImportedItem,
    ImportedLink,
    ImportedProject,
    Span,
    Unsupported,
)
from envgen.importers.requirements_txt import read_requirement
from envgen.importers.toml_positions import Statement, Table, listed_extras, read_toml, shown_path, table_at

_OURS = frozenset({"osx-arm64", "osx", "unix"})
_CONDA = frozenset({"dependencies", "host-dependencies", "build-dependencies", "run-dependencies"})
_FLOOR = re.compile(r"([0-9]{1,2})(?:\.([0-9]{1,2})?)?")
_WORKSPACE = ("workspace", "project")
_ASIDES = {
    "tasks": "envgen runs no tasks",
    "activation": "envgen does not set environment variables yet; `conda env config vars set` does, once it is made",
    "environments": "envgen makes one environment, of all features",
    "pypi-options": "envgen asks the index that uv is set up for (UV_DEFAULT_INDEX, UV_INDEX), and builds nothing",
    "system-requirements": "of these, envgen knows a macOS floor alone",
    "package": "it describes the project",
}


def read_pixi(text: str, file: str) -> ForeignFile:
    """Read a workspace's file; each feature becomes a group.

    Raises:
        ForeignFileError: it is no TOML.
    """
    toml = read_toml(text, file)
    items = tuple(item for statement in toml.statements for item in pixi_item(toml.data, statement, statement.path))
    return ForeignFile(
        format="pixi.toml", file=file, items=items, name=workspace_name(toml.data), macos=workspace_macos(toml.data)
    )


def workspace_name(root: Table) -> str:
    """Return the name of a workspace, or ""."""
    names = [table_at(root, key).get("name") for key in _WORKSPACE]
    return next((name for name in names if isinstance(name, str)), "")


def workspace_macos(root: Table) -> str:
    """Return the macOS floor that a workspace asks for, where it is above the default; else ""."""
    found = table_at(root, "system-requirements").get("macos")
    floor = str(found) if isinstance(found, str | int | float) else ""
    if not (read := _FLOOR.fullmatch(floor)):
        return ""
    major, minor = int(read[1]), int(read[2] or 0)
    return f"{major}.{minor}" if (major, minor) > (13, 0) else ""


def pixi_item(root: Table, statement: Statement, path: tuple[str, ...]) -> Iterator[ImportedItem]:
    """Yield what a statement asks for, whose path counts from the root of pixi's tables."""
    group, platform, rest = "", "", path
    if rest[:1] == ("feature",) and len(rest) > 1:
        group, rest = canonicalize_name(rest[1]), rest[2:]
    if rest[:1] == ("target",) and len(rest) > 1:
        platform, rest = rest[1], rest[2:]
    if platform and platform not in _OURS:
        yield Ignored(span=statement.span, what=shown_path(path), why=f"it is for {platform}")
    elif rest and rest[0] in _CONDA | {"pypi-dependencies"}:
        yield from _dependencies(root, statement, path, rest, group)
    elif rest == ("channels",) or rest[:2] in (("workspace", "channels"), ("project", "channels")):
        yield from _channels(statement)
    elif len(rest) == 1 and rest[0] in _WORKSPACE and statement.value is None:
        yield Heading(span=statement.span)
    elif rest and rest[0] in _WORKSPACE:
        yield Ignored(span=statement.span, what=shown_path(path), why="it describes the workspace")
    else:
        why = _ASIDES.get(rest[0] if rest else "", "it asks for no package")
        yield Ignored(span=statement.span, what=shown_path(path), why=why)


def _channels(statement: Statement) -> Iterator[ImportedItem]:
    yield Heading(span=statement.span)
    for item, span in statement.spanned(statement.value if isinstance(statement.value, list) else []):
        name = item.get("channel") if isinstance(item, dict) else item
        if isinstance(name, str):
            yield ImportedChannel(span=span, channel=name)
        else:
            yield Unsupported(span=span, why="a channel is a name or a URL")


def _dependencies(
    root: Table, statement: Statement, path: tuple[str, ...], rest: tuple[str, ...], group: str
) -> Iterator[ImportedItem]:
    """Read a table's head, one package of it, or all of it within braces."""
    table = table_at(root, *path[: len(path) - len(rest) + 1])
    conda = rest[0] in _CONDA
    if len(rest) == 1:
        yield Heading(span=statement.span)
        for name, value in table.items() if statement.value is not None else ():
            yield _package(name, value, statement.span, group, conda=conda)
        return
    described = table.get(rest[1])
    further = len(rest) > 2 and isinstance(described, dict) and next(iter(described), "") != rest[2]
    if further or statement.value is None:  # the first line about a package stands for all of them
        yield Heading(span=statement.span)
    else:
        yield _package(rest[1], described, statement.span, group, conda=conda)


def _package(name: str, value: object, span: Span, group: str, *, conda: bool) -> ImportedItem:
    table: Mapping[str, object] = value if isinstance(value, dict) else {"version": value}
    link = next((table[key] for key in ("git", "url") if key in table), None)
    if link is not None:
        return ImportedLink(span=span, url=str(link), name=canonicalize_name(name), group=group)
    if "path" in table:
        return ImportedProject(span=span, path=str(table["path"]), editable=table.get("editable") is True, group=group)
    version = table.get("version", "*")
    if not isinstance(version, str):
        hint = 'write a text such as ">=1.2"'
        return Unsupported(span=span, why=f"`{name}` has no version that can be read", hint=hint)
    if conda:
        channel = f"{table['channel']}::" if isinstance(table.get("channel"), str) else ""
        build = f" {table['build']}" if isinstance(table.get("build"), str) else ""
        return spec_item(f"{channel}{name} {version}{build}", span, group)
    specifier = "" if version.strip() == "*" else f"=={version}" if version[:1].isdigit() else version
    text = f"{name}{listed_extras(table)}{specifier}"
    return read_requirement(text, span, group, refusal=f"not a name: `{name}`")
