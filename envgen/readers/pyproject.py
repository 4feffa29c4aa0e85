"""Read pyproject.toml: PEP 621, PEP 735, and what Poetry, uv and pixi keep there."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.utils import canonicalize_name

from envgen.readers.foreign import Aside, Asked, AskedGroup, AskedPython, ForeignFile, Heading, Span, Unread
from envgen.readers.pixi_toml import pixi_item, workspace_macos, workspace_name
from envgen.readers.poetry import poetry_items
from envgen.readers.requirement_lines import Reference, read_line
from envgen.readers.toml_lines import Statement, TomlFile, read_toml, shown_path

_DYNAMIC = "its build program writes the dependencies, which envgen does not run"
_SOURCES = "envgen asks the index that uv is set up for (UV_DEFAULT_INDEX, UV_INDEX), and builds nothing"


def read_pyproject(text: str, file: str) -> ForeignFile:
    """Read a project's file; each extra and each dependency group becomes a group.

    Raises:
        ForeignFileError: it is no TOML.
    """
    toml = read_toml(text, file)
    reader = _Project(toml)
    items = tuple(item for statement in toml.statements for item in reader.items(statement))
    names = [toml.table("project").get("name"), toml.table("tool", "poetry").get("name")]
    pixi = toml.table("tool", "pixi")
    return ForeignFile(
        format="pyproject.toml",
        file=file,
        items=items,
        name=next((name for name in names if isinstance(name, str)), workspace_name(pixi)),
        macos=workspace_macos(pixi),
        project=any(isinstance(name, str) for name in names),
    )


class _Project:
    """Say what each statement of a project's file asks for."""

    def __init__(self, toml: TomlFile) -> None:
        self._toml = toml
        name = toml.table("project").get("name")
        self._own = canonicalize_name(name) if isinstance(name, str) else ""

    def items(self, statement: Statement) -> Iterator[Asked]:
        match statement.path:
            case ("project", *rest):
                yield from self._project(statement, tuple(rest))
            case ("dependency-groups", *rest):
                yield from self._groups(statement, tuple(rest))
            case ("tool", "poetry", *rest):
                yield from poetry_items(self._toml, statement, tuple(rest))
            case ("tool", "uv", *rest):
                yield from self._uv(statement, tuple(rest))
            case ("tool", "pixi", *rest):
                yield from pixi_item(self._toml.table("tool", "pixi"), statement, tuple(rest))
            case ("build-system", *_):
                yield Aside(span=statement.span, what="`build-system`", why="it builds the project, and is not run")
            case ("tool", name, *_):
                yield Aside(span=statement.span, what=f"`tool.{name}`", why="it is a setting of that tool's")
            case _:
                yield Aside(span=statement.span, what=shown_path(statement.path), why="it asks for no package")

    def _project(self, statement: Statement, rest: tuple[str, ...]) -> Iterator[Asked]:
        value = statement.value
        if rest == ("requires-python",) and isinstance(value, str):
            yield AskedPython(span=statement.span, bound=value)
        elif rest == ("dependencies",):
            yield from self._list(statement, value, "")
        elif rest[:1] == ("optional-dependencies",):
            yield from self._lists(statement, rest[1:], value)
        elif (
            rest == ("dynamic",) and isinstance(value, list) and {"dependencies", "optional-dependencies"} & set(value)
        ):
            hint = "give the file that it reads them from, such as requirements.txt"
            yield Unread(span=statement.span, why=f"`dynamic`: {_DYNAMIC}", hint=hint)
        else:
            yield Aside(span=statement.span, what=shown_path(statement.path), why="it describes the project")

    def _groups(self, statement: Statement, rest: tuple[str, ...]) -> Iterator[Asked]:
        yield from self._lists(statement, rest, statement.value)

    def _uv(self, statement: Statement, rest: tuple[str, ...]) -> Iterator[Asked]:
        if rest == ("dev-dependencies",):
            yield from self._list(statement, statement.value, "dev")
        elif rest[:1] in (("sources",), ("index",), ("index-url",), ("extra-index-url",)):
            yield Aside(span=statement.span, what=shown_path(statement.path), why=_SOURCES)
        else:
            yield Aside(span=statement.span, what="`tool.uv`", why="it is a setting of uv's")

    def _lists(self, statement: Statement, rest: tuple[str, ...], value: object) -> Iterator[Asked]:
        """Read lists by group: a table's head, one list of it, or all of them within braces."""
        if rest and value is not None and not isinstance(value, dict):
            yield from self._list(statement, value, canonicalize_name(rest[0]))
        elif isinstance(value, dict):
            for name, inner in value.items():
                yield from self._list(statement, inner, canonicalize_name(name))
        else:
            yield Heading(span=statement.span)

    def _list(self, statement: Statement, value: object, group: str) -> Iterator[Asked]:
        yield Heading(span=statement.span)
        items = value if isinstance(value, list) else [value]
        spans = statement.items or (statement.span,) * len(items)
        for item, span in zip(items, spans, strict=True):
            yield from self._item(item, span, group)

    def _item(self, item: object, span: Span, group: str) -> Iterator[Asked]:
        if isinstance(item, dict) and isinstance(item.get("include-group"), str):
            yield AskedGroup(span=span, included=canonicalize_name(item["include-group"]), group=group)
        elif isinstance(item, str):
            yield from self._requirement(item, span, group)
        else:
            yield Unread(span=span, why="not a requirement", hint="write it as in PEP 508, such as `pandas>=2`")

    def _requirement(self, text: str, span: Span, group: str) -> Iterator[Asked]:
        asked = read_line(text, span, group)
        if isinstance(asked, Reference):
            yield Unread(span=span, why="not a requirement", hint="write it as in PEP 508, such as `pandas>=2`")
            return
        requirement = getattr(asked, "requirement", None)
        if self._own and requirement and requirement.name == self._own:
            for extra in requirement.extras:  # `all = ["ours[a,b]"]`
                yield AskedGroup(span=span, included=extra, group=group)
            return
        yield asked
