"""Choose a source for each requirement of the user's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envgen.errors import MappingError, PlanError, SourceLine
from envgen.knowledge.metal import METAL
from envgen.knowledge.tensorflow import NAMES
from envgen.mapping.requirements import MappedRequirement, map_requirements
from envgen.models.requirement import Requirement
from envgen.plan.board import Board, Root
from envgen.plan.bounds import refuse_missing_wheels
from envgen.plan.family import FamilyPlan, apply_family
from envgen.plan.inputs import PlanInputs, Sides, Wanted

MAIN = "main"


def choose_sources(inputs: PlanInputs, sides: Sides) -> Board:
    """Give every requirement that applies to the target a source with its reason.

    Raises:
        PlanError: what the user asks for is known not to work together, or PyPI is needed and may not be asked.
        MappingError: a name's source cannot be told.
    """
    markers = inputs.platform.markers()
    applying = [wanted for wanted in inputs.wanted if wanted.requirement.applies(markers)]
    family = _family(inputs, applying)
    wanted = _regrouped(applying, family)
    mapped = map_requirements([item.requirement for item in wanted], sides.mapper, inputs.platform, sides.metadata)
    roots = [_root(item, answer, family, sides) for item, answer in zip(wanted, mapped, strict=True)]
    _refuse_unknown(roots, sides)
    roots += _expanded(roots)
    refuse_missing_wheels([root.wanted.requirement for root in roots if root.from_pypi], inputs.platform)
    board = Board(inputs=inputs, sides=sides, family=family, roots=roots)
    board.uv_constraints = {bound.text: bound.text for bound in family.uv_constraints}
    if family.metal:
        board.uv_constraints[METAL] = f"{METAL}=={family.metal.version}"
    board.tensorflow_from_pypi = any(root.name in NAMES for root in board.pypi_roots)
    board.note(_skipped(inputs.wanted, applying))
    board.note(family.notes)
    board.note(note for answer in mapped for note in answer.notes)
    refuse_offline(board)
    return board


def _family(inputs: PlanInputs, applying: Sequence[Wanted]) -> FamilyPlan:
    return apply_family(
        [wanted.requirement for wanted in applying],
        accelerator=inputs.accelerator,
        platform=inputs.platform,
        constraints=inputs.constraints,
        python_origin=inputs.python_origin,
        accelerator_origin=inputs.accelerator_origin,
    )


def _regrouped(applying: Sequence[Wanted], family: FamilyPlan) -> list[Wanted]:
    """Give the rewritten requirements the groups of the lines that they come from; what is added is for all."""
    by_origin = {wanted.requirement.origin: wanted for wanted in applying}
    rewritten = [
        Wanted(
            requirement=requirement,
            groups=by_origin[requirement.origin].groups,
            pypi_only=by_origin[requirement.origin].pypi_only,
        )
        for requirement in family.requirements
    ]
    return rewritten + [Wanted(requirement=requirement, groups=frozenset({MAIN})) for requirement in family.added]


def _refuse_unknown(roots: Sequence[Root], sides: Sides) -> None:
    unknown = [root for root in roots if root.why == root.mapped.why and _is_unknown(root.mapped)]
    if not unknown:
        return
    names = ", ".join(f"`{root.name}`" for root in unknown)
    meant = did_you_mean([root.name for root in unknown], sides)
    raise MappingError(
        f"cannot tell where {names} may come from: {unknown[0].why}",
        lines=lines_of(root.wanted.requirement for root in unknown),
        hint=f"{meant}solve against the channel itself (a connection, or --mirror), or name it under `pypi`",
    )


def _is_unknown(mapped: MappedRequirement) -> bool:
    return mapped.source == "unknown" and not mapped.lacking


def did_you_mean(names: Iterable[str], sides: Sides) -> str:
    """Start a hint with the names that were meant, if there are near ones: "did you mean `scikit-learn`? "."""
    near = {name: sides.mapper.suggestions(name)[:2] for name in names}
    meant = [f"`{name}`" for found in near.values() for name in found]
    return f"did you mean {' or '.join(dict.fromkeys(meant))}? " if meant else ""


def lines_of(requirements: Iterable[Requirement]) -> list[SourceLine]:
    """List the user's lines that requirements were written on, each once."""
    lines = [requirement.origin.line for requirement in requirements if requirement.origin.line]
    return list(dict.fromkeys(lines))


def _root(wanted: Wanted, mapped: MappedRequirement, family: FamilyPlan, sides: Sides) -> Root:
    reason = _pypi_reason(wanted, mapped, family, sides)
    return Root(wanted=wanted, mapped=mapped, from_pypi=bool(reason), why=reason or mapped.why)


def _pypi_reason(wanted: Wanted, mapped: MappedRequirement, family: FamilyPlan, sides: Sides) -> str:
    name = wanted.requirement.name
    if wanted.pypi_only:
        return "the manifest lists it under `pypi`"
    if name in family.from_pypi:
        return family.from_pypi[name]
    if mapped.source != "conda":
        return mapped.why
    return no_version(mapped, sides)


def no_version(mapped: MappedRequirement, sides: Sides) -> str:
    """Say that the channel has no version that the requirement admits, or nothing where it has one."""
    names = [spec.name for spec in mapped.specs]
    records = sides.repodata.records(names)
    for spec in mapped.specs:
        have = records[spec.name]
        if not any(spec.matches(record) for record in have):
            versions = list(dict.fromkeys(record.version for record in have))
            return f"the channel has no {spec} (it has {len(versions)} other versions)"
    return ""


def _expanded(roots: Sequence[Root]) -> list[Root]:
    """Give roots of their own to requirements that an extra brings and only PyPI has."""
    found = []
    for root in roots:
        for requirement in root.mapped.pypi_extra if not root.from_pypi else ():
            wanted = Wanted(requirement=requirement, groups=root.wanted.groups, pypi_only=True)
            mapped = MappedRequirement.on_pypi(requirement, why=f"an extra of {root.name} asks for it")
            found.append(Root(wanted=wanted, mapped=mapped, from_pypi=True, why=mapped.why))
    return found


def _skipped(wanted: Sequence[Wanted], applying: Sequence[Wanted]) -> list[str]:
    kept = {id(item) for item in applying}
    return [
        f"`{item.requirement.text}` does not apply to this platform, by its marker"
        for item in wanted
        if id(item) not in kept
    ]


def refuse_offline(board: Board) -> None:
    """Stop where something must come from PyPI and PyPI may not be asked; raise PlanError with the lines."""
    if board.sides.pypi is not None or not board.pypi_roots:
        return
    root = board.pypi_roots[0]
    raise PlanError(
        f"`{root.wanted.requirement.text}` must come from PyPI ({root.why}), which --offline forbids",
        lines=lines_of(root.wanted.requirement for root in board.pypi_roots),
        hint="run again without --offline",
        code="offline",
    )
