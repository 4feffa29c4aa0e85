"""Run `envgen vendor --starter` on templates of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.models.platform import Platform
from envgen.repodata.starter import read_starter
from tests.fakes.tiny_project import Project, manifest, tiny_channel
from tests.json_shapes import TEXTS, assert_shape, record

MAC = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
TEMPLATES = {"data": manifest("data", "pandas", "numpy<2.2"), "new": manifest("new", "numpy>=2.3")}
INTEGER = {"type": "integer"}


@pytest.fixture
def starter(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the place that the index is written to."""
    file = tmp_path / "package" / "starter.zst"
    monkeypatch.setattr("envgen.commands.vendor.STARTER_FILE", file)
    monkeypatch.setattr("envgen.commands.vendor.template_names", lambda: tuple(TEMPLATES))
    monkeypatch.setattr("envgen.commands.vendor.template_text", lambda name: TEMPLATES[name])
    file.parent.mkdir()
    return file


def test_what_the_templates_need_is_packed(project: Project, starter: Path) -> None:
    ran = project.run("vendor", "--starter", "--json")
    assert ran.code == 0, ran.out
    shape = record(date={"type": "string"}, records=INTEGER, bytes=INTEGER, served=TEXTS, refused=TEXTS)
    assert_shape(ran.json, shape)
    assert ran.json["date"] == "2023-11-14"
    assert "data on python 3.12" in ran.json["served"]
    assert any(line.startswith("new on python 3.11: ") for line in ran.json["refused"])
    index = read_starter(starter.read_bytes(), MAC)
    assert {"python", "numpy", "pandas"} <= index.names()
    assert "tqdm" not in index.names()
    assert len(starter.read_bytes()) == ran.json["bytes"]


def test_the_same_channel_gives_the_same_bytes(project: Project, starter: Path) -> None:
    first = project.run("vendor", "--starter")
    data = starter.read_bytes()
    assert first.out.startswith("starter index of 2023-11-14: ")
    assert "note: left out: new on python 3.11" in first.err
    starter.unlink()
    assert project.run("vendor", "--starter").out == first.out
    assert starter.read_bytes() == data


def test_too_large_an_index_is_not_written(project: Project, starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envgen.commands.vendor.MAX_BYTES", 100)
    ran = project.run("vendor", "--starter", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "write")
    assert "more than 100" in ran.json["error"]["message"]
    assert not starter.exists()


def test_a_template_that_its_own_python_does_not_serve_is_refused(
    project: Project, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TEMPLATES, "tall", manifest("tall", "tall"))
    ran = project.run("vendor", "--starter", "--json")
    assert ran.code == 1
    assert [line["file"] for line in ran.json["error"]["lines"]] == ["templates/tall.yaml"]
    assert not starter.exists()


def test_a_channel_without_python_makes_no_index(project: Project, starter: Path) -> None:
    tiny_channel(project.channel, native="libfoo 1.0 h1_0")
    ran = project.run("vendor", "--starter", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "repodata")
    assert ran.json["error"]["message"].startswith("no template could be solved")
    assert not starter.exists()
