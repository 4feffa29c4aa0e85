"""What a project of the user's own needs, by its pyproject.toml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from envgen.errors import ForeignFileError, Problem, SourceLine
from envgen.importers.items import ImportedLink, ImportedProject, ImportedRequirement, Unsupported
from envgen.importers.pyproject import poetry_items
from envgen.importers.toml_positions import TomlFile, read_toml
from envgen.manifest.fields import requirement as manifest_requirement
from envgen.manifest.problems import RefusalError, did_you_mean
from envgen.models.requirement import Origin, Requirement

_PROJECT, _EXTRAS, _POETRY = ("project", "dependencies"), ("project", "optional-dependencies"), ("tool", "poetry")
_LINKED = "a URL cannot be proved or locked"
_LINK_HINT = "name a release, such as `name>=1`; a project of your own is listed under `local`, and named without a URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnProject:
    """What a project's file says: its canonical name or "", and the requirements of it and of chosen extras.

    `python` bounds the python that it runs on, "" for any, and stands on `python_line`. `unread` says why its
    dependencies could not be read, "" where they were.
    """

    name: str = ""
    requirements: tuple[Requirement, ...] = ()
    python: str = ""
    python_line: SourceLine | None = None
    unread: str = ""


def read_own_project(text: str, file: str, extras: Sequence[str] = ()) -> OwnProject:
    """Read PEP 621's dependencies, or else Poetry's; each requirement's origin names its line.

    Raises:
        ForeignFileError: it is no TOML, or with every line that cannot be locked, and every unknown extra.
    """
    toml = read_toml(text, file)
    reader = _ProjectReader(toml, file)
    unread = reader.unread()
    found = () if unread else tuple(reader.requirements(extras))
    python, line = reader.python()
    if reader.problems:
        raise _refusal(file, reader.problems)
    return OwnProject(name=reader.name, requirements=found, python=python, python_line=line, unread=unread)


def _refusal(file: str, problems: Sequence[Problem]) -> ForeignFileError:
    lines = [problem.line for problem in problems if problem.line]
    if len(problems) == 1:
        return ForeignFileError(f"{file}: {problems[0].message}", hint=problems[0].hint, lines=lines, code="local")
    listed = [f"{each.message} ({each.hint})" if each.hint else each.message for each in problems]
    message = "\n  ".join([f"{file} has {len(problems)} problems", *listed])
    return ForeignFileError(message, lines=lines, code="local")


class _ProjectReader:
    """Reads requirements out of a project's file, and collects what is wrong with them in `problems`."""

    def __init__(self, toml: TomlFile, file: str) -> None:
        self._toml = toml
        self._file = file
        self._project = toml.table("project")
        self._poetry = toml.table(*_POETRY)
        self.problems: list[Problem] = []
        names = [self._project.get("name"), self._poetry.get("name")]
        self.name = next((str(canonicalize_name(name)) for name in names if isinstance(name, str)), "")

    def unread(self) -> str:
        """Return why the dependencies cannot be read, "" where they can."""
        if "dependencies" in self._project or "dependencies" in self._poetry:
            return ""
        dynamic = self._project.get("dynamic")
        if isinstance(dynamic, list) and "dependencies" in dynamic:
            line = self._line(("project", "dynamic"))
            where = f" (line {line.line})" if line else ""
            return f"{self._file} leaves them to the build program: dynamic{where}"
        return "" if self._project else f"{self._file} has no [project] table"

    def python(self) -> tuple[str, SourceLine | None]:
        """Return the bounds on python with their line; those of Poetry's are not looked at."""
        text, line = self._project.get("requires-python"), self._line(("project", "requires-python"))
        if not isinstance(text, str):
            return "", None
        try:
            SpecifierSet(text)
        except InvalidSpecifier:
            self._wrong(f"not a bound on python: `{text}`", 'write it as in PEP 440, such as ">=3.11"', line)
            return "", None
        return text, line

    def requirements(self, extras: Sequence[str]) -> Iterator[Requirement]:
        """Yield the requirements of the project and of these extras."""
        if "dependencies" in self._project or "dependencies" not in self._poetry:
            yield from self._list(_PROJECT, self._project.get("dependencies", []), set())
        else:
            yield from self._of_poetry()
        seen: set[str] = set()
        for extra in extras:
            yield from self._extra(extra, seen)

    def _extra(self, extra: str, seen: set[str]) -> Iterator[Requirement]:
        """Yield the requirements of an extra, and of the extras of the same project that it names."""
        if extra in seen:
            return
        seen.add(extra)
        keys = {str(canonicalize_name(key)): key for key in self._toml.table(*_EXTRAS)}
        if extra in keys:
            yield from self._list((*_EXTRAS, keys[extra]), self._toml.table(*_EXTRAS)[keys[extra]], seen)
        else:
            known = ", ".join(sorted(keys)) or "none"
            self._wrong(f"the project has no extra `{extra}`{did_you_mean(extra, keys)}", f"its extras: {known}")

    def _list(self, path: tuple[str, ...], value: object, seen: set[str]) -> Iterator[Requirement]:
        if not isinstance(value, list):
            self._wrong(f"`{'.'.join(path)}` is not a list", "", self._line(path))
            return
        for place, item in enumerate(value):
            line = self._line(path, place)
            try:
                requirement = manifest_requirement(item)
            except RefusalError as error:
                self._wrong(error.message, _LINK_HINT if error.message.startswith(_LINKED) else error.hint, line)
                continue
            if requirement.name == self.name:
                for extra in requirement.extras:  # `all = ["ours[a,b]"]`
                    yield from self._extra(extra, seen)
            else:
                origin = Origin(path=f"{self._file}: {'.'.join(path)}[{place}]", line=line)
                yield replace(requirement, origin=origin)

    def _of_poetry(self) -> Iterator[Requirement]:
        place = 0
        for statement in self._toml.statements:
            if statement.path[:3] != (*_POETRY, "dependencies"):
                continue
            for item in poetry_items(self._toml, statement, statement.path[2:]):
                line = item.span.line
                if isinstance(item, ImportedRequirement) and not item.group:
                    origin = Origin(path=f"{self._file}: tool.poetry.dependencies[{place}]", line=line)
                    place += 1
                    yield replace(item.requirement, origin=origin)
                elif isinstance(item, ImportedLink | ImportedProject) and not item.group:
                    self._wrong(f"{_LINKED}: `{line.text.strip()}`", _LINK_HINT, line)
                elif isinstance(item, Unsupported):
                    self._wrong(item.why, item.hint, line)

    def _line(self, path: tuple[str, ...], place: int | None = None) -> SourceLine | None:
        """Return the line of a value, or of one item of a list; where it stands within braces, that of the whole."""
        exact = next((one for one in self._toml.statements if one.path == path and one.value is not None), None)
        if exact:
            return exact.items[place].line if place is not None and exact.items else exact.span.line
        around = [one for one in self._toml.statements if one.value is not None and path[: len(one.path)] == one.path]
        return max(around, key=lambda one: len(one.path)).span.line if around else None

    def _wrong(self, message: str, hint: str, line: SourceLine | None = None) -> None:
        self.problems.append(Problem(path="", message=message, hint=hint, line=line))
