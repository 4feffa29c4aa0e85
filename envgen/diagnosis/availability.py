"""Judge how a project stands on PyPI, and a package on conda, for one target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from envgen.diagnosis.results import CondaAvailability, PypiAvailability
from envgen.errors import MappingError, PypiError, SolveError, UnsatisfiableError
from envgen.knowledge.releases import bad_releases
from envgen.knowledge.version_ranges import covers
from envgen.knowledge.wheels import hidden_libraries, missing_wheel
from envgen.mapping.channel_packages import fits_python, newest_record
from envgen.mapping.name_mapper import NameMapper
from envgen.mapping.requirements import MappedRequirement, map_requirements
from envgen.models.channel import Channel
from envgen.models.match_spec import MatchSpec, version_key
from envgen.models.platform import Platform
from envgen.models.record import ChannelRecords, Record, Repodata
from envgen.models.requirement import Origin, Requirement
from envgen.models.solve import RootSpec, Solution, Solver, SolveRequest
from envgen.pypi.simple_api import Project, ProjectFile
from envgen.pypi.wheel_verdicts import FileVerdict, classify, describe, target

EMPTY = "EMPTY-WHEEL"
LINUX = "LINUX-WHEEL"
PYTHONS = ("3.14", "3.13", "3.12", "3.11", "3.10", "3.9", "3.8")


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiLookup:
    """A standing with the project it was read from, None where no index has it."""

    standing: PypiAvailability
    project: Project | None = None
    verdict: FileVerdict | None = None

    @property
    def files(self) -> tuple[ProjectFile, ...] | None:
        """Return the project's files, or None."""
        return self.project.files if self.project else None

    @property
    def installs(self) -> bool:
        """Return whether the version of the standing can be installed; a yanked one can where it is asked for."""
        if self.standing.code == "YANKED":
            return bool(self.verdict and self.verdict.chosen and self.verdict.chosen.unyanked == "OK")
        return self.standing.code == "OK"


def on_pypi(requirement: Requirement, project: Project | PypiError | None, platform: Platform) -> PypiLookup:
    """Judge a requirement by the files of its project."""
    if requirement.url:
        return _from_url(requirement, platform)
    if isinstance(project, PypiError):
        known = missing_wheel(requirement.name, requirement.specifier, platform)
        told = [f"known on {known.verified}: {known.verdict}: {known.why}; instead: {known.fix}"] if known else []
        return PypiLookup(standing=PypiAvailability(code="UNKNOWN", message="; ".join([project.message, *told])))
    verdict = classify(project.files if project else None, platform, requirement.specifier)
    message = "; ".join(
        [
            describe(requirement.name, verdict, platform),
            *_lacks(requirement.name, verdict),
            *_empties(requirement.name, verdict),
        ]
    )
    standing = PypiAvailability(code=verdict.code, version=verdict.version, message=message)
    if verdict.code == "OK" and (why := _why_empty(requirement.name, verdict.version)):
        standing = PypiAvailability(code="EMPTY_STUB", version=verdict.version, message=why)
    if verdict.code == "OK" and (why := _why_not_for_mac(requirement.name, verdict.version, platform)):
        standing = PypiAvailability(code="NO_MACOS_WHEEL", version=verdict.version, message=why)
    return PypiLookup(standing=standing, project=project, verdict=verdict)


def empty_stub(found: PypiLookup, name: str) -> PypiLookup:
    """Turn a standing into that of a wheel which requires itself, and so installs nothing."""
    version = found.standing.version
    message = f"`{name}` {version} is an empty stub: its wheel requires itself"
    return replace(found, standing=PypiAvailability(code="EMPTY_STUB", version=version, message=message))


def _lacks(name: str, verdict: FileVerdict) -> list[str]:
    """Name the libraries that a wheel which fits loads from outside, and that nobody ships with it."""
    rows = [row for row in hidden_libraries() if row.distribution == name] if verdict.code == "OK" else []
    return [f"it needs {row.library}, which it does not bring: {row.why}" for row in rows]


def _empties(name: str, verdict: FileVerdict) -> list[str]:
    """Return of a release that does not fit that it would install nothing anyway."""
    why = _why_empty(name, verdict.version) if verdict.code not in ("OK", "NO_VERSION_MATCHES", "NOT_ON_INDEX") else ""
    return [why] if why else []


def _why_empty(name: str, version: str) -> str:
    for row in bad_releases():
        if row.name == name and row.code == EMPTY and covers(row.versions, version):
            return f"`{name}` {version} is an empty stub: {row.why}"
    return ""


def _why_not_for_mac(name: str, version: str, platform: Platform) -> str:
    for row in bad_releases():
        known = row.name == name and (row.code, row.severity) == (LINUX, "error") and row.applies_to(platform.subdir)
        if known and covers(row.versions, version):
            return f"`{name}` {version} has no wheel for macOS: {row.why}"
    return ""


def is_hollow(name: str, version: str, platform: Platform) -> bool:
    """Return whether a release that would install is known to bring nothing that runs on the target."""
    return bool(_why_empty(name, version) or _why_not_for_mac(name, version, platform))


def _from_url(requirement: Requirement, platform: Platform) -> PypiLookup:
    """Judge what a URL names: a wheel by its file name, anything else as source."""
    filename = requirement.url.partition("#")[0].rstrip("/").rpartition("/")[2]
    if not filename.endswith(".whl"):
        message = f"`{requirement.name}` is asked from a URL that is no wheel: it would have to be built"
        return PypiLookup(standing=PypiAvailability(code="SDIST_ONLY", message=message))
    project = Project(name=requirement.name, files=(ProjectFile(filename=filename, url=requirement.url),), index="")
    verdict = classify(project.files, platform)
    message = describe(requirement.name, verdict, platform)
    standing = PypiAvailability(code=verdict.code, version=verdict.version, message=message)
    return PypiLookup(standing=standing, project=project, verdict=verdict)


def on_conda(
    mapped: MappedRequirement, records: Sequence[Record], platform: Platform, origin: str
) -> CondaAvailability:
    """Judge a requirement by the records of the package that serves for it; whether they solve is another question."""
    if mapped.source != "conda" or not mapped.specs:
        return CondaAvailability(
            available=False, name=mapped.conda, message=mapped.why, known=mapped.source != "unknown"
        )
    return spec_on_conda(mapped.specs[0], records, platform, origin)


def spec_on_conda(spec: MatchSpec, records: Sequence[Record], platform: Platform, origin: str) -> CondaAvailability:
    """Judge a match spec by the records of its name; `origin` says what was read, for the message."""
    fitting = [record for record in records if spec.matches(record) and fits(record, platform)]
    best = newest_record(fitting, platform.python)
    if best is not None:
        message = f"{origin} has {best.name} {best.version} for {target(platform)}"
        return CondaAvailability(available=True, name=spec.name, version=best.version, message=message)
    return CondaAvailability(available=False, name=spec.name, message=_why_none(spec, records, platform, origin))


def fits(record: Record, platform: Platform) -> bool:
    """Return whether a record can be installed beside the target's python, on its macOS."""
    return fits_python(record, platform.python) and not macos_of(record, platform)


def macos_of(record: Record, platform: Platform) -> str:
    """Return the macOS that a record needs if the target's is older, else ""."""
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


# Look at what channels have, for a diagnosis: whether something serves, and whether it solves on its own.

_ASKED = Origin(path="diagnose")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadRepodata:
    """Stand for channels that could not be read; a `Repodata` that knows no name."""

    channels: tuple[Channel, ...]
    notes: tuple[str, ...] = ()
    complete: bool = False
    origin: str = "channel that could not be read"

    def names(self) -> frozenset[str]:
        """Return no name."""
        return frozenset()

    def records(self, names: Iterable[str]) -> dict[str, tuple[Record, ...]]:
        """Return no record."""
        return dict.fromkeys(names, ())

    def closure(self, names: Iterable[str]) -> tuple[ChannelRecords, ...]:
        """Return no record."""
        del names
        return tuple(ChannelRecords(channel=channel, records=()) for channel in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPackages:
    """What the channels have for a requirement: the answer of the name map, its records, and how it stands."""

    platform: Platform
    mapped: MappedRequirement
    records: tuple[Record, ...]
    standing: CondaAvailability


@dataclass(slots=True, kw_only=True)
class CondaLookup:
    """Look requirements up in channels; what was read is kept."""

    repodata: Repodata
    mapper: NameMapper
    platform: Platform
    solver: Solver
    _everything: Sequence[ChannelRecords] | None = field(default=None)

    def look(self, requirements: Sequence[Requirement]) -> list[CondaPackages]:
        """Return how requirements stand by their records alone, in their order."""
        self.mapper.map_names([item.name for item in requirements if not item.url])
        return [self._one(item) for item in requirements]

    def _one(self, requirement: Requirement) -> CondaPackages:
        bare = replace(requirement, extras=(), text=f"{requirement.name}{requirement.specifier}", marker="")
        try:
            (mapped,) = map_requirements([bare], self.mapper, self.platform, _unread)
        except MappingError as error:
            mapped = MappedRequirement.on_pypi(requirement, why=error.message)
        names = dict.fromkeys(filter(None, [mapped.conda, *(spec.name for spec in mapped.specs)]))
        records = tuple(record for name in names for record in self.mapper.packages.records(name))
        standing = on_conda(mapped, records, self.platform, self.repodata.origin)
        if isinstance(self.repodata, UnreadRepodata):
            standing = replace(standing, message="the channels could not be read", known=False)
        return CondaPackages(platform=self.platform, mapped=mapped, records=records, standing=standing)

    def solvable(self, looks: Mapping[str, CondaPackages], *, together: bool = False) -> dict[str, CondaAvailability]:
        """Solve each that its records would serve alone with the target's python; give how all of them stand then.

        With `together` one solve for all of them is tried first, which is quicker and says nothing of versions.
        """
        wanted = {name: look.mapped.specs for name, look in looks.items() if look.standing.available}
        self._read(spec.name for specs in wanted.values() for spec in specs)
        if together and self._solution(spec for specs in wanted.values() for spec in specs):
            return {name: look.standing for name, look in looks.items()}
        solved = self._by_halves({name: looks[name] for name in wanted})
        return {name: solved.get(name, look.standing) for name, look in looks.items()}

    def _by_halves(self, looks: Mapping[str, CondaPackages]) -> dict[str, CondaAvailability]:
        """Solve many at once, and halves of them where that fails, down to each that fails on its own."""
        if len(looks) < 2:
            return {name: self._solved(look.standing, look.mapped.specs) for name, look in looks.items()}
        solution = self._solution(spec for look in looks.values() for spec in look.mapped.specs)
        if solution:
            versions = {record.name: record.version for record in solution.records}
            return {
                name: _in_version(look.standing, versions.get(look.mapped.specs[0].name, ""))
                for name, look in looks.items()
            }
        names = list(looks)
        middle = len(names) // 2
        halves = (names[:middle], names[middle:])
        return {
            name: standing
            for half in halves
            for name, standing in self._by_halves({name: looks[name] for name in half}).items()
        }

    def spec(self, spec: MatchSpec) -> tuple[CondaAvailability, tuple[Record, ...]]:
        """Return how a match spec stands, and give the records of its name."""
        records = self.repodata.records([spec.name])[spec.name]
        standing = spec_on_conda(spec, records, self.platform, self.repodata.origin)
        self._read([spec.name])
        return (self._solved(standing, (spec,)) if standing.available else standing), records

    def _read(self, names: Iterable[str]) -> None:
        self._everything = self.repodata.closure(sorted({"python", *names}))

    def _solution(self, specs: Iterable[MatchSpec]) -> Solution | None:
        try:
            return self.solver.solve(self._request(specs))
        except SolveError:
            return None

    def _request(self, specs: Iterable[MatchSpec]) -> SolveRequest:
        python = MatchSpec.parse(f"python {self.platform.python}.*")
        return SolveRequest(
            channels=self._everything or (),
            specs=tuple(RootSpec(spec=spec, origin=_ASKED) for spec in (python, *specs)),
            virtual_packages=self.platform.virtual_packages(),
        )

    def _solved(self, standing: CondaAvailability, specs: Sequence[MatchSpec]) -> CondaAvailability:
        try:
            solution = self.solver.solve(self._request(specs))
        except UnsatisfiableError as error:
            return replace(standing, available=False, message=_unsolved(standing, error))
        except SolveError as error:
            return replace(standing, available=False, known=False, message=error.message)
        version = next((record.version for record in solution.records if record.name == specs[0].name), "")
        return _in_version(standing, version)


def _in_version(standing: CondaAvailability, version: str) -> CondaAvailability:
    return replace(standing, version=version, message=standing.message.replace(standing.version, version))


def _unsolved(standing: CondaAvailability, error: UnsatisfiableError) -> str:
    """Return in one line why a package that is there cannot be installed: the innermost lines of the solver's tree."""
    lines = [line.strip(" ├└│─") for line in error.problem.splitlines()]
    telling = [line for line in lines if "which" in line or "nothing provides" in line or "No candidates" in line]
    reason = (telling or [line for line in lines if line] or [error.message])[-1].rstrip(".,;")
    return f"{standing.name} is there, and cannot be installed: {reason}"


def _unread(name: str, version: str) -> None:
    """Answer that no metadata is read here."""
