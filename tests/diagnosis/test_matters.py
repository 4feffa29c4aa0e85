"""Test how refusals are settled: which way is taken, which next, and what is told."""

from __future__ import annotations

from envgen.diagnosis.conflicts import Conflict
from envgen.diagnosis.results import Fault, Fix, JointFix, ManifestEdit, combined
from envgen.diagnosis.search import Issue, Issues
from tests.diagnosis.values import question

FIXES = (
    Fix(text="one", edit=ManifestEdit(python="3.11", keeps=True)),
    Fix(text="words alone"),
    Fix(text="two", edit=ManifestEdit()),
)
QUESTIONS = (question("a==1"), question("b"))
CLASH = Conflict(places=(0, 1), trouble=Fault(code="CAP", severity="error", message="a and b"))
TOGETHER = JointFix(text="both", edits={0: ManifestEdit(dependencies=("a<1",))})


def docket() -> Issues:
    made = Issues()
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
    assert matter.way == JointFix(text="two", edits={0: ManifestEdit()})


def test_where_no_way_is_known_it_is_said() -> None:
    matter = Issue(places=(0,), names=frozenset(), ways=())
    assert (matter.way, matter.fix.text, matter.fix_at(0).edit) == (None, "no way out is known", None)
    assert not matter.advance()


def test_a_question_that_a_way_leaves_alone_keeps_its_line() -> None:
    matter = Issue(places=(0, 1), names=frozenset(), ways=(TOGETHER,))
    assert matter.fix_at(0).edit == ManifestEdit(dependencies=("a<1",))
    assert matter.fix_at(1).edit == ManifestEdit(keeps=True)


def test_a_clash_of_its_own() -> None:
    made = Issues()
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
    made.add_clash(Conflict(places=(1,), trouble=CLASH.trouble), QUESTIONS, [])
    own, shared = made.matters
    assert made.of(0, "leaf") is own
    assert made.of(1, "b") is shared
    assert made.of(0, "a") is None


def test_what_a_way_changes_of_another_line_is_told_there_too() -> None:
    made = docket()
    both = JointFix(
        text="both",
        edits={0: ManifestEdit(dependencies=("a<1",)), 1: ManifestEdit(dependencies=("b>2",), macos="14.0")},
    )
    made.matters.append(Issue(places=(1,), names=frozenset({"b"}), ways=(both,), subject="b"))
    own = made.fix_for(1, "b")
    assert own is not None
    assert (own.text, own.edit) == ("both", both.edits[1])
    told = made.fix_for(0, "leaf")
    assert told is not None
    assert (told.text, told.edit) == ("one; or two; and both", ManifestEdit(dependencies=("a<1",), python="3.11"))
    assert made.fix_for(2, "c") is None


def test_edits_of_one_line_become_one() -> None:
    found = combined(
        [ManifestEdit(macos="14.0", keeps=True), ManifestEdit(macos="13.5", conda=("x",), overrides=("y",), keeps=True)]
    )
    assert found == ManifestEdit(macos="14.0", conda=("x",), overrides=("y",), keeps=True)
