"""Test the conda half: what binds it, and what leaves it."""

from __future__ import annotations

import pytest

from envgen.errors import PlanError, UnsatisfiableError
from tests.fakes.locks import conda_key, pypi_key
from tests.fakes.scenarios import conda_versions, pypi_versions, scenario, texts, whys

CHANNEL = """
numpy 1.19.5 : python <3.11
numpy 1.26.4
numpy 2.1.0
pandas 1.5.3 : numpy >=1.20,<2
pandas 2.2.3 : numpy >=1.22
old 1.0 : python <3.12
@hdf5 1.12.3
@hdf5 1.14.6
"""


class TestWhatBinds:
    @pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
    def test_python(self, python: str) -> None:
        made = scenario(CHANNEL, dependencies=["numpy"], python=python).plan()
        assert [record.version.rsplit(".", 1)[0] for record in made.conda if record.name == "python"] == [python]

    def test_verbatim_specs(self) -> None:
        made = scenario(CHANNEL, dependencies=["pandas"], conda=["hdf5 1.12.*", "numpy <2"]).plan()
        assert conda_versions(made) == {"hdf5": "1.12.3", "numpy": "1.26.4", "pandas": "2.2.3"}
        assert made.roots[conda_key("hdf5")] == {"main"}

    def test_constraints_bind_what_is_there_and_bring_nothing(self) -> None:
        made = scenario(CHANNEL, dependencies=["pandas"], constraints=["numpy<2", "old<1", "absent>9"]).plan()
        assert conda_versions(made) == {"numpy": "1.26.4", "pandas": "2.2.3"}

    def test_constraints_for_another_platform_do_not(self) -> None:
        made = scenario(CHANNEL, dependencies=["numpy"], constraints=["numpy<2 ; sys_platform == 'linux'"]).plan()
        assert conda_versions(made) == {"numpy": "2.1.0"}

    def test_a_constraint_holds_for_every_package_of_the_distribution(self) -> None:
        channel = """
        matplotlib-base 3.8.0
        matplotlib-base 3.9.0
        seaborn 1.0 : matplotlib-base >=3.4
        """
        made = scenario(channel, dependencies=["seaborn"], constraints=["matplotlib<3.9"]).plan()
        assert conda_versions(made) == {"matplotlib-base": "3.8.0", "seaborn": "1.0"}

    def test_groups_are_solved_at_once(self) -> None:
        made = scenario(CHANNEL, "leaf 1.0", dependencies=["pandas"], groups={"dev": ["numpy<2", "leaf"]}).plan()
        assert conda_versions(made) == {"numpy": "1.26.4", "pandas": "2.2.3"}
        assert made.roots == {
            conda_key("pandas"): {"main"},
            conda_key("numpy"): {"dev"},
            pypi_key("leaf"): {"dev"},
        }

    def test_a_package_of_two_groups(self) -> None:
        made = scenario(CHANNEL, groups={"dev": ["numpy"], "test": ["numpy<2"]}).plan()
        assert made.roots == {conda_key("numpy"): {"dev", "test"}}


class TestWhatConflicts:
    def test_two_lines_of_the_users(self) -> None:
        error = scenario(CHANNEL, dependencies=["pandas<2", "numpy>=2", "old>0"], python="3.11").refused(
            UnsatisfiableError
        )
        assert error.message == "`numpy >=2` and `pandas <2dev0` cannot be met together"
        assert sorted(texts(error)) == ["numpy>=2", "pandas<2"]
        assert error.hint

    def test_a_line_and_a_verbatim_spec(self) -> None:
        error = scenario(CHANNEL, dependencies=["pandas<2"], conda=["numpy >=2"]).refused(UnsatisfiableError)
        assert sorted(texts(error)) == ["numpy >=2", "pandas<2"]

    def test_a_line_and_a_constraint(self) -> None:
        error = scenario(CHANNEL, dependencies=["pandas"], constraints=["numpy<1.20"]).refused(UnsatisfiableError)
        assert sorted(texts(error)) == ["numpy<1.20", "pandas"]


class TestWhatConflictsOnceTheFactsHaveSpoken:
    """A verbatim spec that the bound of a wheel contradicts: without any lift the conda half has no solution."""

    CHANNEL = "numpy 1.26.4\nnumpy 2.1.0\nfoo 1.0\nleaf 1.0"
    MESSAGE = "`numpy >=2` and `numpy <2dev0` (tensorflow 2.17.1 needs numpy<2: "

    def test_lifts_are_not_blamed(self) -> None:
        """They are not undone either: conda's setuptools would have to leave, and must not."""
        pypi = "tensorflow 2.17.1 : numpy | setuptools\nnumpy 1.26.4\nsetuptools 75.0"
        asked = scenario(self.CHANNEL, pypi, dependencies=["tensorflow"], conda=["numpy >=2"], python="3.11")
        error = asked.refused(UnsatisfiableError)
        assert error.message.startswith(self.MESSAGE)
        assert texts(error) == ["numpy >=2"]
        assert error.hint == "let `numpy >=2` allow numpy 1.26.4"

    def test_nothing_is_pinned_to_a_solution_that_there_is_not(self) -> None:
        pypi = "tensorflow 2.17.1 : numpy\napp 1.0 : leaf>=3\nleaf 3.0 : foo>=9\nfoo 9.0\nnumpy 1.26.4"
        lines = {"dependencies": ["tensorflow", "app"], "conda": ["numpy >=2", "foo"]}
        error = scenario(self.CHANNEL, pypi, **lines, python="3.11").refused(UnsatisfiableError)  # type: ignore[arg-type]
        assert error.message.startswith(self.MESSAGE)


class TestWhatMoves:
    def test_what_no_record_fits_alone(self) -> None:
        made = scenario(CHANNEL, "old 2.0", dependencies=["old", "pandas"]).plan()
        assert pypi_versions(made) == {"old": "2.0"}
        assert conda_versions(made) == {"numpy": "2.1.0", "pandas": "2.2.3"}
        assert whys(made)["old -> pypi:old"] == "no old of the channel can be installed on python 3.12 and macOS 13.0"

    def test_on_linux(self) -> None:
        made = scenario(CHANNEL, "old 2.0", dependencies=["old"], subdir="linux-64").plan()
        assert made.pypi[0].why == "no old of the channel can be installed on python 3.12"

    def test_what_brings_what_the_manifest_takes_from_pypi(self) -> None:
        made = scenario(CHANNEL, "numpy 2.2\npandas 3.0 : numpy", dependencies=["pandas"], only=["numpy"]).plan()
        assert conda_versions(made) == {}
        assert pypi_versions(made) == {"numpy": "2.2", "pandas": "3.0"}
        assert whys(made)["pandas -> pypi:pandas"] == (
            "conda's pandas brings numpy, and numpy comes from PyPI: the manifest lists it under `pypi`"
        )

    def test_what_brings_what_the_mapping_keeps_off(self) -> None:
        made = scenario(
            CHANNEL, "numpy 2.2\npandas 3.0 : numpy", dependencies=["pandas"], mapping={"numpy": None}
        ).plan()
        assert pypi_versions(made) == {"numpy": "2.2", "pandas": "3.0"}
        assert "conda's pandas brings numpy, and your manifest says" in whys(made)["pandas -> pypi:pandas"]

    def test_a_cascade_takes_one_answer_of_pypis(self) -> None:
        channel = "a 1.0 : b\nb 1.0 : c\nc 1.0 : d\nd 1.0\ne 1.0"
        pypi = "a 2.0 : b\nb 2.0 : c\nc 2.0 : d\nd 2.0"
        asked = scenario(channel, pypi, dependencies=["a", "b", "c", "e"], only=["d"])
        made = asked.plan()
        assert pypi_versions(made) == {"a": "2.0", "b": "2.0", "c": "2.0", "d": "2.0"}
        assert conda_versions(made) == {"e": "1.0"}
        assert len(asked.pypi.asked) == 1

    def test_a_verbatim_spec_cannot_move(self) -> None:
        error = scenario(CHANNEL, "numpy 2.2", conda=["pandas"], only=["numpy"]).refused(PlanError)
        assert error.code == "clash"
        assert error.message == ("`pandas` brings numpy, but numpy comes from PyPI: the manifest lists it under `pypi`")
        assert texts(error) == ["numpy", "pandas"]
        assert error.hint == "leave `pandas` out, or write `pandas` under `dependencies`, so that PyPI may serve it"

    def test_what_can_move_moves_before_a_verbatim_spec_is_refused(self) -> None:
        """The tool that user allows brings numpy; the newest does not."""
        channel = "numpy 1.0\ntool 2.0 : numpy\ntool 3.0\nuser 1.0 : tool <3"
        made = scenario(channel, "numpy 2.2\nuser 2.0", dependencies=["user"], only=["numpy"], conda=["tool"]).plan()
        assert conda_versions(made) == {"tool": "3.0"}
        assert pypi_versions(made) == {"numpy": "2.2", "user": "2.0"}

    @pytest.mark.parametrize("name", ["pip", "setuptools"])
    def test_pip_and_what_it_needs_stay(self, name: str) -> None:
        error = scenario(CHANNEL, f"{name} 99.0", only=[name]).refused(PlanError)
        assert error.message.startswith(f"`pip` brings {name}, but {name} comes from PyPI")
        assert texts(error) == [name]
        assert error.hint == f"let conda provide {name}: list it under `dependencies` alone"

    def test_off_line_nothing_moves(self) -> None:
        channel = CHANNEL + "user 1.0 : numpy"
        error = scenario(channel, dependencies=["user"], mapping={"numpy": None}, offline=True).refused(PlanError)
        assert (error.code, texts(error)) == ("offline", ["user"])


def test_records_are_read_once_for_all_that_was_asked() -> None:
    asked = scenario(CHANNEL, "app 1.0 : numpy<2\nnumpy 1.26\nold 2.0", dependencies=["pandas", "app", "old"])
    asked.plan()
    assert len(asked.repodata.read) == len(set(asked.repodata.read))
