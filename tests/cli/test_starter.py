"""The starter index stands in where it may, and nowhere else; what is made from it says so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import zstandard

from envgen.manifest.templates import template_names, template_text
from envgen.repodata.starter import STARTER_FILE
from tests.fakes.tiny_project import Project, manifest
from tests.independent import Sources, faults
from tests.independent_metadata import served_metadata

DATE = json.loads(zstandard.decompress(STARTER_FILE.read_bytes()).splitlines()[0])["date"]
ORIGIN = f"starter index of {DATE}"
FROM_CONDA = [name for name in template_names() if "accelerator: metal" not in template_text(name)]


@pytest.fixture
def unreachable(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project from which conda-forge cannot be reached."""
    monkeypatch.delenv("ENVGEN_MIRRORS")
    monkeypatch.setenv("ENVGEN_TIMEOUT", "2")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    return project


def test_it_serves_a_first_new(unreachable: Project) -> None:
    ran = unreachable.run("new", "demo", "--python", "3.12", "--add", "pandas")
    assert ran.code == 0, ran.err
    assert f"from {ORIGIN}" in ran.out.splitlines()[0]
    assert any(line.startswith("note: ") and ORIGIN in line for line in ran.err.splitlines())
    for name in ("environment.yml", "conda-lock.yml"):
        head = (unreachable.environment("demo") / name).read_text(encoding="utf-8").splitlines()[:4]
        assert any(ORIGIN in line and "envgen lock --upgrade" in line for line in head)
    assert unreachable.run("lock", "--check").code == 0


def test_it_serves_a_first_lock(unreachable: Project) -> None:
    unreachable.write("demo", manifest("demo", "pandas"))
    ran = unreachable.run("lock", "demo", "--json")
    assert ran.code == 0
    assert ran.json["environments"][0]["platforms"]["osx-arm64"]["repodata"] == ORIGIN


def refused(project: Project, *words: str) -> None:
    before = project.files()
    ran = project.run(*words, "--json")
    assert ran.code == 1
    assert ran.json["error"]["code"] == "channel-unreachable"
    assert ran.json["error"]["hint"]
    assert project.files() == before


def test_it_does_not_stand_in_for_a_later_lock(unreachable: Project) -> None:
    unreachable.write("demo", manifest("demo", "pandas"))
    assert unreachable.run("lock", "demo", "--starter").code == 0
    unreachable.write("demo", manifest("demo", "pandas", "numpy<2"))
    refused(unreachable, "lock", "demo")


def test_it_does_not_stand_in_for_another_channel(unreachable: Project) -> None:
    text = manifest("demo", "pandas").replace("[conda-forge]", "[conda-forge, bioconda]")
    unreachable.write("demo", text)
    refused(unreachable, "lock", "demo")


def test_it_does_not_stand_in_for_a_channel_of_the_call(unreachable: Project) -> None:
    refused(unreachable, "new", "demo", "--add", "pandas", "--channel", "conda-forge")


def test_it_does_not_stand_in_for_a_mirror(unreachable: Project) -> None:
    refused(unreachable, "new", "demo", "--add", "pandas", "--mirror", "conda-forge=http://127.0.0.1:9/x")


def test_it_serves_when_it_is_asked_for_whatever_else(project: Project) -> None:
    ran = project.run("new", "demo", "--python", "3.12", "--add", "pandas", "--starter", "--json")
    assert ran.json["environments"][0]["platforms"]["osx-arm64"]["repodata"] == ORIGIN


def test_a_name_that_it_lacks_is_unknown(project: Project) -> None:
    project.write("demo", manifest("demo", "pandas", "surely-not-in-there"))
    before = project.files()
    ran = project.run("lock", "demo", "--starter", "--json")
    error = ran.json["error"]
    assert (ran.code, error["code"]) == (1, "mapping")
    assert "`surely-not-in-there`" in error["message"]
    assert "only a part of the channel" in error["message"]
    assert [line["line"] for line in error["lines"]] == [7]
    assert "--mirror" in error["hint"]
    assert project.files() == before


def test_a_lock_from_it_is_made_again_by_an_upgrade(project: Project) -> None:
    project.write("demo", manifest("demo", "six"))
    assert project.run("lock", "demo", "--starter").code == 0
    assert project.run("lock", "demo").out == "demo: the lock is current; nothing was solved\n"
    ran = project.run("lock", "demo", "--upgrade", "--json")
    assert ran.json["environments"][0]["platforms"]["osx-arm64"]["repodata"] == "conda-forge"
    for path in project.environment("demo").iterdir():
        assert "starter" not in path.read_text(encoding="utf-8")


def test_another_platform_is_refused(project: Project) -> None:
    project.write("demo", manifest("demo", "six").replace('{platform: osx-arm64, macos: "13.0"}', "linux-64"))
    ran = project.run("lock", "demo", "--starter", "--json")
    assert ran.code == 1
    assert "nothing for linux-64" in ran.json["error"]["message"]


@pytest.mark.parametrize("name", FROM_CONDA)
def test_every_template_locks_from_it_without_any_network(project: Project, name: str) -> None:
    ran = project.run("new", name, "--starter", "--offline", "--json")
    assert ran.code == 0, ran.out
    platform = ran.json["environments"][0]["platforms"]["osx-arm64"]
    assert platform["pypi"] == []
    assert platform["repodata"] == ORIGIN
    assert not [finding for finding in platform["findings"] if finding["severity"] == "error"]
    assert faults(project.environment(name)) == []
    first = project.files()
    for path in project.environment(name).glob("*.yml"):
        path.unlink()
    assert project.run("lock", name, "--starter", "--offline").code == 0
    assert project.files() == first


@pytest.mark.network
def test_the_first_command_needs_pypi_alone(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow and its Metal plugin come from PyPI; everything that may comes from the starter index."""
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    ran = project.run("new", "ml-project", "--starter", "--json")
    assert ran.code == 0, ran.out
    platform = ran.json["environments"][0]["platforms"]["osx-arm64"]
    assert platform["repodata"] == ORIGIN
    assert not [finding for finding in platform["findings"] if finding["severity"] == "error"]
    wheels = {wheel["name"]: wheel["version"] for wheel in platform["pypi"]}
    assert wheels["tensorflow"].startswith("2.19.")
    assert wheels["tensorflow-metal"] == "1.2.0"
    assert len(wheels) < 15
    assert len(platform["conda"]) > 150
    folder = project.environment("ml-project")
    assert faults(folder, Sources(metadata=served_metadata(folder))) == []
    first = project.files()
    for path in folder.glob("*.yml"):
        path.unlink()
    assert project.run("lock", "ml-project", "--starter").code == 0
    assert project.files() == first


def test_it_is_small_and_dated() -> None:
    assert STARTER_FILE.stat().st_size <= 1_500_000
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", DATE)
    assert Path(STARTER_FILE).is_relative_to(Path(__file__).parents[2])
