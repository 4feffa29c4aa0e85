"""Walk the wheels that stay on PyPI, and collect what they need of conda."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from envgen.errors import SourceLine
from envgen.lock.model import LockedWheel
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import Resolution, Wheel, WheelMetadata
from envgen.plan.board import Board
from envgen.plan.lifting import liftable, why_not_lifted


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Hold the wheels that stay on PyPI, what they need of conda, and what the resolution lacks, with who needs it."""

    stays: tuple[LockedWheel, ...] = ()
    needs: tuple[Requirement, ...] = ()
    missing: tuple[Requirement, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Give the names of the wheels that stay."""
        return frozenset(wheel.name for wheel in self.stays)


@dataclass(slots=True, kw_only=True)
class _Visit:
    """Hold what is known of one distribution on the way: the first to need it, the extras, what it requires itself."""

    asker: Requirement
    extras: set[str]
    requires: tuple[Requirement, ...] = ()


def walk(board: Board, resolution: Resolution) -> Closure:
    """Follow the requirements of the PyPI roots through the wheels, stopping at whatever conda provides.

    Only metadata of wheels that stay is read, a level at a time. Each need bears the user's line that leads to it.
    """
    wheels = {wheel.name: wheel for wheel in resolution.wheels}
    visits: dict[str, _Visit] = {}
    level = _pypi_requirements(board)
    while level:
        fresh = _admit(level, visits)
        metadata = _read(board, [wheels[name] for name in fresh if name in wheels])
        for name in metadata:
            visits[name].requires = tuple(_requires(board, metadata[name], visits[name]))
        level = [need for name in metadata for need in visits[name].requires if not liftable(board, need)]
    here = sorted(visits.keys() & wheels.keys())
    needs = (need for name in here for need in visits[name].requires if liftable(board, need))
    missing = (visits[name].asker for name in sorted(visits.keys() - wheels.keys()))
    stays = tuple(_locked(board, wheels[name], visits[name]) for name in here)
    return Closure(stays=stays, needs=tuple(needs), missing=tuple(missing))


def _pypi_requirements(board: Board) -> list[Requirement]:
    return [*(root.requirement for root in board.pypi_roots), *(board.uv_extra[key] for key in sorted(board.uv_extra))]


def _admit(level: Iterable[Requirement], visits: dict[str, _Visit]) -> list[str]:
    """Note what is asked for; give the names that are new, or asked for with further extras, sorted."""
    fresh = set()
    for asked in level:
        visit = visits.get(asked.name)
        if visit is None:
            visits[asked.name] = _Visit(asker=asked, extras=set(asked.extras))
            fresh.add(asked.name)
        elif not visit.extras.issuperset(asked.extras):
            visit.extras.update(asked.extras)
            fresh.add(asked.name)
    return sorted(fresh)


def _read(board: Board, wheels: Sequence[Wheel]) -> dict[str, WheelMetadata]:
    unread = [wheel for wheel in wheels if wheel.sha256 not in board.metadata]
    if unread and board.sides.pypi is not None:
        answers = board.sides.pypi.metadata_many(unread)
        board.metadata.update({wheel.sha256: answer for wheel, answer in zip(unread, answers, strict=True)})
    return {wheel.name: board.metadata[wheel.sha256] for wheel in wheels}


def _requires(board: Board, metadata: WheelMetadata, visit: _Visit) -> Iterator[Requirement]:
    """List the requirements that apply to the target, without markers, the manifest's overrides put in place."""
    overrides = _overrides(board)
    markers = board.inputs.platform.markers()
    label, line = f"{metadata.name} {metadata.version}", visit.asker.origin.line
    seen = set()
    for plain in _readable(board, metadata, label):
        if not any(plain.applies(markers, extra) for extra in ("", *sorted(visit.extras))):
            continue
        if plain.name in board.removed:
            board.note([f"`{plain}`, which {label} requires, is left out, as your overrides say"])
            continue
        for need in overrides.get(plain.name, (plain,)):
            if str(need) not in seen:
                seen.add(str(need))
                yield _told(need, label, line)


def _readable(board: Board, metadata: WheelMetadata, label: str) -> Iterator[Requirement]:
    for text in metadata.requires_dist:
        try:
            yield Requirement.parse(text, Origin(path=label))
        except ValueError as error:
            board.note([f"a line of the metadata of {label} is left out: {error}"])


def _overrides(board: Board) -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = defaultdict(list)
    for override in board.overrides:
        found[override.name].append(override)
    return found


def _told(need: Requirement, label: str, line: SourceLine | None) -> Requirement:
    origin = Origin(path=f"{label} on PyPI requires {need}", line=line)
    return replace(need, text=str(need), marker="", origin=origin)


def _locked(board: Board, wheel: Wheel, visit: _Visit) -> LockedWheel:
    root = next((root for root in board.pypi_roots if root.name == wheel.name), None)
    asked = visit.asker.origin.path
    reason = "it names a URL" if visit.asker.url else why_not_lifted(board, wheel.name)
    why = root.why if root else reason if asked in reason else f"{asked}; {reason}"
    return LockedWheel(
        wheel=wheel,
        requires=tuple(sorted(str(need) for need in visit.requires)),
        requires_python=board.metadata[wheel.sha256].requires_python,
        why=why,
    )
