"""Read the host's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.errors import UsageError
from envgen.system.settings import DEFAULT_TIMEOUT, find_root, read_host


def test_reads_the_variables(tmp_path: Path) -> None:
    environ = {
        "ENVGEN_CACHE_DIR": "/caches/here",
        "ENVGEN_DATA_DIR": "data",
        "ENVGEN_MIRRORS": "conda-forge=../channel",
        "ENVGEN_TIMEOUT": "12.5",
        "TOKEN": "s3cret",
    }
    settings = read_host(environ, tmp_path)
    assert settings.cache_dir == Path("/caches/here")
    assert settings.data_dir == tmp_path / "data"
    assert settings.mirrors == {"conda-forge": "../channel"}
    assert settings.timeout == 12.5
    assert (settings.folder, settings.root) == (tmp_path, tmp_path)
    assert settings.environ["TOKEN"] == "s3cret"
    assert "s3cret" not in repr(settings)


def test_has_defaults(tmp_path: Path) -> None:
    settings = read_host({}, tmp_path)
    assert settings.cache_dir.name == "envgen"
    assert settings.data_dir.name == "envgen"
    assert settings.cache_dir != settings.data_dir
    assert settings.mirrors == {}
    assert settings.timeout == DEFAULT_TIMEOUT


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf", "1e9"])
def test_refuses_a_timeout_that_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=f"ENVGEN_TIMEOUT is not a number of seconds: `{text}`"):
        read_host({"ENVGEN_TIMEOUT": text}, tmp_path)


ROOTS = {
    "nothing": ((), "a/b/c"),
    "git": (("a/.git",), "a"),
    "environments": (("a/environments",), "a"),
    "nearest environments": (("environments", "a/b/environments"), "a/b"),
    "environments above git": (("environments", "a/.git"), ""),
    "environments below git": ((".git", "a/b/environments"), "a/b"),
    "in the folder itself": (("a/b/c/environments", "a/environments"), "a/b/c"),
}


@pytest.mark.parametrize(("folders", "expected"), ROOTS.values(), ids=ROOTS)
def test_finds_the_root(tmp_path: Path, folders: tuple[str, ...], expected: str) -> None:
    start = tmp_path / "a/b/c"
    start.mkdir(parents=True)
    for folder in folders:
        (tmp_path / folder).mkdir()
    assert find_root(start) == tmp_path / expected


def test_a_worktrees_git_is_a_file_and_environments_a_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "environments").write_text("no folder")
    assert find_root(tmp_path / "a") == tmp_path
