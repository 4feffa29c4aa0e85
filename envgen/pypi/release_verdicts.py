"""Verdicts on whether a project can be had from its wheels on a target, by file names and Requires-Python alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import parse_sdist_filename
from packaging.version import Version

from envgen.models.platform import Platform
from envgen.models.wheel import ProjectReleases, target_tags, wheel_tags
from envgen.pypi.simple_api import ProjectFile

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
_MOST_SERIES = 6  # that `releases_of` looks for: each costs a look at every file of its releases
_INTEL = re.compile(r"macosx_\d+_\d+_(?:x86_64|intel|fat\d*|universal|i386)")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionVerdict:
    """How one version stands.

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
    if not widest.is_apple_silicon:
        return VersionVerdict(version=version, code="NO_WHEEL_FOR_PLATFORM")
    intel = any(_INTEL.fullmatch(tag.platform) for tag in tags)
    return VersionVerdict(version=version, code="MAC_X86_64_ONLY" if intel else "NO_MACOS_WHEEL")


@cache
def _tag_set(platform: Platform) -> frozenset[Tag]:
    return frozenset(target_tags(platform))


@cache
def _systems(platform: Platform) -> frozenset[str]:
    return frozenset(tag.platform for tag in target_tags(platform))


@cache
def shut_out(requires_python: str, platform: Platform) -> str:
    """Return a Requires-Python if it excludes the target's python, else "".

    As for uv, python 3.12 means 3.12.0, and old bounds such as `>=3.6.*` are read as meant; what cannot be read at all
    shuts nothing out.
    """
    try:
        bound = SpecifierSet(re.sub(r"([<>]=?\s*[\d.]+?)\.\*", r"\1", requires_python))
    except InvalidSpecifier:
        return ""
    return "" if bound.contains(f"{platform.python}.0", prereleases=True) else requires_python.strip()


def _macos_of(tags: Iterable[Tag]) -> str:
    versions = [tag.platform.split("_")[1:3] for tag in tags]  # `macosx_14_0_arm64`: a tag of any system would do
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """How a project stands on a target, within a specifier.

    With OK, `chosen` is the newest version that fits, and `held_back` are the newer ones that do not, newest first.
    Otherwise `chosen` is the newest selected version, with the reason. `newest` is the newest final version whatever
    the specifier, "" where there is none; `only_prereleases` says that only pre-releases were there to select.
    """

    code: FileClass
    chosen: VersionVerdict | None = None
    held_back: tuple[VersionVerdict, ...] = ()
    newest: str = ""
    only_prereleases: bool = False

    @property
    def version(self) -> str:
        return self.chosen.version if self.chosen else ""


def classify(files: Iterable[ProjectFile] | None, platform: Platform, specifier: str = "") -> FileVerdict:
    """Judge a project by its file names, Requires-Python and yanks alone; `files` is None where no index has it.

    Pre-releases count where the specifier names one, or where a project has nothing else. Files whose names are not
    valid are passed over, as by uv. Raises ValueError for a malformed specifier.
    """
    if files is None:
        return FileVerdict(code="NOT_ON_INDEX")
    versions = by_version(files)
    finals = [version for version in versions if not version.is_prerelease]
    newest = str(max(finals)) if finals else ""
    selected = _select(versions, finals, specifier)
    verdicts: list[VersionVerdict] = []
    for version in selected:
        verdict = judge(str(version), versions[version], platform)
        if verdict and "OK" in (verdict.code, verdict.unyanked):
            return FileVerdict(code=verdict.code, chosen=verdict, held_back=tuple(verdicts), newest=newest)
        if verdict:
            verdicts.append(verdict)
    if verdicts:
        return FileVerdict(code=verdicts[0].code, chosen=verdicts[0], newest=newest)
    hidden = any(SpecifierSet(specifier).filter(versions, prereleases=True)) and not selected
    return FileVerdict(code="NO_VERSION_MATCHES", newest=newest, only_prereleases=hidden)


def releases_of(files: Iterable[ProjectFile], platform: Platform, specifier: str) -> ProjectReleases:
    """Return the releases of a project that fit a target, and when each was first uploaded."""
    versions = by_version(files)
    finals = [version for version in versions if not version.is_prerelease]
    fitting: dict[tuple[int, ...], str] = {}
    later = macos = ""
    for version in _select(versions, finals, specifier):
        series = version.release[:2]
        if series in fitting:
            continue
        verdict = judge(str(version), versions[version], platform)
        if verdict and verdict.code == "OK":
            fitting[series] = str(version)
            if len(fitting) == _MOST_SERIES:
                break
        elif verdict and verdict.code == "NEEDS_NEWER_MACOS" and not fitting and not later:
            later, macos = verdict.version, verdict.macos
    published = {
        str(version): min(dates)
        for version, each in versions.items()
        if (dates := [f.uploaded for f in each if f.uploaded])
    }
    return ProjectReleases(fitting=tuple(fitting.values()), published=published, later=later, macos=macos)


def by_version(files: Iterable[ProjectFile]) -> dict[Version, list[ProjectFile]]:
    """Sort wheels and source archives by the version in their names; the rest and invalid names are left out."""
    versions: dict[Version, list[ProjectFile]] = {}
    for file in files:
        version = _version_of(file.filename)
        if version:
            versions.setdefault(version, []).append(file)
    return versions


def _version_of(filename: str) -> Version | None:
    try:
        if filename.endswith(".whl"):
            return Version(filename.split("-")[1])  # the full parse costs too much for thousands of files
        return parse_sdist_filename(filename)[1]
    except (ValueError, IndexError):  # also of a number with thousands of digits
        return None


def _select(
    versions: Mapping[Version, Sequence[ProjectFile]], finals: Sequence[Version], specifier: str
) -> list[Version]:
    """Return the versions that count, newest first; yanked ones only where nothing else matches."""
    try:
        wanted = SpecifierSet(specifier)
    except InvalidSpecifier as error:
        raise ValueError(f"not a version specifier: `{specifier}`") from error
    pool = versions if wanted.prereleases or not finals else finals
    matching = sorted(wanted.filter(pool, prereleases=True), reverse=True)
    kept = [version for version in matching if not all(file.yanked for file in versions[version])]
    return kept or matching


def describe(name: str, verdict: FileVerdict, platform: Platform) -> str:
    """Return in one sentence how a project stands on a target, without a full stop."""
    if verdict.code == "NOT_ON_INDEX":
        return f"`{name}` is not on the package index"
    if verdict.chosen is None:
        return _nothing_matches(name, verdict)
    if verdict.code == "OK" and verdict.held_back:
        return f"`{name}` is held back to {verdict.version}: {held_back(verdict, platform)}"
    if verdict.code == "OK":
        return f"`{name}` {verdict.version} has a wheel for {target(platform)}"
    return f"`{name}` {verdict.version} {reason(verdict.chosen, platform)}"


def held_back(verdict: FileVerdict, platform: Platform) -> str:
    """Return which newer versions do not fit and why: `every version from 2.12.0 to 2.15.0 needs macOS 14.0`."""
    newest, oldest = verdict.held_back[0], verdict.held_back[-1]
    same = {(one.code, one.macos, one.requires_python) for one in verdict.held_back}
    if newest is oldest or len(same) > 1:
        return f"{newest.version} {reason(newest, platform)}"
    return f"every version from {oldest.version} to {newest.version} {reason(newest, platform)}"


def reason(verdict: VersionVerdict, platform: Platform) -> str:
    """Return why a version does not fit, as the end of a sentence that its name and version begin."""
    source = ", and as source" if verdict.has_sdist else ""
    listed = ", ".join(verdict.pythons)
    why = f": {verdict.yanked_reason}" if verdict.yanked_reason else ""
    words: dict[FileClass, str] = {
        "REQUIRES_PYTHON": f"requires python {verdict.requires_python}",
        "NEEDS_NEWER_MACOS": f"needs macOS {verdict.macos}, and the floor is {platform.macos}",
        "NO_WHEEL_FOR_PYTHON": f"has wheels for python {listed}, not for {platform.python}",
        "MAC_X86_64_ONLY": f"has wheels for Intel Macs only{source}",
        "NO_MACOS_WHEEL": "has no wheel for macOS",
        "NO_WHEEL_FOR_PLATFORM": f"has no wheel for {platform.subdir}",
        "SDIST_ONLY": f"has no wheel for {target(platform)}, only its source",
        "YANKED": f"was withdrawn by its authors (yanked{why})",
    }
    return words.get(verdict.code, f"has a wheel for {target(platform)}")


def remedy(verdict: FileVerdict, platform: Platform) -> str:
    """Return in a few words what would help, without a full stop; "" where nothing is known to."""
    chosen = verdict.chosen
    words: dict[FileClass, str] = {
        "NOT_ON_INDEX": "check the spelling, or the index",
        "NO_VERSION_MATCHES": "ask for a version that exists",
        "SDIST_ONLY": "take it from conda-forge if it is there: nothing is built while locking",
        "MAC_X86_64_ONLY": "ask for a version with an arm64 wheel, or take it from conda-forge",
        "NO_MACOS_WHEEL": "ask for a version with a macOS wheel, or take it from conda-forge",
        "REQUIRES_PYTHON": "change the python, or ask for an older version",
        "NO_WHEEL_FOR_PYTHON": "change the python, or ask for another version",
        "NEEDS_NEWER_MACOS": f"raise the macOS floor to {chosen.macos if chosen else platform.macos}, "
        "or ask for an older version",
        "YANKED": "ask for another version",
    }
    return words.get(verdict.code, "")


def target(platform: Platform) -> str:
    """Name a target: `osx-arm64, macOS 13.0 and python 3.12`."""
    macos = f", macOS {platform.macos}" if platform.is_mac else ""
    return f"{platform.subdir}{macos} and python {platform.python}"


def _nothing_matches(name: str, verdict: FileVerdict) -> str:
    if verdict.only_prereleases:
        return (
            f"only pre-releases of `{name}` match, and none is asked for by name (the newest final is {verdict.newest})"
        )
    newest = f" (the newest is {verdict.newest})" if verdict.newest else ""
    return f"no version of `{name}` on the package index matches{newest}"
