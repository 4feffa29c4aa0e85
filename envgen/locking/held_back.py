"""Requirements that are locked far behind what can be had of them alone, and the findings that say so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envgen.lock.model import PlatformLock
from envgen.models.findings import Finding, Severity
from envgen.models.match_spec import MatchSpec
from envgen.models.release import Release, is_behind, is_older
from envgen.models.requirement import Origin, Requirement
from envgen.planner.newest import Standing

HELD_BACK = "HELD-BACK"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """A requirement that is locked at an older release than can be had of it alone."""

    name: str
    locked: Release
    standing: Standing

    @property
    def newest(self) -> Release:
        """Return the newest release that can be had of it alone."""
        return self.standing.newest or self.locked

    @property
    def newer_on_conda(self) -> str:
        """Return the newest version on conda, "" where that is none newer than what is locked."""
        conda = self.standing.conda
        return conda.version if conda and is_older(self.locked.version, conda.version) else ""

    @property
    def is_far(self) -> bool:
        """Return whether it is a major version, or a year, behind."""
        return bool(self.standing.newest and is_behind(self.locked, self.standing.newest))

    @property
    def is_newest_on_pypi(self) -> bool:
        """Return whether conda's newest is far behind as well."""
        conda, newest = self.standing.conda, self.standing.newest
        return conda is None or bool(newest and is_behind(conda, newest))

    @property
    def is_open(self) -> bool:
        """Return whether a good plan has a newer one."""
        wanted = self.standing.wanted
        return bool(wanted and is_older(self.locked.version, wanted.version))


def stand_against(lock: PlatformLock, lag: Lag) -> Iterator[tuple[str, str]]:
    """Yield the locked packages whose needs do not admit the newest release of a requirement, with these needs."""
    for wheel in lock.pypi:
        for text in wheel.requires:
            if _name_of(text) != lag.name:
                continue
            need = Requirement.parse(text, Origin(path=wheel.name))
            if not SpecifierSet(need.specifier).contains(lag.newest.version, prereleases=True):
                yield wheel.name, f"{wheel.name} {wheel.version} needs `{need}`"
    conda = lag.standing.root.mapped.conda
    for record in lock.conda if conda else ():
        own = (text for text in (*record.depends, *record.constrains) if MatchSpec.name_of(text) == conda)
        for spec in MatchSpec.readable(own):
            if not spec.matches_version(lag.newest.version):
                yield record.name, f"{record.name} {record.version} needs `{spec}`"


@cache
def _name_of(text: str) -> str:
    """Return the canonical name that a requirement starts with: of most, nothing else is wanted."""
    found = _NAME.match(text)
    return canonicalize_name(found[0]) if found else ""


def is_grave(finding: Finding) -> bool:
    """Return whether a finding is of a requirement that others hold back."""
    return finding.code == HELD_BACK and finding.severity == "warning"


def held_back(lag: Lag, because: str, hint: str, severity: Severity) -> Finding:
    """Return the finding of a lag."""
    return _finding(lag.name, lag.locked, lag.newest, f"can be had alone: {because}", hint, severity)


def held_back_by_macos(name: str, locked: Release, standing: Standing) -> Finding | None:
    """Return the finding of a requirement of which a newer macOS would take a far newer release; None where none is."""
    later, newest, macos = standing.later, standing.newest, standing.releases.macos
    if later is None or not is_behind(locked, later) or (newest and is_behind(locked, newest)):
        return None
    hint = f"raise the platform's `macos` to {macos} (`--macos {macos}` for a new environment)"
    return _finding(name, locked, later, f"needs macOS {macos}", hint, "info")


def taken_from_conda(lags: Sequence[Lag]) -> Finding:
    """Return the finding of requirements that conda has at nearly as new a release as PyPI."""
    listed = ", ".join(f"`{lag.name}` {lag.locked.version} ({lag.newest.version})" for lag in lags)
    return Finding(
        code=HELD_BACK,
        severity="info",
        message=f"conda's newest is less than a year older than PyPI's, and was taken: {listed}",
        hint="list under `pypi` what is to come from there",
        packages=tuple(lag.name for lag in lags),
    )


def _finding(name: str, locked: Release, newer: Release, because: str, hint: str, severity: Severity) -> Finding:
    message = f"`{name}` {locked} is locked, and {newer} {because}"
    return Finding(code=HELD_BACK, severity=severity, message=message, hint=hint, packages=(name,))
