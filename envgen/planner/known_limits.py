"""Limits of a plan that are known as facts, before or while it is solved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envgen.errors import PlanError
from envgen.knowledge.caps import Cap, contradicted
from envgen.knowledge.incompatibilities import forbidden_beside_pypi_tensorflow, must_be_pypi
from envgen.knowledge.tensorflow import NAMES
from envgen.knowledge.wheels import missing_wheel
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.requirement import Requirement, origin_lines, quoted_list
from envgen.planner.plan import Reason
from envgen.planner.state import PlanState


def refuse_contradicted(caps: Sequence[Cap], requirements: Sequence[Requirement]) -> None:
    """Refuse where the user's own bounds leave nothing of a bound that a fact adds.

    Raises:
        PlanError: naming the user's lines, what asks for the bound, and why.
    """
    for cap in caps:
        if against := contradicted(cap, tuple(requirements)):
            raise PlanError(
                f"{quoted_list(against)} cannot be met: {cap.because}",
                lines=origin_lines(against),
                hint=f"write `{cap.text}`, or drop what needs it",
                code="cap",
            )


def refuse_missing_wheels(requirements: Sequence[Requirement], platform: Platform) -> None:
    """Refuse where a requirement that PyPI must serve is known to have no wheel for the target.

    Raises:
        PlanError: naming the user's lines, the reasons, and the way out of each.
    """
    found = [(item, missing_wheel(item.name, item.specifier, platform)) for item in requirements if not item.url]
    missing = [(item, row) for item, row in found if row]
    if not missing:
        return
    reasons = "; ".join(dict.fromkeys(row.why for _, row in missing))
    fixes = "; ".join(dict.fromkeys(f"instead of {item.name}: {row.fix}" for item, row in missing))
    target = f"{platform.subdir}, python {platform.python}"
    raise PlanError(
        f"no wheel for {target} meets {quoted_list(item for item, _ in missing)}: {reasons}",
        lines=origin_lines([item for item, _ in missing]),
        hint=fixes,
        code="no-wheel",
    )


def add_tensorflow_companions(state: PlanState, names: Iterable[str]) -> bool:
    """Keep on PyPI what goes with a TensorFlow among these names, which come from there; return whether that is new.

    What is built for PyPI's TensorFlow brings it, so the wheels that stay count as much as the user's own names.
    """
    found = frozenset(names)
    before = (state.tensorflow_from_pypi, dict(state.tensorflow_companions))
    state.tensorflow_from_pypi |= not found.isdisjoint(NAMES)
    if state.inputs.platform.is_apple_silicon:
        for name, why in must_be_pypi(found).items():
            state.tensorflow_companions.setdefault(name, why)
    return before != (state.tensorflow_from_pypi, state.tensorflow_companions)


def forbidden_beside_tensorflow(state: PlanState, record: Record) -> Reason | None:
    """Return why a record may not be beside the TensorFlow of this plan; None where it may."""
    if not state.tensorflow_from_pypi or not state.inputs.platform.is_apple_silicon:
        return None
    why = forbidden_beside_pypi_tensorflow(record, metal=state.family.accelerator == "metal")
    return state.tensorflow_reason(why) if why else None
