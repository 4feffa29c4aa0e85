from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.lock.custom_metadata import facts_of, lock_facts, platform_facts, read_platform_facts
from envgen.models.findings import Decision
from tests.fakes.locks import DIGEST, LINUX, make_lock, make_platform, small_platform

BASE = {"python": "3.12", "macos": "13.0", "solver": "rattler", "repodata": "conda-forge"}


def test_the_facts_of_a_lock() -> None:
    assert lock_facts(make_lock()) == {
        "created_by": "envgen 1.2.3",
        "envgen_format": "1",
        "name": "demo",
        "manifest_digest": DIGEST,
    }
    assert lock_facts(replace(make_lock(), exclude_newer="2026-08-01"))["exclude_newer"] == "2026-08-01"


def test_the_facts_of_a_platform_come_back() -> None:
    platform = small_platform()
    facts = platform_facts(platform)
    assert facts["osx-arm64.macos"] == "13.0"
    assert facts["osx-arm64.decision.numpy"] == "conda numpy - the channel has it"
    assert facts["osx-arm64.note.1"] == "2 records without a date were left out"
    assert read_platform_facts("osx-arm64", facts_of("osx-arm64", facts)) == replace(
        platform, conda=(), pypi=(), groups={}
    )


def test_linux_has_no_macos() -> None:
    facts = platform_facts(make_platform(platform=LINUX))
    assert "linux-64.macos" not in facts
    assert read_platform_facts("linux-64", facts_of("linux-64", facts)).platform == LINUX


def test_two_decisions_on_one_requirement_are_both_kept() -> None:
    first = Decision(requirement="dask", name="dask", source="conda", why="one")
    second = Decision(requirement="dask", name="dask-core", source="conda", why="two - or three")
    facts = platform_facts(replace(make_platform(), decisions=(second, first)))
    assert list(facts)[-2:] == ["osx-arm64.decision.dask", "osx-arm64.decision+.dask"]
    assert read_platform_facts("osx-arm64", facts_of("osx-arm64", facts)).decisions == (first, second)


def test_the_facts_of_a_platform_whose_name_begins_alike_are_not_taken() -> None:
    assert facts_of("osx-64", {"osx-64.python": "3.12", "osx-64x.python": "3.9", "name": "x"}) == {"python": "3.12"}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"python": None}, "`python` is missing", id="no python"),
        pytest.param({"python": "3"}, "not a python minor", id="odd python"),
        pytest.param({"macos": "10.15"}, "starts at macOS 11.0", id="macOS that never was"),
        pytest.param({"solver": None}, "`solver` is missing", id="no solver"),
        pytest.param({"repodata": None}, "`repodata` is missing", id="no repodata"),
        pytest.param({"decision.numpy": "numpy"}, "not a decision", id="odd decision"),
        pytest.param({"decision.numpy": "forge numpy - x"}, "not a decision", id="odd source"),
        pytest.param({"finding.1": '["A"]'}, "not a finding", id="short finding"),
        pytest.param({"finding.1": '["A", "fatal", "m", "h"]'}, "not a severity", id="odd severity"),
        pytest.param({"finding.1": "["}, "Expecting", id="broken finding"),
    ],
)
def test_odd_facts_are_refused(facts: dict[str, str | None], reason: str) -> None:
    given = {key: value for key, value in {**BASE, **facts}.items() if value is not None}
    with pytest.raises(ValueError, match=reason):
        read_platform_facts("osx-arm64", given)
