"""Run `envgen why` over a tiny channel and a loopback index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_project import NOARCH, Project, empty_project, manifest, tiny_channel
from tests.fakes.tiny_wheels import build_wheel
from tests.json_shapes import FAILURE, TEXT, assert_shape, listing, record

ANSWERS = record(
    answers=listing(
        record(
            platform=TEXT,
            name=TEXT,
            version=TEXT,
            source={"enum": ["conda", "pypi"]},
            why=TEXT,
            chains=listing(listing(record(package=TEXT, need=TEXT))),
        )
    )
)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, IndexServer]]:
    """Lock an environment with both halves."""
    with IndexServer() as index:
        index.add(build_wheel("upper", "2.0", requires=("lower>=1", "six>=1.16")))
        index.add(build_wheel("lower", "1.5", requires=("numpy>=1.20",)))
        with pytest.MonkeyPatch.context() as patch:
            made = empty_project(tmp_path_factory.mktemp("locked"), patch)
            patch.setenv("UV_DEFAULT_INDEX", index.url)
            made.write("demo", manifest("demo", "upper", "pandas>=2"))
            ran = made.run("lock", "demo")
        assert ran.code == 0, ran.err
        yield made, index


@pytest.fixture
def demo(project: Project, locked: tuple[Project, IndexServer], monkeypatch: pytest.MonkeyPatch) -> Path:
    made, index = locked
    project.start_from(made)
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    return project.environment("demo")


def test_through_both_halves(project: Project, demo: Path) -> None:
    ran = project.run("why", "demo", "numpy")
    assert (ran.code, ran.err) == (0, "")
    first, *chains = ran.out.splitlines()
    assert first.startswith("numpy 2.3.1 (osx-arm64, from conda): ")
    assert "  upper → lower>=1 → numpy>=1.20  (environments/demo/envgen.yaml:6)" in chains
    assert "  pandas>=2 → numpy >=1.22.4  (environments/demo/envgen.yaml:7)" in chains


def test_a_wheel_says_why_it_is_not_from_conda(project: Project, demo: Path) -> None:
    ran = project.run("why", "demo", "Lower")
    assert "conda-forge has no package that is this project\n" in ran.out
    assert ran.out.startswith("lower 1.5 (osx-arm64, from pypi): upper 2.0 on PyPI requires lower>=1; ")


def test_what_was_asked_for_names_its_line(project: Project, demo: Path) -> None:
    ran = project.run("why", "demo", "pandas")
    assert ran.out.startswith("pandas 2.2.3 (osx-arm64, from conda): `pandas>=2` asks for it; ")


def test_the_json(project: Project, demo: Path) -> None:
    ran = project.run("why", "demo", "six", "--json")
    assert_shape(ran.json, ANSWERS)
    (answer,) = ran.json["answers"]
    assert (answer["name"], answer["source"], answer["version"]) == ("six", "conda", "1.17.0")
    assert [link["need"] for link in answer["chains"][0]] == ["upper", "six>=1.16"]


def test_many_chains_are_cut_unless_verbose(project: Project) -> None:
    names = ("pandas", "scikit-learn", "six", "tqdm", "pip", "setuptools", "pytest", "numpy", "wide-one", "wide-two")
    wide = "".join(f"wide-{name} 1.0 pyh_0 : python, numpy\n" for name in ("one", "two"))
    tiny_channel(project.channel, noarch=NOARCH + wide)
    project.write("wide", manifest("wide", *names))
    assert project.run("lock", "wide").code == 0
    short, full = project.run("why", "wide", "python"), project.run("why", "wide", "python", "-v")
    assert short.out.splitlines()[-1].startswith("  … and ")
    assert short.out.splitlines()[-1].endswith(" more ways (-v)")
    assert len(full.out.splitlines()) > len(short.out.splitlines())
    assert "more ways" not in full.out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param(["demo", "tensorflow"], 1, "`tensorflow` is not in the lock of demo", id="a package"),
        pytest.param(["other", "six"], 2, "there is no environment `other` here", id="an environment"),
        pytest.param(["../demo", "six"], 2, "not a name for an environment", id="a name that leads out"),
        pytest.param(["fresh", "six"], 1, "environments/fresh has no lock yet", id="no lock"),
    ],
)
def test_what_is_not_there(project: Project, demo: Path, words: list[str], code: int, message: str) -> None:
    project.write("fresh", manifest("fresh", "six"))
    ran = project.run("why", *words, "--json")
    assert ran.code == code
    assert_shape(ran.json, FAILURE)
    assert message in ran.json["error"]["message"]
    assert ran.json["error"]["hint"]
