"""Choose among the conda packages that may be a project of PyPI's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from envgen.knowledge.names import NameTable
from envgen.mapping.answers import Rejected
from envgen.mapping.distributions import distributions_of
from envgen.mapping.judging import Judge
from envgen.mapping.shelf import Shelf
from envgen.models.match_spec import newer

TABLE = "table"
SAME_NAME = "same name"
ONLINE = "online map"

# What a package is to the project, best first; equals go by version.
_WHOLE, _PART, _SAME, _UMBRELLA, _HOLDER, _BUNDLE = range(6)


class OnlineMap(Protocol):
    """Give what a map on the network knows; it is never required, and what it says is checked against the channel."""

    def holders(self, project: str) -> tuple[str, ...]:
        """Give the conda packages that hold a distribution, best first; () where it does not know or is off."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Hold a package that is the project, with what led to it; `rank` orders them, the lowest first."""

    conda: str
    provenance: str
    rank: int = _SAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Chooser:
    """Find the packages of a channel that are a project, by the table, by spelling and by the online map."""

    shelf: Shelf
    table: NameTable
    online: OnlineMap | None = None

    @property
    def judge(self) -> Judge:
        """Give the judge of single packages."""
        return Judge(shelf=self.shelf, table=self.table)

    def choices(self, project: str) -> tuple[list[Choice], list[Rejected]]:
        """List the packages that are the project, best first, and those that are not, with the reason."""
        good, rejected = self._known(project)
        if not good and not self.table.holders.get(project):
            good = self._bindings(project, rejected) or self._from_online(project)
        return self._sorted(good), rejected

    def _known(self, project: str) -> tuple[list[Choice], list[Rejected]]:
        good: list[Choice] = []
        rejected: list[Rejected] = []
        parts = [part for twin in self.shelf.twins(project) for part in self._parts(project, twin)]
        for choice in self._candidates(project):
            objection = self.judge.objection(project, choice.conda)
            if choice.conda in parts:
                good.append(replace(choice, rank=_PART))
            elif choice.rank == _SAME and self._parts(project, choice.conda):
                good.append(replace(choice, rank=_WHOLE if project in self.table.whole else _UMBRELLA))
            elif objection and not (choice.rank == _SAME and self.judge.is_bundle(project, choice.conda)):
                rejected.append(Rejected(conda=choice.conda, why=objection))
            else:
                good.append(choice)
        return good, rejected

    def _candidates(self, project: str) -> list[Choice]:
        twins = [Choice(conda=conda, provenance=_spelling(project, conda)) for conda in self.shelf.twins(project)]
        held = [
            Choice(conda=conda, provenance=TABLE, rank=_HOLDER if self._holds_alone(project, conda) else _BUNDLE)
            for conda in self.table.holders.get(project, ())
            if conda in self.shelf.names
        ]
        return [*twins, *held]

    def _holds_alone(self, project: str, conda: str) -> bool:
        """Tell whether a package holds the project and nothing else, itself and not through what it depends on."""
        record = self.shelf.newest(conda)
        return record is not None and distributions_of(record, self.table) == (project,)

    def _parts(self, project: str, conda: str) -> list[str]:
        return [part for part in self.judge.parts(project, conda) if part in self.shelf.names]

    def _bindings(self, project: str, rejected: list[Rejected]) -> list[Choice]:
        found = []
        for conda, doubt in self.judge.bindings(project):
            if doubt:
                rejected.append(Rejected(conda=conda, why=doubt))
            else:
                found.append(Choice(conda=conda, provenance=f"variant `{conda}`"))
        return found

    def _from_online(self, project: str) -> list[Choice]:
        """Believe the online map where the channel has the package, as Python, and the table does not say otherwise."""
        return [
            Choice(conda=conda, provenance=ONLINE)
            for conda in (self.online.holders(project) if self.online else ())
            if self.judge.is_python(conda) and project in self.table.contents.get(conda, (project,))
        ]

    def _sorted(self, good: Sequence[Choice]) -> list[Choice]:
        """Put the best first: by what a package is, then the newer; a newer holder goes before a stale namesake."""
        ranked: list[Choice] = []
        for choice in sorted(good, key=lambda choice: choice.rank):
            at = len(ranked)
            while at and self._goes_before(choice, ranked[at - 1]):
                at -= 1
            ranked.insert(at, choice)
        return ranked

    def _goes_before(self, choice: Choice, other: Choice) -> bool:
        comparable = choice.rank == other.rank or (choice.rank, other.rank) == (_HOLDER, _SAME)
        mine, theirs = self.shelf.newest(choice.conda), self.shelf.newest(other.conda)
        if not comparable or mine is None or theirs is None:
            return False
        if self.shelf.fits(choice.conda) != self.shelf.fits(other.conda):
            return self.shelf.fits(choice.conda)
        return newer(mine.version, theirs.version)


def _spelling(project: str, conda: str) -> str:
    return SAME_NAME if conda == project else f"variant `{conda}`"
