"""Read the lock that a new one keeps to, however it was left."""

from __future__ import annotations

from collections.abc import Mapping

from envgen.errors import LockfileError
from envgen.formats.read_lock import has_conflicts, sides_of_all
from envgen.lock.merge import merged
from envgen.lock.model import Lock
from envgen.project.project import Environment, read_lock

_MERGED = "what both sides of the merge agree on is kept, and the newer of what they do not"


def lock_to_keep(environment: Environment, texts: Mapping[str, str]) -> tuple[Lock | None, tuple[str, ...]]:
    """Read the lock of a folder, mending what git left unmerged and reading what is damaged as far as it goes.

    The notes say what is made again. None where there is no lock, or nothing of it can be kept.
    """
    if any(has_conflicts(text) for text in texts.values()):
        return _both_sides(environment, texts)
    try:
        return read_lock(environment.shown, environment.manifest, texts), ()
    except LockfileError as error:
        note = f"the lock is made again: {error.message}"
    lock = _readable(environment, texts)
    return lock, (note,) if lock else (note, "nothing of it could be kept")


def _both_sides(environment: Environment, texts: Mapping[str, str]) -> tuple[Lock | None, tuple[str, ...]]:
    ours, theirs = (_readable(environment, side) for side in sides_of_all(texts))
    note = "the lock held merge markers and is made again"
    if ours and theirs:
        return merged(ours, theirs), (f"{note}: {_MERGED}",)
    lock = ours or theirs
    return lock, (f"{note}: {'what one side holds is kept' if lock else 'nothing of it could be kept'}",)


def _readable(environment: Environment, texts: Mapping[str, str]) -> Lock | None:
    try:
        return read_lock(environment.shown, environment.manifest, texts, sealed=False)
    except LockfileError:
        return None
