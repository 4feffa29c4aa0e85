"""Test the name map on small channels."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.knowledge.names import name_table
from envgen.mapping.channel_packages import distributions_of
from envgen.mapping.name_mapper import NameMapper, near_misses
from envgen.models.record import Record
from tests.fakes.memory_channel import MAC, FakeOnlineMap, FakeRepodata, library, mapper, package


@pytest.mark.parametrize(
    ("project", "conda", "provenance"),
    [
        ("numpy", "numpy", "same name"),
        ("Typing_Extensions", "typing_extensions", "variant `typing_extensions`"),
        ("ruamel-yaml", "ruamel.yaml", "variant `ruamel.yaml`"),
        ("torch", "pytorch", "table"),
        ("tzdata", "python-tzdata", "table"),
        ("msgpack", "msgpack-python", "table"),
        ("opencv-python-headless", "py-opencv", "table"),
        ("sklearn", "scikit-learn", "table"),
        ("cmake", "cmake", "table"),
    ],
)
def test_a_name_is_found(project: str, conda: str, provenance: str) -> None:
    records = [library("tzdata"), library("cmake")]
    records += [package(name) for name in ("numpy", "typing_extensions", "ruamel.yaml", "pytorch", "python-tzdata")]
    records += [package(name) for name in ("msgpack-python", "py-opencv", "scikit-learn")]
    answer = mapper(*records).map_names([project])[project]
    assert (answer.source, answer.conda, answer.provenance) == ("conda", conda, provenance)
    assert answer.pypi == project.lower().replace("_", "-")
    assert answer.why


def test_a_binding_does_not_stand_for_a_package_that_is_known_and_lacking() -> None:
    answer = mapper(package("numpy"), package("python-torch")).map_names(["torch"])["torch"]
    assert (answer.source, answer.conda) == ("unknown", "pytorch")


def test_a_part_of_a_channel_that_knows_another_package_of_the_name_says_so() -> None:
    answer = mapper(library("yam"), complete=False, origin="starter index of 2026-08-01").map_names(["yam"])["yam"]
    assert (answer.source, answer.conda, answer.lacking) == ("pypi", None, False)
    assert answer.why.endswith(f": `yam` is not, because {answer.rejected[0].why}")


def test_a_package_that_needs_itself_is_no_umbrella_over_itself() -> None:
    answer = mapper(package("numpy", depends=["numpy"])).map_names(["numpy"])["numpy"]
    assert (answer.source, answer.conda, answer.provenance) == ("conda", "numpy", "same name")


def test_the_users_own_map_goes_before_everything() -> None:
    names = mapper(package("numpy"), package("pytorch"), overrides={"Torch": None, "our_lib": "numpy", "numpy": "lost"})
    answers = names.map_names(["torch", "our-lib", "numpy"])
    assert (answers["torch"].source, answers["torch"].conda) == ("pypi", None)
    assert (answers["our-lib"].source, answers["our-lib"].conda) == ("conda", "numpy")
    assert (answers["numpy"].source, answers["numpy"].conda) == ("unknown", "lost")
    assert "your manifest" in answers["torch"].why
    assert not answers["numpy"].lacking
    assert {answer.provenance for answer in answers.values()} == {"override"}


@pytest.mark.parametrize("project", ["torch", "sklearn", "nvidia-cublas-cu12"])
def test_a_known_name_that_the_channel_lacks_is_unknown_with_its_conda_name(project: str) -> None:
    answer = mapper(package("numpy")).map_names([project])[project]
    assert answer.source == "unknown"
    assert answer.conda in {"pytorch", "scikit-learn", "libcublas"}
    assert "not in this channel" in answer.why
    assert answer.lacking


def test_a_name_that_nobody_knows_is_left_to_pypi() -> None:
    answer = mapper(package("numpy")).map_names(["nowhere-to-be-found"])["nowhere-to-be-found"]
    assert (answer.source, answer.conda, answer.rejected) == ("pypi", None, ())
    assert answer.lacking


def test_a_part_of_a_channel_cannot_say_that_a_name_is_absent() -> None:
    names = mapper(package("numpy"), library("graphviz"), complete=False, origin="starter index of 2026-08-01")
    answers = names.map_names(["numpy", "nowhere", "torch"])
    assert answers["numpy"].source == "conda"
    assert answers["nowhere"].source == answers["torch"].source == "unknown"
    assert "starter index of 2026-08-01" in answers["nowhere"].why
    assert not answers["torch"].lacking


@pytest.mark.parametrize(
    ("project", "record", "why"),
    [
        ("xxhash", library("xxhash"), "holds no Python distribution"),
        ("newlib", library("newlib"), "not a Python package"),
        ("pyglfw", package("pyglfw"), "holds the distribution glfw"),
        ("tk", library("tk"), "another project"),
        ("bullet", package("bullet", depends=["pybullet"]), "holds no Python distribution"),
        ("freud", package("freud"), "holds the distribution freud-analysis"),
        ("mss", package("mss"), "holds the distribution open-mss"),
        ("snappy", package("python-snappy"), "another project"),
        ("jose", package("python-jose"), "PyPI's python-jose"),
    ],
)
def test_another_projects_package_is_rejected_with_the_reason(project: str, record: Record, why: str) -> None:
    answer = mapper(record).map_names([project])[project]
    assert answer.source != "conda"
    assert why in " ".join([answer.why, *(rejected.why for rejected in answer.rejected)])
    if record.name == project:
        assert [rejected.conda for rejected in answer.rejected] == [project]


def test_the_holder_is_found_beside_the_library_of_the_same_name() -> None:
    names = mapper(library("graphviz"), package("python-graphviz", depends=["graphviz"]))
    answer = names.map_names(["graphviz"])["graphviz"]
    assert (answer.source, answer.conda) == ("conda", "python-graphviz")
    assert [rejected.conda for rejected in answer.rejected] == ["graphviz"]


def test_an_alias_gives_way_to_what_it_stands_for() -> None:
    """Aliases go stale: smart-open stayed at 7.0.4 when smart_open was at 7.7.1."""
    names = mapper(
        library("smart-open", "7.0.4", depends=["smart_open >=7.0.4,<7.0.5.0a0"]), package("smart_open", "7.7.1")
    )
    answer = names.map_names(["smart-open"])["smart-open"]
    assert (answer.conda, answer.alternatives) == ("smart_open", ("smart-open",))


def test_of_two_twins_the_newer_is_taken() -> None:
    records = [
        package("lazy_loader", "0.4"),
        package("lazy-loader", "0.5"),
        package("a.b", "2.10"),
        package("a_b", "2.9"),
    ]
    answers = mapper(*records).map_names(["lazy-loader", "a-b"])
    assert [answer.conda for answer in answers.values()] == ["lazy-loader", "a.b"]
    assert answers["a-b"].alternatives == ("a_b",)


def test_a_twin_for_the_python_goes_before_a_newer_one() -> None:
    records = [package("a_b", "1.0"), package("a-b", "2.0", python=("python >=3.13,<3.14.0a0",))]
    assert mapper(*records).map_names(["a-b"])["a-b"].conda == "a_b"


def test_a_name_without_records_for_the_python_is_still_answered() -> None:
    answer = mapper(package("old", python=("python >=3.8,<3.9.0a0",))).map_names(["old"])["old"]
    assert (answer.source, answer.conda) == ("conda", "old")
    assert "no record of it for python 3.12" in answer.why


def test_a_name_without_records_at_all_is_not_answered() -> None:
    """exclude-newer hides records, not names."""
    repodata = FakeRepodata(listed=(), extra_names=frozenset({"young", "cmake"}))
    names = NameMapper(repodata=repodata, table=name_table(), overrides={}, python=MAC.python)
    answers = names.map_names(["young", "cmake"])
    assert answers["young"].source == "pypi"
    assert "no record" in answers["young"].rejected[0].why
    assert answers["cmake"].source == "unknown"


def test_the_bare_part_goes_before_the_umbrella() -> None:
    names = mapper(
        package("matplotlib", "3.11.1", depends=["matplotlib-base >=3.11.1,<3.11.2.0a0", "tornado"]),
        package("matplotlib-base", "3.11.1"),
        library("fastapi", "0.139.0", depends=["fastapi-core ==0.139.0", "httpx"]),
        package("fastapi-core", "0.139.0"),
    )
    answers = names.map_names(["matplotlib", "fastapi"])
    assert [answer.conda for answer in answers.values()] == ["matplotlib-base", "fastapi-core"]
    assert answers["matplotlib"].alternatives == ("matplotlib",)


def test_an_umbrella_that_is_the_whole_project_goes_before_its_part() -> None:
    names = mapper(
        package("pyarrow", "25.0", depends=["pyarrow-core 25.0 *_0", "libparquet"]), package("pyarrow-core", "25.0")
    )
    assert names.map_names(["pyarrow"])["pyarrow"].conda == "pyarrow"
    record = package("pyarrow", "25.0", depends=["pyarrow-core 25.0 *_0"])
    assert names.distributions_of(record) == ()
    assert names.provides(record, "pyarrow")
    assert names.provides(package("pyarrow-core"), "pyarrow")
    assert not names.provides(record, "numpy")


def test_a_core_package_is_not_taken_for_the_project_that_pins_it() -> None:
    """poetry pins poetry-core, which is a project of its own."""
    names = mapper(package("poetry", "2.1", depends=["poetry-core 2.1.*"]), package("poetry-core", "2.1"))
    assert names.map_names(["poetry"])["poetry"].conda == "poetry"


def test_a_bundle_that_pins_its_own_core_is_the_project() -> None:
    names = mapper(library("brandnew", "2.0", depends=["brandnew-core ==2.0"]), package("brandnew-core", "2.0"))
    assert names.map_names(["brandnew"])["brandnew"].conda == "brandnew"
    plain = mapper(library("brandnew", "2.0", depends=["brandnew-core ==2.0"]), library("brandnew-core", "2.0"))
    assert plain.map_names(["brandnew"])["brandnew"].source == "pypi"
    loose = mapper(library("brandnew", "2.0", depends=["brandnew-core"]), package("brandnew-core", "2.0"))
    assert loose.map_names(["brandnew"])["brandnew"].source == "pypi"


def test_a_holder_goes_before_a_stale_package_of_the_same_name() -> None:
    names = mapper(package("devtools", "0.6"), package("python-devtools", "0.12"))
    answer = names.map_names(["devtools"])["devtools"]
    assert (answer.conda, answer.alternatives) == ("python-devtools", ("devtools",))
    names = mapper(package("devtools", "0.12"), package("python-devtools", "0.12"))
    assert names.map_names(["devtools"])["devtools"].conda == "devtools"


def test_an_umbrella_of_an_irregular_name_comes_after_the_holder() -> None:
    names = mapper(package("pytorch", "2.11"), package("pytorch-cpu", "2.12", depends=["pytorch 2.12.0 cpu*"]))
    assert names.map_names(["torch"])["torch"].conda == "pytorch"


@pytest.mark.parametrize(
    ("version", "conda"), [("2.5", "python-newlib"), ("9.9", None)], ids=["same version", "another version"]
)
def test_the_python_side_of_a_library_is_believed_at_the_librarys_version(version: str, conda: str | None) -> None:
    names = mapper(library("newlib", "2.5"), package("python-newlib", version))
    answer = names.map_names(["newlib"])["newlib"]
    assert answer.conda == conda
    assert answer.provenance == ("variant `python-newlib`" if conda else "nothing found")


@pytest.mark.parametrize("name", ["python-newlib", "newlib-python", "py-newlib", "newlib-py", "newlib.py"])
def test_the_python_side_of_a_library_has_one_of_these_names(name: str) -> None:
    records = [library("newlib", "2.5"), package(name, "2.5"), package("newlib-more", "2.5")]
    assert mapper(*records).map_names(["newlib"])["newlib"].conda == name


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("python-newlib", True),
        ("newlib-python", True),
        ("py-newlib", True),
        ("newlib-py", True),
        ("pynewlib", True),
        ("newlib_", False),
    ],
)
def test_the_python_side_holds_the_distribution_though_it_depends_on_the_library(name: str, held: bool) -> None:
    table = replace(name_table(), packaged={name: (("*", ("newlib",)),)})
    assert distributions_of(package(name, depends=["newlib"]), table) == (("newlib",) if held else ())


def test_a_binding_that_is_known_or_no_python_is_not_believed() -> None:
    records = [library("yam", "1.0"), library("python-yam", "1.0"), library("openslide"), package("openslide-python")]
    answers = mapper(*records).map_names(["yam", "openslide"])
    assert all(answer.source == "pypi" for answer in answers.values())
    assert "not a Python package" in answers["yam"].rejected[1].why
    assert answers["openslide"].rejected[1].why == "it is the package of PyPI's openslide-python"


def test_the_online_map_serves_what_nothing_else_answers() -> None:
    online = FakeOnlineMap(
        known={"fresh": ("absent", "some-lib", "conda-fresh"), "numpy": ("wrong",), "glfw": ("mss",)}
    )
    names = mapper(
        package("numpy"), package("conda-fresh"), library("some-lib"), package("wrong"), package("mss"), online=online
    )
    answers = names.map_names(["fresh", "numpy", "stale"])
    assert (answers["fresh"].conda, answers["fresh"].provenance) == ("conda-fresh", "online map")
    assert "online map" in answers["fresh"].why
    assert answers["numpy"].provenance == "same name"
    assert answers["stale"].source == "pypi"


def test_the_table_goes_before_what_the_online_map_says_of_a_package() -> None:
    online = FakeOnlineMap(known={"screens": ("mss",)})
    assert mapper(package("mss"), online=online).map_names(["screens"])["screens"].source == "pypi"


def test_a_package_that_changes_its_project_carries_a_bound() -> None:
    answer = mapper(package("pyqt", "5.15.11")).map_names(["pyqt5"])["pyqt5"]
    assert (answer.conda, answer.bound) == ("pyqt", ">=5,<6dev0")


def test_near_misses_are_given_when_asked_for() -> None:
    names = mapper(package("scikit-learn"), package("numpy"))
    assert names.map_names(["scikit-lern"])["scikit-lern"].suggestions == ()
    asked = names.map_names(["scikit-lern", "numpy"], suggest=True)
    assert asked["scikit-lern"].suggestions[0] == "scikit-learn"
    assert asked["numpy"].suggestions == ()


def test_all_names_are_read_in_one_go() -> None:
    repodata = FakeRepodata(listed=[package("numpy"), package("scipy"), package("pytorch"), package("unasked")])
    names = NameMapper(repodata=repodata, table=name_table(), overrides={}, python=MAC.python)
    names.map_names(["numpy", "scipy", "torch", "nowhere"])
    names.map_names(["numpy"])
    assert repodata.reads == [frozenset({"numpy", "scipy", "pytorch"})]


@given(st.permutations(["numpy", "typing-extensions", "a-b", "graphviz", "torch", "nowhere"]))
def test_answers_do_not_depend_on_the_order_of_the_questions(order: list[str]) -> None:
    records = [package("numpy"), package("a_b", "1"), package("a-b", "2"), library("graphviz"), package("pytorch")]
    records += [package("typing_extensions"), library("typing-extensions", depends=["typing_extensions"])]
    together = mapper(*records).map_names(order)
    assert together == {name: mapper(*reversed(records)).map_names([name])[name] for name in order}


KNOWN = ("scikit-learn", "scikit-image", "tensorflow", "r-tensorflow", "pandas", "numpy", "xgboost", "numba")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("scikit-lern", "scikit-learn"),
        ("tensorflw", "tensorflow"),
        ("panda", "pandas"),
        ("nunpy", "numpy"),
        ("scikit-le", "scikit-learn"),
        ("scikit-learning", "scikit-learn"),
    ],
)
def test_a_slip_is_understood(written: str, meant: str) -> None:
    assert near_misses(written, KNOWN)[0] == meant


@pytest.mark.parametrize("written", ["numpy", "qqqqq", "", "completely-different-thing"])
def test_what_is_not_near_is_not_suggested(written: str) -> None:
    assert near_misses(written, KNOWN) == ()


@pytest.mark.parametrize(("more", "count"), [("123", 1), ("1234", 0)])
def test_a_name_that_is_much_longer_is_not_suggested(more: str, count: int) -> None:
    written = "a-name-of-very-many-letters"
    assert len(near_misses(written, [written + more])) == count


def test_packages_of_r_and_private_ones_are_not_suggested() -> None:
    assert near_misses("tensorflw", ("r-tensorflow", "_tensorflow")) == ()


def test_three_at_most_the_nearest_first_whatever_the_order() -> None:
    known = ("package", "packages", "packagee", "packaged", "packager")
    found = near_misses("packagex", known)
    assert found == near_misses("packagex", reversed(known))
    assert found[0] == "package"
    assert len(found) == 3


def test_thirty_thousand_names_take_a_moment() -> None:
    known = [
        f"{first}{second}-{number}"
        for first in ("scikit", "tensor", "numba")
        for second in ("x", "le")
        for number in range(5000)
    ]
    started = time.perf_counter()
    near_misses("scikit-learn", known)
    assert time.perf_counter() - started < 2
