"""Run `envgen map` over a tiny channel."""

from __future__ import annotations

import io

import pytest

from tests.fakes.tiny_project import NOARCH, Project, tiny_channel
from tests.json_shapes import FAILURE, RESULTS, assert_shape


def test_the_answers_as_a_table(project: Project) -> None:
    ran = project.run("map", "pandas>=2", "torch", "scikit-lern")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "REQUIREMENT  SOURCE   CONDA       WHY",
        "pandas>=2    conda    pandas >=2  conda-forge has a Python package of the same name",
        "torch        unknown  pytorch     its conda name is `pytorch`, which is not in this channel (conda-forge)",
        "scikit-lern  pypi     -           conda-forge has no package that is this project; "
        "did you mean `scikit-learn`?",
    ]


def test_the_json_has_the_promised_shape(project: Project) -> None:
    ran = project.run("map", "Scikit_Learn[x]>=1.2,!=1.3.0", "torch", "libfoo", "no-such", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert_shape(ran.json, RESULTS)
    learn, torch, foo, absent = ran.json["results"]
    assert (learn["pypi"], learn["source"], learn["conda"]) == ("scikit-learn", "conda", "scikit-learn")
    assert (torch["source"], torch["conda"], torch["provenance"]) == ("unknown", "pytorch", "table")
    assert (foo["source"], foo["conda"], foo["spec"]) == ("pypi", None, None)
    assert [rejected["conda"] for rejected in foo["rejected"]] == ["libfoo"]
    assert (absent["source"], absent["conda"], absent["rejected"]) == ("pypi", None, [])


def test_what_a_lock_asks_for_instead_is_told(project: Project) -> None:
    out = project.run("map", "tensorflow-gpu", "tensorflow-deps").out
    assert "a lock asks for `tensorflow` instead: tensorflow-gpu has no macOS wheel" in out
    assert "a lock leaves it out: tensorflow-deps was a conda metapackage" in out


def test_files_and_standard_input(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.folder / "names.txt").write_text("# a comment\npandas>=2  # with one\n\nsix\n", encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO("tqdm\n"))
    ran = project.run("map", "names.txt", "-", "numpy", "--json")
    assert [result["requirement"] for result in ran.json["results"]] == ["pandas>=2", "six", "tqdm", "numpy"]


def test_every_line_that_is_no_requirement_is_named(project: Project) -> None:
    (project.folder / "names.txt").write_text("pandas>=2\na=1\nsix\n???\n", encoding="utf-8")
    ran = project.run("map", "names.txt", "b==", "--json")
    assert ran.code == 1
    assert_shape(ran.json, FAILURE)
    assert ran.json["error"]["message"].startswith("3 lines are no requirements\n")
    assert ran.json["error"]["lines"] == [
        {"file": "names.txt", "line": 2, "text": "a=1"},
        {"file": "names.txt", "line": 4, "text": "???"},
    ]
    assert "`b==`" in ran.json["error"]["message"]


WRONG = {
    "nothing": ([], 2, "nothing to map"),
    "a python that is none": (["six", "--python", "3"], 2, "not a python minor version: `3`"),
    "an old macOS": (["six", "--macos", "10.15"], 2, "osx-arm64 starts at macOS 11.0"),
    "a file of another kind": (["./channel.bin"], 1, "is a binary file"),
}


@pytest.mark.parametrize(("words", "code", "message"), WRONG.values(), ids=WRONG)
def test_wrong_calls(project: Project, words: list[str], code: int, message: str) -> None:
    (project.folder / "channel.bin").write_bytes(b"a\0b")
    ran = project.run("map", *words)
    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err


def test_a_marker_that_does_not_hold_for_the_target_changes_no_name(project: Project) -> None:
    ran = project.run("map", "numpy ; python_version < '3.12'", "--python", "3.12", "--json")
    (result,) = ran.json["results"]
    assert (result["source"], result["conda"]) == ("conda", "numpy")


def test_many_names_get_no_suggestions(project: Project) -> None:
    names = [f"scikit-lern{number}" for number in range(60)]
    ran = project.run("map", *names, "--json")
    assert len(ran.json["results"]) == 60
    assert all(result["suggestions"] == [] for result in ran.json["results"])


def test_names_in_the_order_asked_and_twins_by_their_newest(project: Project) -> None:
    tiny_channel(project.channel, noarch=NOARCH + "a-b 1.0 pyh_0 : python\na_b 2.0 pyh_0 : python\n")
    ran = project.run("map", "six", "a.b", "numpy", "--json")
    assert [result["conda"] for result in ran.json["results"]] == ["six", "a_b", "numpy"]


def test_the_starter_index_knows_only_a_part(project: Project) -> None:
    ran = project.run("map", "numpy", "surely-not-in-there", "--starter", "--json")
    known, unknown = ran.json["results"]
    assert known["source"] == "conda"
    assert unknown["source"] == "unknown"
    assert "only a part of the channel" in unknown["why"]
