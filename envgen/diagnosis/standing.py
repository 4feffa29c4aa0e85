"""Judge how a project stands on PyPI, and a package on conda, for one target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from envgen.diagnosis.verdict import CondaStanding, PypiStanding
from envgen.errors import PypiError
from envgen.knowledge.releases import bad_releases
from envgen.knowledge.version_ranges import covers
from envgen.knowledge.wheels import hidden_libraries, missing_wheel
from envgen.mapping.channel_packages import fits_python, newest
from envgen.mapping.requirements import MappedRequirement
from envgen.models.match_spec import MatchSpec, version_key
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.requirement import Requirement
from envgen.pypi.simple_api import Project, ProjectFile
from envgen.pypi.wheel_verdicts import FileVerdict, classify, describe, target

EMPTY = "EMPTY-WHEEL"
LINUX = "LINUX-WHEEL"
PYTHONS = ("3.14", "3.13", "3.12", "3.11", "3.10", "3.9", "3.8")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPypi:
    """Hold a standing with the project it was read from, None where no index has it."""

    standing: PypiStanding
    project: Project | None = None
    verdict: FileVerdict | None = None

    @property
    def files(self) -> tuple[ProjectFile, ...] | None:
        """Give the project's files, or None."""
        return self.project.files if self.project else None

    @property
    def installs(self) -> bool:
        """Tell whether the version of the standing can be installed; a yanked one can where it is asked for."""
        if self.standing.code == "YANKED":
            return bool(self.verdict and self.verdict.chosen and self.verdict.chosen.unyanked == "OK")
        return self.standing.code == "OK"


def on_pypi(requirement: Requirement, project: Project | PypiError | None, platform: Platform) -> OnPypi:
    """Judge a requirement by the files of its project."""
    if requirement.url:
        return _from_url(requirement, platform)
    if isinstance(project, PypiError):
        known = missing_wheel(requirement.name, requirement.specifier, platform)
        told = [f"known on {known.verified}: {known.verdict}: {known.why}; instead: {known.fix}"] if known else []
        return OnPypi(standing=PypiStanding(code="UNKNOWN", message="; ".join([project.message, *told])))
    verdict = classify(project.files if project else None, platform, requirement.specifier)
    message = "; ".join(
        [
            describe(requirement.name, verdict, platform),
            *_lacks(requirement.name, verdict),
            *_empties(requirement.name, verdict),
        ]
    )
    standing = PypiStanding(code=verdict.code, version=verdict.version, message=message)
    if verdict.code == "OK" and (why := _why_empty(requirement.name, verdict.version)):
        standing = PypiStanding(code="EMPTY_STUB", version=verdict.version, message=why)
    if verdict.code == "OK" and (why := _why_not_for_mac(requirement.name, verdict.version, platform)):
        standing = PypiStanding(code="NO_MACOS_WHEEL", version=verdict.version, message=why)
    return OnPypi(standing=standing, project=project, verdict=verdict)


def empty_stub(found: OnPypi, name: str) -> OnPypi:
    """Turn a standing into that of a wheel which requires itself, and so installs nothing."""
    version = found.standing.version
    message = f"`{name}` {version} is an empty stub: its wheel requires itself"
    return replace(found, standing=PypiStanding(code="EMPTY_STUB", version=version, message=message))


def _lacks(name: str, verdict: FileVerdict) -> list[str]:
    """Name the libraries that a wheel which fits loads from outside, and that nobody ships with it."""
    rows = [row for row in hidden_libraries() if row.distribution == name] if verdict.code == "OK" else []
    return [f"it needs {row.library}, which it does not bring: {row.why}" for row in rows]


def _empties(name: str, verdict: FileVerdict) -> list[str]:
    """Say of a release that does not fit that it would install nothing anyway."""
    why = _why_empty(name, verdict.version) if verdict.code not in ("OK", "NO_VERSION_MATCHES", "NOT_ON_INDEX") else ""
    return [why] if why else []


def _why_empty(name: str, version: str) -> str:
    for row in bad_releases():
        if row.name == name and row.code == EMPTY and covers(row.versions, version):
            return f"`{name}` {version} is an empty stub: {row.why}"
    return ""


def _why_not_for_mac(name: str, version: str, platform: Platform) -> str:
    for row in bad_releases():
        known = row.name == name and (row.code, row.severity) == (LINUX, "error") and row.holds_on(platform.subdir)
        if known and covers(row.versions, version):
            return f"`{name}` {version} has no wheel for macOS: {row.why}"
    return ""


def is_hollow(name: str, version: str, platform: Platform) -> bool:
    """Tell whether a release that would install is known to bring nothing that runs on the target."""
    return bool(_why_empty(name, version) or _why_not_for_mac(name, version, platform))


def _from_url(requirement: Requirement, platform: Platform) -> OnPypi:
    """Judge what a URL names: a wheel by its file name, anything else as source."""
    filename = requirement.url.partition("#")[0].rstrip("/").rpartition("/")[2]
    if not filename.endswith(".whl"):
        message = f"`{requirement.name}` is asked from a URL that is no wheel: it would have to be built"
        return OnPypi(standing=PypiStanding(code="SDIST_ONLY", message=message))
    project = Project(name=requirement.name, files=(ProjectFile(filename=filename, url=requirement.url),), index="")
    verdict = classify(project.files, platform)
    message = describe(requirement.name, verdict, platform)
    standing = PypiStanding(code=verdict.code, version=verdict.version, message=message)
    return OnPypi(standing=standing, project=project, verdict=verdict)


def on_conda(mapped: MappedRequirement, records: Sequence[Record], platform: Platform, origin: str) -> CondaStanding:
    """Judge a requirement by the records of the package that serves for it; whether they solve is another question."""
    if mapped.source != "conda" or not mapped.specs:
        return CondaStanding(available=False, name=mapped.conda, message=mapped.why, known=mapped.source != "unknown")
    return spec_on_conda(mapped.specs[0], records, platform, origin)


def spec_on_conda(spec: MatchSpec, records: Sequence[Record], platform: Platform, origin: str) -> CondaStanding:
    """Judge a match spec by the records of its name; `origin` says what was read, for the message."""
    fitting = [record for record in records if spec.matches(record) and fits(record, platform)]
    best = newest(fitting, platform.python)
    if best is not None:
        message = f"{origin} has {best.name} {best.version} for {target(platform)}"
        return CondaStanding(available=True, name=spec.name, version=best.version, message=message)
    return CondaStanding(available=False, name=spec.name, message=_why_none(spec, records, platform, origin))


def fits(record: Record, platform: Platform) -> bool:
    """Tell whether a record can be installed beside the target's python, on its macOS."""
    return fits_python(record, platform.python) and not macos_of(record, platform)


def macos_of(record: Record, platform: Platform) -> str:
    """Give the macOS that a record needs if the target's is older, else ""."""
    virtual = {package.name: package for package in platform.virtual_packages()}
    for text in (*record.depends, *record.constrains):
        if text.startswith("__osx") and "__osx" in virtual:
            spec = MatchSpec.parse(text)
            if not spec.matches(virtual["__osx"]):
                return spec.version.lstrip("<>=")
    return ""


def _why_none(spec: MatchSpec, records: Sequence[Record], platform: Platform, origin: str) -> str:
    if not records:
        return f"{origin} has no {spec.name}"
    matching = [record for record in records if spec.matches(record)]
    if not matching:
        newest_version = max((record.version for record in records), key=version_key)
        return f"{origin} has no {spec} (the newest is {newest_version})"
    what = f"{origin}'s {spec.name}" + (f" that meets `{spec}`" if spec.version else "")
    pythons = [python for python in PYTHONS if any(fits_python(record, python) for record in matching)]
    if platform.python not in pythons:
        return f"{what} has builds for python {', '.join(reversed(pythons)) or 'none known'}, not for {platform.python}"
    floors = {macos_of(record, platform) for record in matching if fits_python(record, platform.python)} - {""}
    return f"{what} needs macOS {min(floors, key=version_key)}, and the floor is {platform.macos}"
