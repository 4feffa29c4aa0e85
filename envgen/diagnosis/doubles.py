"""Find distributions from PyPI that would install the same files, and the one that does for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envgen.diagnosis.closure import Closure
from envgen.diagnosis.fix import Edit, Way
from envgen.diagnosis.together import Clash
from envgen.diagnosis.verdict import Question, Trouble
from envgen.knowledge.incompatibilities import exclusive_groups, one_for
from envgen.planner.overrides import removal

CODE = "SAME-FILES"


def doubles(closure: Closure, questions: Sequence[Question]) -> Iterator[tuple[Clash, tuple[Way, ...]]]:
    """List the groups of which PyPI would bring more than one, where the user asks for one of them."""
    from_pypi = [name for name, node in closure.nodes.items() if node.walks_on]
    for group in exclusive_groups():
        members = [name for name in from_pypi if name in group.distributions]
        places = [place for place, question in enumerate(questions) if question.name in members]
        if len(members) > 1 and places:
            message = f"{' and '.join(sorted(members))} install the same module `{group.owns}`: {group.why}"
            clash = Clash(places=tuple(places), trouble=Trouble(code=CODE, severity="error", message=message))
            yield clash, tuple(one_of(questions, members))


def one_of(questions: Sequence[Question], names: Iterable[str]) -> Iterator[Way]:
    """Ask for the one member of a group that does for all of those named, in the place of those that are asked for.

    Members that others ask for are overridden away.
    """
    mentioned = set(names)
    for group in exclusive_groups():
        members = sorted(mentioned & set(group.distributions))
        places = [place for place, question in enumerate(questions) if question.name in members]
        one = one_for(members) if len(members) > 1 else None
        if one is None or not places:
            continue
        own = {questions[place].name for place in places}
        away = tuple(removal(name) for name in members if name not in {one, *own})
        edits = {place: Edit() for place in places} | {places[0]: Edit(dependencies=(one,), overrides=away)}
        yield Way(text=f"ask for `{one}`, which does for {' and '.join(members)}", edits=edits)
