"""Tell how one wheel or source archive stands on a target, from its name and Requires-Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag

from envgen.models.platform import Platform
from envgen.models.wheel import target_tags, wheel_tags
from envgen.pypi.project import ProjectFile

FileClass = Literal[
    "OK",
    "NOT_ON_INDEX",
    "NO_VERSION_MATCHES",
    "YANKED",
    "REQUIRES_PYTHON",
    "NEEDS_NEWER_MACOS",
    "NO_WHEEL_FOR_PYTHON",
    "MAC_X86_64_ONLY",
    "NO_MACOS_WHEEL",
    "NO_WHEEL_FOR_PLATFORM",
    "SDIST_ONLY",
]
# The class of a version is that of its best wheel, in this order.
_ORDER: tuple[FileClass, ...] = (
    "OK",
    "REQUIRES_PYTHON",
    "NEEDS_NEWER_MACOS",
    "NO_WHEEL_FOR_PYTHON",
    "MAC_X86_64_ONLY",
    "NO_MACOS_WHEEL",
    "NO_WHEEL_FOR_PLATFORM",
)
_ELSEWHERE = _ORDER[-2:]
_ANY_MACOS = "99.0"
_INTEL = re.compile(r"macosx_\d+_\d+_(?:x86_64|intel|fat\d*|universal|i386)")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionVerdict:
    """Say how one version stands.

    `macos` is the lowest macOS that would do (NEEDS_NEWER_MACOS); `pythons` are those that its wheels for the target's
    system are for (NO_WHEEL_FOR_PYTHON); `requires_python` is the bound that shuts the target's python out. A yanked
    version has its own class, and in `unyanked` the one that it would have otherwise.
    """

    version: str
    code: FileClass
    macos: str = ""
    pythons: tuple[str, ...] = ()
    requires_python: str = ""
    has_sdist: bool = False
    yanked_reason: str = ""
    unyanked: FileClass | None = None


def judge(version: str, files: Sequence[ProjectFile], platform: Platform) -> VersionVerdict | None:
    """Judge one version by its files, yanked ones counting only where there is nothing else; None: no valid file."""
    alive = [file for file in files if not file.yanked]
    if alive or not files:
        return _judge(version, alive, platform)
    verdict = _judge(version, files, platform)
    if verdict is None:
        return None
    return replace(verdict, code="YANKED", unyanked=verdict.code, yanked_reason=files[0].yanked_reason)


def _judge(version: str, files: Sequence[ProjectFile], platform: Platform) -> VersionVerdict | None:
    sources = [file for file in files if not file.filename.endswith(".whl")]
    wheels = [verdict for file in files if (verdict := _judge_wheel(version, file, platform))]
    code: FileClass = min((verdict.code for verdict in wheels), key=_ORDER.index, default="SDIST_ONLY")
    if sources and (not wheels or code in _ELSEWHERE):
        return _judge_source(version, sources, platform)
    if not wheels:
        return None
    best = [verdict for verdict in wheels if verdict.code == code]
    return VersionVerdict(
        version=version,
        code=code,
        macos=min((verdict.macos for verdict in best), key=_as_numbers),
        pythons=tuple(sorted({python for verdict in best for python in verdict.pythons}, key=_as_numbers)),
        requires_python=best[0].requires_python,
        has_sdist=bool(sources),
    )


def _judge_source(version: str, files: Sequence[ProjectFile], platform: Platform) -> VersionVerdict:
    bounds = [bound for file in files if (bound := shut_out(file.requires_python, platform))]
    if len(bounds) == len(files):
        return VersionVerdict(version=version, code="REQUIRES_PYTHON", requires_python=bounds[0], has_sdist=True)
    return VersionVerdict(version=version, code="SDIST_ONLY", has_sdist=True)


def _judge_wheel(version: str, file: ProjectFile, platform: Platform) -> VersionVerdict | None:
    if not file.filename.endswith(".whl"):
        return None
    try:
        tags = wheel_tags(file.filename)
    except ValueError:
        return None
    widest = replace(platform, macos=_ANY_MACOS) if platform.is_mac else platform
    bound = shut_out(file.requires_python, platform)
    if not tags & _tag_set(widest):
        return _judge_unfit(version, tags, widest)
    if bound:
        return VersionVerdict(version=version, code="REQUIRES_PYTHON", requires_python=bound)
    if tags & _tag_set(platform):
        return VersionVerdict(version=version, code="OK")
    return VersionVerdict(version=version, code="NEEDS_NEWER_MACOS", macos=_macos_of(tags & _tag_set(widest)))


def _judge_unfit(version: str, tags: Iterable[Tag], widest: Platform) -> VersionVerdict:
    if near := [tag for tag in tags if tag.platform in _systems(widest)]:
        return VersionVerdict(version=version, code="NO_WHEEL_FOR_PYTHON", pythons=_pythons_of(near))
    return VersionVerdict(version=version, code=_far_class(tags, widest))


def _far_class(tags: Iterable[Tag], platform: Platform) -> FileClass:
    if platform.subdir != "osx-arm64":
        return "NO_WHEEL_FOR_PLATFORM"
    return "MAC_X86_64_ONLY" if any(_INTEL.fullmatch(tag.platform) for tag in tags) else "NO_MACOS_WHEEL"


@cache
def _tag_set(platform: Platform) -> frozenset[Tag]:
    return frozenset(target_tags(platform))


@cache
def _systems(platform: Platform) -> frozenset[str]:
    return frozenset(tag.platform for tag in target_tags(platform))


@cache
def shut_out(requires_python: str, platform: Platform) -> str:
    """Give a Requires-Python if it excludes the target's python, else "".

    As for uv, python 3.12 means 3.12.0, and old bounds such as `>=3.6.*` are read as meant; what cannot be read at all
    shuts nothing out.
    """
    try:
        bound = SpecifierSet(re.sub(r"([<>]=?\s*[\d.]+?)\.\*", r"\1", requires_python))
    except InvalidSpecifier:
        return ""
    return "" if bound.contains(f"{platform.python}.0", prereleases=True) else requires_python.strip()


def _macos_of(tags: Iterable[Tag]) -> str:
    versions = [tag.platform.split("_")[1:3] for tag in tags if tag.platform.startswith("macosx_")]
    return min((".".join(version) for version in versions), key=_as_numbers)


def _pythons_of(tags: Iterable[Tag]) -> tuple[str, ...]:
    found = set()
    for tag in tags:
        match = re.fullmatch(r"([a-z]+)(\d)(\d*)", tag.interpreter)
        if match:
            kind, major, minor = match.groups()
            thread = "t" if re.fullmatch(r"cp\d+t", tag.abi) else ""
            prefix = "" if kind in ("cp", "py") else f"{kind} "
            found.add(f"{prefix}{major}{'.' if minor else ''}{minor}{thread}")
    return tuple(found)


def _as_numbers(version: str) -> tuple[tuple[int, ...], str]:
    return tuple(int(number) for number in re.findall(r"\d+", version)), version
