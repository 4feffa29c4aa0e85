"""Test that a manifest and its lock are edited together, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.projects import Made, Project, made_once

NOISY = """\
# what we need
name: demo
python: "3.12"     # until the cluster moves
platforms: [{platform: osx-arm64, macos: "13.0"}]
dependencies:
  # tables
  - pandas   # the old API
  - six
"""


def lock_noisy(living: Project) -> None:
    living.manifest().write_text(NOISY)
    living.lock()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with made_once(tmp_path_factory.mktemp("locked"), lock_noisy) as made:
        yield made


@pytest.fixture
def noisy(living: Project, locked: Made) -> Project:
    living.start_from(locked)
    return living


def text(living: Project) -> str:
    return (living.folder() / "envgen.yaml").read_text()


def files(living: Project) -> dict[str, str]:
    return {path.name: path.read_text() for path in living.folder().iterdir()}


def moved(answer: dict[str, object]) -> dict[str, str]:
    environment = answer["environments"][0]  # type: ignore[index]  # JSON
    return {item["name"]: item["to"] for item in environment["platforms"]["osx-arm64"]["moved"]}


def test_adds_in_order_and_locks(noisy: Project) -> None:
    answer = noisy.json("add", "demo", "requests>=2")
    assert text(noisy) == NOISY.replace("  - six\n", "  - requests>=2\n  - six\n")
    assert moved(answer) == {"requests": "2.32.0", "urllib3": "2.2.0"}
    assert "environments/demo/envgen.yaml" in answer["environments"][0]["files"]
    assert noisy.run("lock", "--check").code == 0


def test_removes_with_all_it_brought(noisy: Project) -> None:
    answer = noisy.json("remove", "demo", "pandas")
    assert text(noisy) == NOISY.replace("  - pandas   # the old API\n", "")
    assert moved(answer) == {"libblas": "", "numpy": "", "pandas": ""}
    notes = answer["environments"][0]["notes"]
    assert notes[0] == "the comment on the line of `pandas` went with it: # the old API"


def test_replaces_a_line_that_is_there(noisy: Project) -> None:
    answer = noisy.json("add", "demo", "pandas<2.2")
    assert "  - pandas<2.2   # the old API\n" in text(noisy)
    assert moved(answer) == {"numpy": "2.0.2", "pandas": "2.1.4"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["add", "demo", "pandas>99"], "pandas>99", id="unsatisfiable"),
        pytest.param(["add", "demo", "no such =="], "not a requirement", id="no-requirement"),
        pytest.param(["add", "demo", "x", "--conda", "--pypi"], "exclude each other", id="two-kinds"),
        pytest.param(["add", "demo", "six", "--conda", "--group", "dev"], "a group holds requirements", id="group"),
        pytest.param(["remove", "demo", "numpy"], "`numpy` is not in", id="absent"),
        pytest.param(["add", "other", "six"], "there is no environment `other`", id="no-environment"),
        pytest.param(["add", "../demo", "six"], "not", id="outside"),
    ],
)
def test_a_failure_changes_nothing(noisy: Project, words: list[str], said: str) -> None:
    before = files(noisy)
    answer = noisy.run(*words)
    assert answer.code in (1, 2)
    assert said in answer.err
    assert files(noisy) == before


def test_adds_to_a_group(noisy: Project) -> None:
    answer = noisy.json("add", "demo", "flask", "--group", "dev")
    assert "groups:\n  dev:\n    - flask\n" in text(noisy)
    assert moved(answer) == {"click": "8.1.0", "flask": "3.0.0"}
    assert "category: dev" in (noisy.folder() / "conda-lock.yml").read_text()
    noisy.json("remove", "demo", "flask", "--group", "dev")
    assert noisy.lock().versions.keys() == {"python", "pip", "pandas", "numpy", "libblas", "six"}


def test_adds_match_specs_and_names_for_pypi_alone(noisy: Project) -> None:
    noisy.json("add", "demo", "flask >=3", "--conda")
    assert "conda:\n  - flask >=3\n" in text(noisy)
    answer = noisy.run("add", "demo", "urllib3", "--pypi")
    assert answer.code == 1
    assert "`urllib3` is not on the package index" in answer.err
    assert "pypi:" not in text(noisy)


def test_what_is_there_already_writes_nothing(noisy: Project) -> None:
    before = files(noisy)
    answer = noisy.json("add", "demo", "six")
    assert not answer["environments"][0]["changed"]
    assert answer["environments"][0]["notes"] == ["`six` is there already"]
    assert files(noisy) == before


def test_an_edit_that_the_digest_leaves_out_is_written(noisy: Project) -> None:
    (noisy.folder() / "envgen.yaml").write_text(NOISY + "  - six>=1\n")
    noisy.lock()
    noisy.json("remove", "demo", "six")
    assert "six" not in text(noisy)


class TestLinesOfWhatIsNotWritten:
    def test_what_the_command_adds_is_the_commands(self, noisy: Project) -> None:
        answer = noisy.run("add", "demo", "django", "six<1")
        assert "  the command: six<1\n" in answer.err
        assert "envgen.yaml" not in answer.err

    def test_lines_that_are_there_are_named_where_they_stand(self, noisy: Project) -> None:
        answer = noisy.run("add", "demo", "numpy<2.1", "pandas>=2.2", "django")
        assert "the command: numpy<2.1" in answer.err
        noisy.manifest().write_text(NOISY.replace("pandas ", "pandas>=2.2 "))
        noisy.lock()
        error = noisy.json("add", "demo", "django", "numpy<2.1", code=1)["error"]
        assert {"file": "environments/demo/envgen.yaml", "line": 7, "text": "  - pandas>=2.2   # the old API"} in (
            error["lines"]
        )
        assert {"file": "the command", "line": 0, "text": "numpy<2.1"} in error["lines"]

    def test_a_trial(self, noisy: Project) -> None:
        answer = noisy.run("why-not", "demo", "six>=99", "--solve")
        assert "the command: six>=99" in answer.out
