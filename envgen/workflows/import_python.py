"""Choose a python from what a file says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from envgen.importers.items import AskedPython
from envgen.manifest.fields import OLDEST_PYTHON
from envgen.mapping.conda_to_pypi import to_specifier

NEWEST_MINOR = 14  # the newest that conda-forge builds for Apple silicon
NO_PYTHON_HINT = "name one under `python`, or with --python"
_PATCHES = range(30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPython:
    """Hold a python minor, or "" where the file leaves it open or asks for what does not exist, and why."""

    minor: str
    why: str
    possible: bool = True


def choose_python(bounds: Sequence[AskedPython], wish: str = "") -> ChosenPython:
    """Choose what is wished, else the one minor that the bounds admit, else the newest of them.

    Where they admit the newest of all, nothing is chosen.
    """
    if wish:
        return ChosenPython(minor=wish, why="the call names this one")
    minors = [
        minor for minor in range(OLDEST_PYTHON[1], NEWEST_MINOR + 1) if all(_admits(one, minor) for one in bounds)
    ]
    if not minors:
        asked = " and ".join(dict.fromkeys(f"`{one.bound}`" for one in bounds))
        why = f"none of the pythons for Apple silicon (3.{OLDEST_PYTHON[1]} to 3.{NEWEST_MINOR}) meets {asked}"
        return ChosenPython(minor="", why=why, possible=False)
    if minors[-1] == NEWEST_MINOR:
        return ChosenPython(
            minor="", why="python is left open: `envgen new` takes the newest that everything works with"
        )
    newest = f"3.{minors[-1]}"
    if len(minors) == 1:
        return ChosenPython(minor=newest, why="a minor version is what a manifest names")
    return ChosenPython(minor=newest, why="the newest that the file admits")


def _admits(bound: AskedPython, minor: int) -> bool:
    text = to_specifier(bound.bound) if bound.conda else bound.bound
    try:
        specifier = SpecifierSet(text or "")
    except InvalidSpecifier:
        return True
    return any(specifier.contains(f"3.{minor}.{patch}") for patch in _PATCHES)
