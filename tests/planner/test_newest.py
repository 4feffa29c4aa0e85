"""What conda can have of newer releases beside all that is asked for, and what stands against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from envgen.planner.newest import Newest, can_meet, holders, holds, met_floors
from envgen.planner.sources import choose_sources
from envgen.planner.state import PlanState
from tests.fakes.scenarios import Scenario, scenario

CHANNEL = """
a 1.0 : lib 1.*
a 2.0 : lib 2.*
b 1.0 : lib 1.*
c 1.0
c 2.0
d 1.0 : lib 1.*
d 2.0 : lib 2.*
e 1.0 ! c <2
lib 1.0
lib 2.0
"""


def asked(*dependencies: str, conda: Sequence[str] = ()) -> tuple[Scenario, PlanState]:
    given = scenario(CHANNEL, dependencies=dependencies, conda=conda)
    return given, choose_sources(given.inputs, given.resolvers)


@pytest.mark.parametrize(
    ("dependencies", "floors", "met", "suspects"),
    [
        ("a c", {"a": "2.0", "c": "2.0"}, {"a", "c"}, set()),
        ("a b c", {"a": "2.0", "c": "2.0"}, {"c"}, {"a"}),
        ("a b", {"a": "2.0"}, set(), {"a"}),
        ("a", {}, set(), set()),
        ("a b c e", {"a": "2.0", "c": "2.0"}, set(), {"a", "c"}),
    ],
)
def test_floors_that_can_be_met_together(
    dependencies: str, floors: Mapping[str, str], met: set[str], suspects: set[str]
) -> None:
    _, state = asked(*dependencies.split())
    found = met_floors(state, floors)
    assert (set(found.met), set(found.suspects)) == (met, suspects)
    assert all(found.met[name] == floors[name] for name in met)
    assert can_meet(state, found.met)
    assert can_meet(state, floors) is (met == floors.keys())
    assert all(name in names for name, names in found.suspects.items())


def test_a_few_failures_are_enough() -> None:
    names = [f"x{number}" for number in range(6)]
    channel = "".join(f"{name} 1.0 : lib{name} 1.*\n{name} 2.0 : lib{name} 2.*\n" for name in names)
    channel += "".join(f"lib{name} 1.0\nlib{name} 2.0\nold{name} 1.0 : lib{name} 1.*\n" for name in names)
    given = scenario(channel, dependencies=[*names, *(f"old{name}" for name in names)])
    state = choose_sources(given.inputs, given.resolvers)
    before = len(given.conda.solves)
    found = met_floors(state, dict.fromkeys(names, "2.0"))
    assert (set(found.met), set(found.suspects)) == (set(), set(names))
    assert len(given.conda.solves) - before == 3


@pytest.mark.parametrize(
    ("dependencies", "name", "expected"),
    [
        ("a b c", "a", ["b"]),
        ("a b c", "c", []),  # it can be had
        ("a b d", "a", ["b"]),  # d could go along
        ("a b==1.0 d==1.0", "a", ["d"]),  # either is enough
        ("c e a", "c", ["e"]),
    ],
)
@pytest.mark.parametrize("told", [True, False], ids=["spoken of", "not"])
def test_who_stands_against_a_release(dependencies: str, name: str, expected: list[str], told: bool) -> None:
    _, state = asked(*dependencies.split())
    spoken = ["a", "b", "c", "d", "e", "lib"] if told else []
    found = holders(state, name, "2.0", spoken)
    assert found == expected or (len(expected) == 1 and found in (["b"], ["d"]))
    assert bool(found) is not can_meet(state, {name: "2.0"})


def test_nobody_stands_against_what_the_users_own_spec_rules_out() -> None:
    _, state = asked("a", "b", conda=["lib<2"])
    assert holders(state, "a", "2.0") == []


def test_one_that_holds_another() -> None:
    _, state = asked("a", "b", "c")
    assert holds(state, "b", "a", "2.0")
    assert not holds(state, "c", "a", "2.0")


def test_what_is_doubted_is_tried_together_first() -> None:
    given, state = asked("a", "c", "e")
    newest = Newest(state)
    before = len(given.conda.solves)
    newest.doubt(["a", "c"])
    assert len(given.conda.solves) - before == 1
    assert newest.is_installable("a", "2.0")
    assert newest.is_installable("c", "2.0")
    assert len(given.conda.solves) - before == 1
    newest.doubt(["a", "c"])
    assert len(given.conda.solves) - before == 1
