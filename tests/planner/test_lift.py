"""Test what conda takes over from the PyPI closure, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.errors import PlanError, UnsatisfiableError
from envgen.models.wheel import Stub
from envgen.planner.plan import Aim, Reason
from envgen.planner.rounds import plan
from tests.fakes.scenarios import conda_versions, pypi_versions, scenario, texts, whys

CHANNEL = """
numpy 1.26.4
numpy 2.1.0
leaf 1.0
leaf 2.0
"""
PYPI = """
app 1.0 : numpy<2 | leaf>=1 | own
own 1.0 : leaf<2
numpy 1.26.4
leaf 1.0
leaf 3.0
"""


def test_what_conda_has_is_lifted_with_every_bound() -> None:
    asked = scenario(CHANNEL, PYPI, dependencies=["app"])
    made = asked.plan()
    assert conda_versions(made) == {"leaf": "1.0", "numpy": "1.26.4"}
    assert pypi_versions(made) == {"app": "1.0", "own": "1.0"}
    assert whys(made) == {
        "app -> pypi:app": "conda-forge has no package that is this project",
        "leaf -> conda:leaf": "the channel has it; app 1.0 on PyPI requires leaf>=1",
        "numpy -> conda:numpy": "the channel has it; app 1.0 on PyPI requires numpy<2",
        "own -> pypi:own": "app 1.0 on PyPI requires own; conda-forge has no package that is this project",
    }
    assert len(asked.pypi.asked) == 1
    assert asked.pypi.read == ["app", "own"]


def test_the_lock_knows_what_the_wheels_require() -> None:
    made = scenario(CHANNEL, PYPI, dependencies=["app"]).plan()
    assert {locked.name: locked.requires for locked in made.pypi} == {
        "app": ("leaf>=1", "numpy<2", "own"),
        "own": ("leaf<2",),
    }
    assert {locked.name: locked.why for locked in made.pypi}["own"] == whys(made)["own -> pypi:own"]


def test_a_lift_binds_what_the_user_asks_of_conda() -> None:
    made = scenario(CHANNEL, PYPI, dependencies=["app", "numpy"]).plan()
    assert conda_versions(made)["numpy"] == "1.26.4"
    assert "numpy -> conda:numpy" in whys(made)


def test_what_is_needed_twice_is_needed_once() -> None:
    made = scenario(CHANNEL, "app 1.0 : leaf | leaf ; extra == 'x'\nleaf 1.0", only=["app[x]"]).plan()
    assert made.pypi[0].requires == ("leaf",)


def test_markers_and_extras_decide_what_is_needed() -> None:
    pypi = """
    app 1.0 : numpy ; sys_platform == "win32" | leaf ; extra == "more" | far ; extra == "x"
    leaf 1.0
    far 1.0
    """
    made = scenario(CHANNEL, pypi, only=["app[more]"]).plan()
    assert conda_versions(made) == {"leaf": "2.0"}
    assert made.pypi[0].requires == ("leaf",)


def test_extras_asked_for_later_count_too() -> None:
    pypi = "app 1.0 : tool | z\nz 1.0 : tool[more]\ntool 1.0 : leaf ; extra == 'more'\nleaf 2.0"
    made = scenario(CHANNEL, pypi, only=["app"]).plan()
    assert conda_versions(made) == {"leaf": "2.0"}
    assert {locked.name: locked.requires for locked in made.pypi}["tool"] == ("leaf",)


def test_the_extras_of_what_is_lifted() -> None:
    """An extra of a lifted package brings conda's packages, and from PyPI what conda lacks."""
    channel = CHANNEL + "tool 1.0"
    pypi = """
    app 1.0 : tool[more] ; extra == "all"
    tool 1.0 : leaf ; extra == "more" | far>=1 ; extra == "more"
    far 1.0
    far 2.0
    leaf 3.0
    """
    made = scenario(channel, pypi, only=["app[all]"]).plan()
    assert conda_versions(made) == {"leaf": "2.0", "tool": "1.0"}
    assert pypi_versions(made) == {"app": "1.0", "far": "2.0"}
    assert whys(made)["far -> pypi:far"].startswith("tool[more] adds far>=1; conda-forge has no package")


class TestWhatConcernsOtherThings:
    def test_a_package_that_does_not_hold_the_distribution(self) -> None:
        channel = CHANNEL + "@libclang 18.1"
        made = scenario(channel, "app 1.0 : libclang\nlibclang 18.0", only=["app"]).plan()
        assert pypi_versions(made) == {"app": "1.0", "libclang": "18.0"}

    def test_what_the_mapping_keeps_off(self) -> None:
        made = scenario(CHANNEL, "app 1.0 : leaf\nleaf 3.0", only=["app"], mapping={"leaf": None}).plan()
        assert pypi_versions(made) == {"app": "1.0", "leaf": "3.0"}
        assert made.pypi[1].why == (
            "app 1.0 on PyPI requires leaf; your manifest says that leaf never comes from conda"
        )

    def test_what_the_mapping_names_is_lifted(self) -> None:
        made = scenario("ours-py 1.0", "app 1.0 : ours>=1\nours 2.0", only=["app"], mapping={"ours": "ours-py"}).plan()
        assert conda_versions(made) == {"ours-py": "1.0"}
        assert pypi_versions(made) == {"app": "1.0"}

    def test_a_need_by_url(self) -> None:
        pypi = "app 1.0 : leaf @ https://files.example/leaf-3.0-py3-none-any.whl\nleaf 3.0"
        asked = scenario(CHANNEL, pypi, only=["app"])
        made = plan(asked.inputs, asked.resolvers)  # the proof cannot compare a version with a URL
        assert pypi_versions(made) == {"app": "1.0", "leaf": "3.0"}
        assert made.pypi[1].why.endswith("; it names a URL")

    def test_a_need_by_url_is_not_given_up_for_what_conda_brings(self) -> None:
        """Both halves bring leaf, which the proof refuses: nothing else would be what app asks for."""
        pypi = "app 1.0 : leaf @ https://files.example/leaf-3.0-py3-none-any.whl\nleaf 3.0"
        asked = scenario(CHANNEL + "user 1.0 : leaf", pypi, dependencies=["user"], only=["app"])
        made = plan(asked.inputs, asked.resolvers)
        assert (conda_versions(made)["leaf"], pypi_versions(made)["leaf"]) == ("2.0", "3.0")
        assert [request.stubs for request in asked.pypi.asked] == [()]
        assert [finding.code for finding in asked.faults(made)] == ["DOUBLE-DISTRIBUTION"]

    def test_a_line_of_the_users_by_url_serves_the_wheels_as_well(self) -> None:
        line = "leaf @ https://files.example/leaf-3.0-py3-none-any.whl"
        asked = scenario(CHANNEL, "app 1.0 : leaf\nleaf 3.0", dependencies=[line], only=["app"])
        made = asked.plan()
        assert (pypi_versions(made), conda_versions(made)) == ({"app": "1.0", "leaf": "3.0"}, {})
        assert whys(made)[f"{line} -> pypi:leaf"] == "it names a URL, which only pip can install from"
        assert asked.pypi.asked[0].requirements == ("app", line)

    def test_a_line_of_metadata_that_is_none(self) -> None:
        asked = scenario(CHANNEL, "app 1.0 : leaf\nleaf 3.0", only=["app"])
        asked.pypi.damage("app", "1.0", "==no requirement==")
        made = asked.plan()
        assert conda_versions(made) == {"leaf": "2.0"}
        assert made.notes[0].startswith("a line of the metadata of app 1.0 is left out: not a requirement: ")


class TestTooOld:
    """A wheel needs a newer version than the channel has."""

    def test_a_leaf_stays_on_pypi(self) -> None:
        made = scenario(CHANNEL, "app 1.0 : leaf>=3 | numpy\nleaf 3.0\nnumpy 2.1.0", only=["app"]).plan()
        assert pypi_versions(made) == {"app": "1.0", "leaf": "3.0"}
        assert conda_versions(made) == {"numpy": "2.1.0"}
        assert made.pypi[1].why == (
            "app 1.0 on PyPI requires leaf>=3, and the channel has no leaf >=3 (it has 1.0 to 2.0)"
        )

    def test_what_it_needs_itself_is_lifted(self) -> None:
        made = scenario(CHANNEL, "app 1.0 : leaf>=3\nleaf 3.0 : numpy<2\nnumpy 1.26.4", only=["app"]).plan()
        assert conda_versions(made) == {"numpy": "1.26.4"}

    def test_pypi_chooses_what_goes_with_what_the_users_lines_bring(self) -> None:
        """Else `user` would have to leave conda as well."""
        channel = CHANNEL + "user 1.0 : leaf"
        asked = scenario(
            channel, "app 1.0 : leaf<3\napp 2.0 : leaf>=3\nleaf 2.0\nleaf 3.0", dependencies=["user", "app"]
        )
        made = asked.plan()
        assert conda_versions(made) == {"leaf": "2.0", "user": "1.0"}
        assert pypi_versions(made) == {"app": "1.0"}
        assert [len(request.stubs) for request in asked.pypi.asked] == [0, 1]
        assert made.notes[-1] == (
            "PyPI was asked for what goes with conda's leaf 2.0, which your other requirements bring: "
            "app 2.0 on PyPI requires leaf>=3, and the channel has no leaf >=3 (it has 1.0 to 2.0)"
        )

    def test_a_further_plan_presumes_it(self) -> None:
        channel = CHANNEL + "user 1.0 : leaf"
        pypi = "app 1.0 : leaf<3\napp 2.0 : leaf>=3\nleaf 2.0\nleaf 3.0"
        asked = scenario(channel, pypi, dependencies=["user", "app"])
        first = asked.plan()
        runs, solves = asked.resolvers.cache.runs, len(asked.conda.solves)
        again = plan(replace(asked.inputs, aims={"app": Aim(from_pypi="so it is")}), asked.resolvers)
        assert (again.conda, pypi_versions(again), again.notes) == (first.conda, pypi_versions(first), first.notes)
        assert (asked.resolvers.cache.runs - runs, len(asked.conda.solves)) == (1, solves)

    def test_what_is_presumed_of_another_version_is_found_out_anew(self) -> None:
        channel = CHANNEL + "user 1.0 : leaf"
        pypi = "app 1.0 : leaf<2\napp 1.5 : leaf>=2,<3\napp 2.0 : leaf>=3\nleaf 2.0\nleaf 3.0"
        asked = scenario(channel, pypi, dependencies=["user", "app"])
        reason = Reason(text="it was so")
        asked.resolvers.cache.pins["leaf"] = (Stub(name="leaf", version="1.0"), reason)
        made = asked.plan()
        assert (conda_versions(made)["leaf"], pypi_versions(made)) == ("2.0", {"app": "1.5"})

    def test_what_is_presumed_and_in_the_way_is_given_up(self) -> None:
        channel = CHANNEL + "user 1.0 : leaf"
        pypi = "app 2.0 : leaf>=3\nleaf 3.0\nuser 1.0 : leaf"
        asked = scenario(channel, pypi, dependencies=["user", "app"])
        asked.resolvers.cache.pins["leaf"] = (Stub(name="leaf", version="2.0"), Reason(text="it was so"))
        assert pypi_versions(asked.plan()) == {"app": "2.0", "leaf": "3.0", "user": "1.0"}

    def test_where_nothing_goes_with_it_the_others_leave_conda(self) -> None:
        channel = CHANNEL + "user 1.0 : leaf"
        pypi = "app 2.0 : leaf>=3\nleaf 3.0\nuser 1.0 : leaf"
        asked = scenario(channel, pypi, dependencies=["user", "app"])
        made = asked.plan()
        assert conda_versions(made) == {}
        assert pypi_versions(made) == {"app": "2.0", "leaf": "3.0", "user": "1.0"}
        assert whys(made)["user -> pypi:user"].startswith(
            "conda's user brings leaf, and app 2.0 on PyPI requires leaf>=3, and the channel has no leaf >=3"
        )

    def test_verbatim_specs_hold_as_well(self) -> None:
        pypi = "app 1.0 : leaf<3\napp 2.0 : leaf>=3\nleaf 2.0\nleaf 3.0"
        made = scenario(CHANNEL, pypi, only=["app"], conda=["leaf"]).plan()
        assert (conda_versions(made), pypi_versions(made)) == ({"leaf": "2.0"}, {"app": "1.0"})

    def test_a_verbatim_spec_that_nothing_goes_with_is_refused_with_both_lines(self) -> None:
        error = scenario(CHANNEL, "app 2.0 : leaf>=3\nleaf 3.0", only=["app"], conda=["leaf <2"]).refused(PlanError)
        assert error.message == (
            "`leaf <2` brings leaf, but app 2.0 on PyPI requires leaf>=3, "
            "and the channel has no leaf >=3 (it has 1.0 to 2.0)"
        )
        assert texts(error) == ["app", "leaf <2"]

    def test_what_was_concluded_from_an_older_answer_is_forgotten(self) -> None:
        """app 2 needs a leaf that conda lacks, and is given up for another reason: app 1 takes conda's leaf."""
        channel = CHANNEL + "user 1.0 : numpy >=2"
        pypi = """
        app 2.0 : leaf>=3 | numpy<2
        app 1.0 : leaf
        leaf 3.0
        numpy 1.26.4
        """
        made = scenario(channel, pypi, dependencies=["user", "app"]).plan()
        assert pypi_versions(made) == {"app": "1.0"}
        assert conda_versions(made) == {"leaf": "2.0", "numpy": "2.1.0", "user": "1.0"}


class TestUndone:
    """Lifts that no solution has together."""

    CHANNEL = """
    core 1.0
    core 2.0
    a 1.0 : core <2
    b 1.0 : core >=2
    c 1.0 : core
    """
    PYPI = """
    app 1.0 : a | b | c | core
    a 1.0 : core
    b 1.0 : core
    c 1.0
    core 2.0
    """

    def test_what_conda_must_provide_is_refused(self) -> None:
        pypi = "app 1.0 : setuptools<76\nsetuptools 75.0\nsetuptools 80.9"
        error = scenario("user 1.0 : setuptools >=80", pypi, dependencies=["user", "app"]).refused(PlanError)
        assert error.message.startswith(
            "setuptools must come from conda, where packages from PyPI are installed; "
            "but the channel has no setuptools that fits beside the rest: `setuptools <76"
        )
        assert (texts(error), error.hint) == (["app"], "ask for another version of what needs this setuptools")

    def test_as_few_as_can_be_by_name(self) -> None:
        made = scenario(self.CHANNEL, self.PYPI, only=["app"]).plan()
        assert conda_versions(made) == {"a": "1.0", "c": "1.0", "core": "1.0"}
        assert pypi_versions(made) == {"app": "1.0", "b": "1.0"}
        assert made.pypi[1].why == ("the channel has no b that fits beside the rest: `b` (app 1.0 on PyPI requires b)")

    def test_what_others_need_is_kept_first(self) -> None:
        channel = """
        z 1.0
        a 1.0 : clash <2
        b 1.0 : z
        c 1.0 : z
        @clash 1.0
        @clash 2.0
        z 2.0 : clash >=2
        """
        pypi = "app 1.0 : a | b | c | z>=2\na 1.0\nb 1.0\nc 1.0\nz 2.0"
        made = scenario(channel, pypi, only=["app"]).plan()
        assert pypi_versions(made) == {"app": "1.0", "a": "1.0"}

    def test_a_package_of_two_distributions_needs_what_it_needs_once(self) -> None:
        channel = """
        pair 1.0 : x
        b 1.0 : y
        c 1.0 : y
        @clash 1.0
        @clash 2.0
        x 2.0 : clash <2
        y 2.0 : clash >=2
        """
        pypi = "app 1.0 : p1 | p2 | b | c | x | y\nb 1.0\nc 1.0\np1 1.0\np2 1.0\nx 2.0\ny 2.0"
        asked = scenario(channel, pypi, only=["app"], mapping={"p1": "pair", "p2": "pair"})
        assert pypi_versions(asked.plan()) == {"app": "1.0", "p1": "1.0", "p2": "1.0", "x": "2.0"}

    def test_one_bad_lift_among_many_takes_few_solves(self) -> None:
        names = [f"n{number:02}" for number in range(24)]
        channel = "\n".join(f"{name} 1.0" for name in names) + "\nbad 1.0 : core <2 | core >=2\ncore 2.0"
        pypi = f"app 1.0 : {' | '.join([*names, 'bad'])}\n" + "\n".join(f"{name} 1.0" for name in [*names, "bad"])
        asked = scenario(channel, pypi, only=["app"])
        assert pypi_versions(asked.plan()) == {"app": "1.0", "bad": "1.0"}
        assert len(asked.conda.solves) < 14

    def test_pypi_chooses_what_goes_with_what_the_users_lines_bring(self) -> None:
        channel = CHANNEL + "user 1.0 : numpy >=2"
        pypi = "app 2.0 : numpy<2\napp 1.0 : numpy\nnumpy 2.1.0\nnumpy 1.26.4"
        made = scenario(channel, pypi, dependencies=["user", "app"]).plan()
        assert conda_versions(made) == {"numpy": "2.1.0", "user": "1.0"}
        assert pypi_versions(made) == {"app": "1.0"}
        assert "the channel has no numpy that fits beside the rest: `numpy <2dev0` (app 2.0 on" in made.notes[-1]


def test_what_pip_needs_never_leaves_conda() -> None:
    error = scenario("", "app 1.0 : setuptools>=99\nsetuptools 99.0", only=["app"]).refused(PlanError)
    assert error.message == (
        "setuptools must come from conda, where packages from PyPI are installed; but app 1.0 on PyPI requires "
        "setuptools>=99, and the channel has no setuptools >=99 (it has 75.0 to 80.9)"
    )
    assert texts(error) == ["app"]


class TestDoubles:
    """Wheels that install the same files."""

    PYPI = """
    app 1.0 : opencv-python-headless>=4.9
    opencv-python 4.11 : numpy
    opencv-python 4.8 : numpy
    opencv-python-headless 4.11 : numpy
    numpy 2.1.0
    """

    def test_the_users_own_stands_for_the_other(self) -> None:
        asked = scenario(CHANNEL, self.PYPI, only=["app", "opencv-python"])
        made = asked.plan()
        assert pypi_versions(made) == {"app": "1.0", "opencv-python": "4.11"}
        assert made.pypi[0].requires == ("opencv-python>=4.9",)
        assert asked.faults(made) == []
        assert len(asked.pypi.asked) == 1
        assert (
            "opencv-python takes the place of `opencv-python-headless>=4.9`, which app 1.0 requires: "
            "both install the same files. Install the lock with envgen or conda-lock, since pip by itself asks for the "
            "other one"
        ) in made.notes

    def test_at_the_version_that_the_other_is_needed_at(self) -> None:
        pypi = self.PYPI + "\nuser 1.0 : opencv-python<4.11\nopencv-python 4.10 : numpy"
        pypi = pypi.replace("headless>=4.9", "headless>=4.9,<4.11").replace("less 4.11", "less 4.10")
        asked = scenario(CHANNEL, pypi, only=["app", "opencv-python"])
        made = asked.plan()
        assert pypi_versions(made) == {"app": "1.0", "opencv-python": "4.10"}
        assert asked.faults(made) == []

    def test_one_that_conda_would_provide_is_not_taken_from_there(self) -> None:
        channel = CHANNEL + "opencv-python-headless 4.11"
        made = scenario(channel, self.PYPI, only=["app", "opencv-python"]).plan()
        assert (conda_versions(made), pypi_versions(made)) == (
            {"numpy": "2.1.0"},
            {"app": "1.0", "opencv-python": "4.11"},
        )

    def test_what_the_user_names_is_not_left_out(self) -> None:
        asked = scenario(CHANNEL, self.PYPI, only=["app", "opencv-python", "opencv-python-headless"])
        assert [fault.code for fault in asked.faults(plan(asked.inputs, asked.resolvers))] == ["SAME-FILES"]

    def test_one_alone_stays(self) -> None:
        made = scenario(CHANNEL, self.PYPI, only=["app"]).plan()
        assert pypi_versions(made) == {"app": "1.0", "opencv-python-headless": "4.11"}
        assert made.pypi[0].requires == ("opencv-python-headless>=4.9",)


class TestTheTargets:
    """What the channel has for other pythons and systems alone."""

    def test_a_need_is_left_to_pypi_without_a_solve(self) -> None:
        channel = CHANNEL + "tall 2.0 : python >=3.13\ntall 1.0 : __win"
        asked = scenario(channel, "app 1.0 : tall\ntall 2.0", only=["app"])
        made = asked.plan()
        assert pypi_versions(made) == {"app": "1.0", "tall": "2.0"}
        assert made.pypi[1].why == (
            "app 1.0 on PyPI requires tall; no tall of the channel can be installed on python 3.12 and macOS 13.0"
        )
        assert len(asked.conda.solves) == 1

    def test_one_record_that_fits_is_enough(self) -> None:
        channel = CHANNEL + "tall 2.0 : python >=3.13\ntall 2.0 : __win\ntall 1.0"
        made = scenario(channel, "app 1.0 : tall\ntall 2.0", only=["app"]).plan()
        assert conda_versions(made) == {"tall": "1.0"}

    @pytest.mark.parametrize("offline", [False, True])
    def test_a_requirement_is_taken_from_pypi_where_that_may_be_asked(self, offline: bool) -> None:
        asked = scenario(CHANNEL + "tall 2.0 : python >=3.13", "tall 2.0", dependencies=["tall"], offline=offline)
        if offline:
            assert "python" in asked.refused(UnsatisfiableError).message
        else:
            assert pypi_versions(asked.plan()) == {"tall": "2.0"}
            assert len(asked.conda.solves) == 1
