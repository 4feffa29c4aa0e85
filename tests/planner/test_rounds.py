"""Test how the halves come to agree, and that it does not hang on the order of the lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.errors import PlanError
from envgen.models.wheel import Resolution, ResolveRequest
from envgen.planner.plan import Plan
from envgen.planner.rounds import MAX_ROUNDS, plan
from tests.fakes.fake_pypi import FakePypi, wheel
from tests.fakes.scenarios import Scenario, conda_versions, pypi_versions, scenario, texts, whys


def test_the_order_of_decisions_is_lines_then_lifts_then_wheels() -> None:
    pypi = "b 1.0 : leaf | wheelish\nwheelish 1.0\nleaf 1.0"
    made = scenario("a 1.0\nleaf 1.0", pypi, dependencies=["b", "a"]).plan()
    assert list(whys(made)) == ["a -> conda:a", "b -> pypi:b", "leaf -> conda:leaf", "wheelish -> pypi:wheelish"]


class TestNoAgreement:
    def test_each_answer_asks_for_something_else_that_conda_lacks(self) -> None:
        """Every release of app needs a newer version of another package, each of which conda must provide."""
        names = "abcdefg"
        channel = "\n".join(f"{name} 1.0" for name in names) + f"\nuser 1.0 : {' | '.join(names)}"
        pypi = "\n".join(f"app {9 - number}.0 : {name}>=2" for number, name in enumerate(names))
        pypi += "\n" + "\n".join(f"{name} 2.0" for name in names)
        asked = scenario(channel, pypi, dependencies=["user", "app"])
        error = asked.refused(PlanError)
        assert len(asked.pypi.asked) == MAX_ROUNDS
        assert error.message.startswith("the conda half and the PyPI half do not agree: app 9.0 on PyPI requires a>=2,")
        assert error.message.count("on PyPI requires") == MAX_ROUNDS
        assert texts(error) == ["app"]
        assert error.hint == "bound one of these packages, or list it under `pypi`"

    def test_an_answer_that_lacks_what_its_wheels_need(self) -> None:
        """Asking the same again would not help."""
        asked = scenario("", "app 1.0 : leaf\nleaf 1.0", only=["app"])
        lacking = _LacksLeaf(table=asked.pypi.table)
        with pytest.raises(PlanError) as caught:
            plan(asked.inputs, replace(asked.resolvers, pypi=lacking))
        assert caught.value.message.endswith("app 1.0 on PyPI requires leaf, which PyPI's answer lacks")
        assert lacking.passes == 1
        assert texts(caught.value) == ["app"]


class _LacksLeaf(FakePypi):
    passes = 0

    def resolve(self, request: ResolveRequest) -> Resolution:
        self.passes += 1
        return Resolution(wheels=(wheel("app", "1.0"),))


def test_notes_of_an_answer_that_was_given_up_are_not_told() -> None:
    pypi = "app 1.0 : leaf<3\napp 2.0 : leaf>=3\nleaf 2.0\nleaf 3.0"
    asked = scenario("leaf 2.0\nuser 1.0 : leaf", pypi, dependencies=["user", "app"])
    assert [note for note in asked.plan().notes if note.startswith("resolved")] == ["resolved 2"]


class TestAnAnswerThatWasGivenUp:
    """app 2 needs a leaf that conda lacks; PyPI is asked for what goes with conda's, and answers app 1."""

    CHANNEL = """
    leaf 2.0
    user 1.0 : leaf
    numpy 1.26.4
    numpy 2.1.0
    protobuf 5.29
    """
    PYPI = """
    app 2.0 : leaf>=3 | tensorflow
    app 1.0 : leaf | protobuf
    tensorflow 2.17.1 : numpy
    leaf 2.0
    leaf 3.0
    numpy 1.26.4
    protobuf 5.29
    """

    def test_bounds_of_its_wheels_are_forgotten(self) -> None:
        """TensorFlow 2.17 needs numpy<2; nothing of the answer that counts does."""
        made = scenario(self.CHANNEL, self.PYPI, dependencies=["user", "app", "numpy"], python="3.11").plan()
        assert pypi_versions(made) == {"app": "1.0"}
        assert conda_versions(made)["numpy"] == "2.1.0"

    def test_companions_of_its_tensorflow_are_forgotten(self) -> None:
        made = scenario(self.CHANNEL, self.PYPI, dependencies=["user", "app"], python="3.11").plan()
        assert pypi_versions(made) == {"app": "1.0"}
        assert "protobuf" in conda_versions(made)

    def test_nothing_is_concluded_from_wheels_beside_the_wrong_plug_in(self) -> None:
        """The newest tensorflow-metal does not load with this TensorFlow: what it needs is nobody's need."""
        pypi = """
        tensorflow 2.16.2
        tensorflow-metal 1.1.0
        tensorflow-metal 1.2.0 : leaf>=3
        leaf 3.0
        addon 1.0 : tensorflow<2.17
        """
        lines = ["tensorflow>=2.16", "addon", "user"]
        asked = scenario(self.CHANNEL, pypi, dependencies=lines, accelerator="metal", python="3.11")
        made = asked.plan()
        assert pypi_versions(made) == {"addon": "1.0", "tensorflow": "2.16.2", "tensorflow-metal": "1.1.0"}
        assert conda_versions(made) == {"leaf": "2.0", "user": "1.0"}
        assert [request.stubs for request in asked.pypi.asked] == [(), ()]
        assert asked.pypi.read.count("tensorflow-metal") == 1


CHANNEL = """
numpy 1.26.4
numpy 2.1.0
pandas 2.2 : numpy
leaf 1.0
leaf 2.0
core 1.0
core 2.0
x 1.0 : core <2
y 1.0 : core >=2
httpx 0.27.0
"""
PYPI = """
one 1.0 : numpy<2 | shared
two 1.0 : leaf<2 | shared | x | y
shared 1.0 : leaf
x 1.0
y 1.0
numpy 2.1.0
numpy 1.26.4
core 2.0
leaf 1.0
httpx 0.27.0 : socksio ; extra == 'socks'
socksio 1.0
"""
LINES = ("pandas", "one", "two", "numpy>1", "numpy<3", "httpx[socks]", "nowhere ; sys_platform == 'win32'")


def _shape(made: Plan) -> tuple[object, ...]:
    decisions = sorted(made.decisions, key=str)
    return made.conda, made.pypi, dict(sorted(made.roots.items())), decisions, made.notes


@given(st.permutations(LINES))
def test_the_order_of_the_lines_has_no_part_in_the_plan(lines: Sequence[str]) -> None:
    assert _shape(_made(lines).plan()) == _shape(_made(LINES).plan())


def _made(lines: Sequence[str]) -> Scenario:
    return scenario(CHANNEL, PYPI, dependencies=lines)


def test_the_plan_of_the_permuted_lines_has_something_to_get_wrong() -> None:
    made = _made(LINES).plan()
    assert pypi_versions(made) == {"one": "1.0", "shared": "1.0", "socksio": "1.0", "two": "1.0", "y": "1.0"}
    assert conda_versions(made) == {
        "core": "1.0",
        "httpx": "0.27.0",
        "leaf": "1.0",
        "numpy": "1.26.4",
        "pandas": "2.2",
        "x": "1.0",
    }


def test_what_a_lifts_extra_brings_may_be_forbidden_too() -> None:
    """An extra is a spec of its own on conda: it moves to PyPI with the package."""
    channel = """
    google-api-core 2.0
    google-api-core-grpc 2.0 : google-api-core | grpcio
    grpcio 1.60
    """
    pypi = """
    app 1.0 : google-api-core[grpc]
    google-api-core 2.0 : grpcio; extra == 'grpc'
    grpcio 1.60
    """
    made = scenario(channel, pypi, dependencies=["app"], mapping={"grpcio": None}).plan()
    assert conda_versions(made) == {}
    assert pypi_versions(made) == {"app": "1.0", "google-api-core": "2.0", "grpcio": "1.60"}
