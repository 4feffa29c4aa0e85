"""Map projects of PyPI to packages of the channels that are being solved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
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
from envgen.models.record import Record, Repodata

OVERRIDE = "override"
NOWHERE = "nothing found"


class NameMapper:
    """Answer which conda package is a project of PyPI's, for one set of channels, one platform and one python.

    In this order: the user's own map, the table of irregular names, spellings of the name, the online map. Whatever is
    found must exist in the channel and be the project; what was not believed is listed with its reason.
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
        """Keep what the answers depend on; `overrides` maps PyPI names to conda names, or to None: never from conda."""
        self.packages = ChannelPackages(repodata=repodata, python=python)
        self._chooser = Chooser(packages=self.packages, table=table, online=online)
        self._table = table
        self._overrides: Mapping[str, str | None] = {
            canonicalize_name(name): conda for name, conda in overrides.items()
        }
        self._answers: dict[str, NameAnswer] = {}
        self._held: dict[Record, tuple[str, ...]] = {}

    def map_names(self, names: Sequence[str], *, suggest: bool = False) -> dict[str, NameAnswer]:
        """Answer for names of PyPI, all read in one go; the keys are the names as given.

        `suggest` adds near misses to the names that no channel has: it takes longer, so ask for it for a few.
        """
        keys = {name: canonicalize_name(name) for name in names}
        fresh = [key for key in dict.fromkeys(keys.values()) if key not in self._answers]
        self.packages.read(conda for key in fresh for conda in self._spellings(key))
        for key in fresh:
            self._answers[key] = self._answer(key)
        answers = {name: self._answers[key] for name, key in keys.items()}
        return {name: self._with_suggestions(answer) for name, answer in answers.items()} if suggest else answers

    def distributions_of(self, record: Record) -> tuple[str, ...]:
        """Return the canonical names of the distributions that a record holds, the user's own word included; sorted."""
        if record not in self._held:
            mapped = (name for name, conda in self._overrides.items() if conda == record.name)
            self._held[record] = tuple(sorted({*distributions_of(record, self._table), *mapped}))
        return self._held[record]

    def provides(self, record: Record, distribution: str) -> bool:
        """Return whether a record holds a distribution, or is the umbrella over the package that does.

        `pyarrow` provides pyarrow although pyarrow-core holds it.
        """
        if distribution in self.distributions_of(record):
            return True
        return any(True for _ in self._chooser.judge.parts(distribution, record.name))

    def suggestions(self, name: str) -> tuple[str, ...]:
        """Return names that somebody who wrote this one may have meant, nearest first."""
        return near_misses(canonicalize_name(name), self.packages.names | self._table.known())

    def _spellings(self, key: str) -> list[str]:
        return [*self._table.holders.get(key, ()), *self._chooser.judge.spellings(key)]

    def _with_suggestions(self, answer: NameAnswer) -> NameAnswer:
        nowhere = answer.provenance == NOWHERE
        return replace(answer, suggestions=self.suggestions(answer.pypi)) if nowhere else answer

    def _answer(self, key: str) -> NameAnswer:
        if key in self._overrides:
            return self._overridden(key, self._overrides[key])
        if key in self._table.never:
            return self._refused(key)
        if key in self._table.stand_ins:
            return self._stood_in(key)
        choices, rejected = self._chooser.choices(key)
        if choices:
            return self._chosen(key, choices, tuple(rejected))
        if key in self._table.holders:
            return self._missing(key, self._table.holders[key][0], TABLE, tuple(rejected))
        return self._nowhere(key, tuple(rejected))

    def _overridden(self, key: str, conda: str | None) -> NameAnswer:
        if conda is None:
            why = "your `mapping` says that it never comes from conda"
            return NameAnswer(pypi=key, conda=None, source="pypi", provenance=OVERRIDE, why=why)
        if conda not in self.packages.names:
            return replace(self._missing(key, conda, OVERRIDE, ()), lacking=False)
        why = f"your `mapping` says `{conda}`"
        return NameAnswer(pypi=key, conda=conda, source="conda", provenance=OVERRIDE, why=why)

    def _refused(self, key: str) -> NameAnswer:
        why = self._table.never[key]
        rejected = tuple(Rejected(conda=conda, why=why) for conda in self.packages.twins(key))
        return NameAnswer(pypi=key, conda=None, source="pypi", provenance=TABLE, why=why, rejected=rejected)

    def _stood_in(self, key: str) -> NameAnswer:
        stand_in = self._table.stand_ins[key]
        have = [conda for conda in stand_in.conda if self.packages.newest(conda)]
        if not have:
            return self._missing(key, stand_in.conda[0], TABLE, ())
        why = f"`{have[0]}` serves for it: {stand_in.why}"
        answer = NameAnswer(pypi=key, conda=have[0], source="conda", provenance=TABLE, why=why)
        return replace(answer, alternatives=tuple(have[1:]), bound=self._table.bounds.get((key, have[0]), ""))

    def _chosen(self, key: str, choices: Sequence[Choice], rejected: tuple[Rejected, ...]) -> NameAnswer:
        best = choices[0]
        others = dict.fromkeys(choice.conda for choice in choices[1:] if choice.conda != best.conda)
        return NameAnswer(
            pypi=key,
            conda=best.conda,
            source="conda",
            provenance=best.provenance,
            why=self._why(best),
            bound=self._table.bounds.get((key, best.conda), ""),
            alternatives=tuple(others),
            rejected=rejected,
        )

    def _why(self, best: Choice) -> str:
        reasons = {
            SAME_NAME: f"{self.packages.origin} has a Python package of the same name",
            TABLE: f"`{best.conda}` of {self.packages.origin} holds it",
            ONLINE: f"the online map says that `{best.conda}` holds it, and {self.packages.origin} has that package",
        }
        why = reasons.get(best.provenance, f"{self.packages.origin} has it as `{best.conda}`")
        return (
            why if self.packages.fits(best.conda) else f"{why}, but no record of it for python {self.packages.python}"
        )

    def _missing(self, key: str, conda: str, provenance: str, rejected: tuple[Rejected, ...]) -> NameAnswer:
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
            why = f"{why}: `{rejected[0].conda}` is not, because {rejected[0].why}"
        lacking = self.packages.complete
        return NameAnswer(
            pypi=key, conda=None, source="pypi", provenance=NOWHERE, why=why, rejected=rejected, lacking=lacking
        )


# Choose among the conda packages that may be a project of PyPI's.

TABLE = "table"
SAME_NAME = "same name"
ONLINE = "online map"

# What a package is to the project, best first; equals go by version.
_WHOLE, _PART, _SAME, _UMBRELLA, _HOLDER, _BUNDLE = range(6)


class OnlineMap(Protocol):
    """What a map on the network knows; it is never required, and what it says is checked against the channel."""

    def holders(self, project: str) -> tuple[str, ...]:
        """Return the conda packages that hold a distribution, best first; () where it does not know or is off."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A package that is the project, with what led to it; `rank` orders them, the lowest first."""

    conda: str
    provenance: str
    rank: int = _SAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Chooser:
    """Find the packages of a channel that are a project, by the table, by spelling and by the online map."""

    packages: ChannelPackages
    table: NameTable
    online: OnlineMap | None = None

    @property
    def judge(self) -> Judge:
        """Return the judge of single packages."""
        return Judge(packages=self.packages, table=self.table)

    def choices(self, project: str) -> tuple[list[Choice], list[Rejected]]:
        """List the packages that are the project, best first, and those that are not, with the reason."""
        good, rejected = self._known(project)
        if not good and not self.table.holders.get(project):
            good = self._bindings(project, rejected) or self._from_online(project)
        return self._sorted(good), rejected

    def _known(self, project: str) -> tuple[list[Choice], list[Rejected]]:
        good: list[Choice] = []
        rejected: list[Rejected] = []
        parts = [part for twin in self.packages.twins(project) for part in self._parts(project, twin)]
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
        twins = [Choice(conda=conda, provenance=_spelling(project, conda)) for conda in self.packages.twins(project)]
        held = [
            Choice(conda=conda, provenance=TABLE, rank=_HOLDER if self._holds_alone(project, conda) else _BUNDLE)
            for conda in self.table.holders.get(project, ())
            if conda in self.packages.names
        ]
        return [*twins, *held]

    def _holds_alone(self, project: str, conda: str) -> bool:
        """Return whether a package holds the project and nothing else, itself and not through what it depends on."""
        record = self.packages.newest(conda)
        return record is not None and distributions_of(record, self.table) == (project,)

    def _parts(self, project: str, conda: str) -> list[str]:
        return [part for part in self.judge.parts(project, conda) if part in self.packages.names]

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
        mine, theirs = self.packages.newest(choice.conda), self.packages.newest(other.conda)
        if not comparable or mine is None or theirs is None:
            return False
        if self.packages.fits(choice.conda) != self.packages.fits(other.conda):
            return self.packages.fits(choice.conda)
        return newer(mine.version, theirs.version)


def _spelling(project: str, conda: str) -> str:
    return SAME_NAME if conda == project else f"variant `{conda}`"


# Judge whether a conda package is a project of PyPI's.

_PARTS = ("{}-core", "{}-base")
_BINDINGS = ("python-{}", "{}-python", "py-{}", "{}-py", "{}.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Weigh what the table and the records say of a conda package, for one set of channels."""

    packages: ChannelPackages
    table: NameTable

    def spellings(self, project: str) -> Iterator[str]:
        """Yield every name of the channels that its spelling could make the project, or a part or library of it."""
        for form in ("{}", *_PARTS, *_BINDINGS):
            yield from self.packages.twins(canonicalize_name(form.format(project)))

    def objection(self, project: str, conda: str) -> str:
        """Return why a package is not a project, in words; nothing where it is.

        A package that is known to hold other distributions, that holds none, or whose newest record does not depend
        on Python is another project's, or a library or tool of the same name.
        """
        record = self.packages.newest(conda)
        if record is None:
            return "the channel has no record of it for this platform"
        held = contents_of(conda, record.version, self.table)
        if held is None:
            return "" if is_python(record) else "it is not a Python package: no record of it depends on python"
        if project in held:
            return ""
        if held:
            return f"it holds the distribution {', '.join(held)}, not {project}"
        return "it holds no Python distribution: a library, a tool or a bundle"

    def is_python(self, conda: str) -> bool:
        """Return whether the newest record of a package is Python."""
        record = self.packages.newest(conda)
        return record is not None and is_python(record)

    def parts(self, project: str, conda: str) -> Iterator[str]:
        """Yield the packages below an umbrella or alias that hold the project: those that its record depends on.

        Told by the table, or by another spelling of the same name (`typing-extensions` over `typing_extensions`).
        """
        record = self.packages.newest(conda)
        depended = depends_names(record) if record else frozenset()
        holders = self.table.holders.get(project, ())
        yield from (name for name in holders if name in depended and name != conda)
        for name in sorted(depended - {conda, *holders}):
            if canonicalize_name(name) == project and not self.objection(project, name):
                yield name

    def is_bundle(self, project: str, conda: str) -> bool:
        """Return whether a package that is not Python itself pins its own `-core` or `-base` to its very version."""
        record = self.packages.newest(conda)
        if record is None or conda in self.table.nothing:
            return False
        names = [name for form in _PARTS for name in self.packages.twins(canonicalize_name(form.format(project)))]
        return any(self.is_python(name) and pins(record, name, self._version(name)) for name in names)

    def bindings(self, project: str) -> Iterator[tuple[str, str]]:
        """Yield packages named like the Python side of a library, each with what speaks against it (or nothing).

        Only a package at the version of the library of the project's own name is believed: `python-snappy` is not the
        distribution snappy, and nothing in a record says so.
        """
        library = next((name for name in self.packages.twins(project) if not self.is_python(name)), None)
        for form in _BINDINGS:
            for name in self.packages.twins(canonicalize_name(form.format(project))):
                if self.table.contents.get(name) is None:
                    yield name, self._doubt(name, library)

    def _doubt(self, name: str, library: str | None) -> str:
        theirs = f"it is the package of PyPI's {canonicalize_name(name)}"
        if name in self.table.own:
            return theirs
        record = self.packages.newest(name)
        if record is None or not self.is_python(name):
            return "it is not a Python package: no record of it depends on python"
        if library is None or record.version != self._version(library):
            return f"{theirs}, as far as its records tell"
        return ""

    def _version(self, name: str) -> str:
        record = self.packages.newest(name)
        return record.version if record else ""


# Hold what the name map answers.


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A conda package that looked right, and why it is not."""

    conda: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAnswer:
    """Describe where a project of PyPI may come from, and how that is known.

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


# Guess what a misspelt name was meant to be.

_LIMIT = 3
_CUTOFF = 0.8
_LENGTH = 3
_COMMON = 0.75
_OTHER_WORLDS = ("r-", "_")


def near_misses(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three known names that differ from a name by a letter or two, nearest first.

    Names that cannot be near by their length or their letters are passed over before they are compared, and R's always.
    """
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name)
    letters = frozenset(name)
    found = []
    for other in known:
        if abs(len(other) - len(name)) > _LENGTH or other == name or other.startswith(_OTHER_WORLDS):
            continue
        if len(letters & frozenset(other)) < _COMMON * len(letters):
            continue
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() >= _CUTOFF and matcher.quick_ratio() >= _CUTOFF:
            ratio = matcher.ratio()
            found.extend([(-ratio, other)] if ratio >= _CUTOFF else [])
    return tuple(other for _, other in sorted(found)[:_LIMIT])
