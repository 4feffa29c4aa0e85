"""Put verdicts on projects into words."""

from __future__ import annotations

from envgen.models.platform import Platform
from envgen.pypi.classify import FileVerdict
from envgen.pypi.file_class import FileClass, VersionVerdict


def describe(name: str, verdict: FileVerdict, platform: Platform) -> str:
    """Say in one sentence how a project stands on a target, without a full stop."""
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
    """Say which newer versions do not fit and why: `every version from 2.12.0 to 2.15.0 needs macOS 14.0`."""
    newest, oldest = verdict.held_back[0], verdict.held_back[-1]
    same = {(one.code, one.macos, one.requires_python) for one in verdict.held_back}
    if newest is oldest or len(same) > 1:
        return f"{newest.version} {reason(newest, platform)}"
    return f"every version from {oldest.version} to {newest.version} {reason(newest, platform)}"


def reason(verdict: VersionVerdict, platform: Platform) -> str:
    """Say why a version does not fit, as the end of a sentence that its name and version begin."""
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
    """Say in a few words what would help, without a full stop; "" where nothing is known to."""
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
