"""The options of a call become the services of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from envgen.cli.options import services_for
from envgen.errors import UsageError
from tests.fakes.tiny_project import Project

Progress = Callable[[str], None]


def silent(message: str) -> None:
    """Show nothing."""


def test_the_host_and_the_call_are_joined(project: Project) -> None:
    services = services_for(
        offline=True, solver="rattler", channels=["a", "b"], mirrors=["a=/x y", "b=../z"], progress=silent
    )
    assert services.root == project.folder
    assert services.options.offline
    assert services.options.channels == ("a", "b")
    assert services.options.mirrors == {"conda-forge": str(project.channel), "a": "/x y", "b": "../z"}
    assert services.settings.cache_dir == Path(project.variables["ENVGEN_CACHE_DIR"])
    assert services.online_names is None


def test_a_mirror_of_the_call_is_taken_before_the_hosts(project: Project) -> None:
    services = services_for(mirrors=["conda-forge=elsewhere"], progress=silent)
    assert services.options.mirrors == {"conda-forge": "elsewhere"}


def test_the_online_names_are_asked_for(project: Project) -> None:
    assert services_for(online_names=True, progress=silent).online_names is not None


def test_two_mirrors_of_one_channel_are_refused(project: Project) -> None:
    with pytest.raises(UsageError, match="`a` has two mirrors"):
        services_for(mirrors=["a=x", "a=y"], progress=silent)
