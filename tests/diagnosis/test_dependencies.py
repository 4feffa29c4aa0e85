"""Test that what is needed is followed once, with all bounds and extras, as far as PyPI serves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.diagnosis import dependencies
from envgen.diagnosis.availability import on_pypi
from envgen.diagnosis.dependencies import (
    MOST_NODES,
    DependencyGraph,
    DependencyWalk,
    NeededRequirement,
    one_of_group,
    requires_itself,
    same_file_conflicts,
)
from envgen.diagnosis.results import CondaAvailability, ManifestEdit
from envgen.errors import PypiUnreachableError
from envgen.models.wheel import WheelMetadata
from envgen.planner.overrides import removal
from tests.diagnosis.values import ABSENT, MAC, graph, listed, node, question, spec_question, wanted
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_wheels import build_wheel

CV2 = "opencv-python"
CONTRIB = "opencv-contrib-python"
HEADLESS = "opencv-python-headless"


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


def both(*, conda: CondaAvailability = ABSENT) -> list[tuple[tuple[int, ...], list[dict[int, ManifestEdit]]]]:
    own = question(CV2)
    made = graph(
        node("mediapipe", listed("mediapipe", "pure 1.0"), requires=[CONTRIB]),
        node(CV2, listed(CV2, "arm 5.0"), root=own, conda=conda),
        node(CONTRIB, listed(CONTRIB, "arm 5.0"), via=["mediapipe"]),
    )
    found = same_file_conflicts(made, [question("mediapipe"), own])
    return [(conflict.places, [dict(fix.edits) for fix in fixes]) for conflict, fixes in found]


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


def test_one_alone_and_none_asked_for_are_no_conflict() -> None:
    assert list(one_of_group([question(CV2)], [CV2])) == []
    assert list(one_of_group([question("six")], [CV2, HEADLESS])) == []


class TestWalk:
    def test_there_is_an_end_in_depth(
        self, walk: DependencyWalk, index: IndexServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dependencies, "DEEPEST", 2)
        for number in range(5):
            index.add(build_wheel(f"n{number}", "1.0", requires=[f"n{number + 1}"]))
        walk.follow([question("n0")])
        assert list(walk.graph.nodes) == ["n0", "n1"]
        assert walk.notes == ["what is needed was followed only in part: it goes more than 2 steps down"]

    def test_and_in_breadth(self, walk: DependencyWalk, index: IndexServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("envgen.diagnosis.dependencies.MOST_NODES", 3)
        index.add(build_wheel("root", "1.0", requires=[f"n{number}" for number in range(9)]))
        walk.follow([question("root")])
        assert len(walk.graph.nodes) == 3
        assert walk.notes == ["what is needed was followed only in part: it is more than 3 packages"]
        assert not walk.partial

    def test_and_where_a_level_fills_it(
        self, walk: DependencyWalk, index: IndexServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("envgen.diagnosis.dependencies.MOST_NODES", 2)
        for number in range(4):
            index.add(build_wheel(f"n{number}", "1.0", requires=[f"n{number + 1}"]))
        walk.follow([question("n0")])
        assert list(walk.graph.nodes) == ["n0", "n1"]
        assert walk.notes == ["what is needed was followed only in part: it is more than 2 packages"]

    def test_what_is_asked_for_is_more_than_is_looked_at(
        self, walk: DependencyWalk, index: IndexServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("envgen.diagnosis.dependencies.MOST_NODES", 2)
        walk.follow([question(f"n{number}") for number in range(3)])
        assert list(walk.graph.nodes) == ["n0", "n1"]
        assert walk.partial
        assert walk.notes[0] == "of all that is asked for only 2 were looked at, the first by name"

    def test_a_whole_walk_has_no_note(self, walk: DependencyWalk, index: IndexServer) -> None:
        index.add(build_wheel("root", "1.0", requires=["leaf"]))
        index.add(build_wheel("leaf", "1.0"))
        walk.follow([question("root")])
        assert (list(walk.graph.nodes), walk.notes, walk.partial) == (["root", "leaf"], [], False)

    def test_extras_that_a_mac_has_no_use_for_are_not_followed(self, walk: DependencyWalk, index: IndexServer) -> None:
        needs = ("nvidia-nccl-cu12; extra == 'cuda12'", "kubernetes; extra == 'k8s'")
        index.add(build_wheel("jax", "0.5", requires=needs, extras=("cuda12", "k8s")))
        walk.follow([question("jax[cuda12,k8s]")])
        assert list(walk.graph.nodes) == ["jax", "kubernetes"]
        assert walk.notes == ["`jax[cuda12]` is read without the extra: CUDA does not exist on a Mac"]

    def test_urls_are_not_looked_up(self, walk: DependencyWalk, index: IndexServer) -> None:
        walk.follow([question("demo @ https://example.org/demo-1.0.tar.gz")])
        assert walk.graph.nodes["demo"].pypi.availability.code == "SDIST_ONLY"
        assert index.count("/simple/") == 0

    def test_match_specs_are_none_of_group_its_business(self, walk: DependencyWalk) -> None:
        with pytest.raises(TypeError):
            walk.follow([spec_question("demo")])
