"""Fixtures of the diagnosis tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.diagnosis.dependencies import DependencyGraph, DependencyWalk
from envgen.pypi.lookups import PypiLookups
from tests.diagnosis.values import MAC, conda_lookup
from tests.fakes.index_server import IndexServer
from tests.pypi.conftest import QUICK


@pytest.fixture
def walk(index: IndexServer, tmp_path: Path) -> DependencyWalk:
    """Return a walk over a loopback index and a channel of python alone."""
    lookups = PypiLookups(cache=tmp_path, environment={"UV_DEFAULT_INDEX": index.url}, timeouts=QUICK)
    return DependencyWalk(
        platform=MAC,
        conda=conda_lookup(),
        lookups=lookups,
        forced={},
        progress=lambda _: None,
        graph=DependencyGraph(markers=MAC.markers()),
    )
