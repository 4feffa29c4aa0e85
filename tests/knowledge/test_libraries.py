"""Test which libraries a wheel loads that nobody ships."""

from __future__ import annotations

import pytest

from envgen.knowledge.wheels import lacking_libraries
from tests.fakes.facts_world import target, world


@pytest.mark.parametrize(
    ("pypi", "conda", "expected"),
    [
        pytest.param(["xgboost==3.4.1"], [], ["xgboost"], id="xgboost"),
        pytest.param(["lightgbm==4.7.0"], [], ["lightgbm"], id="lightgbm"),
        pytest.param(["xgboost==3.4.1"], ["llvm-openmp==22.1.8"], [], id="conda brings it"),
        pytest.param([], ["xgboost==3.3.0"], [], id="conda's own"),
    ],
)
def test_lacking(pypi: list[str], conda: list[str], expected: list[str]) -> None:
    assert [wheel.package for _, wheel in lacking_libraries(world(pypi=pypi, conda=conda))] == expected


def test_elsewhere_nothing_lacks() -> None:
    assert lacking_libraries(world(pypi=["xgboost==3.4.1"], platform=target(subdir="linux-64"))) == ()
