"""Decide which distributions of the PyPI closure conda provides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from envgen.mapping.requirements import map_requirements
from envgen.models.matchspec import version_key
from envgen.models.record import Record
from envgen.models.requirement import Requirement
from envgen.models.solve import RootSpec
from envgen.plan.board import Board, Lift
from envgen.plan.sources import no_version


def liftable(board: Board, name: str) -> bool:
    """Tell whether conda may and can provide a distribution of the closure."""
    return name not in board.pypi_names and not why_not_lifted(board, name)


def why_not_lifted(board: Board, name: str) -> str:
    """Say why a distribution of the closure is not taken from conda; nothing where it may be."""
    if name in board.kept_off:
        return board.kept_off[name]
    if name in board.family.from_pypi:
        return board.family.from_pypi[name]
    if board.tensorflow_from_pypi and name in board.family.never_lift:
        return board.family.never_lift[name]
    return _why_absent(board, name)


def _why_absent(board: Board, name: str) -> str:
    if name not in board.absent:
        answer = board.sides.mapper.map_names([name])[name]
        if answer.source != "conda" or answer.conda is None:
            board.absent[name] = answer.why
        else:
            record = newest(board, answer.conda)
            holds = record is not None and board.sides.mapper.provides(record, name)
            board.absent[name] = "" if holds else f"conda's {answer.conda} does not hold the distribution {name}"
    return board.absent[name]


def newest(board: Board, conda: str) -> Record | None:
    """Give the newest record of a conda name, or None."""
    records = board.sides.repodata.records([conda])[conda]
    return max(records, key=lambda record: (version_key(record.version), record.build_number), default=None)


def lift(board: Board, needs: Iterable[Requirement]) -> bool:
    """Put the needs of the wheels that stay on the board as lifts; tell whether anything changed.

    A need that no record meets keeps its distribution on PyPI.
    """
    before = (dict(board.lifts), dict(board.kept_off), dict(board.uv_extra))
    grouped: dict[str, list[Requirement]] = defaultdict(list)
    for need in needs:
        grouped[need.name].append(need)
    board.lifts = {}
    for name in sorted(grouped):
        _lift_one(board, name, grouped[name])
    return before != (board.lifts, board.kept_off, board.uv_extra)


def _lift_one(board: Board, name: str, needs: list[Requirement]) -> None:
    mapped = map_requirements(needs, board.sides.mapper, board.inputs.platform, board.sides.metadata)
    for answer in mapped:
        reason = no_version(answer, board.sides)
        if reason:
            board.keep_off(name, f"{answer.requirement.origin.path}, and {reason}")
            return
    specs = [RootSpec(spec=spec, origin=answer.requirement.origin) for answer in mapped for spec in answer.specs]
    board.uv_extra.update({extra.name: str(extra) for answer in mapped for extra in answer.pypi_extra})
    board.note(note for answer in mapped for note in answer.notes)
    why = f"the channel has it; {needs[0].origin.path}"
    conda = mapped[0].conda or name
    board.lifts[name] = Lift(name=name, conda=conda, specs=tuple(dict.fromkeys(specs)), why=why)
