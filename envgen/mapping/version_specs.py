"""Version specifiers of PEP 440 in conda's words (CEP 29, CEP 33)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from envgen.errors import MappingError
from envgen.models.match_spec import MatchSpec

_ORDER = (">=", ">", "==", "<=", "<", "!=")
_ADMITS = re.compile(r"conda also admits (\S+)\.post1 and the like")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedSpec:
    """A match spec with what its user must know of the translation."""

    spec: MatchSpec
    notes: tuple[str, ...] = ()


def to_match_specs(name: str, specifier: str) -> ConvertedSpec:
    """Translate a PEP 440 specifier set into a match spec on a conda name.

    The spec selects the same final releases; where conda cannot, a note says so. It has no space inside the version
    and no `==X.*`: conda, libmamba and rattler read those differently. `<2.0` becomes `<2dev0`, because PEP 440 leaves
    out the pre-releases of 2.0 and conda does not.

    Raises:
        MappingError: the specifier is malformed, or conda cannot express it.
    """
    clauses, notes = _translate(name, specifier)
    return ConvertedSpec(spec=MatchSpec.parse(f"{name} {clauses}".strip()), notes=notes)


def to_pep440(conda_version: str) -> str | None:
    """Return a conda version as a PEP 440 version, or None where it is none (openssl's `1.1.1w`, jpeg's `9e_2`)."""
    try:
        return str(Version(conda_version))
    except ValueError:  # InvalidVersion, or a number with thousands of digits
        return None


@cache
def _translate(name: str, specifier: str) -> tuple[str, tuple[str, ...]]:
    try:
        parsed = list(SpecifierSet(specifier))
    except InvalidSpecifier as error:
        raise MappingError(
            f"cannot read the version of `{name}{specifier}`", hint="write a PEP 440 specifier such as `>=1.2,<2`"
        ) from error
    clauses: list[str] = []
    notes: list[str] = []
    for item in sorted(parsed, key=_sort_key):
        clause, note = _clause(name, item)
        clauses.extend(text for text in clause.split(",") if text not in clauses)
        notes.extend([note] if note else [])
    return ",".join(clauses), tuple(notes)


def _sort_key(item: Specifier) -> tuple[int, str, str]:
    operator = {"~=": ">=", "===": "=="}.get(item.operator, item.operator)
    return _ORDER.index(operator), item.operator, item.version


def _clause(name: str, item: Specifier) -> tuple[str, str]:
    """Translate one clause, with a note where the meaning changes."""
    if item.version.endswith(".*"):
        prefix = f"{Version(item.version.removesuffix('.*'))}.*"
        return f"!={prefix}" if item.operator == "!=" else prefix, ""
    try:
        version = Version(item.version)
    except InvalidVersion as error:
        raise MappingError(
            f"cannot express `{name}{item}` in conda: `{item.version}` is not a PEP 440 version",
            hint=f"write `{name}==VERSION`, or take it from PyPI (list it under `pypi:`)",
        ) from error
    note = ""
    match item.operator:
        case "==" | "===":
            clause = f"=={version.public}"
            if version.local:
                note = f"`{name}{item}`: conda has no local versions, so `+{version.local}` is left out"
            elif item.operator == "===":
                note = f"`{name}{item}`: read as `=={version}`, because conda compares versions and not their text"
        case "~=":
            clause = f">={_spelled(version)},{_dotted(version, version.release[:-1])}.*"
        case "<":
            clause = f"<{_below(version)}"
        case "!=":
            clause = f"!={version}"
        case operator:
            clause = f"{operator}{_spelled(version)}"
            if operator == ">" and not version.is_postrelease and not version.is_prerelease:
                note = f"`{name}{item}`: conda also admits {version}.post1 and the like, which PEP 440 leaves out"
    return clause, note


def came_true(note: str, versions: Iterable[str]) -> bool:
    """Return whether a note on a spec matters where these versions were chosen.

    That conda admits post-releases which PEP 440 leaves out is of no use to anybody unless one of them was chosen.
    """
    found = _ADMITS.search(note)
    return found is None or any(version.startswith(f"{found[1]}.post") for version in versions)


def _spelled(version: Version) -> str:
    """Render a version so that conda orders it as PEP 440 does: in `1.0.dev1` the dot would put it above 1.0rc1."""
    text = str(version)
    if version.dev is not None and version.pre is None and version.post is None:
        return text.replace(".dev", "dev")
    return text


def _below(version: Version) -> str:
    """Return the bound just below a version and, for a final release, its pre-releases, whatever zeros they have."""
    if version.is_prerelease or version.is_postrelease:
        return _spelled(version)
    release = version.release
    while len(release) > 1 and release[-1] == 0:
        release = release[:-1]
    return f"{_dotted(version, release)}dev0"


def _dotted(version: Version, release: tuple[int, ...]) -> str:
    epoch = f"{version.epoch}!" if version.epoch else ""
    return epoch + ".".join(map(str, release))
