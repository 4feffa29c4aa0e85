"""Refuse, early, bounds and wheels that cannot be had."""

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
from envgen.planner.state import PlanState, Reason


def refuse_contradicted(caps: Sequence[Cap], requirements: Sequence[Requirement]) -> None:
    """Stop where the user's own bounds leave nothing of a bound that a fact adds.

    Raises:
        PlanError: naming the user's lines, what asks for the bound, and why.
    """
    for cap in caps:
        against = contradicted(cap, tuple(requirements))
        if against:
            raise PlanError(
                f"{quoted_list(against)} cannot be met: {cap.because}",
                lines=origin_lines(against),
                hint=f"write `{cap.text}`, or drop what needs it",
                code="cap",
            )


def refuse_missing_wheels(requirements: Sequence[Requirement], platform: Platform) -> None:
    """Stop where a requirement that PyPI must serve is known to have no wheel for the target.

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


# Keep apart what may not stand beside PyPI's TensorFlow.

APPLE_SILICON = "osx-arm64"


def add_tensorflow_companions(state: PlanState, names: Iterable[str]) -> bool:
    """Keep on PyPI what goes with the TensorFlow among names that come from there; tell whether that is new.

    What is built for PyPI's TensorFlow brings it, so this is asked of the wheels that stay as of the user's own names.
    """
    found = frozenset(names)
    before = (state.tensorflow_from_pypi, dict(state.beside))
    state.tensorflow_from_pypi |= not found.isdisjoint(NAMES)
    if state.inputs.platform.subdir == APPLE_SILICON:
        for name, why in must_be_pypi(found).items():
            state.beside.setdefault(name, why)
    return before != (state.tensorflow_from_pypi, state.beside)


def forbidden(state: PlanState, record: Record) -> Reason | None:
    """Return why a record may not stand beside the TensorFlow of this plan; None where it may."""
    if not state.tensorflow_from_pypi or state.inputs.platform.subdir != APPLE_SILICON:
        return None
    why = forbidden_beside_pypi_tensorflow(record, metal=state.family.accelerator == "metal")
    return state.tensorflow_cause(why) if why else None
