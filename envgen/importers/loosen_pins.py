"""Find out what a person asked for in a list that a solver made.

An export or a freeze names hundreds of packages, and most are there because others need them. Those come again by
themselves, in versions that fit; to pin them only keeps a Mac from having any. What is kept are the packages that no
other package of the list needs, and those that people ask for by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envgen.importers.items import Asked, ImportedMatchSpec, ImportedRequirement
from envgen.knowledge.names import is_main
from envgen.knowledge.replacements import unwanted_package
from envgen.mapping.conda_to_pypi import CondaToPypi
from envgen.mapping.version_specs import to_pep440

Listed = ImportedRequirement | ImportedMatchSpec
Pins = Literal["exact", "series", "major", "free"]
PINS: tuple[Pins, ...] = ("exact", "series", "major", "free")
SUBDIR = "osx-arm64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A specifier, and what of the written one was given up for it, "" where nothing was."""

    specifier: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Needed:
    """Describe for the items of a solved list which other item of the list needs each."""

    by: Mapping[int, str]

    def who(self, item: Asked) -> str:
        """Name a package of the list that needs an item, or give "" for one that none needs."""
        return self.by.get(id(item), "")


def needed_items(items: Sequence[Asked], conda_to_pypi: CondaToPypi) -> Needed:
    """Return which items of a solved list are there for others."""
    listed = [
        item for item in items if isinstance(item, ImportedRequirement | ImportedMatchSpec) and not _is_unwanted(item)
    ]
    graph = _Graph(listed, conda_to_pypi)
    return Needed({id(item): needed for item in listed if (needed := graph.needer(item))})


def _is_unwanted(item: Listed) -> bool:
    """Return whether an item is left out, so that it brings nothing."""
    if isinstance(item, ImportedMatchSpec):
        return bool(unwanted_package(item.name, "conda"))
    return bool(unwanted_package(item.requirement.name, "pypi"))


class _Graph:
    """Which package of a list needs which."""

    def __init__(self, listed: Iterable[Listed], conda_to_pypi: CondaToPypi) -> None:
        self._conda_to_pypi = conda_to_pypi
        items = list(listed)
        conda_to_pypi.read([item.name for item in items if isinstance(item, ImportedMatchSpec)])
        self._keys = {id(item): self._key(item) for item in items}
        known = set(self._keys.values())
        self._needs = {self._keys[id(item)]: self._needed(item) & known for item in items}
        self._by = self._needers()

    def needer(self, item: Listed) -> str:
        """Name the package that an item is there for, or give "" for one to keep."""
        key = self._keys[id(item)]
        return "" if is_main(key) else self._by.get(key, "")

    def _needers(self) -> dict[str, str]:
        """Walk down from the packages that nothing needs; of a circle, one is kept."""
        needed = {name for key, names in self._needs.items() for name in names if name != key}
        reached: dict[str, str] = {}
        roots = [key for key in self._needs if key not in needed]
        rest = [key for key in self._needs if key in needed]
        for root in (*roots, *rest):
            if root in needed and root in reached:
                continue
            self._walk(root, reached)
        return reached

    def _walk(self, root: str, reached: dict[str, str]) -> None:
        queue = [root]
        for key in queue:
            fresh = sorted(name for name in self._needs[key] if name not in reached and name != root)
            reached.update((name, key) for name in fresh)
            queue.extend(fresh)

    def _key(self, item: Listed) -> str:
        if isinstance(item, ImportedRequirement):
            return item.requirement.name
        return self._of_conda(item.name)

    def _of_conda(self, conda: str) -> str:
        return self._conda_to_pypi.of(conda).requirement.partition("[")[0] or conda

    def _needed(self, item: Listed) -> frozenset[str]:
        names = frozenset(item.needs)
        if not names and isinstance(item, ImportedMatchSpec):
            names = self._conda_to_pypi.depends_of(item.name, item.version.lstrip("="))
        elif not names and isinstance(item, ImportedRequirement):
            conda = self._conda_to_pypi.conda_of(item.requirement.name)
            version = item.requirement.specifier.lstrip("=")
            names = self._conda_to_pypi.depends_of(conda, version) if conda else frozenset()
        return frozenset(self._of_conda(name) for name in names)


def loosened_pin(specifier: str, pins: Pins, have: Iterable[str] | None = None) -> Pin:
    """Widen `==1.2.3` to what is wanted, and then until one of the versions at hand meets it.

    The steps are the release, its series, its major version, any. `have` is None where the versions are not known.
    """
    written = specifier.removeprefix("==").removesuffix(".*")
    if not written or not specifier.startswith("=="):
        return Pin(specifier=specifier)
    parts = written.split(".")
    series = [f"=={'.'.join(parts[:count])}.*" if len(parts) > count else specifier for count in (2, 1)]
    steps = [specifier, *series, ""][PINS.index(pins) :]
    versions = None if have is None else [Version(text) for text in filter(None, map(to_pep440, have))]
    met = next(each for each in steps if not each or versions is None or _meets(each, versions))
    if met == specifier:
        return Pin(specifier=met)
    lacking = met != steps[0]
    why = f"conda-forge has no {written} for {SUBDIR}" if lacking else "the versions of the list cannot be met together"
    return Pin(specifier=met, why=f"{why}, so {met or 'any version'} will do")


def _meets(specifier: str, versions: Iterable[Version]) -> bool:
    return any(SpecifierSet(specifier).filter(versions, prereleases=True))
