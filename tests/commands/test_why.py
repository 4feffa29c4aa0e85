"""Test what can be asked of a lock: why, why not, and what it all weighs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pytest

from tests.fakes.projects import CHANNEL, Made, Project, made_once, oldest
from tests.fakes.tiny_wheels import build_wheel


def lock_demo(living: Project) -> None:
    """Lock an environment with both halves, when only the oldest of each package was there."""
    for version in ("1.0", "2.0"):
        living.index.add(build_wheel("leaf", version))
    living.index.add(build_wheel("mid", "1.0", requires=["leaf<2", "numpy<2.1"]))
    for version in ("1.26.4", "2.1.3"):
        living.index.add(build_wheel("numpy", version, tag="cp312-cp312-macosx_11_0_arm64"))
    living.serve(oldest(CHANNEL))
    living.manifest("mid", "pandas", "urllib3<2", more="groups:\n  web: [requests]\nconda: ['six <1.17']\n")
    living.lock()
    living.serve(CHANNEL)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with made_once(tmp_path_factory.mktemp("locked"), lock_demo) as made:
        yield made


@pytest.fixture
def demo(living: Project, locked: Made) -> Project:
    living.start_from(locked)
    return living


def test_why_gives_a_way_from_each_line(demo: Project) -> None:
    answer = demo.run("why", "demo", "numpy")
    assert answer.out.splitlines()[1:] == [
        "  pandas → numpy >=1.26,<2.1  (environments/demo/envgen.yaml:6)",
        "  mid → numpy<2.1  (environments/demo/envgen.yaml:5)",
    ]
    (shape,) = demo.json("why", "demo", "urllib3")["answers"]
    assert shape["chains"] == [
        [{"package": "conda:urllib3", "need": "urllib3<2"}],
        [{"package": "conda:requests", "need": "requests"}, {"package": "conda:urllib3", "need": "urllib3 >=1.21"}],
    ]
    assert shape["lines"] == ["environments/demo/envgen.yaml:7", "environments/demo/envgen.yaml:9"]


@pytest.mark.parametrize(
    ("package", "way"),
    [
        pytest.param("python", "python 3.12.*  (environments/demo/envgen.yaml:2)", id="python"),
        pytest.param("pip", "pip  (packages from PyPI need it)", id="pip"),
        pytest.param("six", "six <1.17  (environments/demo/envgen.yaml:10)", id="a-match-spec"),
        pytest.param("leaf", "mid → leaf<2  (environments/demo/envgen.yaml:5)", id="a-wheel"),
    ],
)
def test_why_of_what_no_requirement_names(demo: Project, package: str, way: str) -> None:
    assert demo.run("why", "demo", package).out.splitlines()[1] == f"  {way}"


@pytest.mark.parametrize(
    ("asked", "obstacles"),
    [
        pytest.param("numpy>=2.1", [("mid 1.0", "numpy<2.1"), ("pandas 2.0.3", "numpy >=1.26,<2.1")], id="two"),
        pytest.param("leaf>=2", [("mid 1.0", "leaf<2")], id="a-wheel"),
        pytest.param("urllib3>=2", [(None, "environments/demo/envgen.yaml:7: - urllib3<2")], id="a-line"),
        pytest.param("six>=1.17", [(None, "environments/demo/envgen.yaml:10: conda: ['six <1.17']")], id="a-spec"),
        pytest.param("numpy >=2.1", [("mid 1.0", "numpy<2.1"), ("pandas 2.0.3", "numpy >=1.26,<2.1")], id="spaced"),
        pytest.param("pandas>=2.2", [], id="none"),
        pytest.param("absent>=1", [], id="absent"),
    ],
)
def test_why_not(demo: Project, asked: str, obstacles: Sequence[tuple[str | None, str]]) -> None:
    answer = demo.json("why-not", "demo", asked)["platforms"]["osx-arm64"]
    assert not answer["met"]
    found = [(obstacle["package"], obstacle["need"]) for obstacle in answer["obstacles"]]
    assert sorted(found, key=str) == sorted(obstacles, key=str)


def test_why_not_in_words(demo: Project) -> None:
    assert demo.run("why-not", "demo", "numpy>=2.1").out.splitlines() == [
        "osx-arm64: numpy 1.26.4 is locked; against `numpy>=2.1` stand",
        "  pandas 2.0.3 needs `numpy >=1.26,<2.1`",
        "    pandas  (environments/demo/envgen.yaml:6)",
        "  mid 1.0 needs `numpy<2.1`",
        "    mid  (environments/demo/envgen.yaml:5)",
    ]
    assert demo.run("why-not", "demo", "numpy>=1.20").out == (
        "osx-arm64: `numpy>=1.20` is met: numpy 1.26.4 is locked\n"
    )
    answer = demo.run("why-not", "demo", "pandas>=2.1")
    assert answer.out.startswith("osx-arm64: pandas 2.0.3 is locked, and no bound of the lock or the manifest stands")
    assert "is told by `envgen why-not demo 'pandas>=2.1' --solve`" in answer.err
    assert demo.run("why-not", "demo", "urllib3>=2").out.splitlines()[1] == (
        "  environments/demo/envgen.yaml:7: - urllib3<2"
    )


def test_many_ways_are_cut_unless_verbose(living: Project) -> None:
    tops = [f"top{number}" for number in range(5)]
    living.serve(
        "django 5.0.0 0: python, six <1.17\nsix 1.16.0 0: python\npython 3.12.4 0\n"
        + "".join(f"{name} 1.0 0: python, django\n" for name in tops)
    )
    living.manifest(*tops)
    living.lock()
    short = living.run("why-not", "demo", "six>=1.17").out.splitlines()
    assert short[-1] == "    … and 2 more ways (-v)"
    assert len(living.run("why-not", "demo", "six>=1.17", "-v").out.splitlines()) == 2 + 5


def test_why_not_solved(demo: Project) -> None:
    before = {path.name: path.read_bytes() for path in demo.folder().iterdir()}
    trial = demo.json("why-not", "demo", "pandas>=2.1", "--solve")["trial"]
    assert trial["possible"]
    assert [(move["name"], move["to"]) for move in trial["moved"]["osx-arm64"]] == [("pandas", "2.1.4")]
    trial = demo.json("why-not", "demo", "numpy>=2.1", "--solve")["trial"]
    assert not trial["possible"]
    assert "mid" in trial["message"]
    text = demo.run("why-not", "demo", "pandas>=2.1", "--solve").out
    assert "it can be had; this would move:\nPLATFORM   PACKAGE  FROM   TO     WHY\n" in text
    assert "it can be had, and nothing would move" in demo.run("why-not", "demo", "pandas>=2", "--solve").out
    assert "it cannot be had: " in demo.run("why-not", "demo", "numpy>=2.1", "--solve").out
    assert {path.name: path.read_bytes() for path in demo.folder().iterdir()} == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["why-not", "demo", "numpy"], 2, "`numpy` has no bounds", id="no-bounds"),
        pytest.param(["why-not", "demo", "not a spec =="], 2, "not a requirement", id="no-requirement"),
        pytest.param(["why-not", "other", "numpy>=2"], 2, "there is no environment `other`", id="no-environment"),
        pytest.param(["tree", "demo", "tensorflow"], 1, "`tensorflow` is not in the lock of demo", id="no-package"),
        pytest.param(["tree", "demo", "--platform", "osx-64"], 2, "demo is not locked for `osx-64`", id="no-platform"),
        pytest.param(["tree", "fresh"], 1, "environments/fresh has no lock yet", id="no-lock"),
    ],
)
def test_refusals(demo: Project, words: list[str], code: int, said: str) -> None:
    demo.manifest("six", name="fresh")
    answer = demo.run(*words)
    assert answer.code == code
    assert said in answer.err


class TestTree:
    def test_an_unknown_platform_is_refused_before_projects_are_read(self, demo: Project) -> None:
        path = demo.folder() / "envgen.yaml"
        path.write_text(path.read_text(encoding="utf-8") + "local: [{path: lib}]\n", encoding="utf-8")
        assert "demo is not locked for `osx-64`" in demo.run("tree", "demo", "--platform", "osx-64").err
        assert "lib" in demo.run("tree", "demo").err

    def test_lays_out_each_package_once(self, demo: Project) -> None:
        lines = demo.run("tree", "demo", "--depth", "2").out.splitlines()
        assert lines[0].startswith("osx-arm64: 10 packages, ")
        assert [re.sub(r"[\d.]+ k?B", "SIZE", line) for line in lines[1:9]] == [
            "mid 1.0 from pypi, SIZE, SIZE with its needs  (environments/demo/envgen.yaml:5)",
            "├─ leaf 1.0 from pypi, SIZE",
            "└─ numpy 1.26.4, SIZE, SIZE with its needs",
            "   ├─ libblas 3.9.0, SIZE",
            "   └─ python 3.12.4, SIZE",
            "pandas 2.0.3, SIZE, SIZE with its needs  (environments/demo/envgen.yaml:6)",
            "├─ numpy 1.26.4, SIZE, SIZE with its needs (*)",
            "└─ python 3.12.4, SIZE",
        ]
        assert lines[6] == "pandas 2.0.3, 6.0 kB, 24.0 kB with its needs  (environments/demo/envgen.yaml:6)"

    def test_says_what_the_mark_means(self, demo: Project) -> None:
        lines = demo.run("tree", "demo").out.splitlines()
        assert lines[-1] == "(*) is laid out above"
        assert "(*) is laid out above" not in demo.run("tree", "demo", "pandas").out

    def test_goes_as_deep_as_asked(self, demo: Project) -> None:
        lines = demo.run("tree", "demo", "--depth", "0").out.splitlines()
        assert [line.split(" ")[0] for line in lines[1:]] == [
            *("mid", "pandas", "urllib3", "requests", "six", "python", "pip")
        ]

    def test_starts_at_a_package(self, demo: Project) -> None:
        lines = demo.run("tree", "demo", "numpy").out.splitlines()
        assert lines[0] == "osx-arm64: 3 packages, 18.0 kB"
        assert lines[1].endswith("(other packages need it)")
        assert demo.run("tree", "demo", "pandas").out.splitlines()[1].endswith("(environments/demo/envgen.yaml:6)")

    def test_json(self, demo: Project) -> None:
        tree = demo.json("tree", "demo")["platforms"]["osx-arm64"]
        assert tree["unknown"] == 0
        assert tree["size"] == sum(package["size"] for package in tree["packages"].values())
        assert tree["roots"][0] == {"package": "pypi:mid", "need": "mid"}
        pandas = tree["packages"]["conda:pandas"]
        assert pandas["needs"][0] == {"package": "conda:numpy", "need": "numpy >=1.26,<2.1"}
        assert pandas["total"] == 6000 + 5000 + 7000 + 6000
