"""Test how what is needed is looked up, on small channels and a loopback index."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envgen.diagnosis import dependencies
from envgen.diagnosis.availability import CondaLookup, UnreadRepodata
from envgen.diagnosis.blocked import blocked_requirements, on_one_python
from envgen.diagnosis.dependencies import DependencyGraph, DependencyWalk, walk
from envgen.errors import SolveError
from envgen.models.channel import CONDA_FORGE
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.record import ChannelRecords, Record
from envgen.models.solve import Solution, SolveRequest
from envgen.pypi.lookups import PypiLookups
from envgen.solvers.rattler import RattlerSolver
from tests.diagnosis.values import MAC, python_record, question, spec_question, wanted
from tests.fakes.index_server import IndexServer
from tests.fakes.memory_channel import FakeRepodata, mapper
from tests.fakes.tables import record
from tests.fakes.tiny_wheels import build_wheel
from tests.pypi.conftest import QUICK

PYTHON = record("python 3.12.4", channel=CONDA_FORGE)


class SmallRepodata(FakeRepodata):
    """Provide all that was listed as a closure."""

    def closure(self, names: object) -> tuple[ChannelRecords, ...]:
        del names
        return (ChannelRecords(channel=CONDA_FORGE, records=tuple(self.listed)),)


class NoSolver:
    """Fail at every request, as a solver that is broken."""

    def solve(self, request: SolveRequest) -> Solution:
        raise SolveError("out of order")


def look(*records: Record, platform: Platform = MAC) -> CondaLookup:
    return CondaLookup(
        repodata=SmallRepodata(listed=(PYTHON, *records)),
        mapper=mapper(PYTHON, *records),
        platform=platform,
        solver=RattlerSolver(),
    )


@pytest.fixture
def made(index: IndexServer, tmp_path: Path) -> DependencyWalk:
    """Return a walk over a loopback index and a channel of python alone."""
    lookups = PypiLookups(cache=tmp_path, environment={"UV_DEFAULT_INDEX": index.url}, timeouts=QUICK)
    return walk_of(lookups, look())


def walk_of(lookups: PypiLookups, conda: CondaLookup) -> DependencyWalk:
    return DependencyWalk(
        platform=MAC,
        conda=conda,
        lookups=lookups,
        forced={},
        progress=lambda _: None,
        closure=DependencyGraph(markers=MAC.markers()),
    )


class TestConda:
    def test_a_specifier_that_conda_cannot_express_is_pypis(self) -> None:
        (found,) = look(python_record("demo", "1.0", "3.12")).look([wanted("demo===weird")])
        assert not found.standing.available
        assert "cannot express" in found.standing.message

    def test_each_is_solved_alone_where_they_do_not_fit_together(self) -> None:
        conda = look(
            record("a 1.0", depends=["python", "c 1.*"]),
            record("b 1.0", depends=["python", "c 2.*"]),
            record("c 1.0"),
            record("c 2.0"),
            record("gone 1.0", depends=["python", "nothing"]),
        )
        looks = {name: conda.look([wanted(name)])[0] for name in ("a", "b", "gone")}
        found = conda.solvable(looks, together=True)
        assert {name: standing.available for name, standing in found.items()} == {"a": True, "b": True, "gone": False}

    def test_a_solver_that_fails_leaves_it_open(self) -> None:
        conda = look(python_record("demo", "1.0", "3.12"))
        conda.solver = NoSolver()
        standing, _ = conda.spec(MatchSpec.parse("demo"))
        assert (standing.available, standing.known, standing.message) == (False, False, "out of order")

    def test_channels_that_could_not_be_read_have_nothing(self) -> None:
        unread = UnreadRepodata(channels=(CONDA_FORGE,))
        assert unread.names() == frozenset()
        assert unread.records(["a"]) == {"a": ()}
        assert unread.closure(["a"]) == (ChannelRecords(channel=CONDA_FORGE, records=()),)

    def test_and_nothing_is_said_of_what_they_lack(self) -> None:
        conda = replace(look(), repodata=UnreadRepodata(channels=(CONDA_FORGE,)))
        (found,) = conda.look([wanted("torch")])
        assert (found.standing.available, found.standing.known) == (False, False)
        assert found.standing.message == "the channels could not be read"


class TestWalk:
    def test_there_is_an_end_in_depth(
        self, made: DependencyWalk, index: IndexServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dependencies, "DEEPEST", 2)
        for number in range(5):
            index.add(build_wheel(f"n{number}", "1.0", requires=[f"n{number + 1}"]))
        walk(made, [question("n0")])
        assert list(made.closure.nodes) == ["n0", "n1"]
        assert made.notes == ["what is needed was followed only in part: there is too much of it"]

    def test_and_in_breadth(self, made: DependencyWalk, index: IndexServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("envgen.diagnosis.dependencies.MOST", 3)
        index.add(build_wheel("root", "1.0", requires=[f"n{number}" for number in range(9)]))
        walk(made, [question("root")])
        assert len(made.closure.nodes) == 3
        assert len(made.notes) == 1

    def test_a_whole_walk_has_no_note(self, made: DependencyWalk, index: IndexServer) -> None:
        index.add(build_wheel("root", "1.0", requires=["leaf"]))
        index.add(build_wheel("leaf", "1.0"))
        walk(made, [question("root")])
        assert (list(made.closure.nodes), made.notes, made.partial) == (["root", "leaf"], [], False)

    def test_extras_that_a_mac_has_no_use_for_are_not_followed(self, made: DependencyWalk, index: IndexServer) -> None:
        needs = ("nvidia-nccl-cu12; extra == 'cuda12'", "kubernetes; extra == 'k8s'")
        index.add(build_wheel("jax", "0.5", requires=needs, extras=("cuda12", "k8s")))
        walk(made, [question("jax[cuda12,k8s]")])
        assert list(made.closure.nodes) == ["jax", "kubernetes"]
        assert made.notes == ["`jax[cuda12]` is read without the extra: CUDA does not exist on a Mac"]

    def test_urls_are_not_looked_up(self, made: DependencyWalk, index: IndexServer) -> None:
        walk(made, [question("demo @ https://example.org/demo-1.0.tar.gz")])
        assert made.closure.nodes["demo"].pypi.standing.code == "SDIST_ONLY"
        assert index.count("/simple/") == 0

    def test_match_specs_are_none_of_its_business(self, made: DependencyWalk) -> None:
        with pytest.raises(TypeError):
            walk(made, [spec_question("demo")])


class TestSubjects:
    def test_replacements_are_looked_up(self, made: DependencyWalk, index: IndexServer) -> None:
        index.add_file("tensorflow-cpu", "tensorflow_cpu-2.19.0-cp312-cp312-manylinux_2_17_x86_64.whl")
        index.add(build_wheel("tensorflow", "2.19.1", tag="cp312-cp312-macosx_12_0_arm64"))
        walk(made, [question("tensorflow-cpu<3")])
        (blocked,) = blocked_requirements(made, list(made.closure.nodes.values()))
        assert blocked.is_root
        assert blocked.replacement is not None
        assert blocked.replacement.pypi.installs
        assert str(blocked.replacement.requirement) == "tensorflow<3"
        assert blocked.replacement.is_root

    def test_the_name_that_old_releases_have_wheels_under(self, made: DependencyWalk, index: IndexServer) -> None:
        index.add(build_wheel("tensorflow", "2.9.0", tag="cp312-cp312-macosx_10_14_x86_64"))
        index.add(build_wheel("tensorflow-macos", "2.9.0", tag="cp312-cp312-macosx_11_0_arm64"))
        walk(made, [question("tensorflow==2.9.0")])
        (found,) = blocked_requirements(made, list(made.closure.nodes.values()))
        assert found.replacement is not None
        assert str(found.replacement.requirement) == "tensorflow-macos==2.9.0"

    def test_below_a_line_they_belong_to_it(self, made: DependencyWalk, index: IndexServer) -> None:
        index.add(build_wheel("root", "1.0", requires=["tflite-runtime"]))
        walk(made, [question("root")])
        (blocked,) = blocked_requirements(made, [made.closure.nodes["tflite-runtime"]])
        assert blocked.replacement is not None
        assert not blocked.replacement.is_root
        assert blocked.asked_by_others == ("",)

    def test_a_stub_is_not_replaced_by_what_needs_it(self, made: DependencyWalk, index: IndexServer) -> None:
        index.add(build_wheel("tensorflow", "2.13.1", requires=["tensorflow-macos==2.13.1"]))
        walk(made, [question("tensorflow")])
        (blocked,) = blocked_requirements(made, [made.closure.nodes["tensorflow-macos"]])
        assert blocked.replacement is None

    def test_suggestions_exist(self, made: DependencyWalk, index: IndexServer) -> None:
        made.conda = look(python_record("scikit-learn", "1.5.0", "3.12"))
        walk(made, [question("scikit-lern")])
        (blocked,) = blocked_requirements(made, list(made.closure.nodes.values()))
        assert blocked.suggestions == ("scikit-learn",)

    def test_one_python_for_all(self, made: DependencyWalk, index: IndexServer) -> None:
        for name, tag in [("a", "cp311-cp311"), ("b", "py3-none")]:
            index.add(build_wheel(name, "1.0", tag=f"{tag}-macosx_12_0_arm64"))
        walk(made, [question("a"), question("b")])
        (blocked,) = on_one_python(made, blocked_requirements(made, [made.closure.nodes["a"]]))
        assert blocked.common_python == "3.11"
