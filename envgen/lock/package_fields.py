"""A package's fields in the form of lock files: what it needs, one entry a name, and what its URL says."""

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
_SUFFIXES = (".conda", ".tar.bz2")


def fold_depends(depends: Iterable[str]) -> dict[str, str]:
    """Return `name: version build` for each name, sorted; specs on one name become their conjunction.

    conda-forge writes python twice (`python >=3.12,<3.13.0a0` and the same with `*_cpython`), which a mapping cannot
    say. Raises ValueError for what is no plain spec, and for one name with two builds.
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
    spaced = ((name, "" if not rest or rest.startswith("[") else " ", rest) for name, rest in sorted(folded.items()))
    return tuple(f"{name}{space}{rest}" for name, space, rest in spaced)


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
    odd = odd_requires(folded)
    return {name: "" if name in odd else rest for name, rest in folded.items()}


def odd_requires(folded: Mapping[str, str]) -> dict[str, str]:
    """Return what `plain_requires` leaves out."""
    return {name: rest for name, rest in folded.items() if rest.startswith(("[", "@"))}


def _both(name: str, first: str, second: str) -> str:
    if first == second or not second:
        return first
    if not first:
        return second
    if "[" in first + second:
        raise ValueError(f"`{name}{first}` and `{name}{second}` cannot be held together")
    first_version, _, first_build = first.partition(" ")
    second_version, _, second_build = second.partition(" ")
    builds = sorted({first_build, second_build} - {""})
    if len(builds) > 1:
        raise ValueError(f"`{name}` is needed with two builds, {builds[0]} and {builds[1]}")
    return " ".join([_both_versions(first_version, second_version), *builds])


def _both_versions(first: str, second: str) -> str:
    if second in (first, _ANY_VERSION):
        return first
    if first == _ANY_VERSION:
        return second
    # "," binds closer than "|" in a version spec (CEP 29), so that alternatives must be multiplied out
    return "|".join(f"{one},{other}" for one in first.split("|") for other in second.split("|"))


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
    bracketed = f"[{extras}]" if extras else ""
    if requirement.url:
        return f"{bracketed} @ {requirement.url}".strip()
    return f"{bracketed}{requirement.specifier}"


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
    """Return what the URL of a conda artifact says of it."""
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
