"""Take the fixtures of another folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.locking.projects import Project
from tests.pypi.index_server import IndexServer
from tests.tiny_project import project

__all__ = ["index", "living", "project"]


# Give tests small projects: `project` over a tiny channel without PyPI, `living` with versions to move
# between.


@pytest.fixture
def index() -> Iterator[IndexServer]:
    """Serve an empty index."""
    with IndexServer() as server:
        yield server


@pytest.fixture
def living(
    tmp_path: Path, index: IndexServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    """Make an empty project with a small channel and an empty index."""
    return Project(tmp_path, index, monkeypatch, capsys)
