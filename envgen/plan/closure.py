"""Walk the wheels that stay on PyPI, and collect what they need of conda."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from envgen.lock.model import LockedWheel
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import Resolution, Wheel, WheelMetadata
from envgen.plan.board import Board
from envgen.plan.lifting import liftable, why_not_lifted


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Hold the wheels that stay on PyPI, what they need of conda, and the names that the resolution lacks."""

    stays: tuple[LockedWheel, ...]
    needs: tuple[Requirement, ...]
    missing: tuple[str, ...]


def walk(board: Board, resolution: Resolution) -> Closure:
    """Follow the requirements of the PyPI roots through the wheels, stopping at whatever conda provides.

    Only metadata of wheels that stay is read, a level at a time.
    """
    wheels = {wheel.name: wheel for wheel in resolution.wheels}
    extras: dict[str, set[str]] = {}
    asked: dict[str, tuple[Requirement, ...]] = {}
    needers: dict[str, str] = {}
    level = [(requirement.name, requirement.extras, "") for requirement in _pypi_requirements(board)]
    while level:
        fresh = _admit(level, extras, needers)
        metadata = _read(board, [wheels[name] for name in fresh if name in wheels])
        level = []
        for name in sorted(metadata):
            asked[name] = tuple(_requires(board, metadata[name], extras[name]))
            label = f"{name} {wheels[name].version}"
            level += [(need.name, need.extras, label) for need in asked[name] if not liftable(board, need.name)]
    stays = tuple(_locked(board, wheels[name], asked[name], needers[name]) for name in sorted(asked))
    needs = (need for name in sorted(asked) for need in asked[name] if liftable(board, need.name))
    return Closure(stays=stays, needs=tuple(needs), missing=tuple(sorted(set(extras) - set(asked))))


def _pypi_requirements(board: Board) -> Iterator[Requirement]:
    yield from (root.wanted.requirement for root in board.pypi_roots)
    for text in board.uv_extra.values():
        yield Requirement.parse(text, Origin(path="extra"))


def _admit(
    level: Iterable[tuple[str, Iterable[str], str]], extras: dict[str, set[str]], needers: dict[str, str]
) -> list[str]:
    """Note what is asked for; give the names that are new, or asked for with further extras."""
    fresh: dict[str, None] = {}
    for name, wanted, needer in level:
        known = extras.get(name)
        if known is None or not known.issuperset(wanted):
            fresh[name] = None
        extras.setdefault(name, set()).update(wanted)
        needers.setdefault(name, needer)
    return list(fresh)


def _read(board: Board, wheels: list[Wheel]) -> dict[str, WheelMetadata]:
    unread = [wheel for wheel in wheels if wheel.sha256 not in board.metadata]
    if unread and board.sides.pypi is not None:
        answers = board.sides.pypi.metadata_many(unread)
        board.metadata.update({wheel.sha256: answer for wheel, answer in zip(unread, answers, strict=True)})
    return {wheel.name: board.metadata[wheel.sha256] for wheel in wheels}


def _requires(board: Board, metadata: WheelMetadata, extras: set[str]) -> Iterator[Requirement]:
    """List the requirements that apply to the target, the manifest's overrides put in place."""
    overrides = {requirement.name: requirement for requirement in board.inputs.overrides}
    markers = board.inputs.platform.markers()
    seen = set()
    for text in metadata.requires_dist:
        need = Requirement.parse(text, Origin(path=f"{metadata.name} {metadata.version} on PyPI requires {text}"))
        need = overrides.get(need.name, need)
        if str(need) not in seen and any(need.applies(markers, extra) for extra in ("", *sorted(extras))):
            seen.add(str(need))
            yield need


def _locked(board: Board, wheel: Wheel, requires: tuple[Requirement, ...], needer: str) -> LockedWheel:
    root = next((root for root in board.pypi_roots if root.name == wheel.name), None)
    reason = root.why if root else why_not_lifted(board, wheel.name)
    return LockedWheel(
        wheel=wheel,
        requires=tuple(sorted(str(need) for need in requires)),
        requires_python=board.metadata[wheel.sha256].requires_python,
        why=reason if root or not needer else f"{needer} needs it; {reason}",
    )
