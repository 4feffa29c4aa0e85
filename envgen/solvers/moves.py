"""Say what moved between two sets of records, and why.

Every move has a cause that can be read off the records: the request asks for it, or another move does. Causes are
followed from the request outwards, so that the chain of each move ends at something that the user, or the index,
changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from envgen.models.findings import Move
from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record, VirtualPackage
from envgen.models.solve import RootSpec, SolveRequest
from envgen.solvers.candidates import selects

Cause = tuple[str, str]
"""Why a package moved: the sentence, and the name of the moved package that it speaks of, or "" where there is none."""


def moves(
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
) -> Mapping[str, Cause]:
    """Give the cause of each move by name, for following a chain from package to package."""
    named = {record.name: record for record in before}, {record.name: record for record in after}
    return _Change(request=request, before=named[0], after=named[1], update=update).causes()


def _move(before: Record | None, after: Record | None, why: str) -> Move:
    same = before is not None and after is not None and before.version == after.version
    first, second = (f"{r.version} {r.build}" if same and r else r.version if r else "" for r in (before, after))
    name = (before or after).name  # type: ignore[union-attr]  # one of the two is there
    return Move(name=name, before=first, after=second, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """Hold a request with the records before and after it, by name."""

    request: SolveRequest
    before: Mapping[str, Record]
    after: Mapping[str, Record]
    update: AbstractSet[str]

    def causes(self) -> dict[str, Cause]:
        """Choose a cause for each move, nearest to the request first."""
        possible = {name: list(self._possible(name)) for name in sorted(self._moved())}
        chosen: dict[str, Cause] = {}
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

    def _possible(self, name: str) -> Iterator[Cause]:
        if name not in self.after:
            yield from self._departure(name)
            yield from self._excluded(self.before[name])
        elif name not in self.before:
            yield from self._arrival(name)
        else:
            yield from self._asked(self.before[name])
            yield from self._excluded(self.before[name])
            yield from self._misfits(self.before[name])

    def _departure(self, name: str) -> Iterator[Cause]:
        users = [user for user, record in self.before.items() if name in _specs(record.depends)]
        for user in sorted(users):
            if user in self.after:
                yield f"{user} {self.after[user].version} does not need it", user
            else:
                yield f"{user}, which needed it, is gone", user
        if not users:
            yield "nothing asks for it any more", ""

    def _arrival(self, name: str) -> Iterator[Cause]:
        for root in self.request.specs:
            if root.spec.name == name:
                yield f"asked for: {_place(root)}", ""
        for user, record in self.after.items():
            if spec := _specs(record.depends).get(name):
                yield f"{user} {record.version} needs `{spec[0]}`", user

    def _asked(self, old: Record) -> Iterator[Cause]:
        """Give the causes that the request itself is."""
        if old.name in self.update:
            yield "asked to be updated", ""
        for root in (*self.request.specs, *self.request.constraints):
            if root.spec.name == old.name and not selects(root.spec, old):
                yield f"asked for: {_place(root)}", ""
        if all(entry.channel.url != old.channel for entry in self.request.channels):
            yield f"its channel {old.channel} is no longer asked for", ""
        elif self.after[old.name].channel != old.channel:
            yield f"channel priority takes it from {self.after[old.name].channel}", ""

    def _excluded(self, old: Record) -> Iterator[Cause]:
        """Give the causes that other records' needs are."""
        for user, record in self.after.items():
            for spec in _specs((*record.depends, *record.constrains)).get(old.name, ()):
                if not spec.matches(old):
                    yield f"{user} {record.version} needs `{spec}`", user

    def _misfits(self, old: Record) -> Iterator[Cause]:
        """Give the causes that the old record's own needs are."""
        present: dict[str, Record | VirtualPackage] = {p.name: p for p in self.request.virtual_packages}
        present.update(self.after)
        for spec in _flat(old.depends):
            if spec.name not in present:
                yield f"{old} needs `{spec}`, which is not there", spec.name
        for spec in _flat((*old.depends, *old.constrains)):
            if spec.name in present and not spec.matches(present[spec.name]):
                yield _conflict(old, spec, present[spec.name])


def _conflict(old: Record, spec: MatchSpec, now: Record | VirtualPackage) -> Cause:
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
