"""What wheels would require on a newer macOS than the lock's floor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from envgen.models.platform import Platform
from envgen.models.requirement import Requirement


def changes_note(label: str, requires: Iterable[Requirement], extras: Sequence[str], platform: Platform) -> str:
    """Return what a wheel requires from which macOS on, or no longer; "" where that is the same on each.

    A lock is made for its floor, and pip would follow these markers on the Mac at hand.
    """
    here = platform.markers()
    undecided = [need for need in requires if need.names_kernel]
    changes = []
    for macos, there in platform.later_markers() if undecided else ():
        for verb, before, after in (("also requires", here, there), ("no longer requires", there, here)):
            found = [need for need in undecided if _applies(need, after, extras) and not _applies(need, before, extras)]
            undecided = [need for need in undecided if need not in found]
            if found:
                named = ", ".join(dict.fromkeys(f"`{need}`" for need in found))
                changes.append(f"from macOS {macos} on it {verb} {named}")
    return f"the lock holds what {label} requires on macOS {platform.macos}; {'; '.join(changes)}" if changes else ""


def _applies(need: Requirement, markers: Mapping[str, str], extras: Iterable[str]) -> bool:
    return any(need.applies(markers, extra) for extra in ("", *extras))
