"""Turn what should change about a requirement into an edit of the line that leads to it."""

from __future__ import annotations

from dataclasses import replace

from envgen.diagnosis.fix import Edit
from envgen.diagnosis.subject import Subject
from envgen.knowledge.version_ranges import overlaps
from envgen.models.requirement import Requirement
from envgen.planner.overrides import removal


def keeping(*, python: str = "", macos: str = "") -> Edit:
    """Change the target, and leave the requirement as it is."""
    return Edit(python=python, macos=macos, keeps=True)


def respelled(subject: Subject, *texts: str) -> Edit:
    """Ask for something else in a requirement's place.

    Where others ask for it, their requirement is overridden: with the new bound where the name stays, else away.
    """
    own = subject.requirement
    first = Requirement.parse(texts[0], own.origin)
    if not subject.is_root:
        if first.name == own.name:
            return Edit(keeps=True, overrides=(texts[0],))
        return Edit(keeps=True, dependencies=texts, overrides=(removal(own.name),))
    same = first.name == own.name
    extras = f"[{','.join(own.extras)}]" if same and own.extras else ""
    marker = f"; {own.marker}" if own.marker else ""
    placed = (f"{first.name}{extras}{first.specifier}{marker}", *texts[1:])
    against = same and any(not overlaps(first.specifier, other) for other in subject.asked_by_others)
    overrides = (f"{first.name}{first.specifier}",) if against else ()
    if subject.question.pypi_only and same:
        return Edit(pypi=placed, overrides=overrides)
    return Edit(dependencies=placed, overrides=overrides)


def renamed(subject: Subject, replacement: Requirement, further: Edit | None = None) -> Edit:
    """Ask for the requirement that takes a name's place, with what that one needs changed in turn."""
    if further is None or further.keeps:
        edit = respelled(subject, f"{replacement.name}{replacement.specifier}")
        extra = further or Edit()
        return replace(edit, python=extra.python, macos=extra.macos, overrides=(*edit.overrides, *extra.overrides))
    if subject.is_root:
        return further
    return replace(further, keeps=True, overrides=(*further.overrides, removal(subject.requirement.name)))


def without(subject: Subject, *instead: str) -> Edit:
    """Leave a requirement out, with something in its line's place if that is given; others must not ask for it then."""
    away = (removal(subject.requirement.name),)
    if subject.is_root:
        return Edit(dependencies=instead, overrides=away if subject.asked_by_others else ())
    return Edit(keeps=True, overrides=away)
