"""Give tests small projects: `project` over a tiny channel without PyPI, `living` with versions to move between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pypi.index_server import IndexServer
from tests.tiny_project import project
from tests.workflows.projects import Project

__all__ = ["index", "living", "project"]


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
