"""What pyproject.toml asks for: by PEP 621, by PEP 735, and in the tables of Poetry, uv and pixi."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envgen.importers.items import (
    ForeignFile,
    Heading,
    Ignored,
    ImportedGroup,
    ImportedItem,
    ImportedLink,
    ImportedProject,
    ImportedPython,
    ImportedRequirement,
    Include,
    Span,
    Unsupported,
    index_note,
)
from envgen.importers.pixi_toml import pixi_item, workspace_macos, workspace_name
from envgen.importers.requirements_txt import (
    Reference,
    may_apply,
    other_files,
    read_requirement,
    referenced,
    unless_elsewhere,
)
from envgen.importers.toml_positions import Statement, Table, TomlFile, listed_extras, read_toml, shown_path

_DYNAMIC = "`dynamic`: its build program writes the dependencies, which envgen does not run"
_INDEXES = "envgen asks the index that uv is set up for (UV_DEFAULT_INDEX, UV_INDEX), and builds nothing"
_PEP508 = "write it as in PEP 508, such as `pandas>=2`"


def read_pyproject(text: str, file: str, include: Include) -> ForeignFile:
    """Read a project's file; each extra and each dependency group becomes a group.

    Requirement files that it names are read by `include`.

    Raises:
        ForeignFileError: it is no TOML.
    """
    toml = read_toml(text, file)
    reader = _ProjectFile(toml, file, include)
    items = tuple(item for statement in toml.statements for item in reader.items(statement))
    names = [toml.table("project").get("name"), toml.table("tool", "poetry").get("name")]
    pixi = toml.table("tool", "pixi")
    return ForeignFile(
        format="pyproject.toml",
        file=file,
        items=items,
        name=next((name for name in names if isinstance(name, str)), workspace_name(pixi)),
        macos=workspace_macos(pixi),
        files=other_files(items, file),
        project=any(isinstance(name, str) for name in names),
    )


class _ProjectFile:
    """Reads what each statement of a project's file asks for."""

    def __init__(self, toml: TomlFile, file: str, include: Include) -> None:
        self._toml = toml
        self._file = file
        self._include = include
        self._sources = toml.table("tool", "uv", "sources")
        name = toml.table("project").get("name")
        self._own = canonicalize_name(name) if isinstance(name, str) else ""

    def items(self, statement: Statement) -> Iterator[ImportedItem]:
        match statement.path:
            case ("project", *rest):
                yield from self._project(statement, tuple(rest))
            case ("dependency-groups", *rest):
                yield from self._lists(statement, tuple(rest))
            case ("tool", name, *rest):
                yield from self._tool(statement, name, tuple(rest))
            case ("build-system", *_):
                yield Ignored(span=statement.span, what="`build-system`", why="it builds the project, and is not run")
            case _:
                yield Ignored(span=statement.span, what=shown_path(statement.path), why="it asks for no package")

    def _tool(self, statement: Statement, name: str, rest: tuple[str, ...]) -> Iterator[ImportedItem]:
        if name == "poetry":
            yield from poetry_items(self._toml, statement, rest)
        elif name == "uv":
            yield from self._uv(statement, rest)
        elif name == "pixi":
            yield from pixi_item(self._toml.table("tool", "pixi"), statement, rest)
        elif (file := _requirement_files(name, rest)) is not None and statement.value is not None:
            yield from self._named_files(statement, file)
        else:
            yield Ignored(span=statement.span, what=f"`tool.{name}`", why="it is a setting of that tool's")

    def _project(self, statement: Statement, rest: tuple[str, ...]) -> Iterator[ImportedItem]:
        match rest, statement.value:
            case ("requires-python",), str(bound):
                yield ImportedPython(span=statement.span, bound=bound)
            case ("dependencies",), value:
                yield from self._list(statement, value, "")
            case ("optional-dependencies", *inner), _:
                yield from self._lists(statement, tuple(inner))
            case ("dynamic",), [*names] if "dependencies" in names or "optional-dependencies" in names:
                yield self._dynamic(statement)
            case (), _:
                yield Heading(span=statement.span)
            case _:
                yield Ignored(span=statement.span, what=shown_path(statement.path), why="it describes the project")

    def _dynamic(self, statement: Statement) -> ImportedItem:
        """Return what dependencies are that a build program finds: in files that are read here, too, or by running."""
        setuptools = self._toml.table("tool", "setuptools", "dynamic")
        if setuptools or self._toml.table("tool", "hatch", "metadata", "hooks", "requirements_txt"):
            return Heading(span=statement.span)
        hint = "give the file that it reads them from, such as requirements.txt"
        return Unsupported(span=statement.span, why=_DYNAMIC, hint=hint)

    def _named_files(self, statement: Statement, rest: tuple[str, ...]) -> Iterator[ImportedItem]:
        """Read the files of requirements that a build program would read."""
        group = canonicalize_name(rest[1]) if rest[:1] == ("optional-dependencies",) and len(rest) > 1 else ""
        files = statement.value if isinstance(statement.value, list) else [statement.value]
        yield Heading(span=statement.span)
        for name in files:
            reference = Reference(span=statement.span, target=str(name), bound=False)
            for item in referenced(reference, self._file, self._include):
                yield replace(item, group=group) if isinstance(item, ImportedRequirement | ImportedLink) else item

    def _uv(self, statement: Statement, rest: tuple[str, ...]) -> Iterator[ImportedItem]:
        if rest == ("dev-dependencies",):
            yield from self._list(statement, statement.value, "dev")
        elif rest[:1] == ("sources",):
            yield Heading(span=statement.span, what="read with the package that it is for")
        elif rest[:1] in (("index",), ("index-url",), ("extra-index-url",)):
            yield Ignored(
                span=statement.span, what=shown_path(statement.path), why=index_note(_INDEXES, statement.value)
            )
        else:
            yield Ignored(span=statement.span, what="`tool.uv`", why="it is a setting of uv's")

    def _lists(self, statement: Statement, rest: tuple[str, ...]) -> Iterator[ImportedItem]:
        """Read lists by group: a table's head, one list of it, or all of them within braces."""
        if isinstance(statement.value, dict):
            for name, inner in statement.value.items():
                yield from self._list(statement, inner, canonicalize_name(name))
        elif rest and statement.value is not None:
            yield from self._list(statement, statement.value, canonicalize_name(rest[0]))
        else:
            yield Heading(span=statement.span)

    def _list(self, statement: Statement, value: object, group: str) -> Iterator[ImportedItem]:
        yield Heading(span=statement.span)
        for item, span in statement.spanned(value if isinstance(value, list) else [value]):
            match item:
                case {"include-group": str(included)}:
                    yield ImportedGroup(span=span, included=canonicalize_name(included), group=group)
                case str():
                    yield from self._requirement(item, span, group)
                case _:
                    yield Unsupported(span=span, why="not a requirement", hint=_PEP508)

    def _requirement(self, text: str, span: Span, group: str) -> Iterator[ImportedItem]:
        item = read_requirement(text, span, group, refusal="not a requirement", hint=_PEP508)
        if not isinstance(item, ImportedRequirement):
            yield item
        elif self._own and item.requirement.name == self._own:
            for extra in item.requirement.extras:  # `all = ["ours[a,b]"]`
                yield ImportedGroup(span=span, included=extra, group=group)
        else:
            yield _sourced(item, self._sources)


def _requirement_files(tool: str, rest: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the place in a build tool's table that names files of requirements, or None for any other."""
    match (tool, *rest):
        case ("setuptools", "dynamic", "dependencies" | "optional-dependencies", *_, "file"):
            return rest[1:]
        case ("hatch", "metadata", "hooks", "requirements_txt", *inner):
            return tuple(inner)
    return None


def _sourced(item: ImportedRequirement, sources: Table) -> ImportedItem:
    """Return what a requirement asks for, which uv may take from somewhere else than an index: `tool.uv.sources`."""
    source = _source_of(item.requirement.name, sources)
    for key in ("git", "url"):
        if isinstance(link := source.get(key), str):
            return ImportedLink(span=item.span, url=link, name=item.requirement.name, group=item.group)
    if isinstance(path := source.get("path"), str):
        editable = source.get("editable") is True
        extras = item.requirement.extras
        return ImportedProject(span=item.span, path=path, editable=editable, extras=extras, group=item.group)
    if source.get("workspace") is True:
        why = f"`{item.requirement.name}` is another project of the workspace"
        return Unsupported(span=item.span, why=why, hint="list its folder under `local`")
    if isinstance(index := source.get("index"), str):
        note = f"uv's index `{index}` is not asked for it, but the one that uv is set up for"
        return replace(item, notes=(*item.notes, note))
    return item


def _source_of(name: str, sources: Table) -> Table:
    """Find the source of a package that may count on Apple silicon, or nothing."""
    value = next((value for key, value in sources.items() if canonicalize_name(key) == name), None)
    tables = [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
    return next((each for each in tables if may_apply(str(each.get("marker", "")))), {})


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
