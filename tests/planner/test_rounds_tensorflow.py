"""Test plans around TensorFlow: what leaves conda beside PyPI's, which plug-in goes with it, which bounds are added."""

from __future__ import annotations

import pytest

from envgen.errors import PlanError
from envgen.planner.rounds import plan
from tests.fakes.locks import conda_key, pypi_key
from tests.fakes.scenarios import conda_versions, pypi_versions, scenario, texts, whys

CHANNEL = """
numpy 1.26.4
numpy 2.0.2
numpy 2.1.3
numpy 2.2.0
h5py 3.11 : numpy
@libprotobuf 5.29
protobuf 5.29 : libprotobuf
pyarrow 18.0 : libprotobuf
pandas 2.2 : numpy
datasets 3.0 : pyarrow | pandas
tensorflow 2.18.0 : tensorflow-base 2.18.0
tensorflow-base 2.18.0 : numpy | protobuf
tensorboard 2.19.0 : setuptools
setuptools 84.0
"""
PYPI = """
tensorflow 2.18.0 : numpy>=1.26,<2.1 | h5py>=3.11 | protobuf>=3.20
tensorflow 2.19.0 : numpy>=1.26,<2.2 | h5py>=3.11 | protobuf>=3.20 | tensorboard~=2.19.0
tensorflow-metal 1.1.0
tensorflow-metal 1.2.0
tensorboard 2.19.0 : setuptools>=41
numpy 2.1.3
numpy 2.0.1
h5py 3.11 : numpy
protobuf 5.29
pandas 2.2 : numpy
pyarrow 22.0
datasets 3.0 : pyarrow | pandas
setuptools 84.0
setuptools 80.9
"""


class TestMetal:
    def test_the_family_comes_from_pypi_and_the_rest_from_conda(self) -> None:
        asked = scenario(CHANNEL, PYPI, dependencies=["tensorflow", "pandas"], accelerator="metal")
        made = asked.plan()
        assert pypi_versions(made) == {
            "protobuf": "5.29",
            "tensorboard": "2.19.0",
            "tensorflow": "2.19.0",
            "tensorflow-metal": "1.2.0",
        }
        assert conda_versions(made) == {"h5py": "3.11", "numpy": "2.1.3", "pandas": "2.2"}
        assert {r.name: r.version for r in made.conda}["setuptools"] == "80.9"
        assert made.accelerator == "metal"
        assert "tensorflow-metal -> pypi:tensorflow-metal" in whys(made)
        assert len(asked.pypi.asked) == 1

    def test_what_brings_a_forbidden_package_for_sure_leaves_conda_before_a_solve(self) -> None:
        channel = (
            CHANNEL
            + """
        board 1.0 : middle
        board 0.9 : middle | numpy
        middle 1.0 : protobuf
        middle 0.5 : protobuf | numpy
        loose 2.0 : protobuf
        loose 1.0
        """
        )
        pypi = PYPI + "\nboard 1.0 : protobuf\nloose 2.0 : protobuf"
        asked = scenario(channel, pypi, dependencies=["tensorflow", "board", "loose"], accelerator="metal")
        made = asked.plan()
        assert "board" in pypi_versions(made)
        assert whys(made)["board -> pypi:board"].startswith("conda's board brings protobuf, and ")
        asked_for = {spec for specs, _ in asked.conda.solves for spec in specs}
        assert ("board" in asked_for, "loose" in asked_for) == (False, True)

    def test_what_an_older_record_does_not_bring_is_left_to_the_solver(self) -> None:
        """The newest of `linked` loads a shared protobuf, which may not be beside TensorFlow; an older one does not."""
        channel = (
            CHANNEL
            + """
        board 1.0 : linked
        linked 2.0 : libprotobuf
        linked 1.0
        @libprotobuf 5.0
        """
        )
        asked = scenario(channel, PYPI + "\nboard 1.0", dependencies=["tensorflow", "board"], accelerator="metal")
        asked.plan()
        assert "board" in {spec for specs, _ in asked.conda.solves for spec in specs}

    def test_the_accelerator_alone_asks_for_tensorflow_in_every_group(self) -> None:
        made = scenario(CHANNEL, PYPI, groups={"dev": ["pandas"]}, accelerator="metal").plan()
        assert made.roots == {
            conda_key("pandas"): {"dev"},
            pypi_key("tensorflow"): {"main"},
            pypi_key("tensorflow-metal"): {"main"},
        }
        assert {"tensorflow -> pypi:tensorflow", "tensorflow-metal -> pypi:tensorflow-metal"} < whys(made).keys()

    def test_a_tensorflow_of_another_name_is_decided_under_the_users_words(self) -> None:
        made = scenario(CHANNEL, PYPI, dependencies=["tensorflow-macos"], accelerator="metal").plan()
        assert made.roots[pypi_key("tensorflow")] == {"main"}
        assert "tensorflow-macos -> pypi:tensorflow" in whys(made)

    def test_what_brings_a_shared_protobuf_moves(self) -> None:
        made = scenario(CHANNEL, PYPI, dependencies=["tensorflow", "datasets", "pandas"], accelerator="metal").plan()
        assert {"datasets", "pyarrow"} < pypi_versions(made).keys()
        assert "pandas" in conda_versions(made)
        assert whys(made)["datasets -> pypi:datasets"].startswith("conda's datasets brings pyarrow, and conda's build")

    def test_a_lift_that_brings_one_stays_on_pypi(self) -> None:
        channel = CHANNEL + "helper 1.0 : libprotobuf"
        pypi = PYPI + "app 1.0 : helper\nhelper 1.0"
        made = scenario(channel, pypi, dependencies=["tensorflow", "app"], accelerator="metal").plan()
        assert pypi_versions(made)["helper"] == "1.0"
        assert "may bind to conda's libprotobuf" in whys(made)["helper -> pypi:helper"]

    def test_a_verbatim_spec_that_brings_one_is_refused(self) -> None:
        channel = CHANNEL + "@reader 1.0 : libprotobuf"
        lines = {"dependencies": ["tensorflow"], "conda": ["reader >=1"]}
        error = scenario(channel, PYPI, **lines, accelerator="metal").refused(PlanError)  # type: ignore[arg-type]
        assert error.code == "clash"
        assert error.message.startswith("`reader >=1` brings reader, but tensorflow-metal looks its protobuf up")
        assert texts(error) == ["tensorflow", "reader >=1", "accelerator: metal"]
        assert error.hint == (
            "leave `reader >=1` out, or use conda's TensorFlow (`accelerator: cpu`, without tensorflow-metal)"
        )

    def test_a_verbatim_spec_that_pypi_could_serve(self) -> None:
        channel = CHANNEL.replace("pyarrow 18.0 : libprotobuf", "pyarrow 18.0 : pyarrow-core 18.0\npyarrow-core 18.0")
        lines = {"dependencies": ["tensorflow"], "conda": ["pyarrow"]}
        error = scenario(channel, PYPI, **lines, accelerator="metal").refused(PlanError)  # type: ignore[arg-type]
        assert error.hint.startswith(
            "leave `pyarrow` out, or write `pyarrow` under `dependencies`, so that PyPI may serve it, or use conda's"
        )

    def test_the_plug_in_that_goes_with_what_pypi_chose(self) -> None:
        """An add-on holds TensorFlow back; the newest plug-in does not load with it."""
        pypi = """
        tensorflow 2.16.2
        tensorflow 2.19.0
        tensorflow-metal 1.1.0
        tensorflow-metal 1.2.0
        addon 1.0 : tensorflow<2.17
        """
        asked = scenario(CHANNEL, pypi, dependencies=["tensorflow>=2.16", "addon"], accelerator="metal", python="3.11")
        made = asked.plan()
        assert pypi_versions(made) == {"addon": "1.0", "tensorflow": "2.16.2", "tensorflow-metal": "1.1.0"}
        pinned = asked.pypi.asked[-1].constraints
        assert {"tensorflow-metal==1.1.0", "tensorflow==2.16.2"} < set(pinned)

    def test_the_users_bound_against_a_missing_cap(self) -> None:
        error = scenario(CHANNEL, PYPI, dependencies=["tensorflow", "setuptools>=82"], accelerator="metal").refused(
            PlanError
        )
        assert error.code == "cap"
        assert error.message.startswith("`setuptools>=82` cannot be met: tensorboard 2.19.0 needs setuptools<82")
        assert texts(error) == ["setuptools>=82"]

    def test_a_constraint_against_a_missing_cap(self) -> None:
        error = scenario(
            CHANNEL, PYPI, dependencies=["tensorflow"], constraints=["setuptools>=82"], accelerator="metal"
        ).refused(PlanError)
        assert (error.code, texts(error)) == ("cap", ["setuptools>=82"])


class TestCpu:
    def test_condas_tensorflow_with_its_caps(self) -> None:
        asked = scenario(CHANNEL, PYPI, dependencies=["tensorflow", "tensorboard"])
        made = asked.plan()
        assert asked.pypi.asked == []
        assert {"tensorflow": "2.18.0", "numpy": "2.0.2"}.items() <= conda_versions(made).items()
        assert {r.name: r.version for r in made.conda}["setuptools"] == "80.9"

    def test_what_needs_tensorflow_takes_condas(self) -> None:
        pypi = PYPI + "app 1.0 : tensorflow<2.19"
        made = scenario(CHANNEL, pypi, only=["app"]).plan()
        assert pypi_versions(made) == {"app": "1.0"}
        assert {"tensorflow": "2.18.0", "numpy": "2.0.2"}.items() <= conda_versions(made).items()

    def test_what_is_built_for_pypis_tensorflow_brings_it(self) -> None:
        """A satellite arrives through another package: conda's TensorFlow, which the user asks for, has to go."""
        pypi = PYPI + "hub 1.0 : tensorflow-text\ntensorflow-text 2.18.0 : tensorflow>=2.18,<2.19"
        asked = scenario(CHANNEL, pypi, dependencies=["tensorflow", "hub"])
        made = asked.plan()
        assert pypi_versions(made) == {
            "hub": "1.0",
            "protobuf": "5.29",
            "tensorflow": "2.18.0",
            "tensorflow-text": "2.18.0",
        }
        assert "tensorflow" not in conda_versions(made)
        assert whys(made)["tensorflow -> pypi:tensorflow"] == (
            "conda's tensorflow brings tensorflow-base, and tensorflow-text is compiled against PyPI's TensorFlow"
        )

    def test_what_may_do_harm_is_left_to_the_proof(self) -> None:
        made = scenario(CHANNEL + "@tiledb 2.0", PYPI, only=["tensorflow"], conda=["tiledb"]).plan()
        assert "tiledb" in conda_versions(made)
        assert "tensorflow" in pypi_versions(made)

    def test_on_linux_nothing_of_this_holds(self) -> None:
        pypi = PYPI + "hub 1.0 : tensorflow-text\ntensorflow-text 2.18.0 : tensorflow>=2.18,<2.19"
        asked = scenario(CHANNEL, pypi, only=["hub"], subdir="linux-64")
        assert "tensorflow" in conda_versions(plan(asked.inputs, asked.resolvers))


class TestCaps:
    def test_both_halves_keep_to_one(self) -> None:
        pypi = """
        tensorflow 2.18.0 : numpy>=1.26
        tensorflow-metal 1.2.0
        numpy 2.2.0
        """
        made = scenario(CHANNEL, pypi, dependencies=["tensorflow"], accelerator="metal").plan()
        assert conda_versions(made) == {"numpy": "2.0.2"}

    def test_pypis_half_is_asked_again(self) -> None:
        pypi = """
        tensorflow 2.18.0 : numpy>=1.26
        tensorflow-metal 1.2.0
        numpy 2.2.0
        numpy 2.0.1
        """
        asked = scenario(CHANNEL, pypi, dependencies=["tensorflow"], only=["numpy"], accelerator="metal")
        made = asked.plan()
        assert pypi_versions(made)["numpy"] == "2.0.1"
        assert len(asked.pypi.asked) == 2
        assert "numpy<2.1" in asked.pypi.asked[1].constraints


class TestFloors:
    """PyPI chose a wheel that clashes with TensorFlow, and a newer one does not."""

    PYPI = """
    tensorflow 2.20.0
    app 1.0 : pyarrow
    pyarrow 21.0
    pyarrow 22.0 : late
    late 1.0
    app 2.0 : pyarrow<22
    tensorflow-text 2.20.0 : tensorflow>=2.20
    """

    @pytest.fixture
    def bounds(self) -> dict[str, list[str]]:
        return {"dependencies": ["tensorflow>=2.20", "tensorflow-text>=2.20", "app"]}

    def test_the_newer_one_is_asked_for(self, bounds: dict[str, list[str]]) -> None:
        asked = scenario("", self.PYPI, **bounds)  # type: ignore[arg-type]
        made = asked.plan()
        assert pypi_versions(made)["pyarrow"] == "22.0"
        assert pypi_versions(made)["app"] == "1.0"
        assert "pyarrow>=22" in asked.pypi.asked[-1].constraints

    def test_it_is_given_up_where_nothing_meets_it(self, bounds: dict[str, list[str]]) -> None:
        """The proof has the last word then."""
        asked = scenario("", self.PYPI.replace("app 1.0 : pyarrow\n", ""), **bounds)  # type: ignore[arg-type]
        made = plan(asked.inputs, asked.resolvers)
        assert pypi_versions(made)["pyarrow"] == "21.0"
        assert [finding.code for finding in asked.faults(made)] == ["PROTOBUF-MUTEX"]

    def test_the_users_own_bound_leaves_no_room(self) -> None:
        asked = scenario("", self.PYPI, dependencies=["tensorflow>=2.20", "tensorflow-text>=2.20"], only=["pyarrow<22"])
        made = plan(asked.inputs, asked.resolvers)
        assert pypi_versions(made)["pyarrow"] == "21.0"
        assert len(asked.pypi.asked) == 1
