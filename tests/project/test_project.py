"""Environments are folders below the project's root, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.errors import ManifestError, UsageError
from envgen.project.project import environment_folder, environment_names, open_environment

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
