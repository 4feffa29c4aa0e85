"""A release of a distribution, and how far it is behind another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from packaging.version import Version

from envgen.models.package_key import PackageSource

YEAR = timedelta(days=365)
_CALENDAR = 2000  # a first number of at least so much is a year


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release as PEP 440 writes its version, where it is from, and the instant it came out, if that is known."""

    version: str
    source: PackageSource
    published: datetime | None = None

    @property
    def day(self) -> str:
        """Return the day it came out, as a user reads it; "" where that is not known."""
        return f"{self.published:%Y-%m-%d}" if self.published else ""

    def __str__(self) -> str:
        """Render as `1.2 of 2026-03-01`, or the version alone."""
        return f"{self.version} of {self.day}" if self.day else self.version


def is_older(version: str, than: str) -> bool:
    """Return whether a version is a lower one."""
    return Version(version) < Version(than)


def is_behind(locked: Release, newest: Release) -> bool:
    """Return whether a release is a major version or a year behind another.

    "Major" is the first number of the newest that is not zero; versions that are dates go by date alone.
    """
    old, new = Version(locked.version), Version(newest.version)
    if old >= new:
        return False
    if locked.published and newest.published and newest.published - locked.published >= YEAR:
        return True
    if new.epoch == old.epoch and new.release[0] >= _CALENDAR:
        return False
    upto = next((place for place, number in enumerate(new.release) if number), 0) + 1
    padded = (*old.release, *(0,) * upto)
    return (old.epoch, padded[:upto]) < (new.epoch, new.release[:upto])


def are_equally_new(first: Release, second: Release) -> bool:
    """Return whether two releases are of one minor series, or came out less than a year apart."""
    if Version(first.version).release[:2] == Version(second.version).release[:2]:
        return True
    return bool(first.published and second.published and abs(first.published - second.published) < YEAR)
