"""Let PyPI answer the project where a test takes `index`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_project import Project


@pytest.fixture
def index(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[IndexServer]:
    """Serve an empty index to the project."""
    with IndexServer() as server:
        monkeypatch.setenv("UV_DEFAULT_INDEX", server.url)
        yield server
