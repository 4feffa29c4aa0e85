"""Test what may not be asked for at once, and the fixes out, which the same facts judge."""

from __future__ import annotations

import pytest

from envgen.diagnosis.conflicts import joint_fixes, judge_together, loosened, on_pythons, without_one
from envgen.diagnosis.results import DiagnosisRequest, ManifestEdit
from tests.diagnosis.values import mac, question, spec_question


def request_of(
    *texts: str, python: str = "3.12", macos: str = "13.0", accelerator: str | None = None
) -> DiagnosisRequest:
    return DiagnosisRequest(
        questions=tuple(question(text) for text in texts), platform=mac(python, macos), accelerator=accelerator
    )


CONFLICTS = {
    "TensorFlow 2.21 with Metal": (request_of("tensorflow==2.21.*", "tensorflow-metal"), (0, 1)),
    "Metal on python 3.13": (request_of("pandas", "tensorflow-metal", python="3.13"), (1,)),
    "Metal on macOS 11": (request_of("tensorflow-metal", macos="11.0"), (0,)),
    "numpy 2 with TensorFlow 2.16": (request_of("numpy>=2", "six", "tensorflow==2.16.*"), (0, 2)),
    "addons on python 3.12": (request_of("tensorflow-addons"), (0,)),
    "text of another minor": (request_of("tensorflow-text==2.18.*", "tensorflow==2.19.*"), (0, 1)),
    "cpu and Metal": (request_of("tensorflow-metal", "tensorflow", accelerator="cpu"), (0,)),
    "Keras 2 with TensorFlow 2.16": (request_of("keras<3", "tensorflow==2.16.*"), (0, 1)),
    "jax-metal with a newer jax": (request_of("jax-metal", "jax>=0.6"), (0, 1)),
}


@pytest.mark.parametrize(("asked", "places"), CONFLICTS.values(), ids=CONFLICTS)
def test_conflicts_name_the_questions(asked: DiagnosisRequest, places: tuple[int, ...]) -> None:
    (conflict,) = judge_together(asked).conflicts
    assert conflict.places == places
    assert conflict.fault.severity == "error"


@pytest.mark.parametrize("asked", [asked for asked, _ in CONFLICTS.values()], ids=CONFLICTS)
def test_each_conflict_has_a_fix_out_after_which_nothing_conflicts(asked: DiagnosisRequest) -> None:
    (conflict,) = judge_together(asked).conflicts
    fixes = joint_fixes(asked, conflict)
    assert fixes
    assert len({fix.text for fix in fixes}) == len(fixes)


def first(asked: DiagnosisRequest) -> tuple[str, dict[int, ManifestEdit]]:
    (conflict,) = judge_together(asked).conflicts
    fix = joint_fixes(asked, conflict)[0]
    return fix.text, dict(fix.edits)


def test_the_first_fix_is_the_smallest_change() -> None:
    assert first(CONFLICTS["TensorFlow 2.21 with Metal"][0])[1] == {
        0: ManifestEdit(dependencies=("tensorflow>=2.18,<2.20",))
    }
    assert first(CONFLICTS["Metal on python 3.13"][0])[1] == {1: ManifestEdit(python="3.12", keeps=True)}
    assert first(CONFLICTS["Metal on macOS 11"][0])[1] == {0: ManifestEdit(macos="12.1", keeps=True)}
    assert first(CONFLICTS["numpy 2 with TensorFlow 2.16"][0])[1] == {0: ManifestEdit(dependencies=("numpy<2",))}
    assert first(CONFLICTS["addons on python 3.12"][0])[1] == {0: ManifestEdit(python="3.11", keeps=True)}
    assert first(CONFLICTS["cpu and Metal"][0])[1] == {0: ManifestEdit(accelerator="metal", keeps=True)}
    assert first(CONFLICTS["jax-metal with a newer jax"][0])[1] == {1: ManifestEdit(dependencies=("jax==0.5.0",))}


def test_what_serves_under_another_name_comes_first() -> None:
    assert first(CONFLICTS["Keras 2 with TensorFlow 2.16"][0])[1] == {0: ManifestEdit(dependencies=("tf-keras",))}


def test_the_other_side_of_a_bound_may_move_beyond_it() -> None:
    asked = CONFLICTS["numpy 2 with TensorFlow 2.16"][0]
    (conflict,) = judge_together(asked).conflicts
    texts = [fix.text for fix in joint_fixes(asked, conflict)]
    assert texts[:2] == [
        "write `numpy<2` for `numpy>=2`",
        "write `tensorflow>=2.18` for `tensorflow==2.16.*`",
    ]
    assert not any("2.12" in text for text in texts)  # those are for Metal


def test_leaving_metal_out_is_a_fix_even_where_nothing_else_is_asked_for() -> None:
    asked = request_of("tensorflow-metal", python="3.13")
    (conflict,) = judge_together(asked).conflicts
    assert {0: ManifestEdit(dependencies=("tensorflow",), accelerator="cpu")} in [
        dict(fix.edits) for fix in joint_fixes(asked, conflict)
    ]


def test_both_names_of_tensorflow_become_one() -> None:
    asked = request_of("tensorflow==2.21.*", "tensorflow-macos", "tensorflow-metal")
    (conflict,) = judge_together(asked).conflicts
    assert {0: ManifestEdit(dependencies=("tensorflow>=2.18,<2.20",)), 1: ManifestEdit()} in [
        dict(fix.edits) for fix in joint_fixes(asked, conflict)
    ]


def test_what_fits_does_not_conflict_and_tells_what_conda_may_not_serve() -> None:
    found = judge_together(request_of("tensorflow", "tensorflow-metal", "pandas"))
    assert found.conflicts == ()
    assert "tensorflow" in found.forced
    assert "pandas" not in found.forced
    assert not judge_together(request_of("tensorflow", "pandas")).forced


def test_match_specs_are_left_alone() -> None:
    asked = DiagnosisRequest(
        questions=(spec_question("hdf5 1.14.*"), question("tensorflow-metal")), platform=mac("3.13")
    )
    (conflict,) = judge_together(asked).conflicts
    assert conflict.places == (1,)
    assert joint_fixes(asked, conflict)[0].edits == {1: ManifestEdit(python="3.12", keeps=True)}


class TestLoosened:
    QUESTIONS = (question("a==1.0"), question("b>=2"), question("c"), spec_question("d 1.0 py_0"), spec_question("e"))

    def fixes(self, *places: int) -> list[dict[int, ManifestEdit]]:
        return [dict(fix.edits) for fix in loosened(self.QUESTIONS, places)]

    def test_newer_ones_are_let_in_first_and_then_any(self) -> None:
        assert self.fixes(0, 1, 2) == [
            {0: ManifestEdit(dependencies=("a>=1.0",))},
            {0: ManifestEdit(dependencies=("a",)), 1: ManifestEdit(dependencies=("b",))},
        ]

    def test_a_spec_loses_its_version_and_then_its_place(self) -> None:
        assert self.fixes(3) == [{3: ManifestEdit(conda=("d",))}, {3: ManifestEdit()}]
        assert self.fixes(4) == [{4: ManifestEdit()}]

    def test_what_has_no_bound_cannot_be_loosened(self) -> None:
        assert self.fixes(2) == []

    def test_one_of_group_several_requirements_is_left_out(self) -> None:
        assert [dict(fix.edits) for fix in without_one(self.QUESTIONS, (1, 2, 4))] == [
            {1: ManifestEdit()},
            {2: ManifestEdit()},
        ]
        assert list(without_one(self.QUESTIONS, (1,))) == []

    def test_another_python_keeps_every_line(self) -> None:
        (fix,) = on_pythons(["3.12"], 2)
        assert fix.edits == {2: ManifestEdit(python="3.12", keeps=True)}
