"""Test that what pip cannot see is told."""

from __future__ import annotations

import pytest

from envgen.lock.model import LockedWheel, PlatformLock
from envgen.models.findings import Finding
from envgen.proof.facts import fact_findings
from tests.fakes.installed_values import distributions_of, record, target, wheel


def prove(requires: str, *conda: str, pypi: tuple[str, ...] = ()) -> list[Finding]:
    lock = PlatformLock(
        platform=target(),
        solver="rattler",
        repodata="conda-forge",
        conda=tuple(record(*item.split("==")) for item in conda),
        pypi=(
            LockedWheel(wheel=wheel("mediapipe==1.2.2"), requires=(requires,)),
            *(LockedWheel(wheel=wheel(text)) for text in pypi),
        ),
    )
    return [finding for finding in fact_findings(lock, distributions_of) if finding.code == "UNNAMED-CONTENT"]


def test_a_record_that_stands_in_without_metadata_is_told() -> None:
    (finding,) = prove("opencv-contrib-python>=4", "py-opencv==4.12.0")
    assert finding.severity == "warning"
    assert finding.message.startswith(
        "mediapipe requires opencv-contrib-python>=4, which conda's py-opencv stands in for"
    )
    assert "conda-lock.yml" in finding.hint
    assert finding.packages == ("mediapipe", "py-opencv")


@pytest.mark.parametrize(
    ("requires", "conda", "pypi"),
    [
        pytest.param("opencv-python", ("py-opencv==4.12.0",), (), id="its own metadata"),
        pytest.param("opencv-contrib-python", (), ("opencv-contrib-python==4.12",), id="the wheel itself"),
        pytest.param(
            "opencv-contrib-python", ("py-opencv==4.12.0",), ("opencv-contrib-python==4.12",), id="a wheel beside it"
        ),
    ],
)
def test_what_pip_sees_is_no_finding(requires: str, conda: tuple[str, ...], pypi: tuple[str, ...]) -> None:
    assert prove(requires, *conda, pypi=pypi) == []
