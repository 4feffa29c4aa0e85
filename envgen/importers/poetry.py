"""The dependencies that Poetry keeps in pyproject.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envgen.importers.items import (
    Heading,
    Ignored,
    ImportedItem,
    ImportedLink,
    ImportedProject,
    ImportedPython,
    Span,
    Unsupported,
    index_note,
)
from envgen.importers.requirements_txt import read_requirement, unless_elsewhere
from envgen.importers.toml_positions import Statement, Table, TomlFile, listed_extras, shown_path

_BARE = re.compile(r"\d[\w.+!-]*")
_RELATIVE = re.compile(r"(?:\^|~(?!=))\s*v?(\d\S*)")
_ZEROS = re.compile(r"(\.0)+$")


def poetry_items(toml: TomlFile, statement: Statement, rest: tuple[str, ...]) -> Iterator[ImportedItem]:
    """Yield what a statement below `tool.poetry` asks for."""
    match rest:
        case ("dependencies" | "dev-dependencies" as key, *inner):
            yield from _statement_items(toml, statement, (key,), inner, "" if key == "dependencies" else "dev")
        case ("group", name, "dependencies", *inner):
            yield from _statement_items(toml, statement, rest[:3], inner, canonicalize_name(name))
        case () | ("extras" | "group", *_):  # read with the packages that they speak of
            yield Heading(span=statement.span)
        case _:
            why = "envgen asks the index uv is set up for" if rest[0] == "source" else "it describes the project"
            why = index_note(why, statement.value) if rest[0] == "source" else why
            yield Ignored(span=statement.span, what=shown_path(statement.path), why=why)


def _statement_items(
    toml: TomlFile, statement: Statement, table: tuple[str, ...], inner: list[str], group: str
) -> Iterator[ImportedItem]:
    """Read a table's head, one package of it, or all of it within braces."""
    found = toml.table("tool", "poetry", *table)
    if not inner:
        yield Heading(span=statement.span)
        for key, value in found.items() if statement.value is not None else ():
            yield from _dependency(toml, key, value, statement.span, group)
    elif statement.value is None or not toml.is_first(statement, ("tool", "poetry", *table, inner[0])):
        yield Heading(span=statement.span)
    else:
        yield from _dependency(toml, inner[0], found.get(inner[0]), statement.span, group)


def _dependency(toml: TomlFile, name: str, value: object, span: Span, group: str) -> Iterator[ImportedItem]:
    for each in value if isinstance(value, list) else [value]:
        table = each if isinstance(each, dict) else {"version": each}
        yield _package(name, table, span, group or _extra(toml, name, table))


def _extra(toml: TomlFile, name: str, table: Table) -> str:
    """Return the first extra that an optional package belongs to."""
    if table.get("optional") is not True:
        return ""
    for extra, names in toml.table("tool", "poetry", "extras").items():
        if isinstance(names, list) and name in names:
            return canonicalize_name(extra)
    return "optional"


def _package(name: str, table: Table, span: Span, group: str) -> ImportedItem:
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
    text = f"{name}{listed_extras(table)}{specifier}" + (f" ; {marker}" if marker else "")
    return read_requirement(text, span, group, refusal=f"not a name: `{name}`")


def _marker(table: Table) -> str:
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
    try:
        clauses = [_clause(part.strip()) for part in version.split(",") if part.strip()]
        text = ",".join(filter(None, clauses))
        SpecifierSet(text)
    except ValueError as error:
        raise ValueError(f"not a version constraint: `{version}`") from error
    return text


def _clause(text: str) -> str:
    if text == "*":
        return ""
    if relative := _RELATIVE.fullmatch(text):
        # loaded late: few files need it. Of a range its upper bound is Poetry's, the lower one stays as it was written
        from poetry.core.constraints.version import VersionRange, parse_constraint

        # not read from the range as text: Poetry renders `>=1.0.dev0,<2.0.dev0` as `==1.*`
        found = parse_constraint(text)
        if isinstance(found, VersionRange) and found.max:
            return f">={relative[1]},<{_ZEROS.sub('', str(found.max.stable))}"
    return f"=={text}" if _BARE.fullmatch(text) or re.fullmatch(r"\d.*\.\*", text) else text.replace(" ", "")
