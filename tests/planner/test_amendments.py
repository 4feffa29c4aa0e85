"""Test the bounds that records of conda are given."""

from __future__ import annotations

import pytest

from envgen.knowledge.caps import cap_rules
from envgen.planner.overrides import amendments, conda_name
from tests.fakes.planner_world import records


@pytest.mark.parametrize(
    ("text", "constrains"),
    [
        pytest.param("tensorboard 2.20.0", ("setuptools <82dev0",), id="an old tensorboard"),
        pytest.param("tensorboard 2.21.0", (), id="a new one"),
        pytest.param("tensorboard 2.20.0 ! setuptools <82dev0", ("setuptools <82dev0",), id="a bound that is there"),
        pytest.param("tensorflow-base 2.18.0 ! six", ("six", "numpy <2.1dev0", "keras >=3"), id="beside its own"),
    ],
)
def test_a_bound_is_added_where_it_is_missing(text: str, constrains: tuple[str, ...]) -> None:
    (record,) = records(text)
    amended = amendments()[record.name](record)
    assert amended.constrains == constrains
    assert (amended is record) == (record.constrains == constrains)


def test_rules_of_pypis_half_alone_do_not_count() -> None:
    known = {conda_name(rule.beside) for rule in cap_rules() if "conda" in rule.halves}
    assert amendments().keys() == known


@pytest.mark.parametrize(("distribution", "conda"), [("torch", "pytorch"), ("numpy", "numpy")])
def test_conda_names_come_from_the_table(distribution: str, conda: str) -> None:
    assert conda_name(distribution) == conda
