"""Fold what a package needs into one entry a name, the form that lock files hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

_DEPEND = re.compile(r"([a-z0-9_][a-z0-9_.-]*)\s*(.*)", re.DOTALL)
_ANY_VERSION = "*"


def depend_name(depend: str) -> str:
    """Return the name that a depends or constrains entry is about; "" where it starts with none."""
    match = _DEPEND.fullmatch(depend)
    return match[1] if match else ""


def fold_depends(depends: Iterable[str]) -> dict[str, str]:
    """Return `name: version build` for each name, sorted; specs on one name become their conjunction.

    conda-forge writes python twice (`python >=3.12,<3.13.0a0` and the same with `*_cpython`), which a mapping cannot
    hold. Raises ValueError for what is no plain spec, and for one name with two builds.
    """
    folded: dict[str, str] = {}
    for depend in sorted(depends):
        match = _DEPEND.fullmatch(depend)
        if match is None or "::" in depend:
            raise ValueError(f"`{depend}` cannot be held as a name with a version and a build")
        name, rest = match[1], " ".join(match[2].split())
        folded[name] = _both(name, folded[name], rest) if name in folded else rest
    return dict(sorted(folded.items()))


def unfold_depends(folded: Mapping[str, str]) -> tuple[str, ...]:
    """Return the match specs of a folded mapping, sorted by name."""
    return tuple(_join(name, rest) for name, rest in sorted(folded.items()))


def fold_requires(requires: Iterable[str]) -> dict[str, str]:
    """Return `name: [extras]specifier` or `name: @ url` for each canonical name, sorted.

    Requirements on one name become their conjunction. Raises ValueError for a marker, which must have been evaluated,
    and for a URL beside something else.
    """
    parsed: dict[str, Requirement] = {}
    for text in requires:
        requirement = _requirement(text)
        name = canonicalize_name(requirement.name)
        parsed[name] = _conjunction(parsed[name], requirement) if name in parsed else requirement
    return {name: _rest(requirement) for name, requirement in sorted(parsed.items())}


def unfold_requires(folded: Mapping[str, str]) -> tuple[str, ...]:
    """Return the PEP 508 texts of a folded mapping, sorted by name."""
    return tuple(f"{name} {rest}" if "@" in rest else f"{name}{rest}" for name, rest in sorted(folded.items()))


def plain_requires(folded: Mapping[str, str]) -> dict[str, str]:
    """Return `name: specifier` alone, which is all that readers of conda-lock.yml take: no extras, no URLs."""
    return {name: "" if _is_odd(rest) else rest for name, rest in folded.items()}


def odd_requires(folded: Mapping[str, str]) -> dict[str, str]:
    """Return what `plain_requires` leaves out."""
    return {name: rest for name, rest in folded.items() if _is_odd(rest)}


def _is_odd(rest: str) -> bool:
    return rest.startswith(("[", "@"))


def _join(name: str, rest: str) -> str:
    separator = "" if not rest or rest.startswith("[") else " "
    return f"{name}{separator}{rest}"


def _both(name: str, first: str, second: str) -> str:
    if first == second or not second:
        return first
    if not first:
        return second
    if "[" in first + second:
        raise ValueError(f"`{name}{first}` and `{name}{second}` cannot be held together")
    versions, builds = zip(_version_build(first), _version_build(second), strict=True)
    named = sorted({build for build in builds if build})
    if len(named) > 1:
        raise ValueError(f"`{name}` is needed with two builds, {named[0]} and {named[1]}")
    version = _both_versions(versions[0], versions[1])
    return " ".join([version, *named])


def _version_build(rest: str) -> tuple[str, str]:
    version, _, build = rest.partition(" ")
    return version, build


def _both_versions(first: str, second: str) -> str:
    if second in (first, _ANY_VERSION):
        return first
    if first == _ANY_VERSION:
        return second
    alternatives = [f"{one},{other}" for one in first.split("|") for other in second.split("|")]
    return "|".join(alternatives)


def _requirement(text: str) -> Requirement:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).split("\n", 1)[0]
        raise ValueError(f"not a requirement: `{text}` ({reason})") from error
    if requirement.marker:
        raise ValueError(f"`{text}` still has a marker")
    return requirement


def _conjunction(first: Requirement, second: Requirement) -> Requirement:
    if first.url != second.url:
        raise ValueError(f"`{first}` and `{second}` cannot be held together")
    both = _requirement(str(first))
    both.extras = first.extras | second.extras
    both.specifier = SpecifierSet(f"{first.specifier},{second.specifier}")
    return both


def _rest(requirement: Requirement) -> str:
    extras = ",".join(sorted(canonicalize_name(extra) for extra in requirement.extras))
    asked = f"[{extras}]" if extras else ""
    if requirement.url:
        return f"{asked} @ {requirement.url}".strip()
    return f"{asked}{requirement.specifier}"


# Read what the URL of an artifact says of it.

_SUFFIXES = (".conda", ".tar.bz2")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactFields:
    """The parts of `<channel>/<subdir>/<name>-<version>-<build>.<ext>`; parts that are not there are "".

    `build_number` is the number that ends the build string, else 0: conda-forge's habit, not a rule.
    """

    channel: str
    subdir: str
    name: str
    version: str
    build: str
    build_number: int


@cache
def artifact(url: str) -> ArtifactFields:
    """Take the URL of a conda artifact apart."""
    folder, _, filename = url.rpartition("/")
    channel, _, subdir = folder.rpartition("/")
    stem = filename
    for suffix in _SUFFIXES:
        stem = stem.removesuffix(suffix)
    name, version, build = ["", "", *stem.rsplit("-", 2)][-3:]
    digits = build[len(build.rstrip("0123456789")) :]
    return ArtifactFields(
        channel=channel,
        subdir=subdir,
        name=name,
        version=version,
        build=build,
        build_number=int(digits or 0),
    )


def wheel_filename(url: str) -> str:
    """Return the file name that a wheel's URL ends in; "" where there is none."""
    return unquote(urlsplit(url).path).rsplit("/", 1)[-1]
