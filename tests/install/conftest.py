"""Provide tests a small world to install from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.install_world import Basics, Kept, World, basics, open_world
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


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """Keep a world in which `demo` was created; a test says how it wants it."""
    with open_world(tmp_path_factory.mktemp("kept") / "world") as made:
        yield Kept(made)


__all__ = ["environment"]
