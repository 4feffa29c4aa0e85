"""Test `envgen diagnose` over a tiny channel and a loopback index."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_project import NATIVE, Project, Ran, manifest, tiny_channel
from tests.fakes.tiny_wheels import build_wheel
from tests.json_shapes import MAYBE_TEXT, TEXT, TEXTS, assert_shape, listing, record

BOOLEAN = {"type": "boolean"}
LINE = {"anyOf": [{"type": "null"}, record(file=TEXT, line={"type": "integer"}, text=TEXT)]}
FIX = {"anyOf": [{"type": "null"}, record(text=TEXT, manifest=TEXT, locks=BOOLEAN)]}
VERDICTS = record(
    ok=BOOLEAN,
    partial=BOOLEAN,
    refusals=TEXTS,
    notes=TEXTS,
    manifests=listing(record(text=TEXT, locks=BOOLEAN)),
    verdicts=listing(
        record(
            requirement=TEXT,
            line=LINE,
            ok=BOOLEAN,
            chain=TEXTS,
            pypi=record(**{"class": {"type": "string", "pattern": "^[A-Z0-9_]+$"}, "version": TEXT, "message": TEXT}),
            conda=record(available=BOOLEAN, name=MAYBE_TEXT, version=TEXT, message=TEXT, known=BOOLEAN),
            source={"enum": ["conda", "pypi", None]},
            fix=FIX,
            problems=listing(record(code=TEXT, severity={"enum": ["error", "warning", "info"]}, message=TEXT)),
        )
    ),
)
ARM = "cp312-cp312-macosx_12_0_arm64"
CHANNEL = f"""{NATIVE}
    compilers 1.11.0 h1_0 : __osx >=11.0
    old 1.0 py312_0 : python >=3.12&<3.13.0a0, numpy <2
    tower 1.0 py312_0 : python >=3.12&<3.13.0a0, missing >=1
"""


def told(ran: Ran) -> dict[str, dict[str, Any]]:
    """Return the verdicts by the last name of their chains, after a look at their shape."""
    assert_shape(ran.json, VERDICTS)
    return {verdict["chain"][-1]: verdict for verdict in ran.json["verdicts"]}


def brief(verdict: dict[str, Any]) -> tuple[bool, str, str | None]:
    return verdict["ok"], verdict["pypi"]["class"], verdict["source"]


@pytest.fixture
def index(index: IndexServer, project: Project) -> IndexServer:
    """Serve a small index beside a channel that has some more."""
    tiny_channel(project.channel, native=CHANNEL)
    index.add(build_wheel("numpy", "2.3.1", tag=ARM))
    index.add(build_wheel("six", "1.17.0"))
    index.add_sdist("dlib", "19.0")
    index.add_sdist("promise", "2.3")
    index.add(build_wheel("datasets", "4.9", requires=["promise", "six"]))
    return index


def test_what_conda_has(project: Project, index: IndexServer) -> None:
    ran = project.run("diagnose", "numpy", "six", "--json")
    assert ran.code == 0
    found = told(ran)
    assert brief(found["numpy"]) == (True, "OK", "conda")
    assert found["numpy"]["conda"]["version"] == "2.3.1"
    assert (ran.json["ok"], ran.json["partial"], ran.json["manifests"]) == (True, False, [])
    assert [verdict["requirement"] for verdict in ran.json["verdicts"]] == ["numpy", "six"]


def test_only_source_and_no_record(project: Project, index: IndexServer) -> None:
    ran = project.run("diagnose", "dlib", "--json")
    assert ran.code == 1
    verdict = told(ran)["dlib"]
    assert brief(verdict) == (False, "SDIST_ONLY", None)
    assert verdict["chain"] == ["dlib"]
    assert verdict["fix"]["locks"]
    assert YAML(typ="safe").load(verdict["fix"]["manifest"]) == {"dependencies": [], "conda": ["compilers"]}


def test_the_chain_that_drags_it_in(project: Project, index: IndexServer) -> None:
    ran = project.run("diagnose", "datasets>=4", "--json")
    found = told(ran)
    assert ran.code == 1
    assert brief(found["datasets"]) == (False, "OK", None)
    assert brief(found["promise"]) == (False, "SDIST_ONLY", None)
    assert found["promise"]["chain"] == ["datasets", "promise"]
    assert brief(found["six"]) == (True, "OK", "conda")
    assert [each["code"] for each in found["datasets"]["problems"]] == ["NEEDS"]
    assert found["datasets"]["fix"] == found["promise"]["fix"]
    assert found["promise"]["fix"]["locks"]


def test_a_fix_that_is_applied_locks(project: Project, index: IndexServer) -> None:
    ran = project.run("diagnose", "datasets", "dlib", "numpy", "--json")
    (made,) = ran.json["manifests"]
    assert made["locks"]
    project.write("diagnosed", made["text"])
    assert project.run("lock", "diagnosed").code == 0


def test_an_older_release_that_needs_less_will_do(project: Project, index: IndexServer) -> None:
    index.add(build_wheel("datasets", "4.1", requires=["six"]))
    ran = project.run("diagnose", "datasets", "--json")
    found = told(ran)
    assert ran.code == 0
    assert brief(found["datasets"]) == (True, "OK", "pypi")
    assert [each["code"] for each in found["datasets"]["problems"]] == ["OLDER-RELEASE"]
    assert not found["promise"]["ok"]


def test_a_wheel_that_requires_itself(project: Project, index: IndexServer) -> None:
    index.add(build_wheel("stub", "1.0", requires=["stub==1.0"]))
    assert brief(told(project.run("diagnose", "stub", "--json"))["stub"]) == (False, "EMPTY_STUB", None)


def test_a_name_that_does_not_exist_and_what_was_meant(project: Project, index: IndexServer) -> None:
    ran = project.run("diagnose", "scikit-lern", "--json")
    verdict = told(ran)["scikit-lern"]
    assert brief(verdict) == (False, "NOT_ON_INDEX", None)
    assert YAML(typ="safe").load(verdict["fix"]["manifest"]) == {"dependencies": ["scikit-learn"]}
    assert verdict["fix"]["locks"]


@pytest.mark.parametrize(
    ("files", "options", "code", "fix"),
    [
        (("cp311-cp311-macosx_11_0_arm64",), (), "NO_WHEEL_FOR_PYTHON", {"python": "3.11", "dependencies": ["demo"]}),
        (
            ("cp312-cp312-macosx_14_0_arm64",),
            (),
            "NEEDS_NEWER_MACOS",
            {"platforms": [{"platform": "osx-arm64", "macos": "14.0"}], "dependencies": ["demo"]},
        ),
        (("cp312-cp312-macosx_14_0_arm64",), ("--macos", "14.0"), "OK", None),
        (("cp311-cp311-macosx_11_0_arm64",), ("--python", "3.11"), "OK", None),
        (
            ("cp312-cp312-macosx_10_9_x86_64",),
            (),
            "MAC_X86_64_ONLY",
            {"dependencies": ['demo; sys_platform == "linux"']},
        ),
    ],
    ids=["python", "macOS", "newer macOS", "other python", "Intel"],
)
def test_targets(
    project: Project,
    index: IndexServer,
    files: tuple[str, ...],
    options: tuple[str, ...],
    code: str,
    fix: dict[str, object] | None,
) -> None:
    for tag in files:
        index.add(build_wheel("demo", "1.0", tag=tag))
    verdict = told(project.run("diagnose", "demo", *options, "--json"))["demo"]
    assert brief(verdict) == (code == "OK", code, "pypi" if code == "OK" else None)
    if fix is None:
        assert verdict["fix"] is None
    else:
        made = YAML(typ="safe").load(verdict["fix"]["manifest"])
        assert {key: str(value).replace("'", '"') for key, value in made.items()} == {
            key: str(value).replace("'", '"') for key, value in fix.items()
        }
        assert verdict["fix"]["locks"]


class TestTogether:
    def test_a_conflict_is_found_by_trying_and_named_by_its_lines(self, project: Project, index: IndexServer) -> None:
        (project.folder / "requirements.txt").write_text("six\nold\nnumpy==2.1.3\n")
        ran = project.run("diagnose", "requirements.txt", "--json")
        assert ran.code == 1
        found = told(ran)
        bad = {name for name, verdict in found.items() if not verdict["ok"]}
        assert bad == {"old", "numpy"}
        assert found["numpy"]["line"] == {"file": "requirements.txt", "line": 3, "text": "numpy==2.1.3"}
        assert [each["code"] for each in found["numpy"]["problems"]] == ["CONFLICT"]
        assert found["numpy"]["fix"]["locks"]
        assert ran.json["manifests"][0]["locks"]

    def test_two_without_a_bound_that_exclude_each_other(self, project: Project, index: IndexServer) -> None:
        tiny_channel(project.channel, native=f"{CHANNEL}    new 1.0 py312_0 : python >=3.12&<3.13.0a0, numpy >=2\n")
        ran = project.run("diagnose", "six", "old", "new", "--json")
        assert ran.code == 1
        found = told(ran)
        assert {name: verdict["ok"] for name, verdict in found.items()} == {"six": True, "old": False, "new": False}
        assert found["old"]["fix"]["text"].startswith("leave `old` out, or move it to an environment of its own; or")
        assert found["old"]["fix"]["locks"]

    def test_a_conflict_below_that_nobody_can_change(self, project: Project, index: IndexServer) -> None:
        for name, bound in [("left", "<2"), ("right", ">=2")]:
            index.add(build_wheel(name, "1.0", requires=[f"shy{bound}"]))
        for version in ("1.0", "2.0"):
            index.add(build_wheel("shy", version))
        index.add(build_wheel("whole", "1.0", requires=["left", "right"]))
        ran = project.run("diagnose", "whole")
        assert ran.code == 1
        assert "  fix: no way out is known" in ran.out
        either = r"all versions of (left and all versions of right|right and all versions of left) are incompatible"
        # uv names them in the order in which the index answered, and lines are wrapped
        assert re.search(either, " ".join(ran.out.split())), ran.out

    def test_a_refusal_of_the_whole_that_no_verdict_tells(self, project: Project, index: IndexServer) -> None:
        (project.folder / "envgen.yaml").write_text(
            manifest("whole", "six", macos="11.0", more="accelerator: metal\n"), encoding="utf-8"
        )
        ran = project.run("diagnose", "envgen.yaml")
        assert ran.code == 1
        shaped = project.run("diagnose", "envgen.yaml", "--json").json
        assert (shaped["ok"], len(shaped["refusals"])) == (False, 1), ran.out
        assert "it can be had, but not locked:" in ran.out
        assert "needs a newer macOS than 11.0" in ran.out
        assert "with the fixes" not in ran.err

    def test_without_trials_only_files_and_records_count(self, project: Project, index: IndexServer) -> None:
        ran = project.run("diagnose", "old", "numpy==2.1.3", "--no-try", "--json")
        assert ran.code == 0
        ran = project.run("diagnose", "dlib", "--no-try", "--json")
        assert not told(ran)["dlib"]["fix"]["locks"]

    def test_a_name_asked_for_twice_is_two_questions(self, project: Project, index: IndexServer) -> None:
        ran = project.run("diagnose", "numpy==1.26.4", "numpy==2.3.1", "--json")
        assert [verdict["conda"]["version"] for verdict in ran.json["verdicts"]] == ["1.26.4", "2.3.1"]

    def test_what_the_facts_refuse(self, project: Project, index: IndexServer) -> None:
        index.add(build_wheel("tensorflow", "2.21.0", tag=ARM))
        index.add(build_wheel("tensorflow-metal", "1.2.0", tag=ARM))
        ran = project.run("diagnose", "tensorflow==2.21.*", "tensorflow-metal", "--no-try", "--json")
        assert {name: brief(verdict) for name, verdict in told(ran).items()} == {
            "tensorflow": (False, "OK", "pypi"),
            "tensorflow-metal": (False, "OK", "pypi"),
        }
        fix = told(ran)["tensorflow"]["fix"]["manifest"]
        assert YAML(typ="safe").load(fix) == {"dependencies": ["tensorflow>=2.18,<2.20"]}

    def test_a_record_that_cannot_be_solved_is_none(self, project: Project, index: IndexServer) -> None:
        verdict = told(project.run("diagnose", "tower", "--json"))["tower"]
        assert brief(verdict) == (False, "NOT_ON_INDEX", None)
        assert "cannot be installed" in verdict["conda"]["message"]


class TestWhat:
    def test_an_environment(self, project: Project, index: IndexServer) -> None:
        more = "conda: [tall, libfoo]\npypi: [six]\ngroups: {dev: [dlib, 'win; os_name == \"nt\"']}\n"
        project.write("ml", manifest("ml", "numpy", more=more))
        ran = project.run("diagnose", "ml", "--json")
        found = told(ran)
        assert found["dlib"]["line"]["file"] == "environments/ml/envgen.yaml"
        assert {name: brief(verdict) for name, verdict in found.items()} == {
            "numpy": (True, "OK", "conda"),
            "six": (True, "OK", "pypi"),
            "dlib": (False, "SDIST_ONLY", None),
            "tall": (False, "UNKNOWN", None),
            "libfoo": (True, "UNKNOWN", "conda"),
        }
        assert any("win" in note and "marker" in note for note in ran.json["notes"])
        assert "needs macOS 14.0" in found["tall"]["conda"]["message"]

    def test_a_manifest_by_its_path_for_another_target(self, project: Project, index: IndexServer) -> None:
        path = project.write("ml", manifest("ml", "numpy")) / "envgen.yaml"
        words = ("diagnose", str(path.relative_to(project.folder)), "--python", "3.13", "--macos", "14", "--json")
        ran = project.run(*words)
        assert told(ran)["numpy"]["conda"]["version"] == "2.3.1"
        assert told(ran)["numpy"]["line"]["line"] == 6

    def test_a_file_line_by_line(self, project: Project, index: IndexServer) -> None:
        text = "# mine\nnumpy>=2\ntensorflow-deps\nwin; os_name == 'nt'\n-e .\n"
        (project.folder / "requirements.txt").write_text(text)
        ran = project.run("diagnose", "requirements.txt", "--json")
        found = told(ran)
        assert found["numpy"]["line"]["line"] == 2
        assert brief(found["tensorflow-deps"]) == (False, "NOT_ON_INDEX", None)
        assert found["tensorflow-deps"]["line"]["line"] == 3

    def test_an_environment_file_of_condas(self, project: Project, index: IndexServer) -> None:
        text = "channels: [conda-forge]\ndependencies:\n- python=3.12\n- numpy=2.1\n- pip:\n  - dlib\n"
        (project.folder / "environment.yml").write_text(text)
        found = told(project.run("diagnose", "environment.yml", "--json"))
        assert found["numpy"]["conda"]["version"] == "2.1.3"
        assert found["dlib"]["line"]["line"] == 6

    def test_several_at_once(self, project: Project, index: IndexServer) -> None:
        (project.folder / "requirements.txt").write_text("six\n")
        found = told(project.run("diagnose", "requirements.txt", "numpy", "--json"))
        assert set(found) == {"six", "numpy"}

    @pytest.mark.parametrize(
        ("words", "code", "part"),
        [
            ((), 2, "nothing to diagnose"),
            (("!!",), 2, "not a requirement: `!!`"),
            (("gone.txt",), 1, "gone.txt"),
            (("numpy", "--python", "2.7"), 2, "2.7"),
            (("numpy", "--accelerator", "cuda"), 2, "unknown accelerator"),
        ],
        ids=["nothing", "no requirement", "no file", "no python", "no accelerator"],
    )
    def test_what_cannot_be_read(self, project: Project, words: tuple[str, ...], code: int, part: str) -> None:
        ran = project.run("diagnose", *words, "--json")
        assert ran.code == code
        assert part in ran.json["error"]["message"]

    def test_a_manifest_for_other_platforms(self, project: Project) -> None:
        text = manifest("ml", "numpy").replace('{platform: osx-arm64, macos: "13.0"}', "linux-64")
        project.write("ml", text)
        ran = project.run("diagnose", "ml")
        assert ran.code == 2
        assert "not made for osx-arm64" in ran.err


class TestPartial:
    def test_an_index_that_does_not_answer(self, project: Project) -> None:
        ran = project.run("diagnose", "numpy", "dlib", "--json")
        assert ran.code == 1
        assert ran.json["partial"]
        found = told(ran)
        assert brief(found["numpy"]) == (True, "UNKNOWN", "conda")
        assert brief(found["dlib"]) == (False, "UNKNOWN", None)
        assert any("partial" in note for note in ran.json["notes"])

    def test_in_text_it_is_not_said_to_be_refused(self, project: Project) -> None:
        out = project.run("diagnose", "dlib").out
        assert "not known" in out
        assert "could not be looked up: dlib" in out
        assert "cannot be had" not in out

    def test_a_channel_that_cannot_be_read(
        self, project: Project, index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ENVGEN_MIRRORS", f"conda-forge={tmp_path}/gone")
        ran = project.run("diagnose", "six", "dlib", "--json")
        assert ran.code == 1
        found = told(ran)
        assert brief(found["six"]) == (True, "OK", "pypi")
        assert brief(found["dlib"]) == (False, "SDIST_ONLY", None)
        assert not found["dlib"]["conda"]["known"]
        assert any("conda was not asked" in note for note in ran.json["notes"])

    def test_metadata_that_is_gone(self, project: Project, index: IndexServer) -> None:
        index.misbehave("/files/datasets", "missing")
        ran = project.run("diagnose", "datasets", "--json")
        assert ran.code == 1
        assert any("what `datasets` needs is not known" in note for note in ran.json["notes"])

    def test_the_starter_index_knows_a_part_only(self, project: Project, index: IndexServer) -> None:
        ran = project.run("diagnose", "numpy", "dlib", "--starter", "--no-try", "--json")
        assert any("a part of the channel only" in note for note in ran.json["notes"])
        assert not told(ran)["dlib"]["conda"]["known"]


class TestOutput:
    def test_a_table_with_the_reasons_and_the_fix_below(self, project: Project, index: IndexServer) -> None:
        ran = project.run("diagnose", "numpy", "datasets")
        lines = ran.out.splitlines()
        assert lines[0] == "On osx-arm64, macOS 13.0 and python 3.12"
        assert "datasets → promise  SDIST_ONLY 2.3  -            -       cannot be had" in lines
        assert ran.out.count("fix: ") == 1
        assert "(tried: with it the whole locks)" in ran.out
        assert lines[-1] == "1 of 2 cannot be had as asked for: datasets"
        assert "six" not in ran.out.split("\n\n")[1]
        assert "datasets → six" in project.run("diagnose", "datasets", "-v").out

    def test_what_can_be_had_is_said_in_a_line(self, project: Project, index: IndexServer) -> None:
        assert project.run("diagnose", "numpy").out.splitlines()[-1] == "it can be had"
        assert project.run("diagnose", "numpy", "six").out.splitlines()[-1] == "all 2 can be had"
        assert project.run("diagnose", "numpy", "-q").err == ""

    def test_what_is_held_back_is_told(self, project: Project, index: IndexServer) -> None:
        index.add(build_wheel("demo", "1.0", tag=ARM))
        index.add(build_wheel("demo", "2.0", tag="cp312-cp312-macosx_14_0_arm64"))
        out = project.run("diagnose", "demo").out
        assert "held back" in out
        assert "2.0 needs macOS 14.0, and the floor is 13.0" in out

    def test_markdown(self, project: Project, index: IndexServer) -> None:
        ran = project.run("diagnose", "datasets", "numpy", "--markdown")
        assert "| package | PyPI | conda | source | |" in ran.out
        assert "| datasets → promise | SDIST_ONLY 2.3 | - | - | cannot be had |" in ran.out
        assert "**datasets → promise**" in ran.out
        assert ran.out.count("```") % 2 == 0


class TestCommands:
    def test_what_installs_nothing_is_told_apart(self, project: Project, index: IndexServer) -> None:
        ran = project.run("diagnose", "--command", "rm -rf /")
        assert (ran.code, "there is no installation command in `rm -rf /`" in ran.err) == (2, True)
        index.add(build_wheel("six", "1.0"))
        ran = project.run("diagnose", "--command", "conda activate tf && pip install six")
        assert "this is no installation command that is known here, and was not judged" in ran.out

    def test_the_command_and_its_packages(self, project: Project, index: IndexServer) -> None:
        command = "pip3 install --only-binary=:all: dlib --platform=macosx_13_arm64"
        ran = project.run("diagnose", "--command", command, "--json")
        assert ran.code == 1
        (judged,) = ran.json["commands"]
        assert (judged["text"], judged["ok"]) == (command, False)
        assert "--platform=macosx_13_0_arm64" in judged["right"]
        assert judged["envgen"] == "envgen new my-env --python 3.12 --add dlib"
        assert "PLATFORM-TAG" in [each["code"] for each in judged["problems"]]
        assert brief(told(ran)["dlib"]) == (False, "SDIST_ONLY", None)

    def test_what_it_says_of_the_target_counts(self, project: Project, index: IndexServer) -> None:
        index.add(build_wheel("demo", "1.0", tag="cp311-cp311-macosx_14_0_arm64"))
        command = "pip download --no-deps --only-binary=:all: --platform macosx_14_0_arm64 --python-version 3.11 demo"
        assert told(project.run("diagnose", "--command", command, "--json"))["demo"]["ok"]
        command = "MACOSX_DEPLOYMENT_TARGET=14.0 python3.11 -m pip install demo"
        assert told(project.run("diagnose", "--command", command, "--json"))["demo"]["ok"]

    def test_condas_names_are_condas(self, project: Project, index: IndexServer) -> None:
        command = "conda create -n x -c apple python=3.12 tensorflow-deps numpy=2.1"
        ran = project.run("diagnose", "--command", command, "--json")
        found = told(ran)
        assert brief(found["numpy"]) == (True, "UNKNOWN", "conda")
        assert found["numpy"]["conda"]["version"] == "2.1.3"
        assert brief(found["tensorflow-deps"]) == (False, "UNKNOWN", None)

    def test_in_text(self, project: Project, index: IndexServer) -> None:
        out = project.run("diagnose", "--command", "sudo pip install numpy").out
        assert "$ sudo pip install numpy" in out
        assert "  the right command: pip install numpy" in out
        assert "  or lock it for every Mac: envgen new my-env --python 3.12 --add numpy" in out
        out = project.run("diagnose", "--command", "conda install -c apple tensorflow-deps").out
        assert "the right command: none: leave it out" in out
        out = project.run("diagnose", "--command", "pip install six", "--markdown").out
        assert "nothing is known to be wrong with the command itself" in out

    def test_files_and_what_is_no_package_are_noted(self, project: Project) -> None:
        ran = project.run("diagnose", "--command", "pip install -r req.txt ./here && conda install -f e.yml", "--json")
        notes = " ".join(ran.json["notes"])
        assert "`envgen diagnose req.txt`" in notes
        assert "`./here` was not looked up" in notes
        assert (ran.code, ran.json["verdicts"]) == (0, [])

    def test_beside_other_questions(self, project: Project, index: IndexServer) -> None:
        ran = project.run("diagnose", "numpy", "--command", "pip install six", "--json")
        assert set(told(ran)) == {"numpy", "six"}

    def test_one_that_no_shell_reads(self, project: Project) -> None:
        ran = project.run("diagnose", "--command", "pip install 'x", "--json")
        assert ran.code == 2
        assert "shell" in json.loads(ran.out)["error"]["message"]
