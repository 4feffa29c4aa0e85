"""What an environment has installed, whichever half brings it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.wheel import Wheel


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class InstalledPackage:
    """A PyPI distribution with the half that brings it.

    `distribution` is canonical (PEP 503); `package` is the record's name, or the distribution's where it is a wheel.
    """

    distribution: str
    version: str
    source: Literal["conda", "pypi"]
    package: str

    def __str__(self) -> str:
        """Render as `conda's numpy 2.1.0` or `numpy 2.1.0`."""
        return f"conda's {self.package} {self.version}" if self.source == "conda" else f"{self.package} {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPackages:
    """What is, or is about to be, installed on one target; facts are evaluated on it.

    `installed` is sorted; `records` are sorted by name. A record may provide several distributions, or none.
    """

    platform: Platform
    installed: tuple[InstalledPackage, ...]
    records: tuple[Record, ...] = ()

    @classmethod
    def of(
        cls,
        platform: Platform,
        *,
        records: Iterable[Record] = (),
        wheels: Iterable[Wheel] = (),
        distributions_of: Callable[[Record], tuple[str, ...]],
    ) -> InstalledPackages:
        """Combine records and wheels; `distributions_of` names the PyPI distributions that a record provides."""
        conda = tuple(sorted(records, key=lambda record: record.name))
        installed = {
            InstalledPackage(distribution=name, version=record.version, source="conda", package=record.name)
            for record in conda
            for name in distributions_of(record)
        }
        installed |= {
            InstalledPackage(distribution=wheel.name, version=wheel.version, source="pypi", package=wheel.name)
            for wheel in wheels
        }
        return cls(platform=platform, installed=tuple(sorted(installed)), records=conda)

    def find(self, *distributions: str, source: str = "") -> tuple[InstalledPackage, ...]:
        """Return what is installed of some distributions, from one half if `source` is given."""
        return tuple(
            item for item in self.installed if item.distribution in distributions and source in ("", item.source)
        )

    def named(self, *names: str) -> tuple[Record, ...]:
        """Return the records of some conda names."""
        return tuple(record for record in self.records if record.name in names)

    @property
    def has_wheels(self) -> bool:
        return any(item.source == "pypi" for item in self.installed)
