"""Test how refusals are settled: which way is taken, which next, and what is told."""

from __future__ import annotations

from envgen.diagnosis.fix import Edit, Fix, Way
from envgen.diagnosis.matters import Docket, Matter
from envgen.diagnosis.together import Clash
from envgen.diagnosis.verdict import Trouble
from tests.diagnosis.values import question

FIXES = (Fix(text="one", edit=Edit(python="3.11", keeps=True)), Fix(text="words alone"), Fix(text="two", edit=Edit()))
QUESTIONS = (question("a==1"), question("b"))
CLASH = Clash(places=(0, 1), trouble=Trouble(code="CAP", severity="error", message="a and b"))
TOGETHER = Way(text="both", edits={0: Edit(dependencies=("a<1",))})


def docket() -> Docket:
    made = Docket()
    made.add_subject(0, ["a", "leaf"], FIXES, "leaf")
    return made


def test_ways_without_an_edit_are_not_taken() -> None:
    (matter,) = docket().matters
    assert [way.text for way in matter.ways] == ["one", "two"]


def test_the_next_way_is_taken_until_there_is_none() -> None:
    (matter,) = docket().matters
    assert matter.fix.text == "one; or two"
    assert matter.advance()
    assert matter.fix.text == "two"
    assert not matter.advance()
    assert matter.way == Way(text="two", edits={0: Edit()})


def test_where_no_way_is_known_it_is_said() -> None:
    matter = Matter(places=(0,), names=frozenset(), ways=())
    assert (matter.way, matter.fix.text, matter.fix_at(0).edit) == (None, "no way out is known", None)
    assert not matter.advance()


def test_a_question_that_a_way_leaves_alone_keeps_its_line() -> None:
    matter = Matter(places=(0, 1), names=frozenset(), ways=(TOGETHER,))
    assert matter.fix_at(0).edit == Edit(dependencies=("a<1",))
    assert matter.fix_at(1).edit == Edit(keeps=True)


def test_a_clash_of_its_own() -> None:
    made = Docket()
    made.add_clash(CLASH, QUESTIONS, [TOGETHER])
    (matter,) = made.matters
    assert (matter.names, matter.trouble) == (frozenset({"a", "b"}), CLASH.trouble)
    assert made.ways == [TOGETHER]


def test_what_cannot_be_had_anyway_has_its_own_ways_before_those_of_a_clash() -> None:
    made = docket()
    made.add_clash(CLASH, QUESTIONS, [TOGETHER])
    (matter,) = made.matters
    assert [way.text for way in matter.ways] == ["one", "two", "both"]
    assert matter.names == {"a", "leaf", "b"}


def test_failures_blame_by_name() -> None:
    made = docket()
    assert made.blamed({"leaf"}) == made.matters
    assert made.blamed({"other"}) == []


def test_a_verdict_finds_its_matter() -> None:
    made = docket()
    made.add_clash(Clash(places=(1,), trouble=CLASH.trouble), QUESTIONS, [])
    own, shared = made.matters
    assert made.of(0, "leaf") is own
    assert made.of(1, "b") is shared
    assert made.of(0, "a") is None
