"""Test which fix of an issue is taken, which next, and what is shown."""

from __future__ import annotations

from envgen.diagnosis.conflicts import Conflict
from envgen.diagnosis.fix_search import Issue, Issues
from envgen.diagnosis.results import Fault, Fix, JointFix, ManifestEdit
from tests.diagnosis.values import question

FIXES = (
    Fix(text="one", edit=ManifestEdit(python="3.11", keeps=True)),
    Fix(text="words alone"),
    Fix(text="two", edit=ManifestEdit()),
)
QUESTIONS = (question("a==1"), question("b"))
CONFLICT = Conflict(places=(0, 1), fault=Fault(code="CAP", severity="error", message="a and b"))
TOGETHER = JointFix(text="both", edits={0: ManifestEdit(dependencies=("a<1",))})


def issues() -> Issues:
    made = Issues()
    made.add_blocked(0, ["a", "leaf"], FIXES, "leaf")
    return made


def test_fixes_without_an_edit_are_not_taken() -> None:
    (issue,) = issues().entries
    assert [fix.text for fix in issue.fixes] == ["one", "two"]


def test_the_next_fix_is_taken_until_there_is_none() -> None:
    (issue,) = issues().entries
    assert issue.text == "one; or two"
    assert issue.advance()
    assert issue.text == "two"
    assert not issue.advance()
    assert issue.taken == JointFix(text="two", edits={0: ManifestEdit()})


def test_where_no_fix_is_known_it_is_said() -> None:
    issue = Issue(places=(0,), names=frozenset(), fixes=())
    assert (issue.taken, issue.text, issue.fix_at(0).edit) == (None, "no way out is known", None)
    assert not issue.advance()


def test_a_question_that_a_fix_leaves_alone_keeps_its_line() -> None:
    issue = Issue(places=(0, 1), names=frozenset(), fixes=(TOGETHER,))
    assert issue.fix_at(0).edit == ManifestEdit(dependencies=("a<1",))
    assert issue.fix_at(1).edit == ManifestEdit(keeps=True)


def test_a_conflict_of_its_own() -> None:
    made = Issues()
    made.add_conflict(CONFLICT, QUESTIONS, [TOGETHER])
    (issue,) = made.entries
    assert (issue.names, issue.fault) == (frozenset({"a", "b"}), CONFLICT.fault)
    assert made.taken == [TOGETHER]


def test_what_cannot_be_had_anyway_has_its_own_fixes_before_those_of_a_conflict() -> None:
    made = issues()
    made.add_conflict(CONFLICT, QUESTIONS, [TOGETHER])
    (issue,) = made.entries
    assert [fix.text for fix in issue.fixes] == ["one", "two", "both"]
    assert issue.names == {"a", "leaf", "b"}


def test_failures_blame_by_name() -> None:
    made = issues()
    assert made.blamed({"leaf"}) == made.entries
    assert made.blamed({"other"}) == []


def test_a_verdict_finds_its_issue() -> None:
    made = issues()
    made.add_conflict(Conflict(places=(1,), fault=CONFLICT.fault), QUESTIONS, [])
    own, shared = made.entries
    assert made.of(0, "leaf") is own
    assert made.of(1, "b") is shared
    assert made.of(0, "a") is None


def test_what_a_fix_changes_of_another_line_is_told_there_too() -> None:
    made = issues()
    both = JointFix(
        text="both",
        edits={0: ManifestEdit(dependencies=("a<1",)), 1: ManifestEdit(dependencies=("b>2",), macos="14.0")},
    )
    made.entries.append(Issue(places=(1,), names=frozenset({"b"}), fixes=(both,), blocked="b"))
    own = made.fix_for(1, "b")
    assert own is not None
    assert (own.text, own.edit) == ("both", both.edits[1])
    told = made.fix_for(0, "leaf")
    assert told is not None
    assert (told.text, told.edit) == ("one; or two; and both", ManifestEdit(dependencies=("a<1",), python="3.11"))
    assert made.fix_for(2, "c") is None
