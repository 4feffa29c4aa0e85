"""The packages of conda channels that are projects of PyPI's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from packaging.utils import canonicalize_name

from envgen.knowledge.names import NameTable
from envgen.mapping.channel_packages import (
    ChannelPackages,
    contents_of,
    depends_names,
    distributions_of,
    is_python,
    pins,
)
from envgen.models.findings import Source
from envgen.models.match_spec import newer
from envgen.models.near_names import near_names
from envgen.models.record import Record, Repodata

# What led to an answer: `NameAnswer.provenance`, or "variant `NAME`" for another spelling.
OVERRIDE = "override"
TABLE = "table"
SAME_NAME = "same name"
ONLINE = "online map"
NOWHERE = "nothing found"

# What a package is to the project, best first; equals go by version.
_WHOLE, _PART, _SAME, _UMBRELLA, _HOLDER, _BUNDLE = range(6)

_PARTS = ("{}-core", "{}-base")
_BINDINGS = ("python-{}", "{}-python", "py-{}", "{}-py", "{}.py")
_NOT_PYTHON = "it is not a Python package: no record of it depends on python"


class OnlineMap(Protocol):
    """A map on the network; it is never required, and what it says is checked against the channel."""

    def holders(self, project: str) -> tuple[str, ...]:
        """Return the conda packages that hold a distribution, best first; () where it does not know or is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A conda package that looked right, and why it is not."""

    conda: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAnswer:
    """Where a project of PyPI may come from, and how that is known.

    `pypi` is canonical (PEP 503). `conda` is given for `source` "conda", and for "unknown" where the name is known but
    these channels lack it. `bound` is a conda version spec that the package must meet to be the project, or "".
    `alternatives` are further conda packages that serve, best first. `lacking` tells that the channels were read whole
    and lack the package, so that PyPI is what remains.
    """

    pypi: str
    conda: str | None
    source: Source
    provenance: str
    why: str
    bound: str = ""
    alternatives: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    suggestions: tuple[str, ...] = ()
    lacking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """A package that may be the project, with what led to it; `rank` orders them, the lowest first."""

    conda: str
    provenance: str
    rank: int = _SAME


class NameMapper:
    """The map from projects of PyPI to conda packages, for one set of channels, one platform and one python.

    In this order: the user's own map, the table of irregular names, spellings of the name, the online map. Whatever is
    found must exist in the channel and be the project; what was not believed is listed with its reason. `overrides`
    maps PyPI names to conda names, or to None: never from conda.
    """

    def __init__(
        self,
        *,
        repodata: Repodata,
        table: NameTable,
        overrides: Mapping[str, str | None],
        python: str,
        online: OnlineMap | None = None,
    ) -> None:
        self.packages = ChannelPackages(repodata=repodata, python=python)
        self._table = table
        self._online = online
        self._overrides: Mapping[str, str | None] = {
            canonicalize_name(name): conda for name, conda in overrides.items()
        }
        self._answers: dict[str, NameAnswer] = {}
        self._distributions: dict[Record, tuple[str, ...]] = {}

    def map_names(self, names: Sequence[str], *, suggest: bool = False) -> dict[str, NameAnswer]:
        """Return the answers for names of PyPI, all read in one go; the keys are the names as given.

        `suggest` adds near misses to the names that no channel has: it takes longer, so ask for it for a few.
        """
        keys = {name: canonicalize_name(name) for name in names}
        fresh = [key for key in dict.fromkeys(keys.values()) if key not in self._answers]
        self.packages.read(conda for key in fresh for conda in self._may_be_looked_at(key))
        for key in fresh:
            self._answers[key] = self._answer(key)
        answers = {name: self._answers[key] for name, key in keys.items()}
        if suggest:
            for name, answer in answers.items():
                if answer.provenance == NOWHERE:
                    answers[name] = replace(answer, suggestions=self.suggestions(answer.pypi))
        return answers

    def distributions_of(self, record: Record) -> tuple[str, ...]:
        """Return the canonical names of the distributions that a record holds, the user's own word included; sorted."""
        if record not in self._distributions:
            mapped = (name for name, conda in self._overrides.items() if conda == record.name)
            self._distributions[record] = tuple(sorted({*distributions_of(record, self._table), *mapped}))
        return self._distributions[record]

    def provides(self, record: Record, distribution: str) -> bool:
        """Return whether a record holds a distribution, or is the umbrella over the package that does.

        `pyarrow` provides pyarrow although pyarrow-core holds it.
        """
        if distribution in self.distributions_of(record):
            return True
        return any(True for _ in self._holders_below(distribution, record.name))

    def suggestions(self, name: str) -> tuple[str, ...]:
        """Return names that somebody who wrote this one may have meant, nearest first."""
        return near_misses(canonicalize_name(name), self.packages.names | self._table.known())

    def _may_be_looked_at(self, project: str) -> Iterator[str]:
        """Yield every name that the rules may read: the table's, and the spellings of the project and of its parts."""
        yield from self._table.holders.get(project, ())
        yield from self._spelt(project, "{}", *_PARTS, *_BINDINGS)

    def _spelt(self, project: str, *forms: str) -> Iterator[str]:
        """Yield the names of the channels that are spelt as a form of the project's name, in `-`, `_` or `.`."""
        for form in forms:
            yield from self.packages.twins(canonicalize_name(form.format(project)))

    def _answer(self, key: str) -> NameAnswer:
        if key in self._overrides:
            return self._overridden(key, self._overrides[key])
        if key in self._table.never:
            why = self._table.never[key]
            twins = tuple(Rejected(conda=conda, why=why) for conda in self.packages.twins(key))
            return NameAnswer(pypi=key, conda=None, source="pypi", provenance=TABLE, why=why, rejected=twins)
        if key in self._table.stand_ins:
            return self._replaced(key)
        choices, rejected = self._choices(key)
        if choices:
            return self._chosen(key, choices, tuple(rejected))
        if key in self._table.holders:
            return self._missing(key, self._table.holders[key][0], TABLE, tuple(rejected))
        return self._nowhere(key, tuple(rejected))

    def _overridden(self, key: str, conda: str | None) -> NameAnswer:
        if conda is None:
            why = "your manifest says that it never comes from conda"
            return NameAnswer(pypi=key, conda=None, source="pypi", provenance=OVERRIDE, why=why)
        if conda not in self.packages.names:
            # The user says where it is: PyPI does not remain.
            return replace(self._missing(key, conda, OVERRIDE), lacking=False)
        why = f"your `mapping` says `{conda}`"
        return NameAnswer(pypi=key, conda=conda, source="conda", provenance=OVERRIDE, why=why)

    def _replaced(self, key: str) -> NameAnswer:
        """Answer with packages of another project that serve in the place of one."""
        stand_in = self._table.stand_ins[key]
        have = [conda for conda in stand_in.conda if self.packages.newest(conda)]
        if not have:
            return self._missing(key, stand_in.conda[0], TABLE)
        return NameAnswer(
            pypi=key,
            conda=have[0],
            source="conda",
            provenance=TABLE,
            why=f"`{have[0]}` serves for it: {stand_in.why}",
            bound=self._table.bounds.get((key, have[0]), ""),
            alternatives=tuple(have[1:]),
        )

    def _chosen(self, key: str, choices: Sequence[_Choice], rejected: tuple[Rejected, ...]) -> NameAnswer:
        best, origin = choices[0], self.packages.origin
        reasons = {
            SAME_NAME: f"{origin} has a Python package of the same name",
            TABLE: f"`{best.conda}` of {origin} holds it",
            ONLINE: f"the online map says that `{best.conda}` holds it, and {origin} has that package",
        }
        why = reasons.get(best.provenance, f"{origin} has it as `{best.conda}`")
        if not self.packages.fits(best.conda):
            why += f", but no record of it for python {self.packages.python}"
        return NameAnswer(
            pypi=key,
            conda=best.conda,
            source="conda",
            provenance=best.provenance,
            why=why,
            bound=self._table.bounds.get((key, best.conda), ""),
            alternatives=tuple(dict.fromkeys(other.conda for other in choices if other.conda != best.conda)),
            rejected=rejected,
        )

    def _missing(self, key: str, conda: str, provenance: str, rejected: tuple[Rejected, ...] = ()) -> NameAnswer:
        """Answer with a conda name that is known although the channels do not have it."""
        return NameAnswer(
            pypi=key,
            conda=conda,
            source="unknown",
            provenance=provenance,
            why=f"its conda name is `{conda}`, which is not in this channel ({self.packages.origin})",
            rejected=rejected,
            lacking=self.packages.complete,
        )

    def _nowhere(self, key: str, rejected: tuple[Rejected, ...]) -> NameAnswer:
        if not self.packages.complete and not rejected:
            why = f"{self.packages.origin} does not know it, and is only a part of the channel"
            return NameAnswer(pypi=key, conda=None, source="unknown", provenance=NOWHERE, why=why)
        why = f"{self.packages.origin} has no package that is this project"
        if rejected:
            why += f": `{rejected[0].conda}` is not, because {rejected[0].why}"
        lacking = self.packages.complete
        return NameAnswer(
            pypi=key, conda=None, source="pypi", provenance=NOWHERE, why=why, rejected=rejected, lacking=lacking
        )

    def _choices(self, project: str) -> tuple[list[_Choice], list[Rejected]]:
        """Return the packages that are the project, best first, and those that are not, with the reason."""
        choices, rejected = self._by_name(project)
        if not choices and not self._table.holders.get(project):
            bindings = list(self._bindings(project))
            rejected += [Rejected(conda=conda, why=doubt) for conda, doubt in bindings if doubt]
            believed = [conda for conda, doubt in bindings if not doubt]
            choices = [_Choice(conda=conda, provenance=f"variant `{conda}`") for conda in believed]
            choices = choices or self._from_online(project)
        return self._sorted(choices), rejected

    def _by_name(self, project: str) -> tuple[list[_Choice], list[Rejected]]:
        """Judge the packages of the project's name, however it is spelt, and those that the table names for it."""
        choices: list[_Choice] = []
        rejected: list[Rejected] = []
        twins = {
            twin: [part for part in self._holders_below(project, twin) if part in self.packages.names]
            for twin in self.packages.twins(project)
        }
        parts = {part for below in twins.values() for part in below}
        for twin, below in twins.items():
            provenance = SAME_NAME if twin == project else f"variant `{twin}`"
            choice = _Choice(conda=twin, provenance=provenance)
            if twin in parts:
                choices.append(replace(choice, rank=_PART))
            elif below:
                choices.append(replace(choice, rank=_WHOLE if project in self._table.whole else _UMBRELLA))
            elif (objection := self._objection(project, twin)) and not self._is_bundle(project, twin):
                rejected.append(Rejected(conda=twin, why=objection))
            else:
                choices.append(choice)
        for holder in self._table.holders.get(project, ()):
            if holder in parts:
                choices.append(_Choice(conda=holder, provenance=TABLE, rank=_PART))
            elif holder in self.packages.names and (objection := self._objection(project, holder)):
                rejected.append(Rejected(conda=holder, why=objection))
            elif holder in self.packages.names:
                rank = _HOLDER if self._holds_alone(project, holder) else _BUNDLE
                choices.append(_Choice(conda=holder, provenance=TABLE, rank=rank))
        return choices, rejected

    def _holds_alone(self, project: str, conda: str) -> bool:
        """Return whether a package holds the project and nothing else, itself and not through what it depends on."""
        record = self.packages.newest(conda)
        return record is not None and distributions_of(record, self._table) == (project,)

    def _objection(self, project: str, conda: str) -> str:
        """Return why a package is not a project, in words; "" where it is.

        A package that is known to hold other distributions, that holds none, or whose newest record does not depend
        on Python is another project's, or a library or tool of the same name.
        """
        record = self.packages.newest(conda)
        if record is None:
            return "the channel has no record of it for this platform"
        contents = contents_of(conda, record.version, self._table)
        if contents is None:
            return "" if is_python(record) else _NOT_PYTHON
        if project in contents:
            return ""
        if contents:
            return f"it holds the distribution {', '.join(contents)}, not {project}"
        return "it holds no Python distribution: a library, a tool or a bundle"

    def _is_python(self, conda: str) -> bool:
        record = self.packages.newest(conda)
        return record is not None and is_python(record)

    def _version(self, conda: str) -> str:
        record = self.packages.newest(conda)
        return record.version if record else ""

    def _holders_below(self, project: str, conda: str) -> Iterator[str]:
        """Yield the packages below an umbrella or alias that hold the project: those that its record depends on.

        The table names them, or they are another spelling of the name (`typing-extensions` over `typing_extensions`).
        """
        record = self.packages.newest(conda)
        depended = depends_names(record) - {conda} if record else frozenset()
        holders = self._table.holders.get(project, ())
        yield from (name for name in holders if name in depended)
        for name in sorted(depended.difference(holders)):
            if canonicalize_name(name) == project and not self._objection(project, name):
                yield name

    def _is_bundle(self, project: str, conda: str) -> bool:
        """Return whether a package that is not Python itself pins its own `-core` or `-base` to its very version."""
        record = self.packages.newest(conda)
        if record is None or conda in self._table.nothing:
            return False
        parts = self._spelt(project, *_PARTS)
        return any(self._is_python(part) and pins(record, part, self._version(part)) for part in parts)

    def _bindings(self, project: str) -> Iterator[tuple[str, str]]:
        """Yield packages named like the Python side of a library, each with what speaks against it, or "".

        Only a package at the version of the library of the project's own name is believed: `python-snappy` is not the
        distribution snappy, and nothing in a record says so.
        """
        library = next((name for name in self.packages.twins(project) if not self._is_python(name)), None)
        believed = self._version(library) if library else None
        for name in self._spelt(project, *_BINDINGS):
            if self._table.contents.get(name) is not None:
                continue
            theirs = f"it is the package of PyPI's {canonicalize_name(name)}"
            if name in self._table.own:
                yield name, theirs
            elif not self._is_python(name):
                yield name, _NOT_PYTHON
            elif self._version(name) != believed:
                yield name, f"{theirs}, as far as its records tell"
            else:
                yield name, ""

    def _from_online(self, project: str) -> list[_Choice]:
        """Believe the online map where the channel has the package, as Python, and the table does not say otherwise."""
        return [
            _Choice(conda=conda, provenance=ONLINE)
            for conda in (self._online.holders(project) if self._online else ())
            if self._is_python(conda) and project in self._table.contents.get(conda, (project,))
        ]

    def _sorted(self, choices: Iterable[_Choice]) -> list[_Choice]:
        """Put the best first: by what a package is, then the newer; a newer holder goes before a stale namesake.

        The last rule is no order (it compares ranks that are not neighbours), so each choice is put in its place.
        """
        ranked: list[_Choice] = []
        for choice in sorted(choices, key=lambda choice: choice.rank):
            at = len(ranked)
            while at and self._goes_before(choice, ranked[at - 1]):
                at -= 1
            ranked.insert(at, choice)
        return ranked

    def _goes_before(self, choice: _Choice, other: _Choice) -> bool:
        comparable = choice.rank == other.rank or (choice.rank, other.rank) == (_HOLDER, _SAME)
        mine, theirs = self.packages.newest(choice.conda), self.packages.newest(other.conda)
        if not comparable or mine is None or theirs is None:
            return False
        if self.packages.fits(choice.conda) != self.packages.fits(other.conda):
            return self.packages.fits(choice.conda)
        return newer(mine.version, theirs.version)


def near_misses(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three known names that differ from a name by a letter or two, nearest first.

    Names that cannot be near by their length or their letters are passed over before they are compared, which takes
    most of the time for the 30,000 of a channel; R's packages and private ones are never meant.
    """
    letters = frozenset(name)
    alike = [
        other
        for other in known
        if abs(len(other) - len(name)) <= 3
        and not other.startswith(("r-", "_"))
        and len(letters & frozenset(other)) >= 0.75 * len(letters)
        and other != name
    ]
    return near_names(name, sorted(alike), limit=3, cutoff=0.8)
