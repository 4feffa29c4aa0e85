"""Narrow the releases of TensorFlow down, one reason at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from envgen.knowledge.caps import CapRule, cap_rules
from envgen.knowledge.tensorflow import NAMES, Satellite, satellites_named
from envgen.knowledge.version_ranges import covers, overlaps
from envgen.knowledge.wheels import missing_wheel
from envgen.models.platform import Platform
from envgen.models.requirement import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Hold one demand on the release of TensorFlow.

    `holder` names what makes the demand and `because` says why a release does not meet it; together they tell why the
    newest release is not taken. `hint` says what the user may do where no release meets it, `refusal` what failed then
    (`because` alone does where `asker`, the requirement of the user's that makes the demand, is set).
    """

    keeps: Callable[[str], bool]
    holder: str
    because: Callable[[str], str]
    hint: Callable[[str], str]
    asker: Requirement | None = None
    refusal: Callable[[str], str] | None = None


def satellite_stages(requirements: Sequence[Requirement], platform: Platform) -> Iterator[Stage]:
    """Demand that what is built for TensorFlow has a release that fits, with a wheel for the target."""
    for requirement in requirements:
        satellites = satellites_named(requirement.name)
        if satellites:
            yield _satellite_stage(requirement, satellites, platform)


def _satellite_stage(requirement: Requirement, satellites: Sequence[Satellite], platform: Platform) -> Stage:
    missing = missing_wheel(requirement.name, requirement.specifier, platform)

    def keeps(version: str) -> bool:
        return any(row.has_release(requirement.specifier, version, platform.python) for row in satellites)

    def because(version: str) -> str:
        if missing:
            return missing.why
        return f"it has no release for TensorFlow {version} on python {platform.python}: {satellites[0].why}"

    fits = ", ".join(dict.fromkeys(f"{row.name}{row.versions} ({_fits(row)})" for row in satellites))
    hint = f"use {missing.fix}" if missing else f"these fit Apple silicon: {fits}"
    return Stage(keeps=keeps, holder=f"`{requirement}`", because=because, hint=lambda _: hint, asker=requirement)


def _fits(row: Satellite) -> str:
    fits = "TensorFlow of the same minor" if row.fits == "minor" else f"tensorflow{row.fits}"
    return f"{fits}, python {', '.join(row.python)}" if row.python else fits


def bound_stages(requirements: Sequence[Requirement], *, cpu: str) -> Iterator[Stage]:
    """Demand that the bounds which TensorFlow puts on others leave room for the user's own.

    `cpu` ends the hint with the way out of Metal, where there is one.
    """
    capped = {rule.distribution for rule in _rules()}
    for requirement in requirements:
        if requirement.name in capped and requirement.specifier:
            yield _bound_stage(requirement, cpu)


def _bound_stage(requirement: Requirement, cpu: str) -> Stage:
    def broken(version: str) -> CapRule | None:
        return next(
            (
                rule
                for rule in _rules()
                if rule.distribution == requirement.name
                and covers(rule.versions, version)
                and not overlaps(rule.specifier, requirement.specifier)
            ),
            None,
        )

    def because(version: str) -> str:
        rule = broken(version)
        return f"TensorFlow {version} needs {rule.distribution}{rule.specifier}: {rule.why}" if rule else ""

    def hint(version: str) -> str:
        rule = broken(version)
        return f"write `{rule.distribution}{rule.specifier}`{cpu}" if rule else ""

    return Stage(
        keeps=lambda version: broken(version) is None,
        holder=f"`{requirement}`",
        because=because,
        hint=hint,
        asker=requirement,
    )


def _rules() -> tuple[CapRule, ...]:
    return tuple(rule for rule in cap_rules() if rule.beside in NAMES and "pypi" in rule.halves)
