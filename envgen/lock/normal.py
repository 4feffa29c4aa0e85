"""Put a lock into the form in which it is written and read back."""

from __future__ import annotations

from dataclasses import replace

from envgen.lock.metadata import sorted_decisions
from envgen.lock.model import MAIN_GROUP, Lock, LockedWheel, PlatformLock
from envgen.lock.specs import fold_depends, fold_requires, unfold_depends, unfold_requires
from envgen.models.record import Record


def normal_form(lock: Lock) -> Lock:
    """Sort what has no order and fold what packages need into one entry a name.

    A lock in this form equals itself after writing and reading. Raises ValueError for depends that cannot be folded.
    """
    platforms = sorted(lock.platforms, key=lambda each: each.platform.subdir)
    return replace(lock, platforms=tuple(_platform(each) for each in platforms))


def _platform(lock: PlatformLock) -> PlatformLock:
    return replace(
        lock,
        conda=tuple(sorted(map(_record, lock.conda), key=lambda record: record.name)),
        pypi=tuple(sorted(map(_wheel, lock.pypi), key=lambda wheel: wheel.name)),
        groups=_groups(lock),
        decisions=tuple(sorted_decisions(lock.decisions)),
        findings=tuple(sorted(lock.findings)),
        notes=tuple(note for note in lock.notes if note),
    )


def _record(record: Record) -> Record:
    depends = unfold_depends(fold_depends(record.depends))
    return record if depends == record.depends else replace(record, depends=depends)


def _wheel(wheel: LockedWheel) -> LockedWheel:
    return replace(wheel, requires=unfold_requires(fold_requires(wheel.requires)))


def _groups(lock: PlatformLock) -> dict[str, tuple[str, ...]]:
    keys = [f"conda:{record.name}" for record in lock.conda] + [f"pypi:{wheel.name}" for wheel in lock.pypi]
    groups = {key: tuple(sorted(lock.groups_of(key))) for key in keys}
    return {key: names for key, names in sorted(groups.items()) if names and MAIN_GROUP not in names}
