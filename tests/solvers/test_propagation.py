"""Refute kept records by propagation: what is certain, and nothing else."""

from __future__ import annotations

import pytest

from envgen.solvers.propagation import Refuter
from tests.fakes.tables import record, request, table

CASES = [
    # what is shown, the channel, the first record of each name is kept; specs ; constraints, fixed, refuted
    ("nothing", "a 1\n a 2", "a", "", ""),
    ("a root excludes it", "a 1\n a 2", "a >=2", "", "a"),
    ("a constraint excludes it", "a 1\n a 2\n b 1", "b ; a >=2", "", "a"),
    ("it needs what a root excludes", "a 1 : b 1\n a 2\n b 1\n b 2", "a, b >=2", "", "a b"),
    ("not asked for, and yet impossible", "a 1 : b 1\n a 2\n b 1\n b 2", "b >=2", "", "a b"),
    ("what needs what needs it", "a 1 : b 1\n a 2\n b 1 : c 1\n b 2\n c 1\n c 2", "c >=2", "", "a b c"),
    ("it constrains what a root excludes", "a 1 ! b 1\n a 2\n b 1\n b 2", "a, b >=2", "", "a b"),
    ("it may do without what it constrains", "a 1 ! c 1\n a 2\n b 1\n c 1\n c 2", "a, b ; c >=2", "", "c"),
    ("what moves requires another", "a 1\n a 2 : b >=2\n b 1\n b 2", "a >=2", "", "a b"),
    ("what moves may require another", "a 1\n a 2 : b >=2\n a 3 : b\n b 1\n b 2", "a >=2", "", "a"),
    ("what moves constrains another", "a 1\n a 2 ! b >=2\n b 1\n b 2", "a >=2, b", "", "a b"),
    ("a chain", "a 1\n a 2 : b 2\n b 1\n b 2 : c 2\n c 1\n c 2", "a 2", "", "a b c"),
    ("a new requirement forces", "new 1 : a >=2\n a 1\n a 2", "new", "", "a"),
    ("a new one is looked into without a bound", "new 1 : newer\n newer 1 : a >=2\n a 1\n a 2", "new", "", "a"),
    ("a new one narrows another", "new 1 : newer >=2\n newer 1 : a\n newer 2 : a 2\n a 1\n a 2", "new", "", "a"),
    ("an alternative that cannot be does not count", "a 1\n a 2 : b 2\n a 3 : nowhere\n b 1\n b 2", "a >=2", "", "a b"),
    (
        "an alternative that turns out impossible later",
        "a 1\n a 2 : c 2\n a 3 : b 3\n b 1\n b 2\n b 3\n c 1\n c 2\n d 1\n d 2 : b 2",
        "a >=2, d 2",
        "",
        "a b c d",
    ),
    ("the system excludes an alternative", "a 1\n a 2 : b 2\n a 3 : __osx >=14\n b 1\n b 2", "a >=2", "", "a b"),
    ("the system constrains an alternative", "a 1\n a 2 : b 2\n a 3 ! __osx >=14\n b 1\n b 2", "a >=2", "", "a b"),
    ("the system excludes it", "a 1 : __osx >=14\n a 2", "a, __osx", "", "a"),
    ("either of two, so neither is certain", "a 1 : b 1\n a 2\n b 1 : a 1\n b 2\n c 1 ! b 1", "a, b", "", ""),
    ("a fixed one excludes it", "a 1 : b 2\n b 1\n b 2", "a", "a", "b"),
    ("a fixed one that nothing asks for does not count", "a 1 : b 2\n b 1\n b 2\n c 1", "c", "a", ""),
    ("a fixed one is never refuted itself", "a 1\n a 2\n b 1", "b ; a >=2", "a", ""),
    ("a request that contradicts itself", "a 1\n a 2 : nowhere", "a >=2", "", ""),
    ("a malformed spec says nothing", "a 1\n a 2 : b >>=\n b 1", "a >=2", "", "a"),
]


@pytest.mark.parametrize(
    ("channel", "asked", "fixed", "answer"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_what_is_certain(channel: str, asked: str, fixed: str, answer: str) -> None:
    index = table(channel)
    specs, _, constraints = asked.partition(" ; ")
    question = request(index, *specs.split(", "), constraints=[text for text in constraints.split(", ") if text])
    kept = {found.name: found for found in reversed(index.records) if not found.name.startswith("new")}
    assert Refuter(question, kept).refuted(kept, fixed.split()) == set(answer.split())


def test_names_that_are_no_longer_kept_are_not_refuted() -> None:
    index = table("a 1\n a 2\n b 1 : a 1\n b 2")
    refuter = Refuter(request(index, "a >=2", "b"), {found.name: found for found in reversed(index.records)})
    assert refuter.refuted({"a", "b"}) == {"a", "b"}
    assert refuter.refuted({"b"}) == {"b"}
    assert record("a 1") == index.records[0]
