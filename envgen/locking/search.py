"""The search for a good lock: one whose named requirements are as new as the target and their bounds allow.

A plan is a solution, and the first to be found may be years old: solvers step back in silence. So each requirement that
is locked is compared with what can be had of it alone. Where it could be newer, plans are tried that ask for the newer
one: of conda, of PyPI, or with what stands against it from PyPI. Where a plan fails, what cannot be met together is
taken from PyPI as far as it can be. What stays behind is a finding, with who holds it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from envgen.errors import EnvgenError, PlanError, PypiUnsatisfiableError, UnsatisfiableError
from envgen.knowledge.incompatibilities import must_be_pypi
from envgen.knowledge.tensorflow import METAL, NAMES, metal_for
from envgen.lock.model import PlatformLock
from envgen.locking.attempt import Attempt, DistributionsOf, carried_along, foreseen
from envgen.locking.held_back import Lag, held_back, held_back_by_macos, stand_against, taken_from_conda
from envgen.mapping.channel_packages import depends_names
from envgen.mapping.version_specs import to_pep440
from envgen.models.findings import Finding, Severity
from envgen.models.record import Record
from envgen.models.release import Release, is_behind, is_older
from envgen.models.requirement import Requirement, requirement_lines
from envgen.models.wheel import ResolveRequest
from envgen.planner.newest import Newest, can_meet, holders, holds, met_floors
from envgen.planner.plan import Aim, PlanInputs, Resolvers
from envgen.planner.sources import choose_sources
from envgen.planner.state import PlannedRequirement, PlanState

FAILURES = (PlanError, PypiUnsatisfiableError, UnsatisfiableError)
_RUNS, _SOLVES = 5, 32  # of both resolvers, after which no further plan is tried: one may take as many again
_SHOWN = 2  # needs that stand against a release, in a message
_LOOKED_AT = 4  # requirements of which it is asked what holds them back, before one is moved for several
_DEPTH = 4  # changes to a plan that fails, one on top of the other


@dataclass(slots=True, kw_only=True)
class Search:
    """The search for one target's lock.

    `attempt` plans and proves. `earlier` is the lock before, and `keeps` tells whether its releases stay where nothing
    asks for others. `allow_older` are names of requirements that may fall years back. `effort` is the number of plans
    that may be tried beyond the first, -1 for that one alone, without a word of why it fails; `improves` allows a plan
    that works to be improved, and
    further solves to tell who holds a requirement back.
    """

    inputs: PlanInputs
    resolvers: Resolvers
    attempt: Callable[[PlanInputs], PlatformLock]
    distributions_of: DistributionsOf
    progress: Callable[[str], None]
    earlier: PlatformLock | None = None
    keeps: bool = True
    allow_older: frozenset[str] = frozenset()
    effort: int = 0
    improves: bool = True
    _shunned: dict[str, Finding] = field(default_factory=dict)
    _newest: Newest | None = None
    _failures: dict[str, EnvgenError] = field(default_factory=dict)
    _spoken: dict[str, frozenset[str]] = field(default_factory=dict)
    _held: dict[tuple[str, str, frozenset[str]], list[str]] = field(default_factory=dict)

    def run(self) -> PlatformLock:
        """Return the best lock that is found, with a finding for each requirement that stays far behind.

        Its findings may have errors, where every plan has: then it is the first one's.

        Raises:
            PlanError, UnsatisfiableError, PypiUnsatisfiableError: the first plan's failure, where every plan fails.
            PlanError: a requirement would fall years back of what was locked.
        """
        best = self._first()
        if best.faults:
            return best.lock
        best = self._improved(best) if self.improves else best
        self._refuse_falls(best)
        findings = [*best.lock.findings, *self._held_back(best)]
        return replace(best.lock, findings=tuple(dict.fromkeys(findings)))

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what this run could not learn; no part of a lock."""
        return (self._newest.note,) if self._newest and self._newest.note else ()

    def _first(self) -> Attempt:
        """Return the first plan that works, changing what fails."""
        if self.effort < 0:
            self.resolvers.cache.explains = "not"
            return self._try(self.inputs)
        self.resolvers.cache.explains = "briefly"
        waiting = [(self.inputs, 0)]
        faulty: Attempt | None = None
        seen: list[PlanInputs] = []
        while waiting and self.effort >= 0:
            inputs, depth = waiting.pop(0)
            if inputs in seen:
                continue
            seen.append(inputs)
            try:
                found = self._try(inputs)
            except FAILURES as error:
                changes = self._changes_for(error, inputs)
            else:
                if not found.faults:
                    return found
                faulty = faulty or found
                changes = self._changes_of_faulty(found)
            if depth < _DEPTH:
                waiting = [*((change, depth + 1) for change in changes), *waiting]
        if faulty:  # it came further than what failed
            return faulty
        self.resolvers.cache.explains = "fully"
        return self._try(self.inputs)  # which fails once more, and says what would help

    def _try(self, inputs: PlanInputs) -> Attempt:
        self.effort -= 1
        lock = self.attempt(inputs)
        return Attempt(inputs=inputs, lock=lock, releases=dict(self._releases(inputs, lock)))

    def _releases(self, inputs: PlanInputs, lock: PlatformLock) -> Iterator[tuple[str, Release]]:
        newest = self._newest_of(inputs)
        wheels = {wheel.name: wheel.version for wheel in lock.pypi}
        records = {name: record.version for record in lock.conda for name in self.distributions_of(record)}
        by_name = {record.name: record.version for record in lock.conda}
        for name in newest.names:
            if name in wheels:
                yield name, newest.dated(name, wheels[name], "pypi")
                continue
            version = to_pep440(records.get(name) or by_name.get(newest.conda_name(name), "")) if lock.conda else None
            if version:
                yield name, newest.dated(name, version, "conda")

    def _newest_of(self, inputs: PlanInputs) -> Newest:
        """Return what can be had of a plan's requirements, which no aim changes."""
        if self._newest is None:
            self._newest = Newest(choose_sources(replace(inputs, aims={}), self.resolvers))
        return self._newest

    def _changes_for(self, error: EnvgenError, inputs: PlanInputs) -> Iterator[PlanInputs]:
        """Yield inputs that may have a plan where these have none."""
        if isinstance(error, UnsatisfiableError):
            for root in self._movable(error, inputs):
                others = ", ".join(f"`{name}`" for name in error.names if name != root.mapped.conda)
                why = (
                    f"conda's {root.mapped.conda} does not fit beside {others}"
                    if others
                    else "conda has none that fits"
                )
                yield inputs.aiming({root.name: Aim(from_pypi=why)})
        if isinstance(error, PypiUnsatisfiableError) and not inputs.brought:
            yield from self._with_own_tensorflow(inputs)

    def _movable(self, error: UnsatisfiableError, inputs: PlanInputs) -> list[PlannedRequirement]:
        """Return the requirements of a conflict that PyPI has for the target, those that no other needs first."""
        newest = self._newest_of(inputs)
        roots = [newest.root(name) for name in newest.names]
        core = [root for root in roots if root.mapped.conda in error.names and root.name not in inputs.aims]
        packages = self.resolvers.mapper.packages
        needs = {root.name: _depends(packages.newest(root.mapped.conda or "")) for root in core}

        def order(root: PlannedRequirement) -> tuple[int, str]:
            return sum(root.mapped.conda in needed for needed in needs.values()), root.name

        return [root for root in sorted(core, key=order) if newest.has_wheel(root.name)]

    def _with_own_tensorflow(self, inputs: PlanInputs) -> Iterator[PlanInputs]:
        """Yield inputs with the TensorFlow that the requirements themselves bring, where Metal alone asks for one.

        Old packages bring tensorflow-macos, for which there is an older Metal.
        """
        wanted = [item.requirement for item in inputs.wanted]
        if inputs.accelerator != "metal" or self.resolvers.pypi is None:
            return
        if any(requirement.name in (*NAMES, METAL) for requirement in wanted):
            return
        state = choose_sources(inputs, self.resolvers)
        own = [str(root.requirement) for root in state.pypi_roots if root.name not in (*NAMES, METAL)]
        request = ResolveRequest(
            platform=inputs.platform, requirements=tuple(sorted(own)), exclude_newer=inputs.exclude_newer
        )
        try:
            wheels = self.resolvers.pypi.resolve(request).wheels
        except PypiUnsatisfiableError:
            return
        for wheel in wheels:
            if wheel.name == "tensorflow-macos" and metal_for(wheel.version, inputs.platform):
                brought = Requirement.parse(f"{wheel.name}=={wheel.version}", inputs.accelerator_origin)
                yield replace(inputs, brought=(brought,))

    def _changes_of_faulty(self, found: Attempt) -> Iterator[PlanInputs]:
        """Yield inputs that take from PyPI what conda provides of the packages that do not work together."""
        records = {record.name: record for record in found.lock.conda}
        aims: dict[str, Aim] = {}
        for fault in found.faults:
            for package in fault.packages:
                for name in self.distributions_of(records[package]) if package in records else ():
                    if not found.inputs.aims.get(name, Aim()).from_pypi:
                        aims.setdefault(name, Aim(from_pypi=f"{fault.code}: {fault.message}"))
        if aims:
            yield found.inputs.aiming(aims)

    def _improved(self, best: Attempt) -> Attempt:
        """Return a plan in which nothing that a good plan has newer could be found newer."""
        best = self._with_newer_of_conda(best)
        best = self._first_better(best, self._without_holder(best))
        best = self._first_better(best, self._together(best))
        tried: set[str] = set()
        while lag := next((lag for lag in self._far_lags(best) if lag.name not in tried), None):
            if not self._may_try():
                break
            tried.add(lag.name)
            best = self._first_better(best, self._moves(best, lag))
        return best

    def _with_newer_of_conda(self, best: Attempt) -> Attempt:
        """Return a plan with the newest releases that conda can have together, which its solver may have passed by."""
        lags = [lag for lag in self._open_lags(best) if self._may_rise(best, lag)]
        floors = {lag.name: lag.newer_on_conda for lag in lags if lag.newer_on_conda}
        if not floors or not self._may_try():
            return best
        state = self._state(best)
        found = met_floors(state, floors)
        met = dict(found.met)
        if found.suspects:
            held = [lag for lag in lags if lag.is_far and lag.name in found.suspects and not lag.is_newest_on_pypi]
            self._newest_of(best.inputs).doubt(lag.name for lag in held[:_LOOKED_AT])
            self._spoken |= found.suspects
            for lag in self._held_on_conda(best):
                more = {**met, lag.name: lag.newer_on_conda}
                if not self._holders(best, lag) and can_meet(state, more):
                    met = more
            if met.keys().isdisjoint(lag.name for lag in lags if lag.is_far):
                return best
        aims = {name: Aim(version=version) for name, version in met.items()}
        return self._first_better(best, [aims] if aims else [])

    def _held_on_conda(self, best: Attempt) -> list[Lag]:
        """Return the first few far lags that conda has a good release for."""
        return [lag for lag in self._far_lags(best) if lag.newer_on_conda and not lag.is_newest_on_pypi][:_LOOKED_AT]

    def _holders(self, best: Attempt, lag: Lag) -> list[str]:
        """Return the requirements without which conda could have its newest release of one that is held back."""
        newest, version = self._newest_of(best.inputs), lag.newer_on_conda
        if not version:
            return []
        state = self._state(best)
        key = (lag.name, version, frozenset(root.name for root in state.conda_roots))
        if key not in self._held:
            newest.doubt([lag.name])
            alone = newest.is_installable(lag.name, version)
            self._held[key] = holders(state, lag.name, version, self._spoken.get(lag.name, ())) if alone else []
        return self._held[key]

    def _first_better(self, best: Attempt, moves: Iterable[dict[str, Aim]]) -> Attempt:
        """Return the plan with the first of some aims with which it is better, else the plan itself."""
        for aims in moves if self._may_try() else ():
            if not self._is_shunned(best, aims):
                better = self._better(best, aims)
                if better is not best:
                    return better
            if not self._may_try():
                break
        return best

    def _far_lags(self, best: Attempt) -> list[Lag]:
        return [lag for lag in self._open_lags(best) if lag.is_far and self._may_rise(best, lag)]

    def _state(self, best: Attempt) -> PlanState:
        """Return the sources that a plan came to, before anything is solved."""
        return choose_sources(best.settled, self.resolvers)

    def _may_try(self) -> bool:
        cache = self.resolvers.cache
        return self.effort > 0 and cache.runs < _RUNS and len(cache.solved) < _SOLVES

    def _open_lags(self, attempt: Attempt) -> list[Lag]:
        """Return the lags that a plan should not have, the far ones first.

        Beside an earlier lock a near one is none: to be a little newer is no reason to move what is locked.
        """
        keeps = self.keeps and self.earlier is not None
        lags = [lag for lag in self._lags(attempt) if lag.is_open and not self._is_kept(lag)]
        lags = [lag for lag in lags if lag.is_far or not keeps]
        return sorted(lags, key=lambda lag: (not lag.is_far, lag.name))

    def _lags(self, attempt: Attempt) -> Iterator[Lag]:
        newest = self._newest_of(attempt.inputs)
        for name, release in sorted(attempt.releases.items()):
            standing = newest.standing(release, name)
            if standing.newest and is_older(release.version, standing.newest.version):
                yield Lag(name=name, locked=release, standing=standing)

    def _is_kept(self, lag: Lag) -> bool:
        """Return whether a release is that of the lock before, which was to be kept."""
        return self.keeps and self._before().get(lag.name) == lag.locked.version

    def _before(self) -> dict[str, str]:
        if self.earlier is None:
            return {}
        found = {name: record.version for record in self.earlier.conda for name in self.distributions_of(record)}
        found |= {wheel.name: wheel.version for wheel in self.earlier.pypi}
        return {name: to_pep440(version) or version for name, version in found.items()}

    def _without_holder(self, best: Attempt) -> Iterator[dict[str, Aim]]:
        """Yield aims that take what alone holds several back on conda from PyPI."""
        held: dict[str, list[Lag]] = defaultdict(list)
        for lag in self._held_on_conda(best):
            for name in self._movable_holders(best, lag):
                held[name].append(lag)
        holder, behind = max(sorted(held.items()), key=lambda item: len(item[1]), default=("", []))
        if not holder or self._is_shunned(best, {holder: Aim(from_pypi="a try")}):
            return
        state = self._state(best)
        others = [lag for lag in self._far_lags(best) if lag.newer_on_conda and lag.is_newest_on_pypi]
        behind += [lag for lag in others if lag.name != holder and holds(state, holder, lag.name, lag.newer_on_conda)]
        if len(behind) > 1:
            names = ", ".join(sorted(lag.name for lag in behind))
            freed = [lag for lag in behind if lag in others or self._holders(best, lag) == [holder]]
            aims = {lag.name: Aim(version=lag.newer_on_conda) for lag in freed}
            yield {**aims, holder: Aim(from_pypi=f"conda's {holder} holds {names} back")}

    def _movable_holders(self, best: Attempt, lag: Lag) -> list[str]:
        newest = self._newest_of(best.inputs)
        return [name for name in self._holders(best, lag) if newest.has_wheel(name)]

    def _together(self, best: Attempt) -> Iterator[dict[str, Aim]]:
        """Yield aims that take what PyPI has newer from there: all of it, then without what is found not to be good.

        What uv finds not to go together is asked for at any version, the second time.
        """
        ahead = [lag for lag in self._far_lags(best) if lag.is_newest_on_pypi]
        aims = {name: aim for lag in ahead for name, aim in self._from_pypi(lag).items() if aim.from_pypi}
        for _ in range(2):
            aims = {name: aim for name, aim in aims.items() if not self._is_shunned(best, {name: aim})}
            if len(aims) > 1:
                yield aims
            blamed = {each for name in aims for each in getattr(self._failures.get(name), "names", ())}
            aims = {name: replace(aim, version="") if name in blamed else aim for name, aim in aims.items()}

    def _moves(self, best: Attempt, lag: Lag) -> Iterator[dict[str, Aim]]:
        """Yield aims that may bring a requirement nearer, the likeliest first."""
        standing, from_pypi = lag.standing, self._from_pypi(lag)
        if from_pypi and lag.is_newest_on_pypi:
            yield from_pypi
        if standing.conda and is_behind(lag.locked, standing.conda):
            why = f"conda's {{}} holds {lag.name} back to {lag.locked.version}"
            aims = {name: Aim(from_pypi=why.format(name)) for name in self._movable_holders(best, lag)}
            if aims:
                yield {**aims, lag.name: Aim(version=standing.conda.version)}
        if from_pypi and not lag.is_newest_on_pypi:
            yield from_pypi

    def _from_pypi(self, lag: Lag) -> dict[str, Aim]:
        """Return the aim that takes a requirement from PyPI, at a release not far behind; none where it has none."""
        pypi = lag.standing.pypi
        if pypi is None or not is_older(lag.locked.version, pypi.version):
            return {}
        why = f"PyPI has {lag.name} {pypi.version}, and conda's that fits is {lag.locked.version}"
        return {lag.name: Aim(version=lag.standing.floor("pypi"), from_pypi="" if lag.locked.source == "pypi" else why)}

    def _may_rise(self, best: Attempt, lag: Lag) -> bool:
        """Return whether nothing that is decided for good, which TensorFlow is, stands against the newest release."""
        return not self._newest_of(best.inputs).is_fixed(lag.name) and not any(
            name in (*NAMES, METAL) for name, _ in stand_against(best.lock, lag)
        )

    def _better(self, best: Attempt, aims: Mapping[str, Aim]) -> Attempt:
        """Return the plan with these aims if it is better than another, else that one."""
        self.progress(f"trying {', '.join(aim.described(name) for name, aim in sorted(aims.items())[:3])}")
        self.resolvers.cache.explains = "not"
        try:
            found = self._try(best.settled.aiming(aims))
        except FAILURES as error:
            for name in aims:
                self._failures.setdefault(name, error)
            return best
        if self._is_better(found, best) and (self._have_fallen(best, aims) or self._keeps_named(found, best)):
            return found
        wheels = {wheel.name for wheel in found.lock.pypi} - {wheel.name for wheel in best.lock.pypi}
        for finding in (*found.faults, *found.new_warnings(best)):
            self._shunned |= {name: finding for name in finding.packages if name in wheels}
        return best

    def _is_shunned(self, best: Attempt, aims: Mapping[str, Aim]) -> bool:
        """Return whether something is known not to be good from PyPI, or comes from there with what is."""
        roots = {root.name: root.mapped.specs[0].name for root in self._state(best).conda_roots}
        moved = carried_along(
            best.lock, [name for name, aim in aims.items() if aim.from_pypi], roots, self.distributions_of
        )
        newest = self._newest_of(best.inputs)
        wheels = {name: newest.newest_wheel(name) for name in moved}
        kept = [conda for name, conda in roots.items() if name not in moved]
        for finding in foreseen(best, {k: v for k, v in wheels.items() if v}, kept, self.distributions_of):
            self._shunned |= {name: finding for name in finding.packages if name in moved}
        return bool(moved & self._shunned.keys())

    def _is_better(self, found: Attempt, best: Attempt) -> bool:
        if found.faults or found.new_warnings(best):
            return False
        new, old = self._far(found), self._far(best)
        if not new <= old:
            return False
        return len(new) < len(old) or found.gains(best) > 0

    def _have_fallen(self, attempt: Attempt, names: Iterable[str]) -> bool:
        """Return whether one of some requirements is older than in the lock before, for which others may move."""
        before, now = self._before(), attempt.releases
        return any(name in before and name in now and is_older(now[name].version, before[name]) for name in names)

    def _keeps_named(self, found: Attempt, best: Attempt) -> bool:
        """Return whether a plan keeps what another keeps, of the manifest's own, of the lock before."""
        before = self._before() if self.keeps else {}
        kept = (name for name, release in best.releases.items() if before.get(name) == release.version)
        return all(name in found.releases and found.releases[name].version == before[name] for name in kept)

    def _far(self, attempt: Attempt) -> set[str]:
        return {lag.name for lag in self._lags(attempt) if lag.is_far}

    def _held_back(self, best: Attempt) -> Iterator[Finding]:
        far = [lag for lag in self._lags(best) if lag.is_far]
        near = [lag for lag in far if not lag.is_open and not self._is_kept(lag)]
        if near:
            yield taken_from_conda(near)
        for lag in far:
            if lag not in near:
                because, hint, severity = self._because(best, lag)
                yield held_back(lag, because, hint, severity)
        for name, release in sorted(best.releases.items()):
            standing = self._newest_of(best.inputs).standing(release, name)
            if finding := held_back_by_macos(name, release, standing):
                yield finding

    def _because(self, best: Attempt, lag: Lag) -> tuple[str, str, Severity]:
        """Return who holds a requirement back, what to write to have the newer release, and how grave it is."""
        name = lag.name
        if self._newest_of(best.inputs).is_fixed(name):
            notes = self._newest_of(best.inputs).family_notes
            because = next((note for note in notes if " holds TensorFlow " in note), "it is what goes with Metal")
            return because, "set `accelerator: cpu` to have it without Metal", "info"
        against = sorted(stand_against(best.lock, lag), key=lambda need: need[0] not in (*NAMES, METAL))
        reasons = list(dict.fromkeys(text for _, text in against))[:_SHOWN]
        if not self._may_rise(best, lag):
            return "; ".join(reasons), "leave TensorFlow out to have it", "info"
        if self._is_kept(lag):
            return "it is kept from the lock before", f"`envgen lock --update {name}` takes a newer one", "info"
        hint = f"write `{name}>={lag.newest.version}` to see why"
        if (newer := lag.newer_on_conda) and self.improves and len(self.resolvers.cache.solved) < _SOLVES:
            held = self._holders(best, lag)
            if held:
                listed = " and ".join(f"`{each}`" for each in held)
                if not reasons:
                    reasons.append(f"{listed} {'does' if len(held) == 1 else 'do'} not go with it")
                hint = f"write `{name}>={newer}` and leave {listed} out"
        moved = {name, *must_be_pypi({name})}
        if shunned := next((self._shunned[each] for each in sorted(moved) if each in self._shunned), None):
            reasons.append(f"from PyPI, {shunned.message}")
        error = self._failures.get(name)
        named = {item.requirement.name for item in best.inputs.wanted} | set(NAMES)
        blamed = [each for each in getattr(error, "names", ()) if each in named and each != name]
        if blamed and not reasons:
            listed = " and ".join(f"`{each}`" for each in blamed[:3])
            reasons.append(f"with it, {listed} cannot be met")
        return "; ".join(reasons) or "your other requirements rule it out", hint, "warning"

    def _refuse_falls(self, best: Attempt) -> None:
        """Refuse to take a requirement years back of what was locked, unless its own bound asks for that.

        What the target cannot have any more, with another python say, is no measure.
        """
        before, lags = self._before(), {lag.name: lag for lag in self._lags(best) if lag.is_far}
        newest = self._newest_of(best.inputs)
        fallen = [
            (lag, newest.dated(name, before[name], lag.locked.source))
            for name, lag in sorted(lags.items())
            if name in before and name not in self.allow_older and newest.admits(name, before[name])
        ]
        fallen = [(lag, old) for lag, old in fallen if is_behind(lag.locked, old)]
        if not fallen:
            return
        texts = [
            f"`{lag.name}` would fall from {old} to {lag.locked}: {self._because(best, lag)[0]}" for lag, old in fallen
        ]
        names = " ".join(f"--allow-older {lag.name}" for lag, _ in fallen)
        raise PlanError(
            "; ".join(texts),
            lines=requirement_lines(newest.root(lag.name).requirement for lag, _ in fallen),
            hint=f"loosen what stands against it, take it out, or let it fall: {names}",
            code="older",
        )


def _depends(record: Record | None) -> frozenset[str]:
    return depends_names(record) if record else frozenset()
