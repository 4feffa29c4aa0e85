"""Look up what PyPI and the channels have of a requirement for one target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from envgen.diagnosis.results import CondaAvailability, PypiAvailability, PypiClass
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
from envgen.pypi.release_verdicts import FileVerdict, classify, describe, target
from envgen.pypi.simple_api import Project, ProjectFile

PYTHONS = ("3.14", "3.13", "3.12", "3.11", "3.10", "3.9", "3.8")
_ORIGIN = Origin(path="diagnose")


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiLookup:
    """What PyPI has of a requirement, with the project that this was read from, None where no index has it."""

    availability: PypiAvailability
    project: Project | None = None
    verdict: FileVerdict | None = None

    @property
    def files(self) -> tuple[ProjectFile, ...] | None:
        return self.project.files if self.project else None

    @property
    def installs(self) -> bool:
        """Return whether the version of the verdict can be installed; a yanked one can where it is asked for."""
        if self.availability.code == "YANKED":
            return bool(self.verdict and self.verdict.chosen and self.verdict.chosen.unyanked == "OK")
        return self.availability.code == "OK"


def on_pypi(requirement: Requirement, project: Project | PypiError | None, platform: Platform) -> PypiLookup:
    """Judge a requirement by the files of its project; an error is the answer of an index that could not be asked."""
    name = requirement.name
    if requirement.url:
        return _from_url(requirement, platform)
    if isinstance(project, PypiError):
        row = missing_wheel(name, requirement.specifier, platform)
        known = [f"known on {row.verified}: {row.verdict}: {row.why}; instead: {row.fix}"] if row else []
        message = "; ".join([project.message, *known])
        return PypiLookup(availability=PypiAvailability(code="UNKNOWN", message=message))
    verdict = classify(project.files if project else None, platform, requirement.specifier)
    code: PypiClass = verdict.code
    messages = [describe(name, verdict, platform)]
    empty = _why_empty(name, verdict.version) if verdict.version else ""
    if verdict.code == "OK":
        libraries = [row for row in hidden_libraries() if row.distribution == name]
        messages += [f"it needs {row.library}, which it does not bring: {row.why}" for row in libraries]
        if empty:
            code, messages = "EMPTY_STUB", [empty]
        if why := _why_not_for_mac(name, verdict.version, platform):
            code, messages = "NO_MACOS_WHEEL", [why]
    elif empty and verdict.code not in ("NO_VERSION_MATCHES", "NOT_ON_INDEX"):
        messages.append(empty)
    availability = PypiAvailability(code=code, version=verdict.version, message="; ".join(messages))
    return PypiLookup(availability=availability, project=project, verdict=verdict)


def empty_stub(found: PypiLookup, name: str) -> PypiLookup:
    """Return the same lookup as that of a wheel which requires itself, and so installs nothing."""
    version = found.availability.version
    message = f"`{name}` {version} is an empty stub: its wheel requires itself"
    return replace(found, availability=PypiAvailability(code="EMPTY_STUB", version=version, message=message))


def _why_empty(name: str, version: str) -> str:
    for row in bad_releases():
        if row.name == name and row.code == "EMPTY-WHEEL" and covers(row.versions, version):
            return f"`{name}` {version} is an empty stub: {row.why}"
    return ""


def _why_not_for_mac(name: str, version: str, platform: Platform) -> str:
    """Return why a wheel for any platform has Linux libraries in it, "" where none is known to."""
    for row in bad_releases():
        known = row.name == name and (row.code, row.severity) == ("LINUX-WHEEL", "error")
        if known and row.applies_to(platform.subdir) and covers(row.versions, version):
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
        return PypiLookup(availability=PypiAvailability(code="SDIST_ONLY", message=message))
    project = Project(name=requirement.name, files=(ProjectFile(filename=filename, url=requirement.url),), index="")
    verdict = classify(project.files, platform)
    message = describe(requirement.name, verdict, platform)
    availability = PypiAvailability(code=verdict.code, version=verdict.version, message=message)
    return PypiLookup(availability=availability, project=project, verdict=verdict)


def on_conda(
    mapped: MappedRequirement, records: Sequence[Record], platform: Platform, origin: str
) -> CondaAvailability:
    """Judge a requirement by the records of the package that serves for it; whether they solve is another question."""
    if mapped.source != "conda" or not mapped.specs:
        known = mapped.source != "unknown"
        return CondaAvailability(available=False, name=mapped.conda, message=mapped.why, known=known)
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
    needs = (text for text in (*record.depends, *record.constrains) if text.startswith("__osx"))
    for spec in MatchSpec.readable(needs):
        if spec.name in virtual and not spec.matches(virtual[spec.name]):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadRepodata:
    """The repodata of channels that could not be read, which has no name."""

    channels: tuple[Channel, ...]
    notes: tuple[str, ...] = ()
    complete: bool = False
    origin: str = "channel that could not be read"

    def names(self) -> frozenset[str]:
        return frozenset()

    def records(self, names: Iterable[str]) -> dict[str, tuple[Record, ...]]:
        return dict.fromkeys(names, ())

    def closure(self, names: Iterable[str]) -> tuple[ChannelRecords, ...]:
        del names
        return tuple(ChannelRecords(channel=channel, records=()) for channel in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPackages:
    """What the channels have of a requirement: the answer of the name map, its records, and the verdict on them."""

    mapped: MappedRequirement
    records: tuple[Record, ...]
    availability: CondaAvailability


@dataclass(slots=True, kw_only=True)
class CondaLookup:
    """The channels of a diagnosis, with the map of names and the solver that tell what they have."""

    repodata: Repodata
    mapper: NameMapper
    platform: Platform
    solver: Solver
    _channel_records: Sequence[ChannelRecords] = field(default=())

    def look_up(self, requirements: Sequence[Requirement]) -> list[CondaPackages]:
        """Return what the channels have of each requirement, by records alone, in the order of the requirements."""
        self.mapper.map_names([item.name for item in requirements if not item.url])
        return [self._packages(item) for item in requirements]

    def _packages(self, requirement: Requirement) -> CondaPackages:
        # Extras and markers are PyPI's: a package of conda has neither.
        bare = replace(requirement, extras=(), text=f"{requirement.name}{requirement.specifier}", marker="")
        try:
            (mapped,) = map_requirements([bare], self.mapper, self.platform, lambda _name, _version: None)
        except MappingError as error:
            mapped = MappedRequirement.on_pypi(requirement, why=error.message)
        names = dict.fromkeys(filter(None, [mapped.conda, *(spec.name for spec in mapped.specs)]))
        records = tuple(record for name in names for record in self.mapper.packages.records(name))
        availability = on_conda(mapped, records, self.platform, self.repodata.origin)
        if isinstance(self.repodata, UnreadRepodata):
            availability = replace(availability, message="the channels could not be read", known=False)
        return CondaPackages(mapped=mapped, records=records, availability=availability)

    def solvable(self, found: Mapping[str, CondaPackages], *, together: bool = False) -> dict[str, CondaAvailability]:
        """Return the availability of each name, after solving what its records would serve with the target's python.

        Each need solve alone, not with the others. With `together` one solve for all of them is tried first, which is
        quicker and says nothing of versions.
        """
        wanted = {name: packages.mapped.specs for name, packages in found.items() if packages.availability.available}
        self._read(spec.name for specs in wanted.values() for spec in specs)
        if together and self._solution(spec for specs in wanted.values() for spec in specs):
            return {name: packages.availability for name, packages in found.items()}
        solved = self._by_halves({name: found[name] for name in wanted})
        return {name: solved.get(name, packages.availability) for name, packages in found.items()}

    def _by_halves(self, found: Mapping[str, CondaPackages]) -> dict[str, CondaAvailability]:
        """Solve many at once, and halves of them where that fails, down to each that fails on its own."""
        if len(found) < 2:
            return {
                name: self._solved(packages.availability, packages.mapped.specs) for name, packages in found.items()
            }
        solution = self._solution(spec for packages in found.values() for spec in packages.mapped.specs)
        if solution:
            versions = {record.name: record.version for record in solution.records}
            return {
                name: _in_version(packages.availability, versions.get(packages.mapped.specs[0].name, ""))
                for name, packages in found.items()
            }
        items = list(found.items())
        middle = len(items) // 2
        return self._by_halves(dict(items[:middle])) | self._by_halves(dict(items[middle:]))

    def look_up_spec(self, spec: MatchSpec) -> tuple[CondaAvailability, tuple[Record, ...]]:
        """Return whether a match spec can be had from the channels, with the records of its name."""
        records = self.repodata.records([spec.name])[spec.name]
        availability = spec_on_conda(spec, records, self.platform, self.repodata.origin)
        self._read([spec.name])
        return (self._solved(availability, (spec,)) if availability.available else availability), records

    def _read(self, names: Iterable[str]) -> None:
        self._channel_records = self.repodata.closure(sorted({"python", *names}))

    def _solution(self, specs: Iterable[MatchSpec]) -> Solution | None:
        try:
            return self.solver.solve(self._request(specs))
        except SolveError:
            return None

    def _request(self, specs: Iterable[MatchSpec]) -> SolveRequest:
        python = MatchSpec.parse(f"python {self.platform.python}.*")
        return SolveRequest(
            channels=self._channel_records,
            specs=tuple(RootSpec(spec=spec, origin=_ORIGIN) for spec in (python, *specs)),
            virtual_packages=self.platform.virtual_packages(),
        )

    def _solved(self, availability: CondaAvailability, specs: Sequence[MatchSpec]) -> CondaAvailability:
        try:
            solution = self.solver.solve(self._request(specs))
        except UnsatisfiableError as error:
            return replace(availability, available=False, message=_unsolved(availability, error))
        except SolveError as error:
            return replace(availability, available=False, known=False, message=error.message)
        version = next((record.version for record in solution.records if record.name == specs[0].name), "")
        return _in_version(availability, version)


def _in_version(availability: CondaAvailability, version: str) -> CondaAvailability:
    return replace(availability, version=version, message=availability.message.replace(availability.version, version))


def _unsolved(availability: CondaAvailability, error: UnsatisfiableError) -> str:
    """Return in one line why a package that is there cannot be installed: the innermost lines of the solver's tree."""
    lines = [line.strip(" ├└│─") for line in error.problem.splitlines()]
    telling = [line for line in lines if "which" in line or "nothing provides" in line or "No candidates" in line]
    reason = (telling or [line for line in lines if line] or [error.message])[-1].rstrip(".,;")
    return f"{availability.name} is there, and cannot be installed: {reason}"
