"""The lock of one platform of a manifest: planned, solved and proved."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime

from packaging.utils import canonicalize_name

from envgen.errors import ProofError, UnsatisfiableError
from envgen.lock.groups import package_groups
from envgen.lock.model import MAIN_GROUP, PlatformLock
from envgen.locking.moves import moves
from envgen.locking.search import Search
from envgen.locking.updates import Updates
from envgen.manifest.model import Manifest
from envgen.mapping.name_mapper import NameMapper
from envgen.models.findings import Move
from envgen.models.package_key import PackageSource
from envgen.models.platform import Platform
from envgen.models.record import ChannelRecords, Record, Repodata, is_excluded
from envgen.models.solve import Solution, Solver, SolveRequest
from envgen.models.wheel import PypiResolver, Wheel
from envgen.planner.overrides import amendments, conda_overrides, override_notes
from envgen.planner.plan import Plan, PlanInputs, Resolvers, UserMatchSpec, UserRequirement
from envgen.planner.rounds import plan
from envgen.planner.sources import refuse_family
from envgen.project.channels import channels_of, name_mapper, open_index
from envgen.project.services import Services
from envgen.proof.facts import fact_findings
from envgen.proof.prove import prove
from envgen.pypi.least_change import LeastChangePypiResolver
from envgen.repodata.patches import AmendedRepodata
from envgen.solvers.choose import choose_solver

_HELD_BACK = re.compile(r"`(\S+)` (\S+) was chosen, not ")
_MAIN = frozenset({MAIN_GROUP})


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What of an earlier lock is kept: all but what `updates` name.

    `first`: the environment has no lock yet, so that the starter index may serve in the place of the channel's.
    `improve`: a plan that works is not enough, where a better one may be found.
    """

    lock: PlatformLock | None = None
    updates: Updates = field(default_factory=Updates)
    first: bool = True
    improve: bool = True

    @property
    def kept(self) -> PlatformLock | None:
        """Return the lock to keep to; None where everything may move."""
        return None if self.updates.everything else self.lock

    def records(self, exclude_newer: datetime | None) -> tuple[Record, ...]:
        """Return the records to keep: none that exclude-newer leaves out today."""
        records = self.kept.conda if self.kept else ()
        if exclude_newer is None:
            return records
        return tuple(record for record in records if not is_excluded(record.published, exclude_newer))

    def wheels(self) -> tuple[Wheel, ...]:
        return tuple(wheel.wheel for wheel in self.kept.pypi) if self.kept else ()

    def named(self, source: PackageSource) -> frozenset[str]:
        """Return the names of one source's packages that are meant to move."""
        keys = self.updates.keys(self.lock) if self.lock else ()
        return frozenset(key.name for key in keys if key.source == source)


@dataclass(frozen=True, slots=True, kw_only=True)
class SolvedPlatform:
    """A platform's lock, what moved in it, and notes on this run: which solver, read from where."""

    lock: PlatformLock
    moved: tuple[Move, ...]
    notes: tuple[str, ...]


def solve_platform(
    services: Services, manifest: Manifest, platform: Platform, preferences: Preferences
) -> SolvedPlatform:
    """Lock one platform.

    Raises:
        EnvgenError: the platform cannot be locked; ProofError where it could, but would not work.
    """
    inputs = _plan_inputs(manifest, platform)
    refuse_family(inputs)
    channels = channels_of(services, manifest)
    services.progress(f"reading {', '.join(channel.name for channel in channels)}")
    index = open_index(services, channels, platform, exclude_newer=manifest.exclude_newer, first=preferences.first)
    mapper = name_mapper(services, manifest.mapping, index, platform)
    rewrite = conda_overrides(manifest.override_requirements(), mapper, platform)
    repodata = AmendedRepodata(index, amendments(), rewrite=rewrite)
    solver, name, note = choose_solver(services.options.solver, preferences.lock.solver if preferences.lock else None)
    services.progress(f"solving with {name} for {platform.subdir}")
    kept, update = preferences.records(manifest.exclude_newer), preferences.named("conda")
    conda = LeastChangeCondaResolver(solver=solver, repodata=repodata, kept=kept, update=update)
    resolvers = Resolvers(repodata=repodata, mapper=mapper, conda=conda, pypi=_pypi(services, preferences))

    requests: list[tuple[tuple[Record, ...], SolveRequest | None]] = []

    def attempt(wanted: PlanInputs) -> PlatformLock:
        planned = plan(wanted, resolvers)
        request = conda.request_of(planned.conda)
        notes = (*manifest.notes, *_overruled(manifest, index, planned.conda))
        lock = _platform_lock(platform, planned, repodata, mapper, notes)
        found = (*prove(lock, distributions_of=mapper.distributions_of), *fact_findings(lock, mapper.distributions_of))
        requests.append((lock.conda, request))
        return replace(lock, findings=tuple(dict.fromkeys(found)))

    search = Search(
        inputs=inputs,
        resolvers=resolvers,
        attempt=attempt,
        distributions_of=mapper.distributions_of,
        progress=services.progress,
        earlier=preferences.lock,
        keeps=preferences.kept is not None,
        allow_older=services.options.allow_older,
        effort=services.options.effort,
        improves=services.options.effort > 0 and preferences.improve,
    )
    lock = refuse_faults(_with_carried_notes(preferences.kept, search.run()))
    request = next(request for records, request in reversed(requests) if records == lock.conda)
    online = services.online_names.notes if services.online_names else ()
    pypi = services.pypi.notes if services.pypi else ()
    return SolvedPlatform(
        lock=lock,
        moved=moves(manifest, preferences.lock, lock, preferences.updates, request),
        notes=tuple(filter(None, (note, *repodata.notes, *online, *pypi, *search.notes))),
    )


def _plan_inputs(manifest: Manifest, platform: Platform) -> PlanInputs:
    """Return what one target of a manifest asks for, the needs of the user's own projects included."""
    wanted = [UserRequirement(requirement=item.requirement, groups=item.groups) for item in manifest.requirements()]
    wanted += [UserRequirement(requirement=item, groups=_MAIN, pypi_only=True) for item in manifest.pypi_requirements()]
    return PlanInputs(
        platform=platform,
        python_origin=manifest.origin("python"),
        accelerator_origin=manifest.origin("accelerator"),
        accelerator=manifest.accelerator,
        wanted=tuple(wanted),
        specs=tuple(UserMatchSpec(root=root, groups=_MAIN) for root in manifest.conda_specs()),
        constraints=manifest.constraint_requirements(),
        overrides=manifest.override_requirements(),
        exclude_newer=manifest.exclude_newer,
        never_conda=frozenset(canonicalize_name(name) for name, conda in manifest.mapping.items() if conda is None),
    )


def _pypi(services: Services, preferences: Preferences) -> PypiResolver | None:
    kept = preferences.wheels()
    if services.pypi is None or not kept:
        return services.pypi
    return LeastChangePypiResolver(inner=services.pypi, kept=kept, update=preferences.named("pypi"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastChangeCondaResolver:
    """A conda solver that keeps the records of an earlier lock where that is possible.

    `update` names packages that need not be kept; `answered` collects the requests that were met, without the channels'
    records, with their answers.
    """

    solver: Solver
    repodata: Repodata | None = None
    kept: tuple[Record, ...] = ()
    update: frozenset[str] = frozenset()
    answered: list[tuple[SolveRequest, Solution]] = field(default_factory=list, repr=False, compare=False)

    def solve(self, request: SolveRequest) -> Solution:
        """Return the records that meet the request; raise UnsatisfiableError when none do."""
        if not self.kept:
            solution = self.solver.solve(request)
        else:
            from envgen.solvers.least_change import solve_with_least_change

            solution = solve_with_least_change(self.solver, request, self.kept, self.update)
        names = tuple(ChannelRecords(channel=entry.channel, records=()) for entry in request.channels)
        self.answered.append((replace(request, channels=names), solution))
        return solution

    def request_of(self, records: tuple[Record, ...]) -> SolveRequest | None:
        """Return the last request whose answer were these records."""
        return next((request for request, found in reversed(self.answered) if found.records == records), None)

    def explain(self, request: SolveRequest, error: UnsatisfiableError, *, brief: bool = False) -> UnsatisfiableError:
        """Return in the user's words why a request has no answer; what would help only where not `brief`."""
        from envgen.solvers.conflicts import explain  # what a lock that can be made has no use for

        return explain(self.solver, request, error, repodata=self.repodata, brief=brief)


def _platform_lock(
    platform: Platform, planned: Plan, repodata: Repodata, mapper: NameMapper, notes: tuple[str, ...]
) -> PlatformLock:
    lock = PlatformLock(
        platform=platform,
        solver=planned.solver,
        repodata=repodata.origin,
        accelerator=planned.accelerator,
        conda=_as_the_channel_has_them(planned.conda, repodata),
        pypi=planned.pypi,
        decisions=tuple(planned.decisions),
        notes=tuple(dict.fromkeys(note for note in (*notes, *planned.notes) if note)),
    )
    groups = package_groups(lock, planned.roots, distributions_of=mapper.distributions_of)
    return replace(lock, groups=groups)


def _as_the_channel_has_them(records: tuple[Record, ...], repodata: Repodata) -> tuple[Record, ...]:
    """Return records without the amendments, which only the solve needs."""
    amended = amendments().keys() & {record.name for record in records}
    own = {record.url: record for found in repodata.records(sorted(amended)).values() for record in found}
    return tuple(own.get(record.url, record) for record in records)


def _overruled(manifest: Manifest, inner: Repodata, records: tuple[Record, ...]) -> tuple[str, ...]:
    """Return a note on the records whose depends the manifest's overrides replace, also in the lock."""
    overrides = manifest.override_requirements()
    if not overrides:
        return ()
    before = inner.records([record.name for record in records])
    return override_notes(overrides, [record for found in before.values() for record in found], records)


def _with_carried_notes(before: PlatformLock | None, after: PlatformLock) -> PlatformLock:
    """Return a lock with what was said of wheels that stay: nobody looks again why a newer one was not chosen.

    Notes keep their order where they are the same ones, so that a lock of which nothing moved stays as it is.
    """
    if before is None:
        return after
    locked = {(wheel.name, wheel.version) for wheel in after.pypi}
    carried = [note for note in before.notes if (wheel := _HELD_BACK.match(note)) and wheel.groups() in locked]
    notes = tuple(dict.fromkeys([*after.notes, *carried]))
    return replace(after, notes=before.notes if set(notes) == set(before.notes) else notes)


def refuse_faults(lock: PlatformLock) -> PlatformLock:
    """Return a lock back if the proof found no error in it; raise ProofError with all of them otherwise."""
    faults = [finding for finding in lock.findings if finding.severity == "error"]
    if not faults:
        return lock
    listed = "\n".join(f"  {fault.code}: {fault.message}" for fault in faults)
    hints = "; ".join(dict.fromkeys(fault.hint for fault in faults if fault.hint))
    raise ProofError(
        f"the lock for {lock.platform.subdir} would not work, so nothing was written\n{listed}", hint=hints
    )
