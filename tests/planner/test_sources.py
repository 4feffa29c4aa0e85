"""Test which source each requirement gets, and the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.errors import MappingError, PlanError, PypiUnreachableError, UnsatisfiableError
from envgen.knowledge.names import name_table
from envgen.mapping.name_mapper import NameMapper
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.wheel import WheelMetadata
from envgen.planner.plan import Plan
from envgen.planner.rounds import plan
from tests.fakes.fake_pypi import FakePypi
from tests.fakes.scenarios import FakeRepodata, conda_versions, pypi_versions, scenario, texts, whys

CHANNEL = """
numpy 1.26.4
numpy 2.1.0
scikit-learn 1.5.0 : numpy >=1.22
httpx 0.27.0
@httpx-tools 1.0
"""


def test_the_channel_comes_first() -> None:
    made = scenario(CHANNEL, "numpy 2.1.0", dependencies=["scikit-learn", "numpy<2"]).plan()
    assert conda_versions(made) == {"numpy": "1.26.4", "scikit-learn": "1.5.0"}
    assert made.pypi == ()
    assert whys(made) == {
        "numpy<2 -> conda:numpy": "conda-forge has a Python package of the same name",
        "scikit-learn -> conda:scikit-learn": "conda-forge has a Python package of the same name",
    }
    assert made.solver == "rattler"
    assert (made.accelerator, made.notes) == ("cpu", ())


def test_nothing_is_asked_of_pypi_where_conda_has_all() -> None:
    asked = scenario(CHANNEL, dependencies=["numpy"])
    asked.plan()
    assert asked.pypi.asked == []


class TestPip:
    """conda and mamba add pip to python by themselves, so that a lock without it is not what they install."""

    @staticmethod
    def names(made: Plan) -> set[str]:
        return {record.name for record in made.conda}

    @pytest.mark.parametrize("dependencies", [["numpy"], []], ids=["a requirement", "python alone"])
    def test_is_in_every_plan_with_what_it_needs(self, dependencies: list[str]) -> None:
        assert self.names(scenario(CHANNEL, dependencies=dependencies).plan()) >= {"python", "pip", "setuptools"}

    def test_a_bound_of_the_users_on_what_it_needs_holds(self) -> None:
        made = scenario(CHANNEL, dependencies=["numpy"], constraints=["setuptools<80"]).plan()
        assert {record.version for record in made.conda if record.name == "setuptools"} == {"75.0"}

    @pytest.mark.parametrize("depends", [None, ("python <3.9", "setuptools")], ids=["none", "none for the python"])
    def test_is_left_out_where_the_channel_has_none_that_fits(self, depends: tuple[str, ...] | None) -> None:
        asked = scenario(CHANNEL, dependencies=["numpy"])
        served = FakeRepodata(
            all=[
                replace(record, depends=depends) if record.name == "pip" and depends else record
                for record in asked.repodata.all
                if record.name != "pip" or depends
            ]
        )
        mapper = NameMapper(repodata=served, table=name_table(), overrides={}, python="3.12")
        made = plan(asked.inputs, replace(asked.resolvers, repodata=served, mapper=mapper))
        assert self.names(made) == {"numpy", "python"}

    @pytest.mark.parametrize("name", ["pip", "setuptools", "wheel"])
    def test_is_left_out_where_the_manifest_keeps_it_from_conda(self, name: str) -> None:
        assert self.names(scenario(CHANNEL, dependencies=["numpy"], mapping={name: None}).plan()) == {"numpy", "python"}


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        pytest.param({"only": ["numpy"]}, "the manifest lists it under `pypi`", id="the manifest's word"),
        pytest.param(
            {"dependencies": ["numpy"], "only": ["numpy"]},
            "the manifest lists it under `pypi`",
            id="the manifest's word beside another line",
        ),
        pytest.param(
            {"dependencies": ["numpy>=3"]},
            "the channel has no numpy >=3 (it has 1.26.4 to 2.1.0)",
            id="no version",
        ),
        pytest.param(
            {"dependencies": ["numpy"], "mapping": {"numpy": None}},
            "your manifest says that it never comes from conda",
            id="the mapping",
        ),
    ],
)
def test_what_comes_from_pypi(lines: dict[str, list[str]], why: str) -> None:
    made = scenario(CHANNEL, "numpy 3.0", **lines).plan()  # type: ignore[arg-type]  # the keys are those of the manifest
    assert pypi_versions(made) == {"numpy": "3.0"}
    assert "numpy" not in conda_versions(made)
    assert why in whys(made).values()
    assert made.pypi[0].why == why
    assert {record.name for record in made.conda} == {"pip", "python", "setuptools"}


def test_many_versions_one_alone_and_none_at_all() -> None:
    channel, pypi = "one 1.0\nmany 1.0\nmany 1.1\nmany 1.2", "one 2.0\nmany 2.0\nabsent 1.0"
    made = scenario(channel, pypi, dependencies=["one>1", "many>=2", "absent"]).plan()
    assert whys(made) == {
        "one>1 -> pypi:one": "the channel has no one >1 (it has 1.0)",
        "many>=2 -> pypi:many": "the channel has no many >=2 (it has 1.0 to 1.2)",
        "absent -> pypi:absent": "conda-forge has no package that is this project",
    }


def test_a_kind_of_build_that_the_channel_lacks() -> None:
    made = scenario("jax 0.4", "jax 0.5", dependencies=["jax[cuda]"], subdir="linux-64").plan()
    assert whys(made) == {"jax[cuda] -> pypi:jax": "the channel has no jaxlib=*=cuda*"}


def test_a_name_that_a_part_of_the_channel_lacks_is_unknown() -> None:
    error = scenario(CHANNEL, dependencies=["numpy", "scikit-lern", "absent"], complete=False).refused(MappingError)
    assert error.message.startswith("cannot tell where these may come from: `absent`: ")
    assert "`scikit-lern`: " in error.message
    assert texts(error) == ["scikit-lern", "absent"]
    assert error.hint.startswith("did you mean `scikit-learn`? solve against the channel itself")


def test_what_a_part_of_the_channel_lacks_may_come_from_pypi_by_the_manifests_word() -> None:
    made = scenario(CHANNEL, "absent 1.0", only=["absent"], complete=False).plan()
    assert pypi_versions(made) == {"absent": "1.0"}


def test_a_mapping_to_nothing() -> None:
    error = scenario(CHANNEL, dependencies=["ours"], mapping={"ours": "ours-py"}).refused(MappingError)
    assert "its conda name is `ours-py`, which is not in this channel" in error.message
    assert error.hint == "correct your `mapping`, or list it under `pypi`"


def test_a_mapping_to_another_name() -> None:
    made = scenario("ours-py 1.0", dependencies=["ours"], mapping={"ours": "ours-py"}).plan()
    assert whys(made) == {"ours -> conda:ours-py": "your `mapping` says `ours-py`"}


def test_markers_are_the_targets() -> None:
    lines = ["numpy ; sys_platform == 'darwin'", "absent ; sys_platform == 'win32'"]
    made = scenario(CHANNEL, dependencies=lines).plan()
    assert conda_versions(made) == {"numpy": "2.1.0"}
    assert made.notes == ("`absent ; sys_platform == 'win32'` does not apply to this platform, by its marker",)


def test_another_name_is_told_in_the_users_words() -> None:
    made = scenario("tensorflow 2.18.0", dependencies=["tensorflow-gpu"]).plan()
    assert list(whys(made)) == ["tensorflow-gpu -> conda:tensorflow"]
    assert any(note.startswith("`tensorflow-gpu` is read as `tensorflow`") for note in made.notes)


def test_a_known_lack_of_wheels_is_refused_before_anything_is_asked() -> None:
    asked = scenario(CHANNEL, dependencies=["numpy", "dlib==19.7.0"])
    error = asked.refused(PlanError)
    assert (error.code, texts(error), asked.pypi.asked) == ("no-wheel", ["dlib==19.7.0"], [])


class _Down(FakePypi):
    def release_metadata(self, name: str, version: str, platform: Platform) -> WheelMetadata | None:
        raise PypiUnreachableError("the package index does not answer", hint="check the network")


class TestExtras:
    PYPI = """
    httpx 0.27.0 : socksio>=1 ; extra == 'socks' | h2<5,>=3 ; extra == 'http2'
    socksio 1.0
    h2 4.0
    """

    def test_an_extra_that_pypi_alone_has(self) -> None:
        asked = scenario(CHANNEL + "h2 4.1", self.PYPI, dependencies=["httpx[socks,http2]"])
        made = asked.plan()
        assert conda_versions(made) == {"httpx": "0.27.0", "h2": "4.1"}
        assert pypi_versions(made) == {"socksio": "1.0"}
        assert whys(made)["socksio>=1 -> pypi:socksio"] == (
            "an extra of httpx asks for it; conda-forge has no package that is this project"
        )
        assert whys(made)["httpx[http2,socks] -> conda:h2"] == "an extra of httpx asks for it"
        assert made.roots[PackageKey("pypi", "socksio")] == {"main"}

    def test_an_index_that_cannot_be_reached(self) -> None:
        asked = scenario(CHANNEL, dependencies=["numpy", "httpx[socks]"])
        with pytest.raises(PypiUnreachableError, match="PyPI tells what an extra adds") as caught:
            plan(asked.inputs, replace(asked.resolvers, pypi=_Down(table={})))
        assert texts(caught.value) == ["httpx[socks]"]
        assert caught.value.hint == "check the network"

    def test_off_line_the_extra_is_not_known(self) -> None:
        made = scenario(CHANNEL, self.PYPI, dependencies=["httpx[http2]"], offline=True).plan()
        assert conda_versions(made) == {"httpx": "0.27.0"}
        assert made.notes == (
            "`httpx[http2]`: what the extra adds is not known: the metadata of httpx 0.27.0 cannot be had",
        )


class TestOffline:
    def test_conda_alone(self) -> None:
        assert conda_versions(scenario(CHANNEL, dependencies=["numpy"], offline=True).plan()) == {"numpy": "2.1.0"}

    def test_what_must_come_from_pypi_is_refused(self) -> None:
        error = scenario(CHANNEL, dependencies=["numpy", "scikit-lern"], only=["ours"], offline=True).refused(PlanError)
        assert error.code == "offline"
        assert texts(error) == ["scikit-lern", "ours"]
        assert "`ours` (the manifest lists it under `pypi`)" in error.message
        assert error.hint == "did you mean `scikit-learn`? run again without --offline"

    def test_what_was_meant_for_pypi_is_not_taken_for_a_slip(self) -> None:
        error = scenario(CHANNEL, only=["scikit-lern"], offline=True).refused(PlanError)
        assert error.hint == "run again without --offline"

    def test_what_conda_cannot_serve_says_what_conda_lacks(self) -> None:
        channel = "old 1.0 : python <3.12"
        error = scenario(channel, dependencies=["old"], offline=True).refused(UnsatisfiableError)
        assert error.message == "`python 3.12.*` and `old` cannot be met together"


def test_what_contradicts_a_fact_is_refused_before_anything_is_solved() -> None:
    asked = scenario("tensorboard 2.20.0\nsetuptools 84.0", dependencies=["tensorboard==2.20.0", "setuptools>=82"])
    error = asked.refused(PlanError)
    assert (error.code, texts(error)) == ("cap", ["setuptools>=82"])
    assert (asked.conda.solves, asked.pypi.asked) == ([], [])
