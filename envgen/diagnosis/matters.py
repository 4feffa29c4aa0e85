"""Hold what is to be settled: a refusal with its ways out, of which one is taken at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from envgen.diagnosis.fix import Edit, Fix, Way, combined
from envgen.diagnosis.together import Clash
from envgen.diagnosis.verdict import Question, Trouble

_TOLD = 2


@dataclass(slots=True, kw_only=True)
class Matter:
    """Hold one refusal; `names` are those whose mention in a failure blames it, `places` the questions it is about.

    `subject` is the name of what cannot be had, "" where the questions only cannot be asked at once. `at` is the way
    that is taken now; the last `guesses` of the ways are worth a word only if they lock.
    """

    places: tuple[int, ...]
    names: frozenset[str]
    ways: tuple[Way, ...]
    subject: str = ""
    trouble: Trouble | None = None
    at: int = 0
    guesses: int = 0

    @property
    def way(self) -> Way | None:
        """Give the way that is taken now, or None where there is none."""
        return self.ways[self.at] if self.ways else None

    @property
    def fix(self) -> Fix:
        """Put the way that is taken into words, with the next ones."""
        texts = [way.text for way in self.ways[self.at : self.at + _TOLD]]
        return Fix(text="; or ".join(texts)) if texts else Fix(text="no way out is known")

    def fix_at(self, place: int) -> Fix:
        """Give the fix as it concerns one question."""
        way = self.way
        edit = way.edits.get(place, Edit(keeps=True)) if way else None
        return replace(self.fix, edit=edit)

    def forget_guesses(self) -> None:
        """Keep only the ways that may be right although the whole does not lock with them."""
        if self.guesses:
            self.ways = self.ways[: -self.guesses]
            self.at = min(self.at, max(len(self.ways) - 1, 0))
            self.guesses = 0

    def advance(self) -> bool:
        """Take the next way; tell whether there is one."""
        if self.at + 1 >= len(self.ways):
            return False
        self.at += 1
        return True


@dataclass(slots=True, kw_only=True)
class Docket:
    """Hold the matters of one case, in the order of the questions."""

    matters: list[Matter] = field(default_factory=list)

    def add_subject(self, place: int, names: Iterable[str], fixes: Sequence[Fix], subject: str) -> None:
        """Take what cannot be had, with the fixes that its own files and records allow."""
        ways = tuple(Way(text=fix.text, edits={place: fix.edit}) for fix in fixes if fix.edit)
        self.matters.append(Matter(places=(place,), names=frozenset(names), ways=ways, subject=subject))

    def add_clash(self, clash: Clash, questions: Sequence[Question], ways: Sequence[Way]) -> None:
        """Take questions that clash; where one of them cannot be had anyway, its own ways come first."""
        names = frozenset(questions[place].name for place in clash.places)
        own = next((matter for matter in self.matters if set(matter.places) & set(clash.places)), None)
        if own is not None:
            own.ways = (*own.ways, *ways)
            own.names |= names
            own.trouble = clash.trouble
            return
        self.matters.append(Matter(places=clash.places, names=names, ways=tuple(ways), trouble=clash.trouble))

    @property
    def ways(self) -> list[Way]:
        """List the ways that are taken now."""
        return [matter.way for matter in self.matters if matter.way]

    def blamed(self, names: Iterable[str]) -> list[Matter]:
        """List the matters that a failure speaks of."""
        mentioned = frozenset(names)
        return [matter for matter in self.matters if matter.names & mentioned]

    def of(self, place: int, subject: str) -> Matter | None:
        """Find the matter that a verdict is about: what cannot be had itself, else what its question clashes over."""
        own = (matter for matter in self.matters if matter.subject == subject)
        shared = (matter for matter in self.matters if not matter.subject and place in matter.places)
        return next(own, None) or next(shared, None)

    def fix_for(self, place: int, subject: str) -> Fix | None:
        """Give the fix of a question itself, with what the ways of other matters change of its line."""
        own = self.of(place, subject)
        others = [
            matter.way
            for matter in self.matters
            if matter is not own and place not in matter.places and matter.way and place in matter.way.edits
        ]
        first = own.fix_at(place) if own else None
        if not others:
            return first
        texts = [*([first.text] if first else []), *(way.text for way in others)]
        edits = [*([first.edit] if first and first.edit else []), *(way.edits[place] for way in others)]
        return Fix(text="; and ".join(dict.fromkeys(texts)), edit=combined(edits))
