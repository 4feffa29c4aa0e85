"""Look at what channels have, for a diagnosis: whether something serves, and whether it solves on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from envgen.diagnosis.standing import on_conda, spec_on_conda
from envgen.diagnosis.verdict import CondaStanding
from envgen.errors import MappingError, SolveError, UnsatisfiableError
from envgen.mapping.name_mapper import NameMapper
from envgen.mapping.requirements import MappedRequirement, map_requirements
from envgen.models.channel import Channel
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.record import ChannelRecords, Record, Repodata
from envgen.models.requirement import Origin, Requirement
from envgen.models.solve import RootSpec, Solution, Solver, SolveRequest

_ASKED = Origin(path="diagnose")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadRepodata:
    """Stand for channels that could not be read; a `Repodata` that knows no name."""

    channels: tuple[Channel, ...]
    notes: tuple[str, ...] = ()
    complete: bool = False
    origin: str = "channel that could not be read"

    def names(self) -> frozenset[str]:
        """Give no name."""
        return frozenset()

    def records(self, names: Iterable[str]) -> dict[str, tuple[Record, ...]]:
        """Give no record."""
        return dict.fromkeys(names, ())

    def closure(self, names: Iterable[str]) -> tuple[ChannelRecords, ...]:
        """Give no record."""
        del names
        return tuple(ChannelRecords(channel=channel, records=()) for channel in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnShelf:
    """Hold what the channels have for a requirement: the answer of the name map, its records, and how it stands."""

    platform: Platform
    mapped: MappedRequirement
    records: tuple[Record, ...]
    standing: CondaStanding


@dataclass(slots=True, kw_only=True)
class CondaLook:
    """Look requirements up in channels; what was read is kept."""

    repodata: Repodata
    mapper: NameMapper
    platform: Platform
    solver: Solver
    _everything: Sequence[ChannelRecords] | None = field(default=None)

    def look(self, requirements: Sequence[Requirement]) -> list[OnShelf]:
        """Say how requirements stand by their records alone, in their order."""
        self.mapper.map_names([item.name for item in requirements if not item.url])
        return [self._one(item) for item in requirements]

    def _one(self, requirement: Requirement) -> OnShelf:
        bare = replace(requirement, extras=(), text=f"{requirement.name}{requirement.specifier}", marker="")
        try:
            (mapped,) = map_requirements([bare], self.mapper, self.platform, _unread)
        except MappingError as error:
            mapped = MappedRequirement.on_pypi(requirement, why=error.message)
        names = dict.fromkeys(filter(None, [mapped.conda, *(spec.name for spec in mapped.specs)]))
        records = tuple(record for name in names for record in self.mapper.shelf.records(name))
        standing = on_conda(mapped, records, self.platform, self.repodata.origin)
        if isinstance(self.repodata, UnreadRepodata):
            standing = replace(standing, message="the channels could not be read", known=False)
        return OnShelf(platform=self.platform, mapped=mapped, records=records, standing=standing)

    def solvable(self, looks: Mapping[str, OnShelf], *, together: bool = False) -> dict[str, CondaStanding]:
        """Solve each that its records would serve alone with the target's python; give how all of them stand then.

        With `together` one solve for all of them is tried first, which is quicker and says nothing of versions.
        """
        wanted = {name: look.mapped.specs for name, look in looks.items() if look.standing.available}
        self._read(spec.name for specs in wanted.values() for spec in specs)
        if together and self._solution(spec for specs in wanted.values() for spec in specs):
            return {name: look.standing for name, look in looks.items()}
        solved = self._by_halves({name: looks[name] for name in wanted})
        return {name: solved.get(name, look.standing) for name, look in looks.items()}

    def _by_halves(self, looks: Mapping[str, OnShelf]) -> dict[str, CondaStanding]:
        """Solve many at once, and halves of them where that fails, down to each that fails on its own."""
        if len(looks) < 2:
            return {name: self._solved(look.standing, look.mapped.specs) for name, look in looks.items()}
        solution = self._solution(spec for look in looks.values() for spec in look.mapped.specs)
        if solution:
            versions = {record.name: record.version for record in solution.records}
            return {
                name: _in_version(look.standing, versions.get(look.mapped.specs[0].name, ""))
                for name, look in looks.items()
            }
        names = list(looks)
        middle = len(names) // 2
        halves = (names[:middle], names[middle:])
        return {
            name: standing
            for half in halves
            for name, standing in self._by_halves({name: looks[name] for name in half}).items()
        }

    def spec(self, spec: MatchSpec) -> tuple[CondaStanding, tuple[Record, ...]]:
        """Say how a match spec stands, and give the records of its name."""
        records = self.repodata.records([spec.name])[spec.name]
        standing = spec_on_conda(spec, records, self.platform, self.repodata.origin)
        self._read([spec.name])
        return (self._solved(standing, (spec,)) if standing.available else standing), records

    def _read(self, names: Iterable[str]) -> None:
        self._everything = self.repodata.closure(sorted({"python", *names}))

    def _solution(self, specs: Iterable[MatchSpec]) -> Solution | None:
        try:
            return self.solver.solve(self._request(specs))
        except SolveError:
            return None

    def _request(self, specs: Iterable[MatchSpec]) -> SolveRequest:
        python = MatchSpec.parse(f"python {self.platform.python}.*")
        return SolveRequest(
            channels=self._everything or (),
            specs=tuple(RootSpec(spec=spec, origin=_ASKED) for spec in (python, *specs)),
            virtual_packages=self.platform.virtual_packages(),
        )

    def _solved(self, standing: CondaStanding, specs: Sequence[MatchSpec]) -> CondaStanding:
        try:
            solution = self.solver.solve(self._request(specs))
        except UnsatisfiableError as error:
            return replace(standing, available=False, message=_unsolved(standing, error))
        except SolveError as error:
            return replace(standing, available=False, known=False, message=error.message)
        version = next((record.version for record in solution.records if record.name == specs[0].name), "")
        return _in_version(standing, version)


def _in_version(standing: CondaStanding, version: str) -> CondaStanding:
    return replace(standing, version=version, message=standing.message.replace(standing.version, version))


def _unsolved(standing: CondaStanding, error: UnsatisfiableError) -> str:
    """Say in one line why a package that is there cannot be installed: the innermost lines of the solver's tree."""
    lines = [line.strip(" ├└│─") for line in error.problem.splitlines()]
    telling = [line for line in lines if "which" in line or "nothing provides" in line or "No candidates" in line]
    reason = (telling or [line for line in lines if line] or [error.message])[-1].rstrip(".,;")
    return f"{standing.name} is there, and cannot be installed: {reason}"


def _unread(name: str, version: str) -> None:
    """Answer that no metadata is read here."""
