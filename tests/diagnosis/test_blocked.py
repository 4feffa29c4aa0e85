"""Test the choice of one python for all."""

from __future__ import annotations

from envgen.diagnosis.blocked import blocked_requirements, common_python, nearest_pythons, with_common_python
from envgen.diagnosis.dependencies import DependencyWalk
from tests.diagnosis.values import (
    blocked,
    conda_lookup,
    listed,
    mac,
    python_record,
    question,
)
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_wheels import build_wheel


def test_the_nearest_come_first_and_the_older_of_two() -> None:
    assert nearest_pythons(mac("3.11")) == ["3.10", "3.12", "3.9", "3.13", "3.8", "3.14"]


def test_the_one_that_helps_most_and_harms_nothing() -> None:
    old = blocked("a==1", listed("a", "arm 1 cp310"))
    older = blocked("b==1", listed("b", "arm 1 cp39", "arm 1 cp310"))
    assert common_python([old, older], []) == "3.10"
    needs_new = blocked("c", listed("c", "arm 1 cp311", "arm 1 cp312"))
    assert common_python([old, older], [needs_new]) == ""


def test_conda_counts_too() -> None:
    assert common_python([blocked("a==1", None, python_record("a", "1", "3.11"))], []) == "3.11"


def test_where_none_helps_there_is_none() -> None:
    assert common_python([blocked("a", listed("a", "sdist 1"))], []) == ""
    assert common_python([], []) == ""


def test_it_is_judged_again() -> None:
    asked = blocked("a==1", listed("a", "arm 1 cp311"), python_record("a", "1", "3.11"))
    assert not asked.pypi.installs
    there = asked.for_python("3.11")
    assert there.pypi.installs
    assert there.conda.available
    assert there.platform.python == "3.11"


class TestBlockedRequirements:
    def test_replacements_are_looked_up(self, walk: DependencyWalk, index: IndexServer) -> None:
        index.add_file("tensorflow-cpu", "tensorflow_cpu-2.19.0-cp312-cp312-manylinux_2_17_x86_64.whl")
        index.add(build_wheel("tensorflow", "2.19.1", tag="cp312-cp312-macosx_12_0_arm64"))
        walk.follow([question("tensorflow-cpu<3")])
        (blocked,) = blocked_requirements(walk, list(walk.graph.nodes.values()))
        assert blocked.is_root
        assert blocked.replacement is not None
        assert blocked.replacement.pypi.installs
        assert str(blocked.replacement.requirement) == "tensorflow<3"
        assert blocked.replacement.is_root

    def test_the_name_that_old_releases_have_wheels_under(self, walk: DependencyWalk, index: IndexServer) -> None:
        index.add(build_wheel("tensorflow", "2.9.0", tag="cp312-cp312-macosx_10_14_x86_64"))
        index.add(build_wheel("tensorflow-macos", "2.9.0", tag="cp312-cp312-macosx_11_0_arm64"))
        walk.follow([question("tensorflow==2.9.0")])
        (found,) = blocked_requirements(walk, list(walk.graph.nodes.values()))
        assert found.replacement is not None
        assert str(found.replacement.requirement) == "tensorflow-macos==2.9.0"

    def test_below_a_line_they_belong_to_it(self, walk: DependencyWalk, index: IndexServer) -> None:
        index.add(build_wheel("root", "1.0", requires=["tflite-runtime"]))
        walk.follow([question("root")])
        (blocked,) = blocked_requirements(walk, [walk.graph.nodes["tflite-runtime"]])
        assert blocked.replacement is not None
        assert not blocked.replacement.is_root
        assert blocked.other_specifiers == ("",)

    def test_a_stub_is_not_replaced_by_what_needs_it(self, walk: DependencyWalk, index: IndexServer) -> None:
        index.add(build_wheel("tensorflow", "2.13.1", requires=["tensorflow-macos==2.13.1"]))
        walk.follow([question("tensorflow")])
        (blocked,) = blocked_requirements(walk, [walk.graph.nodes["tensorflow-macos"]])
        assert blocked.replacement is None

    def test_suggestions_exist(self, walk: DependencyWalk, index: IndexServer) -> None:
        walk.conda = conda_lookup(python_record("scikit-learn", "1.5.0", "3.12"))
        walk.follow([question("scikit-lern")])
        (blocked,) = blocked_requirements(walk, list(walk.graph.nodes.values()))
        assert blocked.suggestions == ("scikit-learn",)

    def test_one_python_for_all(self, walk: DependencyWalk, index: IndexServer) -> None:
        for name, tag in [("a", "cp311-cp311"), ("b", "py3-none")]:
            index.add(build_wheel(name, "1.0", tag=f"{tag}-macosx_12_0_arm64"))
        walk.follow([question("a"), question("b")])
        (blocked,) = with_common_python(walk, blocked_requirements(walk, [walk.graph.nodes["a"]]))
        assert blocked.common_python == "3.11"
