"""Ask PyPI for the wheels of what conda does not serve."""

from __future__ import annotations

from dataclasses import replace

from envgen.errors import PypiUnsatisfiableError, UnsatisfiableError
from envgen.mapping.specs import to_pep440
from envgen.models.wheel import Resolution, ResolveRequest, Stub
from envgen.plan.board import Board, Root
from envgen.plan.conda_half import root_specs, solo_request
from envgen.plan.lifting import liftable, newest
from envgen.plan.sources import did_you_mean, lines_of

MAX_TRIES = 4


def resolve(board: Board, stubs: dict[str, Stub]) -> Resolution:
    """Resolve the PyPI roots beside what conda provides.

    Where PyPI has no wheel of something that conda has, conda's stands in; where a stand-in is in the way, it is left
    out, and becomes a bound for conda.

    Raises:
        PypiUnsatisfiableError: with the user's lines.
    """
    pypi = board.sides.pypi
    if pypi is None:
        raise AssertionError("PyPI is asked only where it may be")
    current = dict(stubs)
    for left in reversed(range(MAX_TRIES)):
        try:
            return pypi.resolve(_request(board, current))
        except PypiUnsatisfiableError as error:
            if not left or not _relax(board, current, error):
                raise _blamed(board, error) from error
    raise AssertionError("the last try answers or raises")


def _request(board: Board, stubs: dict[str, Stub]) -> ResolveRequest:
    inputs = board.inputs
    requirements = [str(root.wanted.requirement) for root in board.pypi_roots] + list(board.uv_extra.values())
    constraints = [
        *(
            f"{root.name}{root.wanted.requirement.specifier}"
            for root in board.conda_roots
            if root.wanted.requirement.specifier
        ),
        *(str(item) for item in inputs.constraints if item.applies(inputs.platform.markers())),
        *board.uv_constraints.values(),
    ]
    return ResolveRequest(
        platform=inputs.platform,
        requirements=tuple(sorted(set(requirements))),
        constraints=tuple(sorted(set(constraints))),
        overrides=tuple(sorted(str(item) for item in inputs.overrides)),
        stubs=tuple(sorted(stubs.values())),
        exclude_newer=inputs.exclude_newer,
    )


def _relax(board: Board, stubs: dict[str, Stub], error: PypiUnsatisfiableError) -> bool:
    """Drop the stubs that the failure names, or add those it lacks; tell whether anything changed."""
    named = set(error.names)
    in_the_way = sorted(named & set(stubs))
    for name in in_the_way:
        del stubs[name]
        board.loose.add(name)
    if in_the_way:
        return True
    wanted = [name for name in sorted(named - board.pypi_names - board.loose) if liftable(board, name)]
    for name in wanted:
        stub = _newest_stub(board, name)
        if stub:
            stubs[name] = stub
    return any(name in stubs for name in wanted)


def _newest_stub(board: Board, name: str) -> Stub | None:
    answer = board.sides.mapper.map_names([name])[name]
    record = newest(board, answer.conda) if answer.conda else None
    version = to_pep440(record.version) if record else None
    return Stub(name=name, version=version) if version else None


def _blamed(board: Board, error: PypiUnsatisfiableError) -> PypiUnsatisfiableError:
    """Put the user's own lines on a failure, why conda could not serve them, and what may have been meant."""
    roots = [root for root in board.pypi_roots if root.name in error.names] or board.pypi_roots
    reasons = list(dict.fromkeys(f"{root.name} is asked of PyPI because {root.why}" for root in roots))
    lines = lines_of(root.wanted.requirement for root in roots)
    absent = [root.name for root in roots if root.mapped.conda is None]
    hints = [did_you_mean(absent, board.sides).strip(), error.hint]
    for root in roots:
        conflict = board.blame.get(root.name) or _conflict(board, root)
        if conflict:
            reasons.append(conflict.message)
            lines += [line for line in conflict.lines if line not in lines]
            hints.append(conflict.hint)
    return PypiUnsatisfiableError(
        "\n".join([error.message, *reasons]),
        problem=error.problem,
        names=error.names,
        hint="; ".join(dict.fromkeys(filter(None, hints))),
        lines=lines,
    )


def _conflict(board: Board, root: Root) -> UnsatisfiableError | None:
    """Say which of the user's other requirements a bound conflicts with that no record of the channel meets."""
    bounds = root_specs([root])
    others = root_specs(other for other in board.roots if other.name != root.name)
    bound = replace(solo_request(board, others), constraints=bounds)
    try:
        board.sides.conda.solve(bound)
    except UnsatisfiableError as error:
        return board.sides.conda.explain(bound, error)
    return None
