"""The files of another revision are those of the checkout, whatever is laid out as a repository within it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envgen.errors import UsageError
from envgen.system import git
from envgen.system.git import Revision


def run(folder: Path, *words: str) -> None:
    settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *settings, *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, files: dict[str, str]) -> None:
    run(folder, "init")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    run(folder, "add", ".")
    run(folder, "commit", "-m", "one")


@pytest.fixture(autouse=True)
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand for a git before 2.38, which does not know `safe.bareRepository`."""
    monkeypatch.delenv("GIT_DIR", raising=False)
    monkeypatch.setattr(git, "_GIT", ("git",))


@pytest.fixture
def laid_out(tmp_path: Path) -> Path:
    """Return a folder that is laid out as a bare repository, with another commit."""
    other = tmp_path / "other"
    other.mkdir()
    commit(other, {"a": "a stranger's"})
    folder = tmp_path / "mine" / "sub"
    folder.parent.mkdir()
    (other / ".git").rename(folder)
    run(folder, "config", "core.bare", "true")
    return folder


def test_a_folder_that_is_laid_out_as_a_repository_is_none(laid_out: Path) -> None:
    with pytest.raises(UsageError, match="not a git repository"):
        Revision(laid_out, "HEAD")


def test_the_checkout_around_it_counts(laid_out: Path) -> None:
    commit(laid_out.parent, {"a": "mine", "sub/b": "below"})
    found = Revision(laid_out, "HEAD")
    assert (found.text("a"), found.text("b"), found.text("sub/b")) == ("mine", "below", "below")
    assert found.names("b") is None


def test_a_folder_of_a_checkout(tmp_path: Path) -> None:
    commit(tmp_path, {"a": "top", "sub/b": "below", "sub/c/d": "deep"})
    found = Revision(tmp_path / "sub", "HEAD")
    assert (found.text("a"), found.text("b"), found.text("sub/b")) == ("top", "below", "below")
    assert found.names("c") == ("d",)
    assert found.names("sub") == ("b", "c")
