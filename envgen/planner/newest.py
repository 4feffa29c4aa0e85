"""The newest release of each requirement that can be had alone, from conda or from PyPI."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envgen.errors import PypiError
from envgen.knowledge.tensorflow import METAL, NAMES
from envgen.mapping.channel_packages import fits_python
from envgen.mapping.version_specs import to_match_specs, to_pep440
from envgen.models.match_spec import MatchSpec
from envgen.models.package_key import PackageSource
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.requirement import Origin
from envgen.models.solve import RootSpec, SolveRequest
from envgen.models.wheel import ProjectReleases
from envgen.planner.conda_request import own_specs, problem_of, solo_request, solvable, spoken_of
from envgen.planner.state import PlannedRequirement, PlanState
from envgen.solvers.conflicts import minimal

YEAR = timedelta(days=365)
_CALENDAR = 2000  # a first number of at least so much is a year
_TRIES = 2  # of conda's newest releases, where it is in doubt whether one can be installed alone
_ORIGIN = Origin(path="as new as can be had")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release as PEP 440 writes its version, where it is from, and the instant it came out, if that is known."""

    version: str
    source: PackageSource
    published: datetime | None = None

    @property
    def day(self) -> str:
        """Return the day it came out, as a user reads it; "" where that is not known."""
        return f"{self.published:%Y-%m-%d}" if self.published else ""

    def __str__(self) -> str:
        """Render as `1.2 of 2026-03-01`, or the version alone."""
        return f"{self.version} of {self.day}" if self.day else self.version


def is_older(version: str, than: str) -> bool:
    """Return whether a version is a lower one."""
    return Version(version) < Version(than)


def is_behind(locked: Release, newest: Release) -> bool:
    """Return whether a release is a major version or a year behind another.

    "Major" is the first number of the newest that is not zero; versions that are dates go by date alone.
    """
    old, new = Version(locked.version), Version(newest.version)
    if old >= new:
        return False
    if locked.published and newest.published and newest.published - locked.published >= YEAR:
        return True
    if new.epoch == old.epoch and new.release[0] >= _CALENDAR:
        return False
    upto = next((place for place, number in enumerate(new.release) if number), 0) + 1
    padded = (*old.release, *(0,) * upto)
    return (old.epoch, padded[:upto]) < (new.epoch, new.release[:upto])


def are_equally_new(first: Release, second: Release) -> bool:
    """Return whether two releases are of one minor series, or came out less than a year apart."""
    if Version(first.version).release[:2] == Version(second.version).release[:2]:
        return True
    return bool(first.published and second.published and abs(first.published - second.published) < YEAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What can be had of one requirement alone: the newest of each world, and what PyPI has beside it."""

    root: PlannedRequirement
    conda: Release | None
    pypi: Release | None
    releases: ProjectReleases = field(default_factory=ProjectReleases)

    @property
    def newest(self) -> Release | None:
        """Return the newer of the two."""
        found = [release for release in (self.conda, self.pypi) if release]
        return max(found, key=lambda release: Version(release.version), default=None)

    @property
    def wanted(self) -> Release | None:
        """Return what a good plan has: conda's where that is as new as PyPI's, else the newer."""
        if self.conda and self.pypi and are_equally_new(self.conda, self.pypi):
            return self.conda
        return self.newest

    @property
    def later(self) -> Release | None:
        """Return the newest release that only a newer macOS would take."""
        version = self.releases.later
        published = self.releases.published.get(version)
        return Release(version=version, source="pypi", published=published) if version else None

    def floor(self, source: PackageSource) -> str:
        """Return the least version of a world that is not far behind the newest of all; "" where there is none."""
        best = self.conda if source == "conda" else self.pypi
        if best is None or self.newest is None or is_behind(best, self.newest):
            return best.version if best else ""
        listed = self.releases.fitting if source == "pypi" else (best.version,)
        dated = (Release(version=v, source=source, published=self.releases.published.get(v)) for v in listed)
        near = [release.version for release in dated if not is_behind(release, self.newest)]
        return min(near, key=Version, default=best.version)


class Newest:
    """Look up what can be had of a plan's requirements alone.

    `note` says why PyPI's part is not known, "" where it is, or was not asked for.
    """

    def __init__(self, state: PlanState) -> None:
        """Begin with the state of a plan of which the sources are chosen, and nothing else."""
        self._state = state
        self._roots = {root.name: root for root in reversed(state.roots) if not root.requirement.url}
        self._releases: Mapping[str, ProjectReleases] | None = None
        self.note = ""
        self._doubted: set[str] = set()
        self._standings: dict[tuple[str, Release, bool], Standing] = {}
        self._on_conda: dict[str, list[str]] = {}

    @property
    def names(self) -> list[str]:
        """Return the names of the requirements that can have a standing, sorted."""
        return sorted(self._roots)

    def root(self, name: str) -> PlannedRequirement:
        """Return the requirement of a name."""
        return self._roots[name]

    def conda_name(self, name: str) -> str:
        """Return the conda package that a requirement is; "" where it is none."""
        return self._roots[name].mapped.conda or ""

    def is_fixed(self, name: str) -> bool:
        """Return whether a requirement's release is the one that goes with Metal, whatever else there is."""
        return name in self._state.family.from_pypi and name in (*NAMES, METAL)

    @property
    def family_notes(self) -> Sequence[str]:
        """Return what is known of the choice of TensorFlow."""
        return self._state.family.notes

    def admits(self, name: str, version: str) -> bool:
        """Return whether the user's own bounds admit a release of a requirement."""
        specifiers = [self._roots[name].requirement.specifier]
        specifiers += [bound.specifier for bound in self._state.inputs.constraints if bound.name == name]
        return all(SpecifierSet(each).contains(version, prereleases=True) for each in specifiers)

    def doubt(self, names: Iterable[str]) -> None:
        """Try from now on whether conda's newest release of some requirements can be installed alone."""
        self._doubted |= set(names)

    def has_wheel(self, name: str) -> bool:
        """Return whether PyPI has a release of a requirement that the target can take."""
        return name in self._roots and bool(self._known(name).fitting)

    def standing(self, locked: Release, name: str) -> Standing:
        """Return what can be had of a requirement; what is locked of it is known to be."""
        key = (name, locked, name in self._doubted)
        if key not in self._standings:
            self._standings[key] = self._standing(locked, name)
        return self._standings[key]

    def _standing(self, locked: Release, name: str) -> Standing:
        root, releases = self._roots[name], self._known(name)
        pypi = None
        if releases.fitting:
            version = releases.fitting[0]
            pypi = Release(version=version, source="pypi", published=releases.published.get(version))
        return Standing(root=root, conda=self._newest_on_conda(root, releases, locked), pypi=pypi, releases=releases)

    def dated(self, name: str, version: str, source: PackageSource) -> Release:
        """Return a locked release with its date: PyPI's, else that of the oldest build on conda."""
        published = self._known(name).published.get(version)
        conda = self._roots[name].mapped.conda
        if published is None and conda:
            published = self._built(conda, version)
        return Release(version=version, source=source, published=published)

    def _known(self, name: str) -> ProjectReleases:
        if self._releases is None:
            self._releases = self._look_up()
        return self._releases.get(name) or ProjectReleases()

    def _look_up(self) -> Mapping[str, ProjectReleases]:
        pypi, inputs = self._state.resolvers.pypi, self._state.inputs
        if pypi is None:
            return {}
        markers = inputs.platform.markers()
        bounds = {name: [root.requirement.specifier] for name, root in self._roots.items()}
        for bound in inputs.constraints:
            if bound.name in bounds and bound.applies(markers):
                bounds[bound.name].append(bound.specifier)
        try:
            wanted = {name: ",".join(filter(None, each)) for name, each in bounds.items()}
            return pypi.releases(wanted, inputs.platform, inputs.exclude_newer)
        except PypiError as error:  # conda's own dates tell then, as far as they do
            self.note = f"what PyPI has newer is not known: {error.message}"
            return {}

    def _newest_on_conda(self, root: PlannedRequirement, releases: ProjectReleases, locked: Release) -> Release | None:
        """Return the newest release of the channel that fits the target; where it is doubted, that can be installed."""
        if root.from_pypi or root.mapped.source != "conda" or not root.mapped.specs:
            return None
        spec = root.mapped.specs[0]
        for version in self._versions(spec):
            is_locked = locked.source == "conda" and not is_older(locked.version, version)
            if is_locked or root.name not in self._doubted or self._is_installable(spec, version):
                published = releases.published.get(version) or self._built(spec.name, version)
                return Release(version=version, source="conda", published=published)
        return None

    def _versions(self, spec: MatchSpec) -> list[str]:
        """Return the newest few final versions of a package that fit the target and the user's bounds, newest first."""
        if spec.text not in self._on_conda:
            bounds = [spec, *(bound.spec for bound in self._state.bounds if bound.spec.name == spec.name)]
            platform = self._state.inputs.platform
            by_version: dict[Version, list[Record]] = defaultdict(list)
            for record in self._state.resolvers.mapper.packages.records(spec.name):
                if (plain := to_pep440(record.version)) and not Version(plain).is_prerelease:
                    by_version[Version(plain)].append(record)
            fitting = (
                str(version)
                for version in sorted(by_version, reverse=True)
                if any(_fits(each, platform) and all(b.matches(each) for b in bounds) for each in by_version[version])
            )
            self._on_conda[spec.text] = list(islice(fitting, _TRIES))
        return self._on_conda[spec.text]

    def _is_installable(self, spec: MatchSpec, version: str) -> bool:
        origin = self._state.inputs.python_origin
        exact = MatchSpec.parse(f"{spec.name}=={version}")
        wanted = [RootSpec(spec=each, origin=origin) for each in (spec, exact)]
        return solvable(self._state, solo_request(self._state, wanted))

    def _built(self, name: str, version: str) -> datetime | None:
        dates = [
            record.timestamp
            for record in self._state.resolvers.mapper.packages.records(name)
            if record.timestamp and to_pep440(record.version) == version
        ]
        return datetime.fromtimestamp(min(dates) / 1000, UTC) if dates else None


def _fits(record: Record, platform: Platform) -> bool:
    """Return whether a record's python and its virtual packages are those of the target."""
    have = {package.name: package for package in platform.virtual_packages()}
    needs = list(MatchSpec.readable(text for text in record.depends if text.startswith("__")))
    fits = all((package := have.get(spec.name)) and spec.matches(package) for spec in needs)
    return bool(fits) and fits_python(record, platform.python)


def feasible_floors(state: PlanState, floors: Mapping[str, str], far: Collection[str]) -> dict[str, str]:
    """Return those of some least versions, in their order, that conda can meet together with what the user asks for.

    Those of `far` count one by one, the others only if they can be met all at once.
    """
    if solvable(state, _with_floors(state, floors)):
        return dict(floors)
    chosen = _together(state, {}, [(name, version) for name, version in floors.items() if name in far])
    every = {**chosen, **{name: version for name, version in floors.items() if name not in far}}
    return every if len(every) > len(chosen) and solvable(state, _with_floors(state, every)) else chosen


def _together(state: PlanState, kept: dict[str, str], more: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Add floors in their order, leaving out each that has no solution with those before it, as `lift` does."""
    problem = problem_of(state, _with_floors(state, {**kept, **dict(more)})) if more else ""
    if not problem:
        return {**kept, **dict(more)}
    if len(more) == 1:
        return kept
    conda = {root.name: root.mapped.specs[0].name for root in state.conda_roots}
    names = spoken_of(problem)
    suspects = [floor for floor in more if conda.get(floor[0], floor[0]) in names]
    if 0 < len(suspects) < len(more):
        return _together(state, _together(state, kept, [floor for floor in more if floor not in suspects]), suspects)
    half = len(more) // 2
    return _together(state, _together(state, kept, more[:half]), more[half:])


def _with_floors(state: PlanState, floors: Mapping[str, str], without: Collection[str] = ()) -> SolveRequest:
    """Build the request of what the user asks for with least versions of some, and without others."""
    roots = [root for root in state.conda_roots if root.name not in without]
    bounds = tuple(
        RootSpec(spec=to_match_specs(root.mapped.specs[0].name, f">={floors[root.name]}").spec, origin=_ORIGIN)
        for root in roots
        if root.name in floors
    )
    specs = [*own_specs(state), *(spec for root in roots for spec in root.specs)]
    return solo_request(state, specs, (*state.bounds, *bounds))


def holders(state: PlanState, name: str, version: str) -> list[str]:
    """Return the requirements that stand against a version of another on conda: without them it can be had.

    None where they are not known: everything fits, or it does not even without all others.
    """
    others = {root.name: root for root in state.conda_roots if root.name != name}

    def request(kept: Sequence[str]) -> SolveRequest:
        return _with_floors(state, {name: version}, others.keys() - set(kept))

    def conflict(kept: Sequence[str]) -> bool:
        return not solvable(state, request(kept))

    problem = problem_of(state, request(list(others)))
    if not problem:
        return []
    # The solver names those that take part, as a rule: if they conflict by themselves, no others need be looked at.
    names = spoken_of(problem)
    named = [each for each, root in others.items() if any(spec.spec.name in names for spec in root.specs)]
    suspects = named if named and len(named) < len(others) and conflict(named) else list(others)
    return [] if not suspects or conflict(()) else minimal(suspects, conflict)
