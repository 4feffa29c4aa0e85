"""Find the ways out that lock, by trying them."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

from envgen.diagnosis.applying import applied
from envgen.diagnosis.doubles import one_of
from envgen.diagnosis.matters import Docket, Matter
from envgen.diagnosis.untangling import from_pypi, loosened, on_pythons, without_one
from envgen.diagnosis.verdict import Question, Trouble
from envgen.errors import ManifestError
from envgen.workflows.trying import Attempt

MOST_TRIES = 8
PATIENCE = 60.0
_PYTHONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Hold what trying gave: the manifest with the ways that are taken, and whether it locks.

    `tried` counts the attempts; `last` is the failure of the last one, None where it locked or nothing was tried;
    `backtracked` holds the notes of a lock that needed no change at all.
    """

    manifest: str
    locks: bool = False
    tried: int = 0
    last: Attempt | None = None
    backtracked: tuple[str, ...] | None = None


@dataclass(slots=True, kw_only=True)
class Settling:
    """Hold what is being tried: the manifest as it is asked for, its questions, and what stands in the way.

    `pythons` gives those for which each question can be had, `wheels` are names that PyPI may serve as well as conda;
    `attempt` locks a text in memory; `clock` gives seconds.
    """

    manifest: str
    questions: Sequence[Question]
    docket: Docket
    pythons: Callable[[], Sequence[str]] = tuple
    wheels: Container[str] = ()
    attempt: Callable[[str], Attempt]
    progress: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    tried: int = field(default=0)


def settle(settling: Settling, *, untouched: bool) -> Settled:
    """Try the ways that are taken, and the next ones of whatever a failure blames, until the manifest locks.

    `untouched` says to try the manifest as it is first, for a resolver may find older releases that need less.
    """
    deadline = settling.clock() + PATIENCE
    if untouched:
        attempt = _try(settling, settling.manifest, "trying it as it is")
        if attempt.locks:
            return Settled(manifest=settling.manifest, locks=True, tried=1, backtracked=attempt.notes)
        if not settling.docket.matters and (attempt.unasked or not _conflict(settling, attempt)):
            return Settled(manifest=settling.manifest, tried=1, last=attempt)
    last: Attempt | None = None
    while True:
        text = _text(settling)
        if last is not None and (settling.tried >= MOST_TRIES or settling.clock() > deadline):
            return _given_up(settling, last)
        last = _try(settling, text, "trying the fixes")
        if last.locks:
            return Settled(manifest=text, locks=True, tried=settling.tried)
        if last.unasked or not _advance(settling, last):
            return _given_up(settling, last)


def _given_up(settling: Settling, last: Attempt) -> Settled:
    for matter in settling.docket.matters:
        matter.forget_guesses()
    return Settled(manifest=_text(settling), tried=settling.tried, last=last)


def _try(settling: Settling, text: str, what: str) -> Attempt:
    settling.tried += 1
    settling.progress(f"{what} ({settling.tried})")
    return settling.attempt(text)


def _text(settling: Settling) -> str:
    try:
        return applied(settling.manifest, settling.questions, settling.docket.ways)
    except ManifestError:
        return settling.manifest


def _advance(settling: Settling, failure: Attempt) -> bool:
    """Take the next way of one matter that a failure blames, or make a matter of those that it blames first."""
    if _conflict(settling, failure):
        return True
    blamed = settling.docket.blamed(failure.names) or settling.docket.matters
    return any(matter.advance() for matter in blamed)


def _conflict(settling: Settling, failure: Attempt) -> bool:
    """Put questions on the docket that cannot be met together; tell whether there was anything new to put there."""
    known = {place for matter in settling.docket.matters for place in matter.places}
    places = [
        place
        for place, question in enumerate(settling.questions)
        if question.name in failure.names and place not in known
    ]
    causes = [place for place in places if settling.questions[place].name in failure.causes]
    ways = (
        *one_of(settling.questions, failure.names),
        *loosened(settling.questions, causes),
        *loosened(settling.questions, places),
    )
    wheels = [place for place in places if settling.questions[place].name in settling.wheels]
    guesses = (
        *from_pypi(settling.questions, wheels),
        *on_pythons(settling.pythons()[:_PYTHONS], places[0] if places else 0),
        *without_one(settling.questions, places),
    )
    if not places or not (ways or guesses):
        return False
    trouble = Trouble(code="CONFLICT", severity="error", message=failure.message)
    names = frozenset(settling.questions[place].name for place in places)
    matter = Matter(places=tuple(places), names=names, ways=(*ways, *guesses), trouble=trouble, guesses=len(guesses))
    settling.docket.matters.append(matter)
    return True
