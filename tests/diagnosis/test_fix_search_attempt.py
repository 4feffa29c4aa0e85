"""Test that trying a manifest says whether it locks, and whom a failure blames, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envgen.cli.options import services_for
from envgen.diagnosis.fix_search import LockAttempt, attempt_lock
from envgen.project.services import Services
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_project import Project, manifest, tiny_channel
from tests.fakes.tiny_wheels import build_wheel


def services() -> Services:
    return services_for(progress=lambda _: None)


@pytest.fixture
def served(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[IndexServer]:
    with IndexServer() as server:
        monkeypatch.setenv("UV_DEFAULT_INDEX", server.url)
        yield server


def tried(project: Project, *dependencies: str, more: str = "", **options: str) -> LockAttempt:
    before = project.files()
    found = attempt_lock(services(), manifest("x", *dependencies, more=more, **options))
    assert project.files() == before
    return found


def test_what_locks(project: Project) -> None:
    assert tried(project, "numpy").locks


def test_a_conflict_blames_its_lines(project: Project) -> None:
    tiny_channel(
        project.channel,
        native="""
            python 3.12.4 h1_0 : __osx >=11.0
            numpy 1.26.4 py312_0 : python >=3.12&<3.13.0a0
            numpy 2.1.3 py312_0 : python >=3.12&<3.13.0a0
            old 1.0 py312_0 : python >=3.12&<3.13.0a0, numpy <2
        """,
    )
    found = tried(project, "six", "old", "numpy>=2")
    assert not found.locks
    assert found.names == {"old", "numpy"}


def test_so_does_a_spec(project: Project) -> None:
    assert tried(project, "six", more="conda: [tall]\n").names == {"tall"}


def test_what_keeps_another_from_conda_is_blamed_with_it(project: Project, served: IndexServer) -> None:
    served.add(build_wheel("numpy", "1.23.4", tag="cp312-cp312-macosx_11_0_arm64"))
    served.add_sdist("pandas", "2.2.3")
    found = tried(project, "six", "pandas", "numpy==1.23.4")
    assert not found.locks
    assert (set(found.names), set(found.causes)) == ({"pandas", "numpy"}, {"numpy"})


def test_what_must_come_from_an_index_that_is_away_is_not_known(project: Project) -> None:
    found = tried(project, "mediapipe")
    assert (found.locks, found.unreachable) == (False, True)


def test_a_manifest_that_is_none(project: Project) -> None:
    found = attempt_lock(services(), "name: [")
    assert (found.locks, found.unreachable) == (False, False)
