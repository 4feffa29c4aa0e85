"""Look names up in the channels that are being solved."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

from envgen.mapping.evidence import fits_python, newest
from envgen.models.record import Record, Repodata

_CANONICAL = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")  # nearly all names; to look takes a quarter of the time to make one


@dataclass(kw_only=True)
class Shelf:
    """Hold what has been read of the channels, so that each name is read once, and many in one go.

    `python` is the minor that records should fit; it never hides a record.
    """

    repodata: Repodata
    python: str
    _names: frozenset[str] | None = None
    _twins: dict[str, tuple[str, ...]] | None = None
    _records: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    _newest: dict[str, Record | None] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """Give every name that the channels have for the target."""
        if self._names is None:
            self._names = self.repodata.names()
        return self._names

    @property
    def origin(self) -> str:
        """Say what is being read, for messages."""
        return self.repodata.origin if self.repodata.complete else f"the {self.repodata.origin}"

    @property
    def complete(self) -> bool:
        """Tell whether an absent name means that the channels lack it."""
        return self.repodata.complete

    def twins(self, name: str) -> tuple[str, ...]:
        """Give the channels' names that differ from a canonical name in `-`, `_` and `.` alone, sorted."""
        if self._twins is None:
            found: dict[str, list[str]] = defaultdict(list)
            for conda in sorted(self.names):
                found[conda if _CANONICAL.fullmatch(conda) else canonicalize_name(conda)].append(conda)
            self._twins = {key: tuple(values) for key, values in found.items()}
        return self._twins.get(name, ())

    def read(self, names: Iterable[str]) -> None:
        """Read the records of some names, all that are not read yet in one go."""
        missing = sorted({name for name in names if name not in self._records} & self.names)
        if missing:
            self._records.update(self.repodata.records(missing))

    def records(self, name: str) -> tuple[Record, ...]:
        """Give the records of a name; () where the channels have none."""
        self.read([name])
        return self._records.get(name, ())

    def newest(self, name: str) -> Record | None:
        """Give the newest record of a name, of those for the target's python if there are any."""
        if name not in self._newest:
            self._newest[name] = newest(self.records(name), self.python)
        return self._newest[name]

    def fits(self, name: str) -> bool:
        """Tell whether some record of a name can be installed beside the target's python."""
        record = self.newest(name)
        return record is not None and fits_python(record, self.python)
