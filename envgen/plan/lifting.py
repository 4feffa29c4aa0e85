"""Decide which distributions of the PyPI closure conda provides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from envgen.errors import PlanError
from envgen.mapping.requirements import MappedRequirement
from envgen.mapping.version_specs import to_pep440
from envgen.models.record import Record
from envgen.models.requirement import Origin, Requirement, lines_of
from envgen.models.solve import RootSpec
from envgen.models.wheel import Stub
from envgen.plan.board import BOOTSTRAP, Board, Cause, Lift
from envgen.plan.conda_request import base_request, provided_by, solvable, solve
from envgen.plan.sources import no_version


def liftable(board: Board, need: Requirement) -> bool:
    """Tell whether conda may and can provide what a wheel needs."""
    return not need.url and not why_not_lifted(board, need.name)


def why_not_lifted(board: Board, name: str) -> str:
    """Say why a distribution of the closure is not taken from conda; nothing where it may be."""
    cause = board.why_pypi(name)
    return cause.text if cause else _why_absent(board, name)


def _why_absent(board: Board, name: str) -> str:
    if name not in board.absent:
        answer = board.sides.mapper.map_names([name])[name]
        record = newest(board, answer.conda) if answer.conda else None
        if answer.source != "conda":
            board.absent[name] = answer.why
        else:
            holds = record is not None and board.sides.mapper.provides(record, name)
            board.absent[name] = "" if holds else f"conda's {answer.conda} does not hold the distribution {name}"
    return board.absent[name]


def newest(board: Board, conda: str) -> Record | None:
    """Give the newest record of a conda name, of those for the target's python if there are any."""
    return board.sides.mapper.shelf.newest(conda)


def lift(board: Board, needs: Iterable[Requirement]) -> None:
    """Put the needs of the wheels that stay on the board as lifts, in place of those before.

    A need that no record meets keeps its distribution on PyPI, unless the user's other requirements bring conda's.
    """
    grouped: dict[str, list[Requirement]] = defaultdict(list)
    for need in needs:
        grouped[need.name].append(need)
    board.lifts = {}
    for name in sorted(grouped):
        _lift_one(board, name, grouped[name])


def _lift_one(board: Board, name: str, needs: Sequence[Requirement]) -> None:
    mapped = board.translate(needs)
    for answer in mapped:
        reason = no_version(board, answer) if answer.source == "conda" else answer.why
        if reason:
            cause = Cause(text=f"{answer.requirement.origin.path}, and {reason}", lines=tuple(lines_of(needs)))
            if not hold(board, name, cause):
                _refuse_bootstrap(name, cause)
                board.unmet[name] = cause
            return
    board.uv_extra.update({str(extra): _added(extra) for answer in mapped for extra in answer.pypi_extra})
    board.lifts[name] = _lift(name, mapped)


def _added(extra: Requirement) -> Requirement:
    """Say of a requirement what adds it."""
    return replace(extra, origin=replace(extra.origin, path=f"{extra.origin.path} adds {extra}"))


def _lift(name: str, mapped: Sequence[MappedRequirement]) -> Lift:
    specs = dict.fromkeys(
        RootSpec(spec=spec, origin=Origin(path=answer.requirement.origin.path))
        for answer in mapped
        for spec in answer.specs
    )
    why = f"the channel has it; {mapped[0].requirement.origin.path}"
    return Lift(
        name=name,
        conda=mapped[0].conda or name,
        specs=tuple(specs),
        why=why,
        lines=tuple(lines_of(answer.requirement for answer in mapped)),
        notes=tuple(dict.fromkeys(note for answer in mapped for note in answer.notes)),
    )


def hold(board: Board, name: str, cause: Cause) -> bool:
    """Let PyPI choose what goes with conda's version of what the user's other requirements bring anyway.

    Else these would have to leave conda as well. False where nothing else brings it, or PyPI had that choice before.
    """
    base = base_request(board)
    if name in board.loose or name in board.stubs or not solvable(board, base):
        return False
    record = provided_by(board, solve(board, base).records).get(name)
    version = to_pep440(record.version) if record else None
    if version is None:
        return False
    board.stubs[name] = Stub(name=name, version=version)
    board.held[name] = cause
    return True


def keep_off(board: Board, name: str, cause: Cause) -> None:
    """Never take a distribution from conda in this plan; raise PlanError for what conda must provide."""
    _refuse_bootstrap(name, cause)
    board.kept_off.setdefault(name, cause)
    board.lifts.pop(name, None)
    loosen(board, name)


def loosen(board: Board, name: str) -> None:
    """Let nothing stand in for a distribution any more."""
    board.stubs.pop(name, None)
    board.held.pop(name, None)
    board.loose.add(name)


def _refuse_bootstrap(name: str, cause: Cause) -> None:
    if name in BOOTSTRAP:
        raise PlanError(
            f"{name} must come from conda, where packages from PyPI are installed; but {cause.text}",
            lines=cause.lines,
            hint=f"ask for another version of what needs this {name}",
        )
