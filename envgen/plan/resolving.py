"""Ask PyPI for the wheels of what conda does not serve."""

from __future__ import annotations

from collections.abc import Iterable

from envgen.errors import PypiUnsatisfiableError
from envgen.mapping.channel_packages import newest
from envgen.mapping.version_specs import to_pep440
from envgen.models.record import Record
from envgen.models.wheel import PypiSide, Resolution, ResolveRequest, Stub
from envgen.plan.blame import blamed
from envgen.plan.board import Board
from envgen.plan.lifting import loosen, why_not_lifted
from envgen.plan.removals import removal

MAX_TRIES = 8
_LACKING = ("wheel", "was not found in")  # uv's words for a project without one, and for none at all


def resolve(board: Board, pypi: PypiSide) -> Resolution:
    """Resolve the PyPI roots beside what conda provides.

    Where PyPI has no wheel of something that conda has, conda's stands in; where a stand-in or a floor is in the way,
    it is given up. A name is stood in for once and then no more, so there is an end; and there is a limit.

    Raises:
        PypiUnsatisfiableError: with the user's lines.
    """
    left = MAX_TRIES
    while True:
        try:
            return pypi.resolve(question(board))
        except PypiUnsatisfiableError as error:
            left -= 1
            if not left or not _relax(board, error):
                raise blamed(board, error) from error


def question(board: Board) -> ResolveRequest:
    """Build the request of what has been decided so far; what conda serves is bounded as the user bounds it."""
    inputs = board.inputs
    requirements = [*(str(root.requirement) for root in board.pypi_roots), *board.uv_extra]
    overridden = {override.name for override in board.overrides}
    bounded = [root for root in board.roots if not root.from_pypi or root.name in overridden]
    bounds = [*board.uv_constraints.values(), *filter(None, board.floors.values())]
    constraints = [
        *(f"{root.name}{root.requirement.specifier}" for root in bounded if root.requirement.specifier),
        *(str(item) for item in inputs.constraints if item.applies(inputs.platform.markers())),
        *(bound.text for bound in bounds),
    ]
    return ResolveRequest(
        platform=inputs.platform,
        requirements=tuple(sorted(set(requirements))),
        constraints=tuple(sorted(set(constraints))),
        overrides=tuple(sorted([*map(str, board.overrides), *map(removal, board.removed)])),
        stubs=tuple(sorted(board.stubs.values())),
        exclude_newer=inputs.exclude_newer,
    )


def still_answers(asked: ResolveRequest, now: ResolveRequest) -> bool:
    """Tell whether the answer to one question answers another as well, as long as it lacks no wheel."""
    return (
        asked.stubs == now.stubs
        and set(now.requirements) <= set(asked.requirements)
        and set(now.constraints) <= set(asked.constraints)
    )


def _relax(board: Board, error: PypiUnsatisfiableError) -> bool:
    """Change the question so that PyPI may have an answer, in what the failure names; tell whether it changed."""
    named = frozenset(error.names)
    wheels_lack = any(sign in error.problem for sign in _LACKING)
    return _give_up_floors(board, named) or (wheels_lack and stand_in(board, named)) or _give_up_stubs(board, named)


def _give_up_floors(board: Board, named: frozenset[str]) -> bool:
    found = [name for name in named if board.floors.get(name)]
    board.floors.update(dict.fromkeys(found))
    return bool(found)


def stand_in(board: Board, named: Iterable[str]) -> bool:
    """Let conda's versions stand for names of which PyPI may have no wheel; tell whether that is new.

    That is what conda's solution holds, else the newest that the user's own lines admit.
    """
    before = len(board.stubs)
    for name in sorted(set(named) - board.loose - board.stubs.keys()):
        if not why_not_lifted(board, name):
            record = board.provided.get(name) or _newest(board, name)
            version = to_pep440(record.version) if record else None
            if version:
                board.stubs[name] = Stub(name=name, version=version)
    return len(board.stubs) > before


def _give_up_stubs(board: Board, named: frozenset[str]) -> bool:
    found = sorted(named & board.stubs.keys())
    for name in found:
        loosen(board, name)
    return bool(found)


def _newest(board: Board, name: str) -> Record | None:
    """Give the newest record of a distribution that the user's own lines admit."""
    conda = board.sides.mapper.map_names([name])[name].conda
    specs = [spec.spec for root in board.conda_roots for spec in root.specs if spec.spec.name == conda]
    records = board.sides.mapper.shelf.records(conda) if conda else ()
    fitting = [record for record in records if all(spec.matches(record) for spec in specs)]
    return newest(fitting, board.inputs.platform.python)
