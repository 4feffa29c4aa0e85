"""Failures of PyPI's, explained by the user's lines."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.errors import PypiUnreachableError, PypiUnsatisfiableError, SourceLine, UnsatisfiableError, sorted_lines
from envgen.models.requirement import Origin, Requirement, requirement_lines
from envgen.planner.conda_request import explained, solo_request, solvable, solve
from envgen.planner.lift import why_not_lifted
from envgen.planner.sources import misspelling_hint, nowhere
from envgen.planner.state import PlannedRequirement, PlanState

_LOOSEN = "loosen the bounds of these lines, or take one of them out"
_EXPLAINED = 2  # each takes about a second


def blamed(state: PlanState, error: PypiUnsatisfiableError) -> PypiUnsatisfiableError:
    """Return a failure with the user's lines on both sides, why conda does not serve them, and what was meant."""
    if state.resolvers.cache.explains != "fully":
        return error
    named = frozenset(error.names)
    roots = [root for root in state.pypi_roots if root.name in named] or list(state.pypi_roots)
    conflicts = [conflict for conflict in (_conflict(state, root) for root in roots) if conflict]
    reasons = [*_derivation(error), *_reasons(state, roots, named), *(conflict.message for conflict in conflicts)]
    hints = [
        misspelling_hint(nowhere(roots), state.resolvers).strip(),
        error.hint,
        *(conflict.hint for conflict in conflicts),
    ]
    lines = [*requirement_lines(root.requirement for root in roots), *_other_lines(state, named)]
    because = [line for root in roots for line in root.because]
    lines += [*because, *(line for conflict in conflicts for line in conflict.lines)]
    return PypiUnsatisfiableError(
        "\n".join(dict.fromkeys([error.message, *reasons])),
        error.failure,
        because=because,
        hint="; ".join(dict.fromkeys(filter(None, hints))) or _LOOSEN,
        lines=sorted_lines(lines),
    )


def unreachable(state: PlanState, error: PypiUnreachableError) -> PypiUnreachableError:
    """Return a failure with the user's lines that need PyPI, why conda does not serve them, and what was meant."""
    roots = list(state.pypi_roots)
    conflicts = [conflict for conflict in (_conflict(state, root) for root in roots[:_EXPLAINED]) if conflict]
    reasons = [*_reasons(state, roots, frozenset()), *(conflict.message for conflict in conflicts)]
    hints = [misspelling_hint(nowhere(roots), state.resolvers) + error.hint, *(conflict.hint for conflict in conflicts)]
    lines = [
        *requirement_lines(root.requirement for root in roots),
        *(line for each in conflicts for line in each.lines),
    ]
    return PypiUnreachableError(
        "\n".join(dict.fromkeys([error.message, *reasons])),
        hint="; ".join(dict.fromkeys(filter(None, hints))),
        lines=sorted_lines(lines),
    )


def _derivation(error: PypiUnsatisfiableError) -> list[str]:
    """Return the resolver's own words where nothing was found in the files of the projects that says more."""
    return [] if ": " in error.message else [line for line in (error.problem.strip(),) if line]


def _reasons(state: PlanState, roots: list[PlannedRequirement], named: frozenset[str]) -> Iterator[str]:
    for root in roots:
        yield f"{root.name} comes from PyPI because {root.why}"
    for name in sorted(named - state.pypi_names):
        why = why_not_lifted(state, name)
        if why:
            yield f"{name} comes from PyPI because {why}"
    for key in sorted(state.uv_constraints):
        bound = state.uv_constraints[key]
        if Requirement.parse(bound.text, Origin(path=key)).name in named:
            yield f"{bound.text} is needed: {bound.why}"


def _other_lines(state: PlanState, named: frozenset[str]) -> list[SourceLine]:
    """Return the user's lines that bound what a failure names, but do not send it to PyPI."""
    conda = [root.requirement for root in state.conda_roots if root.requirement.specifier]
    others = (*conda, *state.inputs.constraints, *state.overrides)
    return requirement_lines(requirement for requirement in others if requirement.name in named)


def _conflict(state: PlanState, root: PlannedRequirement) -> UnsatisfiableError | None:
    """Return why conda cannot serve a requirement either: beside the user's others, or for itself."""
    if not root.specs:
        return None
    others = [spec for other in state.roots if other.name != root.name for spec in other.specs]
    beside = (solo_request(state, others, root.specs),) if solvable(state, solo_request(state, others)) else ()
    for request in (*beside, solo_request(state, root.specs)):
        try:
            solve(state, request)
        except UnsatisfiableError as error:
            return explained(state, request, error)
    return None
