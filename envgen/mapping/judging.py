"""Judge whether a conda package is a project of PyPI's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from envgen.knowledge.names import NameTable
from envgen.mapping.distributions import contents_of
from envgen.mapping.evidence import depends_names, is_python, pins
from envgen.mapping.shelf import Shelf

_PARTS = ("{}-core", "{}-base")
_BINDINGS = ("python-{}", "{}-python", "py-{}", "{}-py", "{}.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Weigh what the table and the records say of a conda package, for one set of channels."""

    shelf: Shelf
    table: NameTable

    def spellings(self, project: str) -> Iterator[str]:
        """Give every name of the channels that its spelling could make the project, or a part or library of it."""
        for form in ("{}", *_PARTS, *_BINDINGS):
            yield from self.shelf.twins(canonicalize_name(form.format(project)))

    def objection(self, project: str, conda: str) -> str:
        """Say why a package is not a project, in words; nothing where it is.

        A package that is known to hold other distributions, that holds none, or whose newest record does not depend
        on Python is another project's, or a library or tool of the same name.
        """
        record = self.shelf.newest(conda)
        if record is None:
            return "the channel has no record of it for this platform"
        held = contents_of(conda, record.version, self.table)
        if held is None:
            return "" if is_python(record) else "it is not a Python package: no record of it depends on python"
        if project in held:
            return ""
        if held:
            return f"it holds the distribution {', '.join(held)}, not {project}"
        return "it holds no Python distribution: a library, a tool or a bundle"

    def is_python(self, conda: str) -> bool:
        """Tell whether the newest record of a package is Python."""
        record = self.shelf.newest(conda)
        return record is not None and is_python(record)

    def parts(self, project: str, conda: str) -> Iterator[str]:
        """Give the packages below an umbrella or alias that hold the project: those that its record depends on.

        Told by the table, or by another spelling of the same name (`typing-extensions` over `typing_extensions`).
        """
        record = self.shelf.newest(conda)
        depended = depends_names(record) if record else frozenset()
        holders = self.table.holders.get(project, ())
        yield from (name for name in holders if name in depended and name != conda)
        for name in sorted(depended - {conda, *holders}):
            if canonicalize_name(name) == project and not self.objection(project, name):
                yield name

    def is_bundle(self, project: str, conda: str) -> bool:
        """Tell whether a package that is not Python itself pins its own `-core` or `-base` to its very version."""
        record = self.shelf.newest(conda)
        if record is None or conda in self.table.nothing:
            return False
        names = [name for form in _PARTS for name in self.shelf.twins(canonicalize_name(form.format(project)))]
        return any(self.is_python(name) and pins(record, name, self._version(name)) for name in names)

    def bindings(self, project: str) -> Iterator[tuple[str, str]]:
        """Give packages named like the Python side of a library, each with what speaks against it (or nothing).

        Only a package at the version of the library of the project's own name is believed: `python-snappy` is not the
        distribution snappy, and nothing in a record says so.
        """
        library = next((name for name in self.shelf.twins(project) if not self.is_python(name)), None)
        for form in _BINDINGS:
            for name in self.shelf.twins(canonicalize_name(form.format(project))):
                if self.table.contents.get(name) is None:
                    yield name, self._doubt(name, library)

    def _doubt(self, name: str, library: str | None) -> str:
        theirs = f"it is the package of PyPI's {canonicalize_name(name)}"
        if name in self.table.own:
            return theirs
        record = self.shelf.newest(name)
        if record is None or not self.is_python(name):
            return "it is not a Python package: no record of it depends on python"
        if library is None or record.version != self._version(library):
            return f"{theirs}, as far as its records tell"
        return ""

    def _version(self, name: str) -> str:
        record = self.shelf.newest(name)
        return record.version if record else ""
