"""The host's settings are read from its variables and folders, mirrors from the call as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.errors import UsageError
from envgen.system.settings import DEFAULT_TIMEOUT, collect_mirrors, find_root, parse_mirror, parse_mirrors, read_host


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


PAIRS = {
    "conda-forge=../channel": ("conda-forge", "../channel"),
    " conda-forge = /srv/a b ": ("conda-forge", "/srv/a b"),
    "https://host/mine=https://other/mine?x=1": ("https://host/mine", "https://other/mine?x=1"),
}


@pytest.mark.parametrize(("text", "expected"), PAIRS.items(), ids=PAIRS)
def test_reads_one_pair(text: str, expected: tuple[str, str]) -> None:
    assert parse_mirror(text) == expected


@pytest.mark.parametrize("text", ["", "conda-forge", "=/srv", "conda-forge=", " = "])
def test_refuses_what_is_no_pair(text: str) -> None:
    with pytest.raises(UsageError, match=f"not a mirror: `{text}`") as caught:
        parse_mirror(text)
    assert "CHANNEL=PATH_OR_URL" in caught.value.hint
    assert caught.value.exit_code == 2


def test_shows_no_secret_of_what_it_refuses() -> None:
    with pytest.raises(UsageError, match="not a mirror: `https://host/mine`"):
        parse_mirror("https://ada:pw@host/mine")


@pytest.mark.parametrize(
    "text", ["a=/x,b=/y", "a=/x b=/y", " a=/x ,\n b=/y,, ", "a=/x,a=/x,b=/y"], ids=["comma", "blank", "both", "twice"]
)
def test_reads_the_variable(text: str) -> None:
    assert parse_mirrors(text) == {"a": "/x", "b": "/y"}


def test_an_empty_variable_has_no_mirrors() -> None:
    assert parse_mirrors("") == {}


def test_a_channel_has_one_place() -> None:
    with pytest.raises(UsageError, match="channel `a` has two mirrors"):
        collect_mirrors(["a=/x", "a=/y"])
