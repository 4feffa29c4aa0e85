"""Run `envgen new` over a tiny channel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_project import Project, manifest, tiny_channel
from tests.json_shapes import ENVIRONMENTS, FAILURE, assert_shape

FILES = [".gitattributes", "conda-lock.yml", "envgen.yaml", "environment.yml"]


def test_says_what_was_decided_and_what_to_do_next(project: Project) -> None:
    options = ("--python", "3.12", "--solver", "rattler")
    ran = project.run("new", "demo", *options, "--add", "pandas>=2", "-a", "tqdm")
    assert ran.code == 0
    assert ran.out.splitlines()[:5] == [
        "osx-arm64, macOS 13.0+, python 3.12: 5 packages from conda, solved by rattler from conda-forge",
        "",
        "PACKAGE  VERSION  SOURCE  WHY",
        "pandas   2.2.3    conda   conda-forge has a Python package of the same name",
        "tqdm     4.66.0   conda   conda-forge has a Python package of the same name",
    ]
    assert "git add environments && git commit" in ran.out
    for name in FILES[1:]:
        assert f"  environments/demo/{name}\n" in ran.out
    assert ran.err.startswith("note: solved with ")
    assert "note: channel `conda-forge` was read from a mirror\n" in ran.err
    assert sorted(path.name for path in project.environment("demo").iterdir()) == FILES


def test_the_commands_for_other_tools_leave_no_group_out(project: Project) -> None:
    source = project.folder / "pyproject.toml"
    source.write_text('[project]\nname = "x"\ndependencies = ["pandas"]\n[dependency-groups]\ndev = ["tqdm"]\n')
    ran = project.run("new", "demo", "--from", "pyproject.toml")
    assert ran.code == 0
    file = "environments/demo/conda-lock.yml"
    assert f"  micromamba create -n demo -f {file} --category main --category dev     # or this\n" in ran.out
    assert project.run("new", "plain", "--add", "pandas").out.endswith(
        "  micromamba create -n plain -f environments/plain/conda-lock.yml     # or this\n"
        "  conda env create -f environments/plain/environment.yml     # or this\n"
    )


def test_the_lock_that_it_writes_is_current(project: Project) -> None:
    assert project.run("new", "demo", "--add", "pandas").code == 0
    written = project.files()
    assert project.run("lock", "--check", "demo").code == 0
    assert project.run("lock", "demo").code == 0
    assert project.files() == written


def test_the_json_has_the_promised_shape(project: Project) -> None:
    ran = project.run("new", "demo", "--python", "3.12", "--add", "pandas>=2", "--solver", "rattler", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert_shape(ran.json, ENVIRONMENTS)
    (environment,) = ran.json["environments"]
    assert environment["name"] == "demo"
    assert environment["files"] == [f"environments/demo/{name}" for name in ("envgen.yaml", *FILES[1::2])]
    platform = environment["platforms"]["osx-arm64"]
    assert (platform["macos"], platform["python"], platform["solver"]) == ("13.0", "3.12", "rattler")
    assert platform["repodata"] == "conda-forge"
    assert [package["name"] for package in platform["conda"]] == ["numpy", "pandas", "pip", "python"]
    assert platform["decisions"] == [
        {
            "requirement": "pandas>=2",
            "name": "pandas",
            "source": "conda",
            "why": "conda-forge has a Python package of the same name",
        }
    ]
    assert (platform["pypi"], platform["findings"], platform["moved"]) == ([], [], [])


def test_quiet_prints_nothing(project: Project) -> None:
    ran = project.run("new", "demo", "--add", "six", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert project.environment("demo").is_dir()


def test_verbose_lists_every_package(project: Project) -> None:
    ran = project.run("new", "demo", "--python", "3.12", "--add", "pandas", "--verbose")
    assert "PACKAGE  VERSION  SOURCE  BUILD\nnumpy    2.3.1    conda   py312_0\n" in ran.out


def test_the_newest_python_that_fits_is_chosen_and_written(project: Project, index: IndexServer) -> None:
    ran = project.run("new", "demo", "--add", "tall", "--macos", "14.0")
    assert ran.code == 0, ran.err
    assert "note: python 3.12 was chosen: the newest that everything asked for can be had with\n" in ran.err
    assert 'python: "3.12"' in (project.environment("demo") / "envgen.yaml").read_text(encoding="utf-8")


def test_a_python_on_which_less_is_held_back_comes_before_a_newer_one(project: Project) -> None:
    tiny_channel(
        project.channel,
        native="""
        python 3.12.9 h1_0
        python 3.13.2 h1_0
        app 1.0 py313_0 : python >=3.13&<3.14.0a0
        app 3.0 py313_1 : python >=3.13&<3.14.0a0, shared >=2
        app 3.0 py312_0 : python >=3.12&<3.13.0a0
        old 1.0 py313_0 : python >=3.13&<3.14.0a0, shared <2
        old 1.0 py312_0 : python >=3.12&<3.13.0a0
        shared 1.0 h1_0
        shared 2.0 h1_0
        """,
    )
    ran = project.run("new", "demo", "--add", "app", "--add", "old", "--json")
    assert ran.code == 0, ran.err
    platform = ran.json["environments"][0]["platforms"]["osx-arm64"]
    assert (platform["python"], platform["findings"]) == ("3.12", [])
    assert (
        "python 3.12 was chosen: with 3.13, requirements are held years back, or packages may crash"
        in ran.json["environments"][0]["notes"]
    )
    ran = project.run("new", "newest", "--add", "app", "--add", "old", "--python", "3.13", "--json")
    (finding,) = ran.json["environments"][0]["platforms"]["osx-arm64"]["findings"]
    assert (finding["code"], finding["packages"]) == ("HELD-BACK", ["app"])
    assert finding["hint"] == "write `app>=3.0` and leave `old` out"


def test_the_options_go_into_the_manifest(project: Project) -> None:
    options = ("--python", "3.12", "--macos", "14.0", "--accelerator", "cpu", "--add", "tall")
    assert project.run("new", "demo", *options).code == 0
    text = (project.environment("demo") / "envgen.yaml").read_text(encoding="utf-8")
    for line in ("name: demo", 'python: "3.12"', "accelerator: cpu", "  - tall"):
        assert f"{line}\n" in text
    assert '  - {platform: osx-arm64, macos: "14.0"}\n' in text


def test_a_bare_major_of_macos_will_do(project: Project) -> None:
    ran = project.run("new", "demo", "--python", "3.12", "--macos", "14", "--add", "tall", "--json")
    assert ran.json["environments"][0]["platforms"]["osx-arm64"]["macos"] == "14.0"


def test_a_templates_name_takes_the_template_and_another_can_be_given(project: Project) -> None:
    ran = project.run("new", "tensorflow-cpu", "--starter")
    assert ran.code == 0, ran.err
    assert "note: made from the template `tensorflow-cpu`\n" in ran.err
    ran = project.run("new", "mine", "--template", "tensorflow-cpu", "--starter")
    assert "note: made from the template `tensorflow-cpu`\n" in ran.err
    mine, own = (project.environment(name) / "envgen.yaml" for name in ("mine", "tensorflow-cpu"))
    assert mine.read_text(encoding="utf-8") == own.read_text(encoding="utf-8").replace(
        "name: tensorflow-cpu", "name: mine"
    )


REFUSED = {
    "a name that leads out": (["../x"], 2, "not a name for an environment: `../x`", "use letters"),
    "an absolute name": (["/x"], 2, "not a name for an environment: `/x`", "use letters"),
    "the name of conda's own": (["base"], 2, "conda keeps the name `base`", ""),
    "an unknown template": (["x", "-t", "pytorh"], 2, "did you mean `pytorch`?", "the templates are"),
    "an unknown solver": (["x", "--solver", "zzz", "-a", "six"], 2, "unknown solver `zzz`", "libmamba, rattler"),
    "an unknown accelerator": (
        ["x", "--accelerator", "gpu"],
        2,
        "unknown accelerator `gpu`; did you mean `metal`?",
        "metal, cpu",
    ),
    "a python that is none": (["x", "--python", "3.1O"], 2, "not a python minor version: `3.1O`", "--python 3.12"),
    "a macOS before Apple silicon": (["x", "--macos", "10.15"], 2, "starts at macOS 11.0, not 10.15", "--macos 13.0"),
    "a requirement that is none": (["x", "-a", "a=1"], 2, "not a requirement: `a=1`", "PEP 508"),
    "a mirror that is none": (["x", "--mirror", "here"], 2, "not a mirror: `here`", "CHANNEL=PATH_OR_URL"),
    "a mirror that is not there": (["x", "--mirror", "conda-forge=no"], 1, "has no folder", "noarch/repodata.json"),
}


@pytest.mark.parametrize(("words", "code", "message", "hint"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_refusals_write_nothing(
    project: Project, words: list[str], code: int, message: str, hint: str, as_json: bool
) -> None:
    before = project.files()
    ran = project.run("new", *words, *(["--json"] if as_json else []))
    assert ran.code == code
    if as_json:
        assert_shape(ran.json, FAILURE)
        assert message in ran.json["error"]["message"]
        assert hint in ran.json["error"]["hint"]
        assert ran.err == ""
    else:
        assert ran.out == ""
        assert ran.err.startswith("error: ")
        assert message in ran.err
        assert hint in ran.err.partition("hint: ")[2]
    assert project.files() == before
    assert list((project.folder / "environments").iterdir()) == []


def test_an_existing_folder_is_left_alone(project: Project) -> None:
    project.write("demo", "not even a manifest")
    before = project.files()
    ran = project.run("new", "demo", "--add", "six", "--json")
    assert ran.code == 1
    assert ran.json["error"]["code"] == "exists"
    assert ran.json["error"]["message"] == "environments/demo exists already"
    assert "envgen lock demo" in ran.json["error"]["hint"]
    assert project.files() == before


def test_what_cannot_be_locked_leaves_no_folder(project: Project) -> None:
    ran = project.run("new", "demo", "--python", "3.13", "--add", "held", "--json")
    assert ran.code == 1
    assert ran.json["error"]["lines"] == [{"file": "environments/demo/envgen.yaml", "line": 12, "text": "  - held"}]
    assert not project.environment("demo").exists()


def test_a_channel_without_python_is_refused(project: Project) -> None:
    tiny_channel(project.channel, native="libfoo 1.0 h1_0")
    ran = project.run("new", "demo", "--add", "six")
    assert ran.code == 2
    assert ran.err.startswith("error: the channels have no python\nhint: ")


def test_a_mirror_may_be_a_folder_with_a_blank_in_its_name(project: Project, tmp_path: Path) -> None:
    place = tiny_channel(tmp_path / "a channel, copied")
    ran = project.run("new", "demo", "--add", "six", "--mirror", f"conda-forge={place}")
    assert ran.code == 0, ran.err


def test_the_root_is_the_folder_that_holds_environments(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    below = project.folder / "src" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert project.run("new", "demo", "--add", "six").code == 0
    assert project.environment("demo").is_dir()


def test_the_folder_is_a_lock_of_the_manifest_that_can_be_written_by_hand(project: Project) -> None:
    """Keep `new` to what `lock` makes of the same manifest."""
    assert project.run("new", "demo", "--python", "3.12", "--add", "pandas>=2", "--add", "tqdm").code == 0
    made = {name: text for name, text in project.files().items() if not name.endswith("envgen.yaml")}
    folder = project.environment("demo")
    (folder / "conda-lock.yml").unlink()
    (folder / "environment.yml").unlink()
    project.write("demo", manifest("demo", "tqdm", "pandas>=2"))
    assert project.run("lock", "demo").code == 0
    assert {name: text for name, text in project.files().items() if not name.endswith("envgen.yaml")} == made
