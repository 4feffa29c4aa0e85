"""Test that what is needed is followed once, with all bounds and extras, as far as PyPI serves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.diagnosis.availability import on_pypi
from envgen.diagnosis.dependencies import MOST_NODES, DependencyGraph, NeededRequirement, requires_itself
from envgen.diagnosis.results import CondaAvailability
from envgen.errors import PypiUnreachableError
from envgen.models.wheel import WheelMetadata
from tests.diagnosis.values import MAC, graph, listed, node, question, wanted

SERVED = CondaAvailability(available=True, name="there", version="1.0")


def need(text: str, *via: str) -> NeededRequirement:
    requirement = wanted(text)
    return NeededRequirement(requirement=requirement, chain=(*via, requirement.name), question=question("root"))


def metadata(name: str, *requires: str) -> WheelMetadata:
    return WheelMetadata(name=name, version="1.0", requires_dist=requires)


class TestFresh:
    def test_bounds_and_extras_of_one_level_are_joined(self) -> None:
        made = DependencyGraph(markers=MAC.markers())
        (found,) = made.unseen([need("leaf[a]>=1", "x"), need("leaf[b]<3", "y")])
        assert str(found.requirement) == "leaf[a,b]<3,>=1"
        assert found.chain == ("x", "leaf")

    def test_bounds_that_contradict_each_other_are_the_first_ones(self) -> None:
        (found,) = DependencyGraph(markers=MAC.markers()).unseen([need("leaf<1"), need("leaf>=2")])
        assert str(found.requirement) == "leaf<1"

    def test_what_was_looked_at_is_not_looked_at_again_but_for_its_extras(self) -> None:
        known = node("leaf", listed("leaf", "pure 1.0"), requires=["more; extra == 'all'"])
        made = graph(known)
        assert made.unseen([need("leaf[all]")]) == []
        assert [each.requirement.name for each in made.needs_of(known)] == ["more"]

    def test_a_url_stands_for_itself(self) -> None:
        (found,) = DependencyGraph(markers=MAC.markers()).unseen(
            [need("leaf @ https://example.org/leaf.zip"), need("leaf>=1")]
        )
        assert found.requirement.url

    def test_there_is_an_end(self) -> None:
        made = DependencyGraph(markers=MAC.markers())
        assert len(made.unseen([need(f"n{number}") for number in range(MOST_NODES + 5)])) == MOST_NODES
        assert made.cut


class TestNeeds:
    def test_markers_are_those_of_the_target(self) -> None:
        found = node(
            "root",
            listed("root", "pure 1.0"),
            requires=["mac; sys_platform == 'darwin'", "win; os_name == 'nt'", "all"],
        )
        assert [each.requirement.name for each in graph(found).needs_of(found)] == ["mac", "all"]
        assert found.children == {"mac": "mac", "all": "all"}

    def test_what_cannot_be_read_and_itself_are_passed_over(self) -> None:
        found = node("root", listed("root", "pure 1.0"), requires=["root[all]>=1", "not a requirement", "leaf"])
        assert [each.chain for each in graph(found).needs_of(found)] == [("root", "leaf")]

    def test_nothing_is_known_without_metadata(self) -> None:
        found = node("root", listed("root", "pure 1.0"))
        found.metadata = None
        assert list(graph(found).needs_of(found)) == []


@pytest.mark.parametrize(
    ("requires", "itself"),
    [
        (("demo==1.0; platform_system == 'Darwin'",), True),
        (("demo==1.0; platform_system == 'Windows'",), False),
        (("demo[extra]",), False),
        (("demo; extra == 'all'",), False),
        (("broken requirement!", "other"), False),
    ],
    ids=["itself", "elsewhere", "its extra", "for an extra", "others"],
)
def test_stubs_that_require_themselves(requires: tuple[str, ...], itself: bool) -> None:
    assert requires_itself("demo", metadata("demo", *requires), MAC.markers()) is itself


class TestLacking:
    ROOT = listed("root", "pure 1.0")

    def test_the_chain_down_to_what_cannot_be_had(self) -> None:
        made = graph(
            node("root", self.ROOT, requires=["middle"]),
            node("middle", listed("middle", "pure 1.0"), via=["root"], requires=["leaf"]),
            node("leaf", listed("leaf", "sdist 1.0"), via=["root", "middle"]),
        )
        assert made.chain_to_unavailable("root") == ("root", "middle", "leaf")
        assert made.chain_to_unavailable("leaf") == ("leaf",)

    def test_conda_ends_a_chain_unless_it_may_not_serve(self) -> None:
        served = node("leaf", listed("leaf", "sdist 1.0"), via=["root"], conda=SERVED)
        root = node("root", self.ROOT, requires=["leaf"])
        assert graph(root, served).chain_to_unavailable("root") == ()
        assert graph(root, replace(served, forced="it is PyPI's")).chain_to_unavailable("root") == ("root", "leaf")

    def test_circles_end(self) -> None:
        made = graph(
            node("root", self.ROOT, requires=["other"]),
            node("other", listed("other", "pure 1.0"), via=["root"], requires=["root"]),
        )
        assert made.chain_to_unavailable("root") == ()

    def test_what_could_not_be_looked_up_is_believed(self) -> None:
        unknown = node("leaf", None, via=["root"])
        unknown.pypi = on_pypi(wanted("leaf"), PypiUnreachableError("away"), MAC)
        assert graph(node("root", self.ROOT, requires=["leaf"]), unknown).chain_to_unavailable("root") == ()

    def test_what_was_not_reached_is_believed(self) -> None:
        assert graph(node("root", self.ROOT, requires=["beyond"])).chain_to_unavailable("root") == ()
