"""Map projects of PyPI to packages of the channels that are being solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from packaging.utils import canonicalize_name

from envgen.knowledge.names import NameTable
from envgen.mapping.answers import NameAnswer, Rejected
from envgen.mapping.choosing import ONLINE, SAME_NAME, TABLE, Choice, Chooser, OnlineMap
from envgen.mapping.distributions import distributions_of
from envgen.mapping.nearmiss import near_misses
from envgen.mapping.shelf import Shelf
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
        self.shelf = Shelf(repodata=repodata, python=python)
        self._chooser = Chooser(shelf=self.shelf, table=table, online=online)
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
        self.shelf.read(conda for key in fresh for conda in self._spellings(key))
        for key in fresh:
            self._answers[key] = self._answer(key)
        answers = {name: self._answers[key] for name, key in keys.items()}
        return {name: self._with_suggestions(answer) for name, answer in answers.items()} if suggest else answers

    def distributions_of(self, record: Record) -> tuple[str, ...]:
        """Give the canonical names of the distributions that a record holds, the user's own word included; sorted."""
        if record not in self._held:
            mapped = (name for name, conda in self._overrides.items() if conda == record.name)
            self._held[record] = tuple(sorted({*distributions_of(record, self._table), *mapped}))
        return self._held[record]

    def provides(self, record: Record, distribution: str) -> bool:
        """Tell whether a record holds a distribution, or is the umbrella over the package that does.

        `pyarrow` provides pyarrow although pyarrow-core holds it.
        """
        if distribution in self.distributions_of(record):
            return True
        return any(True for _ in self._chooser.judge.parts(distribution, record.name))

    def suggestions(self, name: str) -> tuple[str, ...]:
        """Give names that somebody who wrote this one may have meant, nearest first."""
        return near_misses(canonicalize_name(name), self.shelf.names | self._table.known())

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
        if conda not in self.shelf.names:
            return replace(self._missing(key, conda, OVERRIDE, ()), lacking=False)
        why = f"your `mapping` says `{conda}`"
        return NameAnswer(pypi=key, conda=conda, source="conda", provenance=OVERRIDE, why=why)

    def _refused(self, key: str) -> NameAnswer:
        why = self._table.never[key]
        rejected = tuple(Rejected(conda=conda, why=why) for conda in self.shelf.twins(key))
        return NameAnswer(pypi=key, conda=None, source="pypi", provenance=TABLE, why=why, rejected=rejected)

    def _stood_in(self, key: str) -> NameAnswer:
        stand_in = self._table.stand_ins[key]
        have = [conda for conda in stand_in.conda if self.shelf.newest(conda)]
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
            SAME_NAME: f"{self.shelf.origin} has a Python package of the same name",
            TABLE: f"`{best.conda}` of {self.shelf.origin} holds it",
            ONLINE: f"the online map says that `{best.conda}` holds it, and {self.shelf.origin} has that package",
        }
        why = reasons.get(best.provenance, f"{self.shelf.origin} has it as `{best.conda}`")
        return why if self.shelf.fits(best.conda) else f"{why}, but no record of it for python {self.shelf.python}"

    def _missing(self, key: str, conda: str, provenance: str, rejected: tuple[Rejected, ...]) -> NameAnswer:
        """Answer with a conda name that is known although the channels do not have it."""
        return NameAnswer(
            pypi=key,
            conda=conda,
            source="unknown",
            provenance=provenance,
            why=f"its conda name is `{conda}`, which is not in this channel ({self.shelf.origin})",
            rejected=rejected,
            lacking=self.shelf.complete,
        )

    def _nowhere(self, key: str, rejected: tuple[Rejected, ...]) -> NameAnswer:
        if not self.shelf.complete and not rejected:
            why = f"{self.shelf.origin} does not know it, and is only a part of the channel"
            return NameAnswer(pypi=key, conda=None, source="unknown", provenance=NOWHERE, why=why)
        why = f"{self.shelf.origin} has no package that is this project"
        if rejected:
            why = f"{why}: `{rejected[0].conda}` is not, because {rejected[0].why}"
        lacking = self.shelf.complete
        return NameAnswer(
            pypi=key, conda=None, source="pypi", provenance=NOWHERE, why=why, rejected=rejected, lacking=lacking
        )
