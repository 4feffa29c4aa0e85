"""The newest release of each requirement that can be had alone, from conda or from PyPI."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envgen.errors import PypiError
from envgen.knowledge.tensorflow import METAL, NAMES
from envgen.mapping.channel_packages import fits_target
from envgen.mapping.version_specs import to_match_specs, to_pep440
from envgen.models.match_spec import MatchSpec
from envgen.models.package_key import PackageSource
from envgen.models.record import Record
from envgen.models.release import Release, are_equally_new, is_behind, is_older
from envgen.models.requirement import Origin
from envgen.models.solve import RootSpec, SolveRequest
from envgen.models.wheel import ProjectReleases
from envgen.planner.conda_request import own_specs, problem_of, solo_request, solvable, spoken_of
from envgen.planner.state import PlannedRequirement, PlanState
from envgen.solvers.conflicts import minimal

_TRIES = 2  # of conda's newest releases, where it is in doubt whether one can be installed alone
_FAILURES = 3  # of least versions together, until none of them is asked for
_ORIGIN = Origin(path="as new as can be had")


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
        self._installable: set[tuple[str, str]] = set()
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
        """Try from now on whether conda's newest release of some requirements can be installed alone.

        If all of them can be installed together, each can.
        """
        new = set(names) - self._doubted
        self._doubted |= new
        newest = [
            (spec, self._versions(spec)[0]) for spec in (self._roots[name].mapped.specs[0] for name in sorted(new))
        ]
        if len(newest) > 1 and solvable(self._state, self._exactly(newest)):
            self._installable.update((spec.text, version) for spec, version in newest)

    def has_wheel(self, name: str) -> bool:
        """Return whether PyPI has a release of a requirement that the target can take."""
        return bool(self.newest_wheel(name))

    def newest_wheel(self, name: str) -> str:
        """Return the newest version of a requirement that PyPI has for the target; "" where it has none."""
        return next(iter(self._known(name).fitting), "") if name in self._roots else ""

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
            if is_locked or root.name not in self._doubted or self._can_be_had(spec, version):
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
                if any(
                    fits_target(each, platform) and all(b.matches(each) for b in bounds) for each in by_version[version]
                )
            )
            self._on_conda[spec.text] = list(islice(fitting, _TRIES))
        return self._on_conda[spec.text]

    def is_installable(self, name: str, version: str) -> bool:
        """Return whether conda's release of a requirement can be installed alone."""
        return self._can_be_had(self._roots[name].mapped.specs[0], version)

    def _can_be_had(self, spec: MatchSpec, version: str) -> bool:
        return (spec.text, version) in self._installable or solvable(self._state, self._exactly([(spec, version)]))

    def _exactly(self, releases: Iterable[tuple[MatchSpec, str]]) -> SolveRequest:
        """Build the request of some releases and nothing else."""
        specs = [each for spec, version in releases for each in (spec, MatchSpec.parse(f"{spec.name}=={version}"))]
        origin = self._state.inputs.python_origin
        return solo_request(self._state, [RootSpec(spec=spec, origin=origin) for spec in specs])

    def _built(self, name: str, version: str) -> datetime | None:
        dates = [
            record.timestamp
            for record in self._state.resolvers.mapper.packages.records(name)
            if record.timestamp and to_pep440(record.version) == version
        ]
        return datetime.fromtimestamp(min(dates) / 1000, UTC) if dates else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """Which of some least versions conda can meet beside all that the user asks for.

    `met` can be met together. `suspects` maps the others to the names that the solver spoke of where they failed.
    """

    met: Mapping[str, str]
    suspects: Mapping[str, frozenset[str]]


def met_floors(state: PlanState, floors: Mapping[str, str]) -> Floors:
    """Find out which least versions can be met together, leaving out those that the solver speaks of as it fails.

    One of those left out might be met by itself; after a few failures all are left out.
    """
    met, suspects = dict(floors), {}
    conda = {root.name: root.mapped.specs[0].name for root in state.conda_roots}
    for failures_left in range(_FAILURES, 0, -1):
        problem = problem_of(state, _with_floors(state, met)) if met else ""
        if not problem:
            break
        names = spoken_of(problem)
        out = [name for name in met if conda.get(name, name) in names]
        out = out if out and failures_left > 1 else list(met)
        suspects.update(dict.fromkeys(out, names))
        met = {name: version for name, version in met.items() if name not in out}
    return Floors(met=met, suspects=suspects)


def can_meet(state: PlanState, floors: Mapping[str, str]) -> bool:
    """Return whether conda can meet some least versions beside all that the user asks for."""
    return solvable(state, _with_floors(state, floors))


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


def holders(state: PlanState, name: str, version: str, spoken: Collection[str] = ()) -> list[str]:
    """Return the requirements that stand against a version of another on conda: without them it can be had.

    None where they are not known: everything fits, or it does not even without all others; that it can be had alone is
    taken for granted. `spoken` are the names that a solver spoke of where that version failed among others: those
    conflict with it by themselves, as a rule.
    """
    others = {root.name: root for root in state.conda_roots if root.name != name}

    def problem_with(kept: Sequence[str]) -> str:
        return problem_of(state, _with_floors(state, {name: version}, others.keys() - set(kept)))

    def named_in(names: Collection[str], among: Sequence[str]) -> list[str]:
        return [each for each in among if any(spec.spec.name in names for spec in others[each].specs)]

    suspects = named_in(spoken, [*others])
    problem = problem_with(suspects) if suspects else ""
    if not problem:
        suspects = [*others]
        problem = problem_with(suspects)
    if not problem or ((state.inputs.specs or state.bounds) and problem_with(())):
        return []
    while 0 < len(fewer := named_in(spoken_of(problem), suspects)) < len(suspects):
        if not (problem := problem_with(fewer)):
            break
        suspects = fewer
    return minimal(suspects, lambda kept: bool(problem_with(kept)))


def holds(state: PlanState, holder: str, name: str, version: str) -> bool:
    """Return whether one requirement alone stands against a version of another on conda."""
    return not solvable(
        state, _with_floors(state, {name: version}, {root.name for root in state.conda_roots} - {name, holder})
    )
