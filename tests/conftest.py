"""What every test may ask for."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from tests.fakes import projects, tiny_project
from tests.fakes.index_server import IndexServer

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each process that a test starts would compile envgen anew
sys.dont_write_bytecode = False
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background: each process would ignore it, too
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: a busy machine is no failure. The fast examples are the same each time, so that a failure is a change's.
settings.register_profile("fast", deadline=None, max_examples=15, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=100)
settings.register_profile("nightly", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

GOLDEN = Path(__file__).parent / "golden"
Golden = Callable[[str, Mapping[str, str]], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the expected files under tests/golden")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare files with those of a folder under tests/golden; `--update-golden` rewrites the folder instead."""

    def compare(case: str, files: Mapping[str, str]) -> None:
        folder = GOLDEN / case
        if request.config.getoption("--update-golden"):
            folder.mkdir(parents=True, exist_ok=True)
            for stale in set(folder.iterdir()) - {folder / name for name in files}:
                stale.unlink()
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8", newline="\n")
        expected = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*"))}
        assert sorted(files) == sorted(expected), "rewrite them with --update-golden"
        for name, text in files.items():
            assert text == expected[name], f"{case}/{name} differs; rewrite it with --update-golden"

    return compare


@pytest.fixture
def index() -> Iterator[IndexServer]:
    """Serve an empty index."""
    with IndexServer() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tiny_project.Project:
    """Return an empty project over a tiny channel; PyPI does not answer."""
    return tiny_project.empty_project(tmp_path, monkeypatch)


@pytest.fixture
def living(tmp_path: Path, index: IndexServer, monkeypatch: pytest.MonkeyPatch) -> projects.Project:
    """Return an empty project over a small channel with versions to move between, and an empty index."""
    return projects.Project(tmp_path, index, monkeypatch)
