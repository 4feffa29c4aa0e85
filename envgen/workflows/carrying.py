"""Carry the notes of a lock on to the next one where what they speak of stays."""

from __future__ import annotations

import re
from dataclasses import replace

from envgen.lock.model import PlatformLock

_HELD_BACK = re.compile(r"`(\S+)` (\S+) was chosen, not ")


def with_notes_of(before: PlatformLock | None, after: PlatformLock) -> PlatformLock:
    """Add what was said of wheels that stay: nobody looks again why they were held back, and it is as true as it was.

    Notes keep their order where they are the same ones, so that a lock of which nothing moved stays as it is.
    """
    if before is None:
        return after
    locked = {(wheel.name, wheel.version) for wheel in after.pypi}
    carried = [note for note in before.notes if (told := _HELD_BACK.match(note)) and told.groups() in locked]
    notes = tuple(dict.fromkeys([*after.notes, *carried]))
    return replace(after, notes=before.notes if set(notes) == set(before.notes) else notes)
