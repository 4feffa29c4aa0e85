"""Test that distributions which own the same files are found, and the one that does for all."""

from __future__ import annotations

from envgen.diagnosis.dependencies import one_of_group, same_file_conflicts
from envgen.diagnosis.results import CondaAvailability, ManifestEdit
from envgen.planner.overrides import removal
from tests.diagnosis.values import ABSENT, graph, listed, node, question

CV2 = "opencv-python"
CONTRIB = "opencv-contrib-python"
HEADLESS = "opencv-python-headless"


def both(*, conda: CondaAvailability = ABSENT) -> list[tuple[tuple[int, ...], list[dict[int, ManifestEdit]]]]:
    own = question(CV2)
    made = graph(
        node("mediapipe", listed("mediapipe", "pure 1.0"), requires=[CONTRIB]),
        node(CV2, listed(CV2, "arm 5.0"), root=own, conda=conda),
        node(CONTRIB, listed(CONTRIB, "arm 5.0"), via=["mediapipe"]),
    )
    found = same_file_conflicts(made, [question("mediapipe"), own])
    return [(clash.places, [dict(way.edits) for way in ways]) for clash, ways in found]


def test_two_wheels_of_one_module() -> None:
    assert both() == [((1,), [{1: ManifestEdit(dependencies=(CONTRIB,))}])]


def test_conda_owns_it_alone() -> None:
    assert both(conda=CondaAvailability(available=True, name="py-opencv", version="4.12")) == []


def test_two_lines_become_one() -> None:
    (way,) = one_of_group([question(CV2), question("six"), question(HEADLESS)], [CV2, HEADLESS])
    assert way.edits == {0: ManifestEdit(dependencies=(CV2,)), 2: ManifestEdit()}


def test_what_others_ask_for_is_overridden_away() -> None:
    (way,) = one_of_group([question(CV2)], [CV2, HEADLESS, "numpy"])
    assert way.edits == {0: ManifestEdit(dependencies=(CV2,), overrides=(removal(HEADLESS),))}


def test_one_alone_and_none_asked_for_are_no_matter() -> None:
    assert list(one_of_group([question(CV2)], [CV2])) == []
    assert list(one_of_group([question("six")], [CV2, HEADLESS])) == []
