"""Test that look-ups go on where some fail, and give up where all do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from envgen.errors import PypiError, PypiUnreachableError
from envgen.models.wheel import Wheel, WheelMetadata
from envgen.pypi.lookups import PypiLookups
from envgen.pypi.simple_api import Project
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_wheels import TinyWheel, build_wheel
from tests.pypi.conftest import QUICK


@pytest.fixture
def lookups(environment: Mapping[str, str], tmp_path: Path) -> PypiLookups:
    return PypiLookups(cache=tmp_path / "cache", environment=environment, timeouts=QUICK)


def wheel(built: TinyWheel, url: str) -> Wheel:
    return Wheel(name=built.name, version=built.version, filename=built.filename, url=url, sha256=built.sha256)


def test_projects_are_found_or_known_to_be_absent(lookups: PypiLookups, index: IndexServer) -> None:
    index.add(build_wheel("demo", "1.0"))
    found = lookups.projects(["Demo", "gone"])
    assert isinstance(found["demo"], Project)
    assert found["gone"] is None
    assert lookups.notes == ()


def test_one_that_fails_does_not_stop_the_others(lookups: PypiLookups, index: IndexServer) -> None:
    index.add(build_wheel("demo", "1.0"))
    index.misbehave("/simple/broken/", "broken")
    found = lookups.projects(["broken", "demo"])
    assert isinstance(found["broken"], PypiError)
    assert isinstance(found["demo"], Project)


def test_metadata_keeps_its_order_and_its_failures(lookups: PypiLookups, index: IndexServer) -> None:
    first, second = build_wheel("a", "1.0", requires=("six",)), build_wheel("b", "1.0")
    wheels = [wheel(first, index.add(first)), wheel(second, f"{index.root}/files/gone-1.0-py3-none-any.whl")]
    read, failed = lookups.metadata(wheels)
    assert isinstance(read, WheelMetadata)
    assert read.requires_dist == ("six",)
    assert isinstance(failed, PypiError)


def test_an_index_that_does_not_answer_is_given_up(environment: Mapping[str, str], tmp_path: Path) -> None:
    away = {**environment, "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple/"}
    lookups = PypiLookups(cache=tmp_path, environment=away, timeouts=QUICK)
    found = lookups.projects([f"n{number}" for number in range(50)])
    assert all(isinstance(answer, PypiUnreachableError) for answer in found.values())


def test_one_that_hangs_is_asked_a_few_times_whatever_is_wanted(lookups: PypiLookups, index: IndexServer) -> None:
    index.misbehave("/simple/", "hang")
    found = lookups.projects([f"n{number}" for number in range(200)])
    assert len(index.log) < 30
    assert all(isinstance(answer, PypiUnreachableError) for answer in found.values())


def test_an_answer_between_keeps_the_index_in_use(lookups: PypiLookups, index: IndexServer) -> None:
    index.add(build_wheel("demo", "1.0"))
    for number in range(6):
        index.misbehave(f"/simple/broken{number}/", "broken")
        assert isinstance(lookups.projects([f"broken{number}"])[f"broken{number}"], PypiError)
        assert lookups.projects([f"gone{number}"]) == {f"gone{number}": None}


def test_there_is_a_limit_for_all_of_it(environment: Mapping[str, str], tmp_path: Path, index: IndexServer) -> None:
    index.add(build_wheel("demo", "1.0"))
    lookups = PypiLookups(cache=tmp_path, environment=environment, timeouts=QUICK, timeout=0.0)
    answer = lookups.projects(["demo"])["demo"]
    assert isinstance(answer, PypiUnreachableError)
    assert "too slow" in answer.message
    assert index.log == ()


def test_the_default_limits_are_those_of_the_environment(environment: Mapping[str, str], tmp_path: Path) -> None:
    index = PypiLookups(cache=tmp_path, environment={**environment, "UV_HTTP_TIMEOUT": "2"})
    assert index.projects(["gone"]) == {"gone": None}
