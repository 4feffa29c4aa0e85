"""What a person asked for in a list that a solver made.

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

from envgen.importers.items import ImportedItem, ImportedMatchSpec, ImportedRequirement
from envgen.knowledge.names import is_main
from envgen.knowledge.replacements import unwanted_package
from envgen.mapping.conda_to_pypi import CondaToPypi
from envgen.mapping.version_specs import to_pep440
from envgen.models.platform import APPLE_SILICON

Listed = ImportedRequirement | ImportedMatchSpec
Pins = Literal["exact", "series", "major", "free"]
PINS: tuple[Pins, ...] = ("exact", "series", "major", "free")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A specifier, and what of the written one was given up for it, "" where nothing was."""

    specifier: str
    why: str = ""


def needed_items(items: Sequence[ImportedItem], conda_to_pypi: CondaToPypi) -> Mapping[int, str]:
    """Return, by the `id` of each item that is only there for another package of the list, the name of that package."""
    listed = [item for item in items if isinstance(item, Listed) and not _is_unwanted(item)]
    conda_to_pypi.read([item.name for item in listed if isinstance(item, ImportedMatchSpec)])
    names = {
        id(item): item.requirement.name
        if isinstance(item, ImportedRequirement)
        else _of_conda(item.name, conda_to_pypi)
        for item in listed
    }
    known = frozenset(names.values())
    needers = _needers({names[id(item)]: _needs(item, conda_to_pypi) & known for item in listed})
    return {key: needers[name] for key, name in names.items() if name in needers and not is_main(name)}


def _is_unwanted(item: Listed) -> bool:
    """Return whether an item is left out, so that it brings nothing."""
    if isinstance(item, ImportedMatchSpec):
        return bool(unwanted_package(item.name, "conda"))
    return bool(unwanted_package(item.requirement.name, "pypi"))


def _of_conda(conda: str, conda_to_pypi: CondaToPypi) -> str:
    """Return the name of PyPI's under which a conda package is compared with others."""
    return conda_to_pypi.of(conda).requirement.partition("[")[0] or conda


def _needs(item: Listed, conda_to_pypi: CondaToPypi) -> frozenset[str]:
    """Return what a package depends on: by the file itself, else by the record of its version in the channel."""
    names = frozenset(item.needs)
    if not names and isinstance(item, ImportedMatchSpec):
        names = conda_to_pypi.depends_of(item.name, item.version.lstrip("="))
    elif not names and isinstance(item, ImportedRequirement):
        conda = conda_to_pypi.conda_of(item.requirement.name)
        version = item.requirement.specifier.lstrip("=")
        names = conda_to_pypi.depends_of(conda, version) if conda else frozenset()
    return frozenset(_of_conda(name, conda_to_pypi) for name in names)


def _needers(needs: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Walk down from the packages that nothing needs, and return by whom each other is reached; a circle keeps one."""
    needed = {name for key, names in needs.items() for name in names if name != key}
    reached: dict[str, str] = {}
    for root in sorted(needs, key=needed.__contains__):  # those that nothing needs first, else in the list's order
        queue = [] if root in reached else [root]
        for key in queue:
            fresh = sorted(name for name in needs[key] if name not in reached and name != root)
            reached.update((name, key) for name in fresh)
            queue.extend(fresh)
    return reached


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
    lacking = f"conda-forge has no {written} for {APPLE_SILICON}"
    why = lacking if met != steps[0] else "the versions of the list cannot be met together"
    return Pin(specifier=met, why=f"{why}, so {met or 'any version'} will do")


def _meets(specifier: str, versions: Iterable[Version]) -> bool:
    return any(SpecifierSet(specifier).filter(versions, prereleases=True))
