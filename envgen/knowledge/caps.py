"""Bounds that upstream metadata lacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from envgen.knowledge.installed import InstalledPackage, InstalledPackages
from envgen.knowledge.tables import lazy_table
from envgen.knowledge.version_ranges import covers, escapes, overlaps
from envgen.models.requirement import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class CapRule:
    """A bound on one distribution beside some releases of another, from one of some halves.

    `instead` is what to ask for in the place of the releases beyond the bound, where another name has them ("" = none).
    """

    beside: str
    versions: str
    distribution: str
    specifier: str
    why: str
    source: str
    verified: date
    halves: tuple[str, ...] = ("conda", "pypi")
    instead: str = ""

    def applies(self, installed: InstalledPackage) -> bool:
        """Return whether an installed distribution needs the bound."""
        return (
            installed.distribution == self.beside
            and installed.source in self.halves
            and covers(self.versions, installed.version)
        )

    @property
    def rule(self) -> str:
        halves = "" if len(self.halves) > 1 else f" from {self.halves[0]}"
        return f"beside {self.beside}{self.versions}{halves}: {self.distribution}{self.specifier}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """A bound that must be added, whichever half serves the distribution.

    `because` names what needs it and why; `source` is the fact's.
    """

    distribution: str
    specifier: str
    because: str
    source: str

    @property
    def text(self) -> str:
        return f"{self.distribution}{self.specifier}"


cap_rules = lazy_table("caps.toml", "cap", CapRule)


def caps_for(packages: InstalledPackages) -> tuple[Cap, ...]:
    """Return the bounds that installed packages need, each once, whether or not they are met."""
    found: dict[tuple[str, str], Cap] = {}
    for rule in cap_rules():
        for installed in packages.installed:
            if rule.applies(installed):
                found.setdefault((rule.distribution, rule.specifier), _cap(rule, str(installed)))
    return tuple(found.values())


def caps_of(requirements: tuple[Requirement, ...], *, from_pypi: bool) -> tuple[Cap, ...]:
    """Return the bounds that requirements need whatever release is chosen.

    `from_pypi` says that the requirements come from PyPI; else only bounds that hold for both halves count.
    """
    needed = {"pypi"} if from_pypi else {"conda", "pypi"}
    return tuple(
        _cap(rule, f"`{requirement}`")
        for rule in cap_rules()
        for requirement in requirements
        if requirement.name == rule.beside
        and needed.issubset(rule.halves)
        and not escapes(requirement.specifier, (rule.versions,))
    )


def broken_caps(packages: InstalledPackages) -> tuple[tuple[Cap, InstalledPackage], ...]:
    """Return the bounds that installed packages break, with what breaks them."""
    return tuple(
        (cap, installed)
        for cap in caps_for(packages)
        for installed in packages.find(cap.distribution)
        if not covers(cap.specifier, installed.version)
    )


def contradicted(cap: Cap, requirements: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
    """Return the requirements that no version meets together with a bound."""
    return tuple(
        requirement
        for requirement in requirements
        if requirement.name == cap.distribution and not overlaps(requirement.specifier, cap.specifier)
    )


def _cap(rule: CapRule, needer: str) -> Cap:
    return Cap(
        distribution=rule.distribution,
        specifier=rule.specifier,
        because=f"{needer} needs {rule.distribution}{rule.specifier}: {rule.why}",
        source=rule.source,
    )
