"""Read match specs as people write them in environment files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from envgen.models.match_spec import MatchSpec

MAX_LENGTH = 1000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_BRACKETS = re.compile(r"\s*\[([^\]]*)\]\s*$")
_KEY = re.compile(r"\s*([a-z_]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^,'\"]*))\s*(?:,|$)")
_SPACED = re.compile(r"([<>=!~]=?|,|\|)\s+|\s+(?=[,|])")
_COMPACT = re.compile(r"(={0,2})([^=<>!~,|\s]+)=([^=\s]+)")


_ARTIFACT = re.compile(r".*/([a-z0-9_][a-z0-9_.-]*)-([^-/]+)-[^-/]+\.(?:conda|tar\.bz2)(?:#.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecParts:
    """Hold the parts of a match spec; "" is what it does not say."""

    name: str
    version: str = ""
    build: str = ""
    channel: str = ""


def artifact(url: str) -> tuple[str, str]:
    """Give the name and the version that the URL of a conda package tells, or two empty texts."""
    found = _ARTIFACT.fullmatch(url)
    return (found[1], found[2]) if found else ("", "")


def read_match_spec(text: str) -> SpecParts:
    """Read a match spec with its channel, spaces behind operators and brackets; raise ValueError where it is none."""
    if len(text) > MAX_LENGTH:
        raise ValueError("too long for a match spec")
    channel, separator, rest = text.strip().rpartition("::")
    if separator and not channel.strip():
        raise ValueError(f"not a match spec: `{text}` names no channel")
    keys: dict[str, str] = {}
    if brackets := _BRACKETS.search(rest):
        keys = _keys(brackets[1], text)
        rest = rest[: brackets.start()]
    name = _NAME.match(rest)
    if name is None:
        raise ValueError(f"not a match spec: `{text}` names no package")
    version, build = _version_and_build(rest[name.end() :])
    parts = SpecParts(
        name=name[0].lower(),
        version=keys.get("version", version),
        build=keys.get("build", build),
        channel=keys.get("channel", channel.strip()),
    )
    if " " in parts.build or re.search(r"\w=", parts.version):
        raise ValueError(f"not a match spec: `{text}`")
    try:
        MatchSpec.parse(f"{parts.name} {parts.version or '*'} {parts.build}".strip())
    except ValueError as error:  # its words may quote what `text` keeps secret
        raise ValueError(f"not a match spec: `{text}`") from error
    return parts


def _keys(inner: str, text: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    at = 0
    while at < len(inner):
        found = _KEY.match(inner, at)
        if found is None:
            raise ValueError(f"not a match spec: `{text}`")
        keys[found[1]] = next(part for part in (found[2], found[3], found[4]) if part is not None).strip()
        at = found.end()
    return keys


def _version_and_build(rest: str) -> tuple[str, str]:
    clean = _SPACED.sub(r"\1", rest.strip())
    if compact := _COMPACT.fullmatch(clean):
        return f"=={compact[2]}", compact[3]
    version, _, build = clean.partition(" ")
    return ("" if version == "*" else version), build.strip()
