"""Provide tests a small world to install from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.install_world import Basics, World, basics, open_world
from tests.pypi.conftest import environment


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Start a channel and an index, with an empty project."""
    with open_world(tmp_path) as made:
        yield made


@pytest.fixture
def usual(world: World) -> Basics:
    """Lock the usual environment as `demo`."""
    return basics(world)


__all__ = ["environment"]
