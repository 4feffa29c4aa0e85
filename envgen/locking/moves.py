"""What moved between two locks of a platform, each package with the reason nearest to what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from packaging.requirements import Requirement as Pep508
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envgen.lock.diff import Change, diff, distribution_names
from envgen.lock.graph import DistributionsOf, Graph, providers_of
from envgen.lock.model import LockedWheel, Package, PlatformLock
from envgen.locking.updates import Updates
from envgen.manifest.model import Manifest
from envgen.mapping.channel_packages import distributions_of
from envgen.mapping.version_specs import to_pep440
from envgen.models.findings import Move
from envgen.models.match_spec import MatchSpec, is_version, newer
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.record import Record, VirtualPackage, is_excluded
from envgen.models.requirement import Requirement
from envgen.models.solve import RootSpec, SolveRequest
from envgen.solvers.candidates import selects


@dataclass(frozen=True, slots=True)
class MoveReason:
    """Why a package moved, and the moved package that the sentence speaks of; None where the chain of reasons ends."""

    text: str
    because: PackageKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedMove:
    """What the run itself asks for.

    `update` are the packages that are meant to move, or all with `everything`; `requirements` are the manifest's, with
    its bounds, for the target; `conda` has the solver's reason for each record that moved.
    """

    update: AbstractSet[PackageKey] = frozenset()
    everything: bool = False
    requirements: Sequence[Requirement] = ()
    conda: Mapping[PackageKey, MoveReason] = field(default_factory=dict)
    exclude_newer: datetime | None = None


def moves(
    manifest: Manifest, before: PlatformLock | None, after: PlatformLock, updates: Updates, request: SolveRequest | None
) -> tuple[Move, ...]:
    """Return what a run moved on one platform; () where it was not locked before.

    What the manifest names and fell comes first. `request` is what the records were the answer to.
    """
    if before is None:
        return ()
    update = updates.keys(before)
    requested = RequestedMove(
        update=update,
        everything=updates.everything,
        requirements=stated_requirements(manifest, after.platform),
        conda=conda_reasons(request, before.conda, after.conda, update) if request else {},
        exclude_newer=manifest.exclude_newer,
    )
    named = {requirement.name for requirement in requested.requirements}
    named |= {each.name for each in after.decisions if MatchSpec.name_of(each.requirement) in named}
    found = [
        replace(move, fell=move.name in named and _is_lower(move.after, move.before))
        for move in explained_moves(before, after, requested, distributions_of)
    ]
    return tuple(sorted(found, key=lambda move: not move.fell))


def _is_lower(version: str, than: str) -> bool:
    return is_version(version) and is_version(than) and newer(than, version)


def stated_requirements(manifest: Manifest, platform: Platform) -> tuple[Requirement, ...]:
    """Return all that a manifest says of PyPI's names on a target, bounds on what others bring included."""
    every = (
        *(entry.requirement for entry in manifest.requirements()),
        *manifest.pypi_requirements(),
        *manifest.constraint_requirements(),
        *manifest.override_requirements(),
    )
    return tuple(requirement for requirement in every if requirement.applies(platform.markers()))


def explained_moves(
    before: PlatformLock, after: PlatformLock, requested: RequestedMove, distributions_of: DistributionsOf
) -> tuple[Move, ...]:
    """Return every package that differs, sorted by name, each with the reason nearest to what was asked for."""
    comparison = _LockComparison(before, after, requested, distributions_of)
    names = distribution_names((before, after), distributions_of)
    changes = {PackageKey(change.source, change.name): change for change in diff(before, after, pypi_name=names)}
    chosen = _chosen({key: list(comparison.reasons(key, change)) for key, change in changes.items()})
    return tuple(
        Move(
            name=change.name,
            before=change.before,
            after=change.after,
            why=chosen[key].text,
            because=because.name if (because := chosen[key].because) else "",
        )
        for key, change in changes.items()
    )


def _chosen(possible: Mapping[PackageKey, Sequence[MoveReason]]) -> dict[PackageKey, MoveReason]:
    """Choose a reason for each move, following them from those that need no other, so that every chain ends."""
    chosen: dict[PackageKey, MoveReason] = {}
    while True:
        step = {
            key: reason
            for key, reasons in possible.items()
            if key not in chosen
            for reason in reversed(reasons)  # the first that can be chosen is the last to be written
            if reason.because in chosen or reason.because not in possible
        }
        if not step:
            break
        chosen.update(step)
    unexplained = MoveReason("could not be kept beside the others")
    return {key: chosen.get(key) or next(iter(reasons), unexplained) for key, reasons in possible.items()}


class _LockComparison:
    """Two locks of one platform, in which the reasons for a package's move are looked for."""

    def __init__(
        self, before: PlatformLock, after: PlatformLock, requested: RequestedMove, distributions_of: DistributionsOf
    ) -> None:
        self._requested = requested
        self._after = after
        self._old, self._new = before.packages(), after.packages()
        self._graphs = Graph.of(before, distributions_of), Graph.of(after, distributions_of)
        self._providers = providers_of(after, distributions_of)

    def reasons(self, key: PackageKey, change: Change) -> Iterator[MoveReason]:
        """Yield what may have made a package move, the most telling first."""
        if self._requested.everything and change.before and change.after:
            yield MoveReason("--upgrade takes the newest that fits")
        old, new = self._old.get(key), self._new.get(key)
        if change.change == "moved":
            yield MoveReason(f"now from {change.source}: {self._decision(key)}")
        elif key.source == "conda":
            yield from self._record(key, old)
        elif isinstance(old, LockedWheel) and isinstance(new, LockedWheel):
            yield from self._wheel(old, new)
        elif old:
            yield from self._departure(key)
        else:
            yield from self._arrival(key)

    def _decision(self, key: PackageKey) -> str:
        new = self._new.get(key)
        if isinstance(new, LockedWheel):
            return new.why
        return next((each.why for each in self._after.decisions if each.key == key), "other packages need it")

    def _record(self, key: PackageKey, old: Package | None) -> Iterator[MoveReason]:
        limit = self._requested.exclude_newer
        if isinstance(old, Record) and limit and is_excluded(old.published, limit):
            yield MoveReason("exclude-newer leaves it out")
        if (reason := self._requested.conda.get(key)) and (reason.because or key in self._new):
            yield reason
        if key not in self._new:
            yield from self._departure(key)

    def _departure(self, key: PackageKey) -> Iterator[MoveReason]:
        return _departure([user.key for user in self._graphs[0].needed_by(key)], self._new)

    def _arrival(self, key: PackageKey) -> Iterator[MoveReason]:
        for requirement in self._stated(key.name):
            yield MoveReason(f"asked for: {requirement.origin}")
        for user in self._graphs[1].needed_by(key):
            yield MoveReason(f"{self._shown(user.key)} needs `{user.need}`", user.key)
        yield MoveReason(self._decision(key))

    def _wheel(self, old: LockedWheel, new: LockedWheel) -> Iterator[MoveReason]:
        if old.key in self._requested.update:
            yield MoveReason("asked to be updated")
        for requirement in self._stated(old.name):
            if not _admits(requirement.specifier, old.version):
                yield MoveReason(f"asked for: {requirement.origin}")
        for user in self._graphs[1].needed_by(old.key):
            if not _admits(str(Pep508(user.need).specifier), old.version):
                yield MoveReason(f"{self._shown(user.key)} needs `{user.need}`", user.key)
        yield from self._misfits(old)
        if old.version == new.version:
            yield MoveReason("its file is another one")
        elif self._requested.exclude_newer and Version(new.version) < Version(old.version):
            yield MoveReason("exclude-newer leaves the newer one out")

    def _misfits(self, old: LockedWheel) -> Iterator[MoveReason]:
        """Yield the reasons that the old wheel's own needs are."""
        python = self._after.platform.python
        if not _admits(old.requires_python, f"{python}.99"):
            yield MoveReason(f"{old.name} {old.version} needs python {old.requires_python}, and {python} is asked for")
        for text in old.requires:
            need = Pep508(text)
            for key in self._providers.get(canonicalize_name(need.name), ()):
                version = self._new[key].version
                if not _admits(str(need.specifier), version):
                    yield MoveReason(f"{old.name} {old.version} needs `{text}`, and {key.name} is {version}", key)

    def _stated(self, name: str) -> Iterator[Requirement]:
        return (requirement for requirement in self._requested.requirements if requirement.name == name)

    def _shown(self, key: PackageKey) -> str:
        return f"{key.name} {self._new[key].version}"


def _departure(users: Sequence[PackageKey], now: Mapping[PackageKey, Package]) -> Iterator[MoveReason]:
    """Yield why a package is gone, by what needed it before."""
    for user in users:
        if user in now:
            yield MoveReason(f"{user.name} {now[user].version} does not need it", user)
        else:
            yield MoveReason(f"{user.name}, which needed it, is gone", user)
    if not users:
        yield MoveReason("nothing asks for it any more")


def _admits(specifier: str, version: str) -> bool:
    known = to_pep440(version)
    try:
        return known is None or SpecifierSet(specifier).contains(known, prereleases=True)
    except InvalidSpecifier:  # Requires-Python may be anything
        return True


def conda_reasons(
    request: SolveRequest,
    before: Sequence[Record],
    after: Sequence[Record],
    update: AbstractSet[PackageKey] = frozenset(),
) -> dict[PackageKey, MoveReason]:
    """Return why each record moved between two answers of conda's solver, which knows nothing of wheels."""
    comparison = _RecordComparison(
        request=request,
        before={record.key: record for record in before},
        after={record.key: record for record in after},
        update=update,
    )
    return _chosen({key: list(comparison.reasons(key)) for key in comparison.moved()})


@dataclass(frozen=True, slots=True, kw_only=True)
class _RecordComparison:
    """A request with the records before and after it."""

    request: SolveRequest
    before: Mapping[PackageKey, Record]
    after: Mapping[PackageKey, Record]
    update: AbstractSet[PackageKey]

    def moved(self) -> list[PackageKey]:
        keys = self.before.keys() | self.after.keys()
        return sorted(key for key in keys if _identity(self.before.get(key)) != _identity(self.after.get(key)))

    def reasons(self, key: PackageKey) -> Iterator[MoveReason]:
        """Yield what may have made a record move, the most telling first."""
        old = self.before.get(key)
        if old is None:
            yield from self._arrival(key)
        elif new := self.after.get(key):
            yield from self._requested(old, new)
            yield from self._excluded(old)
            yield from self._misfits(old)
        else:
            users = [user for user, record in self.before.items() if key.name in _specs(record.depends)]
            yield from _departure(sorted(users), self.after)
            yield from self._excluded(old)

    def _arrival(self, key: PackageKey) -> Iterator[MoveReason]:
        for root in self.request.specs:
            if root.spec.name == key.name:
                yield _asked_for(root)
        for user, record in self.after.items():
            if spec := _specs(record.depends).get(key.name):
                yield MoveReason(f"{user.name} {record.version} needs `{spec[0]}`", user)

    def _requested(self, old: Record, new: Record) -> Iterator[MoveReason]:
        if old.key in self.update:
            yield MoveReason("asked to be updated")
        for root in (*self.request.specs, *self.request.constraints):
            if root.spec.name == old.name and not selects(root.spec, old):
                yield _asked_for(root)
        if all(entry.channel.url != old.channel for entry in self.request.channels):
            yield MoveReason(f"its channel {old.channel} is no longer asked for")
        elif new.channel != old.channel:
            yield MoveReason(f"channel priority takes it from {new.channel}")

    def _excluded(self, old: Record) -> Iterator[MoveReason]:
        """Yield the reasons that other records' needs are."""
        for user, record in self.after.items():
            for spec in _specs((*record.depends, *record.constrains)).get(old.name, ()):
                if not spec.matches(old):
                    yield MoveReason(f"{user.name} {record.version} needs `{spec}`", user)

    def _misfits(self, old: Record) -> Iterator[MoveReason]:
        """Yield the reasons that the old record's own needs are."""
        present: dict[str, Record | VirtualPackage] = {each.name: each for each in self.request.virtual_packages}
        present |= {record.name: record for record in self.after.values()}
        for spec in MatchSpec.readable(old.depends):
            if spec.name not in present:
                yield MoveReason(f"{old} needs `{spec}`, which is not there", PackageKey("conda", spec.name))
        for spec in MatchSpec.readable((*old.depends, *old.constrains)):
            now = present.get(spec.name)
            if now and not spec.matches(now):
                text = f"{old} needs `{spec}`, and {now.name} is {now.version}"
                yield MoveReason(text, now.key if isinstance(now, Record) else None)


def _identity(record: Record | None) -> tuple[str, ...]:
    return (record.version, record.build, record.subdir, record.channel) if record else ()


def _asked_for(root: RootSpec) -> MoveReason:
    """Return the reason that a request's own spec is; where a wheel asks for it, the chain goes on there."""
    place = f"{root.origin}" if root.origin.line else f"`{root.spec}` ({root.origin.path})"
    return MoveReason(f"asked for: {place}", PackageKey("pypi", root.origin.wheel) if root.origin.wheel else None)


def _specs(texts: Iterable[str]) -> dict[str, list[MatchSpec]]:
    found: dict[str, list[MatchSpec]] = {}
    for spec in MatchSpec.readable(texts):
        found.setdefault(spec.name, []).append(spec)
    return found
