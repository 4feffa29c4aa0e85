"""Describe what moved between two locks of a platform, and why: across both halves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime

from packaging.requirements import Requirement as Pep508
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envgen.lock.diff import Change, diff, distribution_names
from envgen.lock.graph import DistributionsOf, Graph, providers_of
from envgen.lock.model import LockedWheel, PlatformLock
from envgen.locking.updates import Updates
from envgen.manifest.model import Manifest
from envgen.mapping.channel_packages import distributions_of
from envgen.mapping.version_specs import to_pep440
from envgen.models.findings import Move
from envgen.models.match_spec import MatchSpec
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.record import Record, VirtualPackage
from envgen.models.requirement import Requirement
from envgen.models.solve import RootSpec, SolveRequest
from envgen.solvers.candidates import selects

_FROM_WHEEL = re.compile(r"\((\S+) \S+ on PyPI requires ")
_UNEXPLAINED = "could not be kept beside the others"


@dataclass(frozen=True, slots=True)
class MoveReason:
    """Describe why a package moved, and the moved package that the sentence speaks of; None where it ends."""

    text: str
    because: PackageKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedMove:
    """What the run itself asks for.

    `update` are the packages that are meant to move, `everything` tells that all are; `requirements` are the
    manifest's, with its bounds, for the target; `conda` gives the solver's cause of each record's move by name: the
    sentence, and the name of another package or ""; `exclude_newer` is the manifest's.
    """

    update: AbstractSet[PackageKey] = frozenset()
    everything: bool = False
    requirements: Sequence[Requirement] = ()
    conda: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    exclude_newer: datetime | None = None


def moves(
    manifest: Manifest,
    before: PlatformLock | None,
    after: PlatformLock,
    updates: Updates,
    request: SolveRequest | None,
) -> tuple[Move, ...]:
    """Return what a run moved on one platform; () where it was not locked before.

    `request` is what the records were the answer to.
    """
    if before is None:
        return ()
    keys = updates.keys(before)
    names = frozenset(key.name for key in keys if key.source == "conda")
    causes = chain(request, before.conda, after.conda, names) if request else {}
    asked = RequestedMove(
        update=keys,
        everything=updates.everything,
        requirements=_applying(manifest, after.platform),
        conda=causes,
        exclude_newer=manifest.exclude_newer,
    )
    return explained_moves(before, after, asked, distributions_of)


def _applying(manifest: Manifest, platform: Platform) -> tuple[Requirement, ...]:
    """List all that a manifest says of PyPI's names on a target."""
    every = (
        *(entry.requirement for entry in manifest.requirements()),
        *manifest.pypi_requirements(),
        *manifest.constraint_requirements(),
        *manifest.override_requirements(),
    )
    return tuple(requirement for requirement in every if requirement.applies(platform.markers()))


def explained_moves(
    before: PlatformLock, after: PlatformLock, asked: RequestedMove, distributions_of: DistributionsOf
) -> tuple[Move, ...]:
    """List every package that differs, sorted by name, each with the cause nearest to what was asked for."""
    comparison = _MoveComparison(before, after, asked, distributions_of)
    names = distribution_names((before, after), distributions_of)
    changes = {PackageKey(change.source, change.name): change for change in diff(before, after, pypi_name=names)}
    possible = {key: list(comparison.causes(key, change)) for key, change in changes.items()}
    chosen = _chosen(possible)
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
    """Choose a cause for each move, following them from those that need no other, so that every chain ends."""
    chosen: dict[PackageKey, MoveReason] = {}
    while True:
        step = {
            key: cause
            for key, causes in possible.items()
            if key not in chosen
            for cause in reversed(causes)
            if cause.because in chosen or cause.because not in possible
        }
        if not step:
            break
        chosen.update(step)
    return {key: chosen.get(key) or next(iter(causes), MoveReason(_UNEXPLAINED)) for key, causes in possible.items()}


class _MoveComparison:
    """Look for causes in two locks of one platform."""

    def __init__(
        self, before: PlatformLock, after: PlatformLock, asked: RequestedMove, distributions_of: DistributionsOf
    ) -> None:
        self._asked = asked
        self._after = after
        self._records = {record.name: record for record in before.conda}
        self._old = {wheel.name: wheel for wheel in before.pypi}
        self._new = {wheel.name: wheel for wheel in after.pypi}
        self._graphs = Graph.of(before, distributions_of), Graph.of(after, distributions_of)
        self._providers = providers_of(after, distributions_of)
        self._packages = after.packages()

    def causes(self, key: PackageKey, change: Change) -> Iterator[MoveReason]:
        """List what may have made a package move, the most telling first."""
        if self._asked.everything and change.before and change.after:
            yield MoveReason("--upgrade takes the newest that fits")
        if change.change == "moved":
            yield MoveReason(f"now from {change.source}: {self._reason(key)}")
        elif change.source == "conda":
            yield from self._too_new(change)
            yield from self._conda(change)
        elif not change.after:
            yield from self._departure(key)
        elif not change.before:
            yield from self._arrival(key)
        else:
            yield from self._wheel(self._old[change.name], self._new[change.name])

    def _reason(self, key: PackageKey) -> str:
        decided = (each.why for each in self._after.decisions if each.key == key)
        wheel = self._new.get(key.name) if key.source == "pypi" else None
        return wheel.why if wheel else next(decided, "other packages need it")

    def _too_new(self, change: Change) -> Iterator[MoveReason]:
        old, limit = self._records.get(change.name), self._asked.exclude_newer
        if old and limit and came_later(old, limit):
            yield MoveReason("exclude-newer leaves it out")

    def _conda(self, change: Change) -> Iterator[MoveReason]:
        text, other = self._asked.conda.get(change.name, ("", ""))
        if other:
            yield MoveReason(text, PackageKey("conda", other))
        elif wheel := _FROM_WHEEL.search(text):
            yield MoveReason(text, PackageKey("pypi", wheel[1]))
        elif text and change.after:
            yield MoveReason(text)
        if not change.after:
            yield from self._departure(PackageKey("conda", change.name))

    def _departure(self, key: PackageKey) -> Iterator[MoveReason]:
        users = self._graphs[0].needed_by(key)
        for user in users:
            shown = user.key.name
            if user.key in self._packages:
                yield MoveReason(f"{shown} {self._packages[user.key].version} does not need it", user.key)
            else:
                yield MoveReason(f"{shown}, which needed it, is gone", user.key)
        if not users:
            yield MoveReason("nothing asks for it any more")

    def _arrival(self, key: PackageKey) -> Iterator[MoveReason]:
        for requirement in self._named(key.name):
            yield MoveReason(f"asked for: {requirement.origin}")
        for user in self._graphs[1].needed_by(key):
            shown = user.key.name
            yield MoveReason(f"{shown} {self._packages[user.key].version} needs `{user.need}`", user.key)
        yield MoveReason(self._reason(key))

    def _wheel(self, old: LockedWheel, new: LockedWheel) -> Iterator[MoveReason]:
        if old.key in self._asked.update:
            yield MoveReason("asked to be updated")
        for requirement in self._named(old.name):
            if not _admits(requirement.specifier, old.version):
                yield MoveReason(f"asked for: {requirement.origin}")
        for user in self._graphs[1].needed_by(old.key):
            if not _admits(str(Pep508(user.need).specifier), old.version):
                shown = user.key.name
                yield MoveReason(f"{shown} {self._packages[user.key].version} needs `{user.need}`", user.key)
        yield from self._misfits(old)
        if old.version == new.version:
            yield MoveReason("its file is another one")
        elif self._asked.exclude_newer and Version(new.version) < Version(old.version):
            yield MoveReason("exclude-newer leaves the newer one out")

    def _misfits(self, old: LockedWheel) -> Iterator[MoveReason]:
        """Yield the causes that the old wheel's own needs are."""
        python = self._after.platform.python
        if not _admits(old.requires_python, f"{python}.99"):
            yield MoveReason(f"{old.name} {old.version} needs python {old.requires_python}, and {python} is asked for")
        for text in old.requires:
            need = Pep508(text)
            for key in self._providers.get(canonicalize_name(need.name), ()):
                if not _admits(str(need.specifier), self._packages[key].version):
                    shown = f"{key.name} is {self._packages[key].version}"
                    yield MoveReason(f"{old.name} {old.version} needs `{text}`, and {shown}", key)

    def _named(self, name: str) -> Iterator[Requirement]:
        return (requirement for requirement in self._asked.requirements if requirement.name == name)


def came_later(record: Record, limit: datetime) -> bool:
    """Return whether exclude-newer leaves a record out: it came later, or nobody knows when."""
    return record.timestamp is None or datetime.fromtimestamp(record.timestamp / 1000, UTC) > limit


def _admits(specifier: str, version: str) -> bool:
    known = to_pep440(version)
    try:
        return known is None or SpecifierSet(specifier).contains(known, prereleases=True)
    except InvalidSpecifier:  # Requires-Python may be anything
        return True


# Say what moved between two sets of records, and why.

CondaCause = tuple[str, str]
"""Why a package moved: the sentence, and the name of the moved package that it speaks of, or "" where there is none."""


def conda_moves(
    request: SolveRequest,
    before: Sequence[Record],
    after: Sequence[Record],
    update: AbstractSet[str] = frozenset(),
) -> tuple[Move, ...]:
    """List the packages that differ, sorted by name, each with its cause.

    `before` and `after` of a move are versions, with the build where the version stays.
    """
    change = _Change(
        request=request,
        before={record.name: record for record in before},
        after={record.name: record for record in after},
        update=update,
    )
    causes = change.causes()
    return tuple(_move(change.before.get(name), change.after.get(name), causes[name][0]) for name in sorted(causes))


def chain(
    request: SolveRequest, before: Sequence[Record], after: Sequence[Record], update: AbstractSet[str] = frozenset()
) -> Mapping[str, CondaCause]:
    """Return the cause of each move by name, for following a chain from package to package."""
    named = {record.name: record for record in before}, {record.name: record for record in after}
    return _Change(request=request, before=named[0], after=named[1], update=update).causes()


def _move(before: Record | None, after: Record | None, why: str) -> Move:
    same = before is not None and after is not None and before.version == after.version
    first, second = (f"{r.version} {r.build}" if same and r else r.version if r else "" for r in (before, after))
    name = (before or after).name  # type: ignore[union-attr]  # one of the two is there
    return Move(name=name, before=first, after=second, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A request with the records before and after it, by name."""

    request: SolveRequest
    before: Mapping[str, Record]
    after: Mapping[str, Record]
    update: AbstractSet[str]

    def causes(self) -> dict[str, CondaCause]:
        """Choose a cause for each move, nearest to the request first."""
        possible = {name: list(self._possible(name)) for name in sorted(self._moved())}
        chosen: dict[str, CondaCause] = {}
        while True:
            step = {
                name: cause
                for name, causes in possible.items()
                if name not in chosen
                for cause in causes[::-1]
                if cause[1] in chosen or cause[1] not in possible
            }
            if not step:
                break
            chosen.update(step)
        for name, causes in possible.items():
            chosen.setdefault(name, causes[0] if causes else ("could not be kept beside the others", ""))
        return chosen

    def _moved(self) -> set[str]:
        names = self.before.keys() | self.after.keys()
        return {name for name in names if _identity(self.before.get(name)) != _identity(self.after.get(name))}

    def _possible(self, name: str) -> Iterator[CondaCause]:
        if name not in self.after:
            yield from self._departure(name)
            yield from self._excluded(self.before[name])
        elif name not in self.before:
            yield from self._arrival(name)
        else:
            yield from self._asked(self.before[name])
            yield from self._excluded(self.before[name])
            yield from self._misfits(self.before[name])

    def _departure(self, name: str) -> Iterator[CondaCause]:
        users = [user for user, record in self.before.items() if name in _specs(record.depends)]
        for user in sorted(users):
            if user in self.after:
                yield f"{user} {self.after[user].version} does not need it", user
            else:
                yield f"{user}, which needed it, is gone", user
        if not users:
            yield "nothing asks for it any more", ""

    def _arrival(self, name: str) -> Iterator[CondaCause]:
        for root in self.request.specs:
            if root.spec.name == name:
                yield f"asked for: {_place(root)}", ""
        for user, record in self.after.items():
            if spec := _specs(record.depends).get(name):
                yield f"{user} {record.version} needs `{spec[0]}`", user

    def _asked(self, old: Record) -> Iterator[CondaCause]:
        """Yield the causes that the request itself is."""
        if old.name in self.update:
            yield "asked to be updated", ""
        for root in (*self.request.specs, *self.request.constraints):
            if root.spec.name == old.name and not selects(root.spec, old):
                yield f"asked for: {_place(root)}", ""
        if all(entry.channel.url != old.channel for entry in self.request.channels):
            yield f"its channel {old.channel} is no longer asked for", ""
        elif self.after[old.name].channel != old.channel:
            yield f"channel priority takes it from {self.after[old.name].channel}", ""

    def _excluded(self, old: Record) -> Iterator[CondaCause]:
        """Yield the causes that other records' needs are."""
        for user, record in self.after.items():
            for spec in _specs((*record.depends, *record.constrains)).get(old.name, ()):
                if not spec.matches(old):
                    yield f"{user} {record.version} needs `{spec}`", user

    def _misfits(self, old: Record) -> Iterator[CondaCause]:
        """Yield the causes that the old record's own needs are."""
        present: dict[str, Record | VirtualPackage] = {p.name: p for p in self.request.virtual_packages}
        present.update(self.after)
        for spec in _flat(old.depends):
            if spec.name not in present:
                yield f"{old} needs `{spec}`, which is not there", spec.name
        for spec in _flat((*old.depends, *old.constrains)):
            if spec.name in present and not spec.matches(present[spec.name]):
                yield _conflict(old, spec, present[spec.name])


def _conflict(old: Record, spec: MatchSpec, now: Record | VirtualPackage) -> CondaCause:
    return f"{old} needs `{spec}`, and {now.name} is {now.version}", now.name if isinstance(now, Record) else ""


def _identity(record: Record | None) -> tuple[str, ...]:
    return (record.version, record.build, record.subdir, record.channel) if record else ()


def _place(root: RootSpec) -> str:
    return f"{root.origin}" if root.origin.line else f"`{root.spec}` ({root.origin.path})"


def _flat(texts: Iterable[str]) -> list[MatchSpec]:
    return [MatchSpec.parse(text) for text in texts]


def _specs(texts: Iterable[str]) -> dict[str, list[MatchSpec]]:
    found: dict[str, list[MatchSpec]] = {}
    for spec in _flat(texts):
        found.setdefault(spec.name, []).append(spec)
    return found
