"""The locked packages that a call means to move."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from envgen.errors import LockfileError, UsageError
from envgen.lock.model import Lock, PlatformLock
from envgen.mapping.channel_packages import distributions_of
from envgen.models.near_names import near_names
from envgen.models.package_key import PackageKey

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """What a lock may move: the packages named, by their conda or PyPI names, or everything."""

    packages: frozenset[str] = field(default_factory=frozenset)
    everything: bool = False

    def __bool__(self) -> bool:
        """Return whether anything is meant to move."""
        return self.everything or bool(self.packages)

    def keys(self, lock: PlatformLock) -> frozenset[PackageKey]:
        """Return the locked packages that the names mean."""
        return frozenset(key for name in self.packages for key in locked_keys(lock, name))


def locked_keys(lock: PlatformLock, name: str) -> tuple[PackageKey, ...]:
    """Return the keys of the locked packages that a conda or PyPI name means, sorted; () where it means none."""
    canonical = canonicalize_name(name)
    return tuple(sorted({key for key, names in _names(lock) if name in names or canonical in names}))


def refuse_unknown(locks: Iterable[Lock], updates: Updates) -> None:
    """Refuse names that none of the locks knows; without any lock there is nothing to know.

    Raises:
        UsageError: with every text that is no name. LockfileError: with every name that is not locked.
    """
    odd = [f"`{name}`" for name in sorted(updates.packages) if not _NAME.fullmatch(name)]
    if odd:
        what = "the name of a package" if len(odd) == 1 else "names of packages"
        raise UsageError(f"not {what}: {', '.join(odd)}", hint="give names alone, without versions, such as numpy")
    known = [(key, names) for lock in locks for platform in lock.platforms for key, names in _names(platform)]
    every = {name for _, names in known for name in names}
    unknown = [name for name in sorted(updates.packages) if not {name, canonicalize_name(name)} & every]
    if known and unknown:
        ordered = sorted(every, reverse=True)  # the last of the alphabet first among equals, as difflib has it
        near = [close for name in unknown for close in near_names(canonicalize_name(name), ordered)]
        meant = f"did you mean {' and '.join(f'`{name}`' for name in near)}? " if near else ""
        listed = ", ".join(f"`{name}`" for name in unknown)
        pronoun = "it" if len(unknown) == 1 else "they"
        hint = f"{meant}give conda or PyPI names of locked packages"
        raise LockfileError(f"not locked, so {pronoun} cannot be updated: {listed}", hint=hint, code="not-locked")


def _names(lock: PlatformLock) -> Iterator[tuple[PackageKey, set[str]]]:
    """Yield each locked package's key with the names that it goes by."""
    decided: dict[PackageKey | None, set[str]] = {}
    for decision in lock.decisions:
        with suppress(InvalidRequirement):  # a decision on a match spec
            decided.setdefault(decision.key, set()).add(canonicalize_name(Requirement(decision.requirement).name))
    for record in lock.conda:
        yield record.key, {record.name, *distributions_of(record), *decided.get(record.key, ())}
    for wheel in lock.pypi:
        yield wheel.key, {wheel.name}
