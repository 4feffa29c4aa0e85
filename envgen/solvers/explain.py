"""Turn a solver's refusal into the user's own words: which lines conflict, and what would help."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from envgen.errors import UnsatisfiableError
from envgen.models.match_spec import version_key
from envgen.models.record import Record, Repodata
from envgen.models.solve import RootSpec, Solver, SolveRequest
from envgen.solvers.conflict import Trial, conflicting
from envgen.solvers.remedies import remedies
from envgen.solvers.selection import selects

_MOST_LINES = 24
_MOST_VERSIONS = 6


def explain(
    solver: Solver, request: SolveRequest, error: UnsatisfiableError, *, repodata: Repodata | None = None
) -> UnsatisfiableError:
    """Say which of the request's own requirements conflict, and what would help.

    Names that no channel has, and specs that no record meets, are all reported at once, without solving. Else the
    conflict is narrowed down by solving parts of the request, a bounded number of times. `repodata` tells all names
    that the channels have, for near misses, and whether an absent name is absent or only unknown.
    """
    facts = _Facts.of(request, repodata)
    if absent := [root for root in request.specs if facts.absent(root)]:
        return facts.of_absent(absent)
    if unmatched := [root for root in request.specs if facts.unmatched(root)]:
        return facts.of_unmatched(unmatched)
    trial = Trial(solver)
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
class _Facts:
    """Hold what a request's channels have."""

    request: SolveRequest
    repodata: Repodata | None
    names: frozenset[str]
    by_name: tuple[Mapping[str, Sequence[Record]], ...]

    @classmethod
    def of(cls, request: SolveRequest, repodata: Repodata | None) -> _Facts:
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
        """Give the records of a spec's name, those of the first channel that has it under strict priority."""
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
        close = get_close_matches(root.spec.name, sorted(self.names), n=3, cutoff=0.75)
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
