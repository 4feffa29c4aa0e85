"""Tell which requirements got an older version than they might, and why: resolvers step back in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from packaging.version import Version

from envgen.errors import PypiUnreachableError, PypiUnsatisfiableError
from envgen.models.wheel import ResolveRequest, Wheel
from envgen.pypi.classify import FileVerdict, classify
from envgen.pypi.index import SimpleIndex
from envgen.pypi.project import before
from envgen.pypi.words import describe

Try = Callable[[ResolveRequest], object]
_MAX_TRIES = 1
_LONGEST = 500


def backtracking_notes(
    request: ResolveRequest, roots: Mapping[str, str], wheels: Sequence[Wheel], index: SimpleIndex, attempt: Try
) -> tuple[str, ...]:
    """Say for each root what held it back: its own files, or the other requirements.

    Where others hold it far below what would fit, `attempt` is asked to resolve with the newer version, so that the
    resolver gives its reason; at most once.
    """
    return tuple(_notes(request, roots, {wheel.name: wheel for wheel in wheels}, index, attempt))


def _notes(
    request: ResolveRequest,
    roots: Mapping[str, str],
    wheels: Mapping[str, Wheel],
    index: SimpleIndex,
    attempt: Try,
) -> Iterator[str]:
    tries = _MAX_TRIES
    for name in sorted(roots.keys() & wheels.keys()):
        verdict = _verdict(request, name, roots[name], index)
        if isinstance(verdict, str):
            yield verdict
        if not isinstance(verdict, FileVerdict) or verdict.code != "OK":
            continue
        chosen, best = Version(wheels[name].version), Version(verdict.version)
        if chosen >= best:
            if verdict.held_back:
                yield describe(name, verdict, request.platform)
            continue
        reason = "other requirements rule it out"
        if chosen.release[:2] != best.release[:2] and tries:
            tries -= 1
            reason = _reason(request, name, str(best), attempt) or reason
        yield f"`{name}` {chosen} was chosen, not {best}: {reason}"


def _verdict(request: ResolveRequest, name: str, specifier: str, index: SimpleIndex) -> FileVerdict | str | None:
    """Judge a root, or say in words why it cannot be; None where no index has it."""
    try:
        project = index.project(name)
    except PypiUnreachableError as error:
        return f"whether `{name}` was held back is not known: {error.message}"
    return classify(before(project.files, request.exclude_newer), request.platform, specifier) if project else None


def _reason(request: ResolveRequest, name: str, version: str, attempt: Try) -> str:
    try:
        attempt(replace(request, constraints=(*request.constraints, f"{name}=={version}")))
    except PypiUnsatisfiableError as error:
        return _conclusion(error.problem)
    except PypiUnreachableError:
        return ""
    return ""


def _conclusion(problem: str) -> str:
    """Take what cannot stand together out of a resolver's derivation, or its end; cut to a readable length."""
    text = " ".join(problem.split())
    if len(text) <= _LONGEST:
        return text
    clash, found, _ = text.rpartition(" are incompatible")
    if found:
        text = clash.rpartition("conclude that ")[2] + found
    return text if len(text) <= _LONGEST else f"…{text[-_LONGEST:]}"
