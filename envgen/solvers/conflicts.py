"""Conflicts of a request in the user's own words: which lines take part, and what would help."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from envgen.errors import UnsatisfiableError
from envgen.models.match_spec import MatchSpec, newer, version_key
from envgen.models.near_names import near_names
from envgen.models.record import Record, Repodata
from envgen.models.solve import RootSpec, Solution, Solver, SolveRequest
from envgen.solvers.candidates import labels, picked, selects

BUDGET = 60
_MOST_LINES, _MOST_VERSIONS, _MOST_REMEDIES = 24, 6, 3
_MACOS = "__osx"
_FLOOR = re.compile(rf"{_MACOS} >=(\d+(?:\.\d+)*)")

T = TypeVar("T")


def explain(
    solver: Solver,
    request: SolveRequest,
    error: UnsatisfiableError,
    *,
    repodata: Repodata | None = None,
    brief: bool = False,
) -> UnsatisfiableError:
    """Return which of the request's own requirements conflict, and what would help.

    Names that no channel has, and specs that no record meets, are all reported at once, without solving. Else the
    conflict is narrowed down by solving parts of the request, a bounded number of times. `repodata` has all names
    that the channels have, for near misses, and whether an absent name is absent or only unknown. With `brief` nothing
    is solved to find what would help.
    """
    facts = _RequestFacts.of(request, repodata)
    if absent := [root for root in request.specs if facts.absent(root)]:
        return facts.of_absent(absent)
    if unmatched := [root for root in request.specs if facts.unmatched(root)]:
        return facts.of_unmatched(unmatched)
    variants = VariantSolves(solver)
    core = conflicting(variants, request, error.problem)
    try:
        solver.solve(core)
        problem = error.problem
    except UnsatisfiableError as smaller:
        problem = smaller.problem
    roots = [*core.specs, *core.constraints]
    named = _listed([_named(root) for root in roots], "and")
    return UnsatisfiableError(
        f"{named} cannot be installed" if len(roots) == 1 else f"{named} cannot be met together",
        problem=_trimmed(problem),
        hint="" if brief else "; or ".join(remedies(variants, core)),
        lines=[root.origin.line for root in roots if root.origin.line],
        names=[root.spec.name for root in roots],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _RequestFacts:
    """What a request's channels have, for what can be explained without solving."""

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
        return _unmet(roots, where, hints or ["check the spelling and the channels"])

    def _near(self, root: RootSpec) -> list[str]:
        if root.spec.name.startswith("__"):
            return [f"the target has no {root.spec.name}"]
        # reversed: of names that are equally near the last of the alphabet comes first, as difflib has it
        close = near_names(root.spec.name, sorted(self.names, reverse=True), limit=3, cutoff=0.75)
        return (
            [f"for `{root.spec.name}`, did you mean {_listed([f'`{name}`' for name in close], 'or')}?"] if close else []
        )

    def of_unmatched(self, roots: Sequence[RootSpec]) -> UnsatisfiableError:
        return _unmet(roots, "met by no record", [self._offered(root) for root in roots])

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


def _unmet(roots: Sequence[RootSpec], what: str, hints: Sequence[str]) -> UnsatisfiableError:
    verb = "is" if len(roots) == 1 else "are"
    message = f"{_listed([_named(root) for root in roots], 'and')} {verb} {what}"
    return UnsatisfiableError(
        message,
        problem=message,
        hint="; ".join(hints),
        lines=[root.origin.line for root in roots if root.origin.line],
    )


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


@dataclass(slots=True)
class VariantSolves:
    """The solves of variants of one request, for as long as the budget lasts.

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


def conflicting(variants: VariantSolves, request: SolveRequest, problem: str) -> SolveRequest:
    """Reduce an unsatisfiable request to specs and constraints none of which can be left out.

    Those whose names the solver's text mentions are tried first: if they conflict on their own, as they nearly always
    do, the others need not be looked at. When the budget runs out, the result is unsatisfiable but may hold more.
    """
    roots = [*((root, True) for root in request.specs), *((root, False) for root in request.constraints)]
    suspects = [(root, required) for root, required in roots if root.spec.name in problem]
    if 0 < len(suspects) < len(roots) and variants.conflicts(_only(request, suspects)):
        roots = suspects
    return within_reach(_only(request, minimal(roots, lambda some: variants.conflicts(_only(request, some)))))


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
        specs=tuple(root for root, required in roots if required),
        constraints=tuple(root for root, required in roots if not required),
    )


def within_reach(request: SolveRequest) -> SolveRequest:
    """Leave out the records that nothing in the request can lead to, so that solving variants of it is quick."""
    by_name = _by_name(record for entry in request.channels for record in entry.records)
    todo = [root.spec.name for root in request.specs]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(need for record in by_name.get(name, ()) for need in _needs(record))
    channels = (
        picked(entry, [position for position, (name, _) in enumerate(labels(entry)) if name in seen])
        for entry in request.channels
    )
    return replace(request, channels=tuple(channels))


def remedies(variants: VariantSolves, core: SolveRequest) -> list[str]:
    """Return what makes a conflict solvable, best first: a newer macOS, another python, other versions, a channel."""
    found = [*_newer_macos(variants, core), *_other_pythons(variants, core)]
    if not found:
        found = [*_loosened(variants, core), *_other_channel(variants, core)]
    if not found:
        found = [*_lacking(core), "loosen or remove it" if len(core.specs) == 1 else "loosen or remove one of them"]
    return found[:_MOST_REMEDIES]


def _newer_macos(variants: VariantSolves, core: SolveRequest) -> Iterator[str]:
    """Yield the lowest macOS floor that helps."""
    floor = next((package.version for package in core.virtual_packages if package.name == _MACOS), "")
    higher = {
        match[1]
        for entry in core.channels
        for record in entry.records
        for text in (*record.depends, *record.constrains)
        if (match := _FLOOR.match(text)) and floor and newer(match[1], floor)
    }
    floors = sorted(higher, key=version_key)
    if not floors or not variants.solution(_on_macos(core, floors[-1])):
        return
    lowest = next((version for version in floors[:-1] if variants.solution(_on_macos(core, version))), floors[-1])
    name = lowest if "." in lowest else f"{lowest}.0"
    yield f'raise `macos` to "{name}", which leaves out every Mac below macOS {name}'


def _on_macos(core: SolveRequest, version: str) -> SolveRequest:
    packages = core.virtual_packages
    return replace(
        core, virtual_packages=tuple(replace(p, version=version) if p.name == _MACOS else p for p in packages)
    )


def _other_pythons(variants: VariantSolves, core: SolveRequest) -> Iterator[str]:
    """Yield the other minors of python, of those that the channels have, that help."""
    pythons = [root for root in core.specs if root.spec.name == "python"]
    if len(pythons) != 1:
        return
    have = {".".join(r.version.split(".")[:2]) for entry in core.channels for r in entry.records if r.name == "python"}
    minors = [
        minor
        for minor in sorted(have, key=version_key)
        if not pythons[0].spec.matches_version(f"{minor}.0")
        and variants.solution(_replacing(core, pythons[0], f"python {minor}.*"))
    ]
    if minors:
        others = " and ".join(f"`{root.spec}`" for root in core.specs if root is not pythons[0]) or "it"
        which = "it" if len(minors) == 1 else "one of them"
        yield f"{others} can be had with python {_listed(minors, 'or')}: set `python` to {which}"


def _loosened(variants: VariantSolves, core: SolveRequest) -> Iterator[str]:
    """Yield which version each requirement would have to allow beside the others."""
    roots = [root for root in (*core.specs, *core.constraints) if root.spec.text != root.spec.name]
    for root in [root for root in roots if root.origin.line] or roots:
        solution = variants.solution(_replacing(core, root, root.spec.name))
        if solution is None:
            continue
        chosen = [record.version for record in solution.records if record.name == root.spec.name]
        yield f"let `{root.spec}` allow {root.spec.name} {chosen[0]}" if chosen else f"leave `{root.spec}` out"


def _other_channel(variants: VariantSolves, core: SolveRequest) -> Iterator[str]:
    """Yield the channel that would have to come first, where its priority hides the solution."""
    if core.channel_priority != "strict" or len(core.channels) < 2:
        return
    if solution := variants.solution(replace(core, channel_priority="flexible")):
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
    """Yield what no channel has and every record of a name needs."""
    records = [record for entry in core.channels for record in entry.records]
    names = {record.name for record in records}
    for root in core.specs:
        matching = [record for record in records if root.spec.matches(record)]
        needs = [_needs(record) for record in matching]
        lacking = sorted(name for name in set.intersection(*needs) - names if not name.startswith("__"))
        if lacking:
            yield f"add a channel that has {_listed(lacking, 'or')}, which every record of `{root.spec}` needs"


def _needs(record: Record) -> set[str]:
    """Return the names of what a record depends on; old records write some in capitals, which names never have."""
    return {MatchSpec.name_of(text.lower()) for text in record.depends}


def _replacing(core: SolveRequest, root: RootSpec, text: str) -> SolveRequest:
    other = RootSpec(spec=MatchSpec.parse(text), origin=root.origin)
    return replace(
        core,
        specs=tuple(other if each is root else each for each in core.specs),
        constraints=tuple(each for each in core.constraints if each is not root),
    )
