"""Test what PyPI is asked, and what is done when it cannot answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.errors import PlanError, PypiUnreachableError, PypiUnsatisfiableError
from envgen.models.wheel import Resolution, ResolveRequest, Stub
from envgen.planner.rounds import plan
from tests.fakes.fake_pypi import FakePypi
from tests.fakes.scenarios import conda_versions, pypi_versions, scenario, texts, whys

CHANNEL = """
numpy 1.26.4
numpy 2.1.0
promise 2.2
promise 2.3
"""


def test_the_question() -> None:
    asked = scenario(
        CHANNEL,
        "app 1.0\nleaf 1.5",
        dependencies=["app", "numpy>=1,<3", "leaf[x]>=1"],
        constraints=["leaf<2", "numpy<2.1", "other<1 ; sys_platform == 'linux'"],
        overrides=["six<1", "seven<1 ; sys_platform == 'linux'"],
    )
    asked.plan()
    (question,) = asked.pypi.asked
    assert question.requirements == ("app", "leaf[x]>=1")
    assert {"leaf<2", "numpy<2.1", "numpy<3,>=1"} < set(question.constraints)
    assert not any(text.startswith("other") for text in question.constraints)
    assert question.overrides == ("six<1",)
    assert question.platform == asked.inputs.platform
    assert question.stubs == ()


class TestStandIns:
    """PyPI has no wheel of something that conda has."""

    PYPI = "app 1.0 : promise\npromise 2.3"

    def test_conda_stands_in(self) -> None:
        asked = scenario(CHANNEL, self.PYPI, only=["app"], broken=["promise"])
        made = asked.plan()
        assert pypi_versions(made) == {"app": "1.0"}
        assert conda_versions(made) == {"promise": "2.3"}
        assert [question.stubs for question in asked.pypi.asked] == [(), (Stub(name="promise", version="2.3"),)]
        assert whys(made)["promise -> conda:promise"] == "the channel has it; app 1.0 on PyPI requires promise"

    def test_at_a_version_that_the_users_lines_admit(self) -> None:
        made = scenario(CHANNEL, self.PYPI, only=["app"], dependencies=["promise<2.3"], broken=["promise"]).plan()
        assert conda_versions(made) == {"promise": "2.2"}

    def test_a_stand_in_that_is_in_the_way_is_given_up(self) -> None:
        """The newest promise does not go with app: PyPI has to say which does, and cannot."""
        pypi = "app 1.0 : promise<2.3\npromise 2.2"
        asked = scenario(CHANNEL, pypi, only=["app"], broken=["promise"])
        error = asked.refused(PypiUnsatisfiableError)
        assert [len(question.stubs) for question in asked.pypi.asked] == [0, 1]
        assert texts(error) == ["app"]

    def test_an_older_wheel_is_no_answer_where_conda_can_stand_in(self) -> None:
        """PyPI steps back in silence to an app that needs no promise."""
        asked = scenario(CHANNEL, "app 0.1\napp 1.0 : promise", only=["app"], broken=["promise"])
        made = asked.plan()
        assert pypi_versions(made) == {"app": "1.0"}
        assert conda_versions(made) == {"promise": "2.3"}

    def test_an_older_wheel_is_the_answer_where_it_cannot(self) -> None:
        channel = "promise 2.3 : absent"
        asked = scenario(channel, "app 0.1\napp 1.0 : promise", only=["app"], broken=["promise"])
        assert pypi_versions(asked.plan()) == {"app": "0.1"}
        assert len(asked.pypi.asked) == 2

    def test_without_a_record_either(self) -> None:
        asked = scenario("", self.PYPI, only=["app"], broken=["promise"])
        error = asked.refused(PypiUnsatisfiableError)
        assert "promise has no usable wheels" in error.message
        assert "promise comes from PyPI because conda-forge has no package that is this project" in error.message
        assert len(asked.pypi.asked) == 1

    def test_a_record_without_a_version_of_pypis(self) -> None:
        asked = scenario("promise 2.3a_b", self.PYPI, only=["app"], broken=["promise"])
        asked.refused(PypiUnsatisfiableError)
        assert len(asked.pypi.asked) == 1

    def test_a_record_that_cannot_be_installed(self) -> None:
        asked = scenario("promise 2.3 : python <3.12", self.PYPI, only=["app"], broken=["promise"])
        error = asked.refused(PypiUnsatisfiableError)
        assert (
            "promise comes from PyPI because no promise of the channel can be installed on python 3.12 and macOS 13.0"
        ) in error.message

    def test_many_of_them(self) -> None:
        names = [f"n{number}" for number in range(5)]
        channel = "\n".join(f"{name} 1.0" for name in names)
        pypi = f"app 1.0 : {' | '.join(names)}"
        made = scenario(channel, pypi, only=["app"], broken=names).plan()
        assert conda_versions(made) == dict.fromkeys(names, "1.0")

    def test_too_many_of_them(self) -> None:
        names = [f"n{number}" for number in range(12)]
        channel = "\n".join(f"{name} 1.0" for name in names)
        asked = scenario(channel, f"app 1.0 : {' | '.join(names)}", only=["app"], broken=names)
        asked.refused(PypiUnsatisfiableError)
        assert len(asked.pypi.asked) == 8

    def test_a_plain_conflict_needs_none(self) -> None:
        asked = scenario(CHANNEL, "app 1.0 : numpy<2\nnumpy 1.26.4\nnumpy 2.1.0", only=["app", "numpy>=2"])
        asked.refused(PypiUnsatisfiableError)
        assert len(asked.pypi.asked) == 1

    def test_a_plain_conflict_over_what_conda_has_needs_none(self) -> None:
        pypi = "app 1.0 : numpy<2\nother 1.0 : numpy>=2\nnumpy 1.26.4\nnumpy 2.1.0"
        asked = scenario(CHANNEL, pypi, only=["app", "other"])
        asked.refused(PypiUnsatisfiableError)
        assert [question.stubs for question in asked.pypi.asked] == [()]


class TestRefusals:
    def test_lines_of_both_sides(self) -> None:
        pypi = "app 1.0 : numpy<2\nnumpy 1.26.4\nnumpy 2.1.0\nother 1.0"
        error = scenario(CHANNEL, pypi, dependencies=["other", "numpy>=2", "app"]).refused(PypiUnsatisfiableError)
        assert texts(error) == ["numpy>=2", "app"]
        assert error.message.splitlines() == [
            "no set of wheels meets the requirements",
            "versions conflict",
            "app comes from PyPI because conda-forge has no package that is this project",
        ]
        assert isinstance(error, PypiUnsatisfiableError)
        assert set(error.names) == {"app", "numpy"}

    @pytest.mark.parametrize("key", ["constraints", "overrides"])
    def test_constraints_and_overrides_are_sides_as_well(self, key: str) -> None:
        lines = {"constraints": ["numpy>=2"]} if key == "constraints" else {"overrides": ["numpy>=9"]}
        pypi = "app 1.0 : numpy<2\nnumpy 1.26.4\nnumpy 2.1.0"
        error = scenario(CHANNEL, pypi, only=["app"], **lines).refused(PypiUnsatisfiableError)  # type: ignore[arg-type]
        assert texts(error) == ["app", lines[key][0]]

    def test_what_conda_lacks_for_a_line_that_pypi_lacks_too(self) -> None:
        channel = CHANNEL + "pandas 2.2 : numpy >=1.26"
        error = scenario(channel, "numpy 2.1.0", dependencies=["pandas", "numpy<1.20"]).refused(PypiUnsatisfiableError)
        assert texts(error) == ["pandas", "numpy<1.20"]
        assert "numpy comes from PyPI because the channel has no numpy <1.20dev0" in error.message
        assert error.message.endswith("`pandas` and `numpy <1.20dev0` cannot be met together")
        assert error.hint

    def test_a_python_that_conda_has_nothing_for(self) -> None:
        error = scenario("old 1.0 : python <3.12", "old 0.9", dependencies=["old>=1"]).refused(PypiUnsatisfiableError)
        assert texts(error) == ["old>=1", 'python: "3.12"']
        assert "`old >=1` can be had with python 3.11" in error.hint

    def test_users_lines_that_conflict_anyway(self) -> None:
        """What the others lack among themselves is not the fault of the line that PyPI refuses."""
        channel = "old 1.0 : python <3.12\nolder 1.0 : python <3.12"
        error = scenario(channel, "older 1.0", dependencies=["old", "older"]).refused(PypiUnsatisfiableError)
        assert texts(error) == ["old", 'python: "3.12"']

    def test_what_was_meant(self) -> None:
        error = scenario("scikit-learn 1.5", dependencies=["scikit-lern"]).refused(PypiUnsatisfiableError)
        assert error.hint == "did you mean `scikit-learn`?"
        assert texts(error) == ["scikit-lern"]

    def test_bounds_of_the_facts_are_named(self) -> None:
        pypi = "tensorflow 2.19.0 : numpy\ntensorflow-metal 1.2.0 : tensorflow\napp 1.0 : tensorflow-metal>=9\nnumpy 2"
        error = scenario("", pypi, only=["app"], accelerator="metal").refused(PypiUnsatisfiableError)
        assert "tensorflow-metal==1.2.0 is needed: " in error.message
        assert texts(error) == ["app", "accelerator: metal"]


def test_a_line_is_bound_although_an_override_concerns_it() -> None:
    """uv puts an override in the place of the user's own line too; the line holds for all that."""
    pypi = "app 1.0 : leaf<2\nleaf 1.0\nleaf 3.0\nleaf 4.0"
    made = scenario("", pypi, only=["app", "leaf<4"], overrides=["leaf>=2"]).plan()
    assert pypi_versions(made) == {"app": "1.0", "leaf": "3.0"}
    assert made.pypi[0].requires == ("leaf>=2",)


class _Down(FakePypi):
    def resolve(self, request: ResolveRequest) -> Resolution:
        raise PypiUnreachableError("the package index does not answer", hint="check the network")


def test_an_index_that_cannot_be_reached_is_told_with_the_lines_that_need_it() -> None:
    asked = scenario("scikit-learn 1.5", dependencies=["scikit-learn", "scikit-lern"])
    with pytest.raises(PypiUnreachableError) as caught:
        plan(asked.inputs, replace(asked.resolvers, pypi=_Down(table={})))
    assert caught.value.message.splitlines() == [
        "the package index does not answer",
        "scikit-lern comes from PyPI because conda-forge has no package that is this project",
    ]
    assert texts(caught.value) == ["scikit-lern"]
    assert caught.value.hint == "did you mean `scikit-learn`? check the network"


def test_pypi_may_not_be_asked() -> None:
    with pytest.raises(PlanError):
        scenario("", only=["app"], offline=True).plan()


class TestMarkersOfTheKernel:
    def test_what_applies_on_the_target_is_locked(self) -> None:
        pypi = """
        app 1.0 : leaf<2 ; platform_release >= "22.0" | arm ; "ARM" in platform_version | lib
        lib 1.0 : numpy<2 ; "ARM" in platform_version
        numpy 1.26.4
        leaf 1.0 : twig ; platform_release >= "9.0" and platform_release < "23.0" | no ; platform_release >= "23.0"
        leaf 2.0
        arm 1.0
        twig 1.0
        """
        made = scenario(CHANNEL, pypi, only=["app"]).plan()
        assert pypi_versions(made) == {"app": "1.0", "arm": "1.0", "leaf": "1.0", "lib": "1.0", "twig": "1.0"}
        assert conda_versions(made) == {"numpy": "1.26.4"}
        assert whys(made)["leaf -> pypi:leaf"].startswith("app 1.0 on PyPI requires leaf<2; ")

    def test_what_a_newer_macos_would_change_is_said(self) -> None:
        pypi = (
            "app 1.0 : new>=1 ; platform_release >= '23.0' | newer ; platform_release >= '24.4'"
            " | old ; platform_release < '25' | extra ; platform_release >= '25.0' and extra == 'x'"
            " | arm ; 'ARM' in platform_version | never ; platform_release < '20' | gone ; platform_release >= '25.0'"
            "\nold 1.0\narm 1.0"
        )
        made = scenario(CHANNEL, pypi, only=["app"], overrides=["gone ; sys_platform == 'never'"]).plan()
        assert set(pypi_versions(made)) == {"app", "arm", "old"}
        (note,) = [note for note in made.notes if "macOS" in note]
        assert note == (
            "the lock holds what app 1.0 requires on macOS 13.0; from macOS 14.0 on it also requires `new>=1`; "
            "from macOS 15.4 on it also requires `newer`; from macOS 26.0 on it no longer requires `old`"
        )

    def test_an_extra_counts_where_it_is_asked_for(self) -> None:
        pypi = "app 1.0 : extra ; platform_release >= '25.0' and extra == 'x'"
        made = scenario(CHANNEL, pypi, only=["app[x]"]).plan()
        assert any(note.endswith("from macOS 26.0 on it also requires `extra`") for note in made.notes)

    def test_a_wheel_that_was_given_up_leaves_no_note(self) -> None:
        pypi = "app 2.0 : leaf>=3 ; 'ARM' in platform_version | new ; platform_release >= '23.0'\napp 1.0\nleaf 2.0"
        made = scenario(CHANNEL, pypi, only=["app"]).plan()
        assert pypi_versions(made) == {"app": "1.0"}
        assert not [note for note in made.notes if "macOS" in note]

    def test_linux_has_no_kernel_to_go_by(self) -> None:
        pypi = "app 1.0 : leaf ; platform_release >= '5.0'\nleaf 1.0"
        made = scenario(CHANNEL, pypi, only=["app"], subdir="linux-64").plan()
        assert pypi_versions(made) == {"app": "1.0"}
        assert not [note for note in made.notes if "macOS" in note]
