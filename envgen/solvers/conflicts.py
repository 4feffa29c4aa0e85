"""Turn a solver's refusal into the user's own words: which lines conflict, and what would help."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from envgen.errors import UnsatisfiableError
from envgen.models.match_spec import MatchSpec, newer, version_key
from envgen.models.near_names import near_names
from envgen.models.record import ChannelRecords, Record, Repodata
from envgen.models.solve import RootSpec, Solution, Solver, SolveRequest
from envgen.solvers.candidates import labels, picked, selects

_MOST_LINES = 24
_MOST_VERSIONS = 6


def explain(
    solver: Solver, request: SolveRequest, error: UnsatisfiableError, *, repodata: Repodata | None = None
) -> UnsatisfiableError:
    """Return which of the request's own requirements conflict, and what would help.

    Names that no channel has, and specs that no record meets, are all reported at once, without solving. Else the
    conflict is narrowed down by solving parts of the request, a bounded number of times. `repodata` tells all names
    that the channels have, for near misses, and whether an absent name is absent or only unknown.
    """
    facts = _RequestFacts.of(request, repodata)
    if absent := [root for root in request.specs if facts.absent(root)]:
        return facts.of_absent(absent)
    if unmatched := [root for root in request.specs if facts.unmatched(root)]:
        return facts.of_unmatched(unmatched)
    trial = VariantSolves(solver)
    core = conflicting(trial, request, error.problem)
    try:
        solver.solve(core)
        problem = error.problem
    except UnsatisfiableError as smaller:
        problem = smaller.problem
    roots = [*core.specs, *core.constraints]
    return UnsatisfiableError(
        _together(roots),
        problem=_trimmed(problem),
        hint="; or ".join(remedies(trial, core)),
        lines=[root.origin.line for root in roots if root.origin.line],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _RequestFacts:
    """What a request's channels have."""

    request: SolveRequest
    repodata: Repodata | None
    names: frozenset[str]
    by_name: tuple[Mapping[str, Sequence[Record]], ...]

    @classmethod
    def of(cls, request: SolveRequest, repodata: Repodata | None) -> _RequestFacts:
        by_name = tuple(_by_name(entry.records) for entry in request.channels)
        names = {name for found in by_name for name in found}
        names |= {package.name for package in request.virtual_packages}
        known = repodata.names() if repodata else frozenset()
        return cls(request=request, repodata=repodata, names=known | names, by_name=by_name)

    def absent(self, root: RootSpec) -> bool:
        return root.spec.name not in self.names

    def unmatched(self, root: RootSpec) -> bool:
        return not any(selects(root.spec, record) for record in self.candidates(root)) and not any(
            root.spec.matches(package) for package in self.request.virtual_packages if package.name == root.spec.name
        )

    def candidates(self, root: RootSpec) -> list[Record]:
        """Return the records of a spec's name, those of the first channel that has it under strict priority."""
        found: list[Record] = []
        for records in self.by_name:
            found += records.get(root.spec.name, ())
            if found and self.request.channel_priority == "strict":
                break
        return found

    def of_absent(self, roots: Sequence[RootSpec]) -> UnsatisfiableError:
        complete = self.repodata is None or self.repodata.complete
        places = ", ".join(entry.channel.name for entry in self.request.channels) or "no channel"
        where = f"not in {places}" if complete or not self.repodata else f"unknown to the {self.repodata.origin}"
        hints = [hint for root in roots for hint in self._near(root)]
        if not complete:
            hints.append("try again where the channels can be reached, since they may have it")
        return _refusal(roots, where, hints or ["check the spelling and the channels"])

    def _near(self, root: RootSpec) -> list[str]:
        if root.spec.name.startswith("__"):
            return [f"the target has no {root.spec.name}"]
        close = near_names(root.spec.name, sorted(self.names, reverse=True), limit=3, cutoff=0.75)
        return (
            [f"for `{root.spec.name}`, did you mean {_listed([f'`{name}`' for name in close], 'or')}?"] if close else []
        )

    def of_unmatched(self, roots: Sequence[RootSpec]) -> UnsatisfiableError:
        return _refusal(roots, "met by no record", [self._offered(root) for root in roots])

    def _offered(self, root: RootSpec) -> str:
        for package in self.request.virtual_packages:
            if package.name == root.spec.name:
                return f"the target has {package.name} {package.version}"
        found = self.candidates(root)
        hidden = [
            entry.channel.name
            for entry in self.request.channels
            if any(r.name == root.spec.name and r not in found and selects(root.spec, r) for r in entry.records)
        ]
        if hidden:
            return f"{hidden[0]} has it, but a channel before it has `{root.spec.name}` too and hides its records"
        versions = sorted({record.version for record in found}, key=version_key)
        some = versions if len(versions) <= _MOST_VERSIONS else [versions[0], "…", *versions[2 - _MOST_VERSIONS :]]
        if any(root.spec.matches_version(version) for version in versions):
            builds = sorted({r.build for r in found if root.spec.matches_version(r.version)})
            return f"the builds of `{root.spec.name}` {root.spec.version} are {', '.join(builds[:_MOST_VERSIONS])}"
        return f"the versions of `{root.spec.name}` are {', '.join(some)}"


def _refusal(roots: Sequence[RootSpec], what: str, hints: Sequence[str]) -> UnsatisfiableError:
    verb = "is" if len(roots) == 1 else "are"
    message = f"{_listed([_named(root) for root in roots], 'and')} {verb} {what}"
    return UnsatisfiableError(
        message,
        problem=message,
        hint="; ".join(hints),
        lines=[root.origin.line for root in roots if root.origin.line],
    )


def _together(roots: Sequence[RootSpec]) -> str:
    named = [_named(root) for root in roots]
    if len(named) == 1:
        return f"{named[0]} cannot be installed"
    return f"{_listed(named, 'and')} cannot be met together"


def _named(root: RootSpec) -> str:
    """Name a requirement, with the place that asks for it where that is no line of the user's."""
    origin = "" if root.origin.line or root.origin.path == str(root.spec) else f" ({root.origin.path})"
    return f"`{root.spec}`{origin}"


def _listed(texts: Sequence[str], last: str) -> str:
    return f" {last} ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else "".join(texts)


def _trimmed(problem: str) -> str:
    lines = list(dict.fromkeys(problem.splitlines()))  # rattler repeats a constraint once for each record
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"… ({len(lines) - _MOST_LINES} more lines)"]
    return "\n".join(lines)


def _by_name(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(record.name, []).append(record)
    return found


# Find the few requirements of a request that cannot be met together.

T = TypeVar("T")

BUDGET = 60


@dataclass(slots=True)
class VariantSolves:
    """Solve variants of one request, for as long as the budget lasts.

    The budget counts solves, not seconds, so that the same request always gets the same explanation.
    """

    solver: Solver
    budget: int = field(default=BUDGET)

    def solution(self, request: SolveRequest) -> Solution | None:
        """Return a solution, or None where there is none or nothing is left to try with."""
        if self.budget <= 0:
            return None
        self.budget -= 1
        try:
            return self.solver.solve(request)
        except UnsatisfiableError:
            return None

    def conflicts(self, request: SolveRequest) -> bool:
        """Return whether a request is known to have no solution."""
        return self.budget > 0 and self.solution(request) is None


def conflicting(trial: VariantSolves, request: SolveRequest, problem: str) -> SolveRequest:
    """Reduce an unsatisfiable request to specs and constraints none of which can be left out.

    Those whose names the solver's text mentions are tried first: if they conflict on their own, as they nearly always
    do, the others need not be looked at. When the budget runs out, the result is unsatisfiable but may hold more.
    """
    roots = [*((root, True) for root in request.specs), *((root, False) for root in request.constraints)]
    suspects = [(root, asked) for root, asked in roots if root.spec.name in problem]
    if 0 < len(suspects) < len(roots) and trial.conflicts(_only(request, suspects)):
        roots = suspects
    return within_reach(_only(request, minimal(roots, lambda some: trial.conflicts(_only(request, some)))))


def minimal(items: Sequence[T], conflict: Callable[[Sequence[T]], bool]) -> list[T]:
    """Shrink items that conflict to a minimal part that does, leaving out halves, then quarters, then single ones."""
    core = list(items)
    size = max(len(core) // 2, 1)
    while True:
        start = 0
        while start < len(core):
            rest = core[:start] + core[start + size :]
            if rest and conflict(rest):
                core = rest
            else:
                start += size
        if size == 1:
            return core
        size //= 2


def _only(request: SolveRequest, roots: Sequence[tuple[RootSpec, bool]]) -> SolveRequest:
    return replace(
        request,
        specs=tuple(root for root, asked in roots if asked),
        constraints=tuple(root for root, asked in roots if not asked),
    )


def within_reach(request: SolveRequest) -> SolveRequest:
    """Leave out the records that nothing in the request can lead to, so that solving variants of it is quick."""
    by_name: dict[str, list[Record]] = {}
    for entry in request.channels:
        for record in entry.records:
            by_name.setdefault(record.name, []).append(record)
    todo = [root.spec.name for root in request.specs]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(depend.split(" ", 1)[0] for record in by_name.get(name, ()) for depend in record.depends)
    return replace(request, channels=tuple(_reached(entry, seen) for entry in request.channels))


def _reached(entry: ChannelRecords, names: set[str]) -> ChannelRecords:
    return picked(entry, [position for position, (name, _) in enumerate(labels(entry)) if name in names])


# Find ways out of a conflict, each tried before it is told.

_MACOS = "__osx"
_FLOOR = re.compile(rf"{_MACOS} >=(\d+(?:\.\d+)*)")
_MOST = 3


def remedies(trial: VariantSolves, core: SolveRequest) -> list[str]:
    """Return what makes a conflict solvable, best first: a newer macOS, another python, other versions, a channel."""
    found = [*_newer_macos(trial, core), *_other_pythons(trial, core)]
    if not found:
        found = [*_loosened(trial, core), *_other_channel(trial, core)]
    if not found:
        found = [*_lacking(core), "loosen or remove it" if len(core.specs) == 1 else "loosen or remove one of them"]
    return found[:_MOST]


def _newer_macos(trial: VariantSolves, core: SolveRequest) -> Iterator[str]:
    """Raise the macOS floor as little as helps."""
    floor = next((package.version for package in core.virtual_packages if package.name == _MACOS), "")
    asked = {
        match[1]
        for entry in core.channels
        for record in entry.records
        for text in (*record.depends, *record.constrains)
        if (match := _FLOOR.match(text)) and floor and newer(match[1], floor)
    }
    floors = sorted(asked, key=version_key)
    if not floors or not trial.solution(_on_macos(core, floors[-1])):
        return
    lowest = next((version for version in floors[:-1] if trial.solution(_on_macos(core, version))), floors[-1])
    name = lowest if "." in lowest else f"{lowest}.0"
    yield f'raise `macos` to "{name}", which leaves out every Mac below macOS {name}'


def _on_macos(core: SolveRequest, version: str) -> SolveRequest:
    packages = core.virtual_packages
    return replace(
        core, virtual_packages=tuple(replace(p, version=version) if p.name == _MACOS else p for p in packages)
    )


def _other_pythons(trial: VariantSolves, core: SolveRequest) -> Iterator[str]:
    """Try the other minors of python that the channels have."""
    asked = [root for root in core.specs if root.spec.name == "python"]
    if len(asked) != 1:
        return
    have = {".".join(r.version.split(".")[:2]) for entry in core.channels for r in entry.records if r.name == "python"}
    minors = [
        minor
        for minor in sorted(have, key=version_key)
        if not asked[0].spec.matches_version(f"{minor}.0")
        and trial.solution(_replacing(core, asked[0], f"python {minor}.*"))
    ]
    if minors:
        others = " and ".join(f"`{root.spec}`" for root in core.specs if root is not asked[0]) or "it"
        which = "it" if len(minors) == 1 else "one of them"
        yield f"{others} can be had with python {_or(minors)}: set `python` to {which}"


def _loosened(trial: VariantSolves, core: SolveRequest) -> Iterator[str]:
    """Yield which version each requirement would have to allow beside the others."""
    roots = [root for root in (*core.specs, *core.constraints) if root.spec.text != root.spec.name]
    for root in [root for root in roots if root.origin.line] or roots:
        solution = trial.solution(_replacing(core, root, root.spec.name))
        if solution is None:
            continue
        chosen = [record.version for record in solution.records if record.name == root.spec.name]
        yield f"let `{root.spec}` allow {root.spec.name} {chosen[0]}" if chosen else f"leave `{root.spec}` out"


def _other_channel(trial: VariantSolves, core: SolveRequest) -> Iterator[str]:
    """See whether channel priority hides the solution."""
    if core.channel_priority != "strict" or len(core.channels) < 2:
        return
    if solution := trial.solution(replace(core, channel_priority="flexible")):
        owners: dict[str, str] = {}
        for entry in core.channels:
            for record in entry.records:
                owners.setdefault(record.name, entry.channel.url)
        hidden = [record for record in solution.records if record.channel != owners[record.name]]
        for record in hidden[:1]:
            names = {entry.channel.url: entry.channel.name for entry in core.channels}
            yield (
                f"`{record.name}` {record.version} of {names[record.channel]} would do: put that channel before "
                f"{names[owners[record.name]]}"
            )


def _lacking(core: SolveRequest) -> Iterator[str]:
    """See whether every record of a name needs what no channel has."""
    records = [record for entry in core.channels for record in entry.records]
    names = {record.name for record in records}
    for root in core.specs:
        matching = [record for record in records if root.spec.matches(record)]
        needs = [{depend.split(" ", 1)[0] for depend in record.depends} for record in matching]
        lacking = sorted(name for name in set.intersection(*needs) - names if not name.startswith("__"))
        if lacking:
            yield f"add a channel that has {_or(lacking)}, which every record of `{root.spec}` needs"


def _replacing(core: SolveRequest, root: RootSpec, text: str) -> SolveRequest:
    other = RootSpec(spec=MatchSpec.parse(text), origin=root.origin)
    return replace(
        core,
        specs=tuple(other if each is root else each for each in core.specs),
        constraints=tuple(each for each in core.constraints if each is not root),
    )


def _or(texts: list[str]) -> str:
    return " or ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]
