"""Put ways out into the text of a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from envgen.diagnosis.fix import Edit, Way
from envgen.diagnosis.verdict import Question
from envgen.errors import ManifestError
from envgen.knowledge.version_ranges import to_numbers
from envgen.manifest.edit import add_requirements, remove_requirements, set_accelerator, set_macos, set_python
from envgen.manifest.schema import Accelerator

_ACCELERATORS: Mapping[str, Accelerator] = {"metal": "metal", "cpu": "cpu"}


def applied(text: str, questions: Sequence[Question], ways: Iterable[Way]) -> str:
    """Edit a manifest's text as the ways say, keeping its comments.

    Of several pythons the first counts, of several macOS floors the newest. Raises ManifestError for a text that cannot
    be edited so.
    """
    edits = [(questions[place], edit) for place, found in sorted(_by_place(ways).items()) for edit in found]
    for question, edit in edits:
        for name in (*(() if edit.keeps else (question.name,)), *edit.drops):
            text = _removed(text, name, None if name in edit.drops else question.group or None)
    for question, edit in edits:
        text = _added(text, question, edit)
    return _settings(text, [edit for _, edit in edits])


def _by_place(ways: Iterable[Way]) -> dict[int, list[Edit]]:
    """Group the edits by question; one that replaces its line goes before those that keep it."""
    found: dict[int, list[Edit]] = {}
    for way in ways:
        for place, edit in way.edits.items():
            found.setdefault(place, []).append(edit)
    return {place: sorted(edits, key=lambda edit: edit.keeps) for place, edits in found.items()}


def _added(text: str, question: Question, edit: Edit) -> str:
    text = add_requirements(text, edit.dependencies, question.group or None).text
    text = add_requirements(text, edit.conda, kind="conda").text
    text = add_requirements(text, edit.pypi, kind="pypi").text
    return add_requirements(text, edit.overrides, kind="overrides").text


def _removed(text: str, name: str, group: str | None) -> str:
    """Take a name out; it may be gone already, with another question of that name."""
    try:
        return remove_requirements(text, [name], group).text
    except ManifestError:
        return text


def _settings(text: str, edits: Sequence[Edit]) -> str:
    python = next((edit.python for edit in edits if edit.python), "")
    macos = max((edit.macos for edit in edits if edit.macos), key=to_numbers, default="")
    accelerator = next((edit.accelerator for edit in edits if edit.accelerator), "")
    text = set_python(text, python) if python else text
    text = set_macos(text, macos) if macos else text
    return set_accelerator(text, _ACCELERATORS[accelerator]) if accelerator else text
