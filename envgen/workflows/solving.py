"""Plan, prove and lock one platform of a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from envgen.errors import ProofError, SolverUnavailableError, UsageError
from envgen.lock.graph import package_groups
from envgen.lock.model import PlatformLock
from envgen.manifest.model import Manifest
from envgen.mapping.name_mapper import NameMapper
from envgen.models.findings import Finding, Move
from envgen.models.platform import Platform
from envgen.models.record import Record, Repodata
from envgen.models.solve import Solver, SolverName
from envgen.models.wheel import PypiSide, Wheel
from envgen.planner.overrides import amendments, conda_overrides, override_notes
from envgen.planner.plan import Plan, Sides
from envgen.planner.rounds import plan
from envgen.planner.sources import refuse_family
from envgen.project.channels import channels_of, name_mapper, open_index
from envgen.project.services import Services
from envgen.proof.facts import fact_findings
from envgen.proof.prove import prove
from envgen.pypi.least_change import KeepingPypiSide
from envgen.repodata.patches import AmendedRepodata
from envgen.solvers.choose import choose_solver
from envgen.workflows.carrying import with_notes_of
from envgen.workflows.conda_side import LeastChangeSide
from envgen.workflows.inputs import plan_inputs
from envgen.workflows.moving import came_later, moves
from envgen.workflows.updating import Updates

SOLVERS: Mapping[str, SolverName] = {"libmamba": "libmamba", "rattler": "rattler"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Say what of an earlier lock is kept: all but what `updates` name.

    `first` tells that the environment has no lock yet, which is when the starter index may stand in.
    """

    lock: PlatformLock | None = None
    updates: Updates = field(default_factory=Updates)
    first: bool = True

    @property
    def kept(self) -> PlatformLock | None:
        """Give the lock to keep to; None where everything may move."""
        return None if self.updates.everything else self.lock

    def records(self, exclude_newer: datetime | None) -> tuple[Record, ...]:
        """List the records to keep: none that exclude-newer leaves out today."""
        records = self.kept.conda if self.kept else ()
        return tuple(record for record in records if exclude_newer is None or not came_later(record, exclude_newer))

    def wheels(self) -> tuple[Wheel, ...]:
        """List the wheels to keep."""
        return tuple(wheel.wheel for wheel in self.kept.pypi) if self.kept else ()

    def named(self, half: str) -> frozenset[str]:
        """Give the names of one half's packages that are meant to move."""
        keys = self.updates.keys(self.lock) if self.lock else ()
        return frozenset(key.partition(":")[2] for key in keys if key.startswith(f"{half}:"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """Hold a platform's lock, what moved in it, and notes on this run: which solver, read from where."""

    lock: PlatformLock
    moved: tuple[Move, ...]
    notes: tuple[str, ...]


def solve_platform(services: Services, manifest: Manifest, platform: Platform, keeping: Keeping) -> Solved:
    """Lock one platform.

    Raises:
        EnvgenError: the platform cannot be locked; ProofError where it could, but would not work.
    """
    inputs = plan_inputs(manifest, platform)
    refuse_family(inputs)
    channels = channels_of(services, manifest)
    services.progress(f"reading {', '.join(channel.name for channel in channels)}")
    inner = open_index(services, channels, platform, exclude_newer=manifest.exclude_newer, first=keeping.first)
    mapper = name_mapper(services, manifest.mapping, inner, platform)
    rewrite = conda_overrides(manifest.override_requirements(), mapper, platform)
    repodata = AmendedRepodata(inner, amendments(), rewrite=rewrite)
    solver, name, note = _solver(services, keeping.lock)
    services.progress(f"solving with {name} for {platform.subdir}")
    conda = LeastChangeSide(
        solver=solver, repodata=repodata, kept=keeping.records(manifest.exclude_newer), update=keeping.named("conda")
    )
    sides = Sides(repodata=repodata, mapper=mapper, conda=conda, pypi=_pypi(services, keeping))
    planned = plan(inputs, sides)
    services.progress("proving that it fits together")
    notes = (*manifest.notes, *_overruled(manifest, inner, planned.conda))
    locked = with_notes_of(keeping.kept, _locked(platform, planned, repodata, mapper, notes))
    lock = refuse_faults(prove_lock(locked, mapper))
    online = services.online_names.notes if services.online_names else ()
    pypi = services.pypi.notes if services.pypi else ()
    moved = moves(manifest, keeping.lock, lock, keeping.updates, conda.request_of(planned.conda))
    return Solved(lock=lock, moved=moved, notes=tuple(filter(None, (note, *repodata.notes, *online, *pypi))))


def _pypi(services: Services, keeping: Keeping) -> PypiSide | None:
    kept = keeping.wheels()
    if services.pypi is None or not kept:
        return services.pypi
    return KeepingPypiSide(side=services.pypi, kept=kept, update=keeping.named("pypi"))


def _solver(services: Services, before: PlatformLock | None) -> tuple[Solver, SolverName, str]:
    """Choose the call's solver, else that of the lock before, else the default.

    A lock's solver that cannot be imported here is replaced with a note: what is kept does not depend on it.
    """
    if services.options.solver or before is None:
        return choose_solver(_solver_name(services.options.solver))
    try:
        solver, name, _ = choose_solver(_solver_name(before.solver))
        return solver, name, ""
    except SolverUnavailableError as error:
        solver, name, _ = choose_solver(None)
        return solver, name, f"the lock was solved with {before.solver}, now with {name}: {error.message}"


def _solver_name(text: str | None) -> SolverName | None:
    if text is None:
        return None
    if text not in SOLVERS:
        raise UsageError(f"unknown solver `{text}`", hint=f"one of {', '.join(SOLVERS)}")
    return SOLVERS[text]


def _locked(
    platform: Platform, planned: Plan, repodata: Repodata, mapper: NameMapper, notes: tuple[str, ...]
) -> PlatformLock:
    records = _as_the_channel_has_them(planned.conda, repodata)
    lock = PlatformLock(
        platform=platform,
        solver=planned.solver,
        repodata=repodata.origin,
        accelerator=planned.accelerator,
        conda=records,
        pypi=planned.pypi,
        decisions=tuple(planned.decisions),
        notes=tuple(dict.fromkeys(note for note in (*notes, *planned.notes) if note)),
    )
    groups = package_groups(lock, planned.roots, distributions_of=mapper.distributions_of)
    return replace(lock, groups=groups)


def _as_the_channel_has_them(records: tuple[Record, ...], repodata: Repodata) -> tuple[Record, ...]:
    """Take the amendments, which only the solve needs, off again."""
    amended = amendments().keys() & {record.name for record in records}
    own = {record.url: record for found in repodata.records(sorted(amended)).values() for record in found}
    return tuple(own.get(record.url, record) for record in records)


def _overruled(manifest: Manifest, inner: Repodata, records: tuple[Record, ...]) -> tuple[str, ...]:
    """Say whose depends the manifest's overrides replace; the lock holds them so."""
    overrides = manifest.override_requirements()
    if not overrides:
        return ()
    before = inner.records([record.name for record in records])
    return override_notes(overrides, [record for found in before.values() for record in found], records)


def prove_lock(lock: PlatformLock, mapper: NameMapper) -> PlatformLock:
    """Put the findings of the proof on a lock."""
    findings: list[Finding] = [
        *prove(lock, distributions_of=mapper.distributions_of),
        *fact_findings(lock, mapper.distributions_of),
    ]
    return replace(lock, findings=tuple(dict.fromkeys(findings)))


def refuse_faults(lock: PlatformLock) -> PlatformLock:
    """Give a lock back if the proof found no error in it; raise ProofError with all of them otherwise."""
    faults = [finding for finding in lock.findings if finding.severity == "error"]
    if not faults:
        return lock
    listed = "\n".join(f"  {fault.code}: {fault.message}" for fault in faults)
    hints = "; ".join(dict.fromkeys(fault.hint for fault in faults if fault.hint))
    raise ProofError(
        f"the lock for {lock.platform.subdir} would not work, so nothing was written\n{listed}", hint=hints
    )
