"""Read selectors: comments such as `# [osx]` behind a line of an environment file, as conda-lock reads them."""

from __future__ import annotations

_TARGET = frozenset({"osx", "arm64", "osx-arm64", "osx_arm64", "unix", "m1"})
_OTHERS = frozenset(
    {"win", "win32", "win64", "win-64", "linux", "linux32", "linux64", "linux-64", "linux-aarch64", "osx64", "osx-64"}
    | {"aarch64", "ppc64le", "x86", "x86_64", "cuda"}
)


def selected(selector: str) -> bool:
    """Tell whether a selector picks osx-arm64; one that is not understood does."""
    return any(_all(part.split(" and ")) for part in selector.split(" or "))


def _all(words: list[str]) -> bool:
    return all(_holds(word.strip()) for word in words)


def _holds(word: str) -> bool:
    if word.startswith("not "):
        name = word[4:].strip()
        return name in _OTHERS or name not in _TARGET
    return word not in _OTHERS
