"""Read the dependencies that Poetry keeps in pyproject.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from envgen.importers.items import (
    Asked,
    Heading,
    Ignored,
    ImportedLink,
    ImportedProject,
    ImportedPython,
    Span,
    Unsupported,
)
from envgen.importers.requirements_txt import Reference, read_line, unless_elsewhere
from envgen.importers.toml_positions import Statement, TomlFile, shown_path

_BARE = re.compile(r"\d[\w.+!-]*")
_RELATIVE = re.compile(r"([\^~])\s*v?(\d+(?:\.\d+)*)(.*)")


def poetry_items(toml: TomlFile, statement: Statement, rest: tuple[str, ...]) -> Iterator[Asked]:
    """Yield what a statement below `tool.poetry` asks for."""
    table, name, group = _place(rest)
    if table is None:
        yield _beside(statement, rest)
        return
    found = toml.table("tool", "poetry", *table)
    if not name:
        yield Heading(span=statement.span)
        if statement.value is not None:  # all of it within braces
            for key, value in found.items():
                yield from _dependency(toml, key, value, statement.span, group)
    elif statement.value is None or not _first(toml, statement, (*table, name)):
        yield Heading(span=statement.span)
    else:
        yield from _dependency(toml, name, found.get(name), statement.span, group)


def _beside(statement: Statement, rest: tuple[str, ...]) -> Asked:
    """Account for a statement that asks for no package."""
    if not rest or rest[0] in ("extras", "group"):  # read with the packages that they speak of
        return Heading(span=statement.span)
    why = "envgen asks the index uv is set up for" if rest[0] == "source" else "it describes the project"
    return Ignored(span=statement.span, what=shown_path(statement.path), why=why)


def _place(rest: tuple[str, ...]) -> tuple[tuple[str, ...] | None, str, str]:
    """Return the table that a statement belongs to, the package's name in it, and the group; None for other tables."""
    match rest:
        case ("dependencies", *inner):
            return ("dependencies",), inner[0] if inner else "", ""
        case ("dev-dependencies", *inner):
            return ("dev-dependencies",), inner[0] if inner else "", "dev"
        case ("group", name, "dependencies", *inner):
            return ("group", name, "dependencies"), inner[0] if inner else "", canonicalize_name(name)
        case _:
            return None, "", ""


def _first(toml: TomlFile, statement: Statement, path: tuple[str, ...]) -> bool:
    """Return whether a statement is the first of those that describe one package."""
    full = ("tool", "poetry", *path)
    same = (other for other in toml.statements if other.path[: len(full)] == full and other.value is not None)
    return next(same, statement) is statement


def _dependency(toml: TomlFile, name: str, value: object, span: Span, group: str) -> Iterator[Asked]:
    for each in value if isinstance(value, list) else [value]:
        table = each if isinstance(each, dict) else {"version": each}
        yield _one(name, table, span, group or _extra(toml, name, table))


def _extra(toml: TomlFile, name: str, table: Mapping[str, object]) -> str:
    """Return the first extra that an optional package belongs to."""
    if table.get("optional") is not True:
        return ""
    for extra, names in toml.table("tool", "poetry", "extras").items():
        if isinstance(names, list) and name in names:
            return canonicalize_name(extra)
    return "optional"


def _one(name: str, table: Mapping[str, object], span: Span, group: str) -> Asked:
    marker = _marker(table)
    for key in ("git", "url"):
        if isinstance(url := table.get(key), str):
            link = ImportedLink(span=span, url=url, name=canonicalize_name(name), group=group)
            return unless_elsewhere(link, marker)
    if isinstance(path := table.get("path"), str):
        project = ImportedProject(span=span, path=path, editable=table.get("develop") is True, group=group)
        return unless_elsewhere(project, marker)
    version = table.get("version", "*")
    try:
        specifier = pep440_of(version if isinstance(version, str) else "*")
    except ValueError as error:
        return Unsupported(span=span, why=str(error), hint="write one range, as in PEP 440")
    if name == "python":
        return ImportedPython(span=span, bound=specifier, group=group)
    behind = f" ; {marker}" if marker else ""
    asked = read_line(f"{name}{_extras(table)}{specifier}{behind}", span, group)
    return asked if not isinstance(asked, Reference) else Unsupported(span=span, why=f"not a name: `{name}`")


def _extras(table: Mapping[str, object]) -> str:
    extras = table.get("extras")
    names = [str(extra) for extra in extras] if isinstance(extras, list) else []
    return f"[{','.join(names)}]" if names else ""


def _marker(table: Mapping[str, object]) -> str:
    markers = [f"({table['markers']})"] if isinstance(table.get("markers"), str) else []
    if isinstance(table.get("platform"), str):
        markers.append(f"sys_platform == '{table['platform']}'")
    if isinstance(python := table.get("python"), str):
        try:
            markers += [f"python_version {one.operator} '{one.version}'" for one in SpecifierSet(pep440_of(python))]
        except ValueError:
            markers.append("python_version > '3'")
    return " and ".join(markers)


def pep440_of(version: str) -> str:
    """Translate one of Poetry's constraints (`^1.2`, `~1.2`, `1.*`) into PEP 440; raise ValueError where it is none."""
    if "|" in version:
        raise ValueError(f"PEP 440 has no alternatives such as `{version}`")
    clauses = [_clause(part.strip()) for part in version.replace(" ,", ",").split(",") if part.strip()]
    text = ",".join(clause for clause in clauses if clause)
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        raise ValueError(f"not a version constraint: `{version}`") from error
    return text


def _clause(text: str) -> str:
    if text == "*":
        return ""
    if relative := _RELATIVE.fullmatch(text):
        release = [int(part) for part in relative[2].split(".")]
        upper = _caret(release) if relative[1] == "^" else _tilde(release)
        return f">={relative[2]}{relative[3]},<{upper}"
    if text.endswith(".*") and text[0].isdigit():
        return f"=={text}"
    return f"=={text}" if _BARE.fullmatch(text) else text.replace(" ", "")


def _caret(release: list[int]) -> str:
    at = next((index for index, part in enumerate(release) if part), len(release) - 1)
    return ".".join(map(str, [*release[:at], release[at] + 1]))


def _tilde(release: list[int]) -> str:
    return ".".join(map(str, [*release[:1], release[1] + 1] if len(release) > 1 else [release[0] + 1]))
