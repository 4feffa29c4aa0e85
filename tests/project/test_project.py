"""Environments are folders below a project's root, and nothing else is; failures point at the manifest there."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.errors import ManifestError, PlanError, Problem, SourceLine, UsageError
from envgen.project.project import environment_folder, environment_names, open_environment, unwritten

TEXT = "name: demo\ndependencies: [six]\n"


def write(root: Path, name: str, text: str = TEXT) -> Path:
    folder = root / "environments" / name
    folder.mkdir(parents=True)
    (folder / "envgen.yaml").write_text(text, encoding="utf-8")
    return folder


def test_only_folders_with_a_manifest_count(tmp_path: Path) -> None:
    assert environment_names(tmp_path) == ()
    write(tmp_path, "b")
    write(tmp_path, "a")
    (tmp_path / "environments" / "empty").mkdir()
    (tmp_path / "environments" / "file").write_text("", encoding="utf-8")
    assert environment_names(tmp_path) == ("a", "b")


def test_an_environment_is_read(tmp_path: Path) -> None:
    write(tmp_path, "demo")
    environment = open_environment(tmp_path, "demo")
    assert (environment.name, environment.shown, environment.text) == ("demo", "environments/demo", TEXT)
    assert environment.manifest.file == "environments/demo/envgen.yaml"


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc", "", ".", "a\0b", "base", "-x"])
def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        environment_folder(tmp_path, name)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "root" / "environments").mkdir(parents=True)
    (tmp_path / "root" / "environments" / "demo").symlink_to(tmp_path / "outside")
    with pytest.raises(UsageError, match="leads out of"):
        open_environment(tmp_path / "root", "demo")


def test_a_missing_environment_names_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="known: none yet"):
        open_environment(tmp_path, "demo")
    write(tmp_path, "other")
    with pytest.raises(UsageError, match="known: other") as caught:
        open_environment(tmp_path, "demo")
    assert caught.value.hint == "make it with `envgen new demo`"


def test_a_manifest_of_another_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "other")
    with pytest.raises(ManifestError, match="`demo` is not the name of its folder"):
        open_environment(tmp_path, "other")


def test_too_large_a_manifest_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, "demo", TEXT + "# " + "x" * 1024 * 1024)
    with pytest.raises(ManifestError, match="is larger than"):
        open_environment(tmp_path, "demo")


FILE = "environments/demo/envgen.yaml"
BEFORE = "dependencies:\n  - six\ngroups:\n  dev:\n    - six\n"


def line(number: int, text: str, file: str = FILE) -> SourceLine:
    return SourceLine(file=file, line=number, text=text)


def placed(*lines: SourceLine) -> list[SourceLine]:
    with pytest.raises(PlanError) as caught, unwritten(FILE, BEFORE):
        raise PlanError("no", lines=lines)
    return list(caught.value.lines)


def test_a_line_that_moved() -> None:
    assert placed(line(3, "  - six"), line(6, "    - six")) == [line(2, "  - six"), line(5, "    - six")]


def test_a_line_that_was_added() -> None:
    assert placed(line(2, "  - numpy<2  # old")) == [line(0, "numpy<2  # old", "the command")]


def test_lines_of_other_files_stay() -> None:
    others = [line(7, "  - six", "pyproject.toml"), line(0, "six", FILE)]
    assert placed(*others) == others


def test_problems_of_a_manifest() -> None:
    problem = Problem(path="", message="twice", line=line(9, "  - six"), others=(line(4, "- rich"),))
    with pytest.raises(ManifestError) as caught, unwritten(FILE, BEFORE):
        raise ManifestError("twice", problems=[problem, Problem(path="", message="no line")])
    assert caught.value.problems[0].line == line(5, "    - six")
    assert caught.value.problems[0].others == (line(0, "rich", "the command"),)
    assert caught.value.problems[1].line is None


def test_nothing_happens_without_a_failure() -> None:
    with unwritten(FILE, BEFORE):
        pass
