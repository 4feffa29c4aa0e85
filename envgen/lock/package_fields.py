"""A package's fields in the form of lock files: what they may hold, what it needs, and what its URL says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name
from packaging.version import InvalidVersion, Version

from envgen.lock.model import LockedWheel
from envgen.models.channel import Channel
from envgen.models.match_spec import is_version
from envgen.models.record import Record
from envgen.models.requirement import LONGEST
from envgen.models.secrets import plain_address
from envgen.models.wheel import wheel_parts

_DEPEND = re.compile(r"([a-z0-9_][a-z0-9_.-]*)\s*(.*)", re.DOTALL)
_ANY_VERSION = "*"
_MOST_ALTERNATIVES, _SHOWN = 1000, 40  # of versions, that packages have three of; signs of a text
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
    ones, others = first.split("|"), second.split("|")
    if len(ones) * len(others) > _MOST_ALTERNATIVES:
        raise ValueError(f"`{first[:_SHOWN]}…` and `{second[:_SHOWN]}…` have too many alternatives to be held together")
    return "|".join(f"{one},{other}" for one in ones for other in others)


def _requirement(text: str) -> Requirement:
    if len(text) > LONGEST:
        raise ValueError(f"not a requirement: `{text[:40]}…` (it is too long)")
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


# What a field of a lock may hold, for whoever wrote it. A file name, a folder or a shell's word may be made of it.

_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*")  # CEP 26
_VERSION = re.compile(r"[A-Za-z0-9_.!+~-]{1,200}")
_BUILD = re.compile(r"[A-Za-z0-9_.!+~-]*")
_SUBDIR = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HASHES = {"md5": re.compile(r"(?:[0-9a-f]{32})?"), "sha256": re.compile(r"(?:[0-9a-f]{64})?")}
_URL = re.compile(r"(?:https?://[^\s/@?#\\]+|file://)/[^\s?#\\\x00-\x20\x7f]*")
_LONGEST = 255  # characters of a file's name, on every system
_YEAR_10000 = 253_402_300_800_000  # in milliseconds since 1970
_NOARCH = ("", "python", "generic")


def checked_record(record: Record) -> Record:
    """Return a record whose fields hold what they may; raise ValueError for the first that does not."""
    for field, pattern in (("name", _NAME), ("version", _VERSION), ("build", _BUILD), ("subdir", _SUBDIR)):
        _match(field, pattern, getattr(record, field))
    _check_file(record.url, record.filename, record.size)
    _check_address("channel", f"{record.channel}/")
    for field, pattern in _HASHES.items():
        _match(field, pattern, getattr(record, field))
    if not record.filename.endswith(_SUFFIXES):
        raise ValueError(f"`url` is no conda package's: {record.url!r}")
    if not is_version(record.version):
        raise ValueError(f"`version` is {record.version!r}")
    fold_depends(record.depends)
    is_dated = record.timestamp is None or 0 <= record.timestamp < _YEAR_10000
    if not (0 <= record.build_number < 1 << 64 and is_dated):
        raise ValueError("`build_number` or `timestamp` is out of range")
    if record.noarch not in _NOARCH:
        raise ValueError(f"`noarch` is {record.noarch!r}")
    site = record.python_site_packages_path
    if site and any(part in ("", ".", "..") for part in site.split("/")):
        raise ValueError(f"`python_site_packages_path` is {site!r}")
    return record


def checked_wheel(wheel: LockedWheel) -> LockedWheel:
    """Return a wheel whose fields hold what they may; raise ValueError for the first that does not."""
    file = wheel.wheel
    if not file.name or file.name != canonicalize_name(file.name) or not _NAME.fullmatch(file.name):
        raise ValueError(f"`name` is {file.name!r}")
    _match("sha256", _HASHES["sha256"], file.sha256)
    fold_requires(wheel.requires)
    if len(wheel.requires_python) > _LONGEST:
        raise ValueError(f"`requires_python` is {wheel.requires_python!r}")
    _check_file(file.url, file.filename, file.size)
    try:
        Version(file.version)
        if wheel_parts(file.filename)[0] != file.name:
            raise ValueError(f"`filename` is of another package: {file.filename!r}")
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise ValueError(f"not a wheel with a version: {file.filename!r}, {file.version!r}") from error
    return wheel


def checked_channel(text: str) -> Channel:
    """Return the channel that a lock names; raise ValueError where it may not."""
    channel = Channel.parse(plain_address(text))
    _check_address("channel", f"{channel.url}/")
    return channel


def _check_file(url: str, filename: str, size: int | None) -> None:
    if url:
        _check_address("url", url)
    is_odd = not filename.isprintable() or any(sign in filename for sign in "/\\")
    if not filename or filename.startswith(".") or is_odd or len(filename) > _LONGEST:
        raise ValueError(f"`filename` is {filename!r}")
    if size is not None and not 0 <= size < 1 << 53:
        raise ValueError(f"`size` is {size}")


def _check_address(field: str, value: str) -> None:
    _match(field, _URL, value)
    if not value.isprintable() or urlsplit(value).port == 0:  # which itself refuses odd hosts and ports
        raise ValueError(f"`{field}` is {value!r}")


def _match(field: str, pattern: re.Pattern[str], value: str) -> None:
    if not pattern.fullmatch(value):
        raise ValueError(f"`{field}` is {value!r}")
