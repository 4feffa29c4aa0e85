"""Test that fixes are tried, one after the other, until the whole locks or nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from envgen.diagnosis.fix_search import MOST_TRIES, TIMEOUT, FixSearch, FixSearchResult, Issues, LockAttempt
from envgen.diagnosis.results import Fix, ManifestEdit, Question
from tests.diagnosis.values import question, spec_question

TEXT = 'name: x\npython: "3.12"\ndependencies: [a==1, b==2, c]\nconda: [d 1.*]\n'
QUESTIONS = (question("a==1"), question("b==2"), question("c"), spec_question("d 1.*"))
LOCKS = LockAttempt()


def failing(*names: str, unreachable: bool = False) -> LockAttempt:
    return LockAttempt(message="no", names=frozenset(names), unreachable=unreachable)


def issues(*fixes: Fix) -> Issues:
    made = Issues()
    if fixes:
        made.add_blocked(0, ["a"], fixes, "a")
    return made


def fix(text: str) -> Fix:
    return Fix(text=text, edit=ManifestEdit(dependencies=(text,)))


def searched(
    attempt: Callable[[str], LockAttempt],
    made: Issues,
    *,
    untouched: bool = False,
    questions: tuple[Question, ...] = QUESTIONS,
    clock: Callable[[], float] = lambda: 0.0,
) -> tuple[FixSearchResult, list[str]]:
    seen: list[str] = []

    def tried(text: str) -> LockAttempt:
        seen.append(text)
        return attempt(text)

    told: list[str] = []
    search = FixSearch(
        manifest=TEXT, questions=questions, issues=made, attempt=tried, progress=told.append, clock=clock
    )
    found = search.run(untouched=untouched)
    assert len(told) == len(seen) == found.tried
    return found, seen


def test_the_first_fix_that_locks_is_taken() -> None:
    found, seen = searched(lambda text: LOCKS if "a==3" in text else failing("a"), issues(fix("a==2"), fix("a==3")))
    assert found.locks
    assert "a==3" in found.manifest
    assert len(seen) == 2


def test_as_it_is_first_where_that_may_do() -> None:
    notes = ("`a` is held back",)
    found, seen = searched(lambda _: LockAttempt(notes=notes), issues(fix("a==2")), untouched=True)
    assert (found.locks, found.backtracked, found.manifest, seen) == (True, notes, TEXT, [TEXT])


def test_not_as_it_is_where_what_is_blocked_would_be_years_behind() -> None:
    def attempt(text: str) -> LockAttempt:
        return LOCKS if "a==2" in text else LockAttempt(held_back=frozenset({"a"}))

    found, seen = searched(attempt, issues(fix("a==2")), untouched=True)
    assert (found.locks, found.backtracked, len(seen)) == (True, None, 2)
    found, seen = searched(lambda _: LockAttempt(held_back=frozenset({"z"})), issues(fix("a==2")), untouched=True)
    assert (found.backtracked, len(seen)) == ((), 1)


def test_and_then_the_fixes() -> None:
    found, seen = searched(lambda text: LOCKS if "a==2" in text else failing("a"), issues(fix("a==2")), untouched=True)
    assert (found.locks, found.backtracked, len(seen)) == (True, None, 2)


def test_what_the_failure_blames_is_changed_and_nothing_else() -> None:
    made = issues(fix("a==2"), fix("a==3"))
    made.add_blocked(1, ["b"], [fix("b==3"), fix("b==4")], "b")
    found, _ = searched(lambda text: LOCKS if "b==4" in text else failing("b"), made)
    assert found.locks
    assert "a==2" in found.manifest


def test_a_failure_that_blames_nobody_blames_all() -> None:
    found, _ = searched(lambda text: LOCKS if "a==3" in text else failing(), issues(fix("a==2"), fix("a==3")))
    assert found.locks


def test_when_no_fix_is_left_it_ends() -> None:
    found, seen = searched(lambda _: failing("a"), issues(fix("a==2")))
    assert (found.locks, len(seen)) == (False, 1)
    assert found.last is not None
    assert found.last.message == "no"


class TestConflicts:
    def test_bounds_are_loosened(self) -> None:
        made = issues()
        found, seen = searched(lambda text: LOCKS if "a==1" not in text else failing("a", "b"), made, untouched=True)
        assert found.locks
        assert len(seen) == 2
        (issue,) = made.entries
        assert (issue.places, issue.fault and issue.fault.code) == ((0, 1), "CONFLICT")

    def test_further_ones_are_found_on_the_way(self) -> None:
        made = issues(fix("a==2"))
        found, _ = searched(lambda text: LOCKS if "b==2" not in text else failing("b"), made)
        assert found.locks
        assert [issue.places for issue in made.entries] == [(0,), (1,)]

    def test_specs_are_loosened_and_then_left_out(self) -> None:
        found, _ = searched(
            lambda text: LOCKS if "d 1" not in text and "[d" not in text else failing("d"), issues(), untouched=True
        )
        assert found.locks

    def test_what_has_no_bound_is_told_as_it_failed(self) -> None:
        found, seen = searched(lambda _: failing("c"), issues(), untouched=True)
        assert (found.locks, len(seen), found.manifest) == (False, 1, TEXT)
        assert found.last is not None

    def test_two_that_own_the_same_files_become_one(self) -> None:
        questions = (question("opencv-python"), question("opencv-contrib-python"))
        text = 'name: x\npython: "3.12"\ndependencies: [opencv-python, opencv-contrib-python]\n'
        seen: list[str] = []

        def attempt(tried: str) -> LockAttempt:
            seen.append(tried)
            return LOCKS if "opencv-python" not in tried.replace("opencv-contrib-python", "") else failing(*names)

        names = ("opencv-python", "opencv-contrib-python")
        search = FixSearch(
            manifest=text, questions=questions, issues=issues(), attempt=attempt, progress=lambda _: None
        )
        assert search.run(untouched=True).locks
        assert "opencv-contrib-python" in seen[-1]


class TestLimits:
    def test_tries_are_counted(self) -> None:
        fixes = [fix(f"a=={number}") for number in range(2, 40)]
        found, seen = searched(lambda _: failing("a"), issues(*fixes))
        assert (found.locks, len(seen)) == (False, MOST_TRIES)

    def test_and_so_are_seconds(self) -> None:
        times = iter([0.0, *(TIMEOUT + number for number in range(1, 9))])
        fixes = [fix(f"a=={number}") for number in range(2, 9)]
        _, seen = searched(lambda _: failing("a"), issues(*fixes), clock=lambda: next(times))
        assert len(seen) == 1

    def test_what_could_not_be_tried_ends_it(self) -> None:
        found, seen = searched(lambda _: failing("a", unreachable=True), issues(fix("a==2"), fix("a==3")))
        assert (found.locks, len(seen)) == (False, 1)
        found, seen = searched(lambda _: failing("a", unreachable=True), issues(), untouched=True)
        assert (found.locks, len(seen)) == (False, 1)

    def test_a_manifest_that_cannot_be_edited_is_tried_as_it_is(self) -> None:
        broken = Issues()
        broken.add_blocked(0, ["a"], [Fix(text="", edit=ManifestEdit(dependencies=("not one!",)))], "a")
        found, seen = searched(lambda _: failing("a"), broken)
        assert (seen, found.manifest) == ([TEXT], TEXT)


@pytest.mark.parametrize("attempt", [LOCKS, failing()], ids=["locks", "fails"])
def test_an_attempt_locks_unless_it_says_why_not(attempt: LockAttempt) -> None:
    assert attempt.locks is (attempt.message == "")


def test_what_keeps_it_from_conda_is_loosened_first() -> None:
    def locks(text: str) -> LockAttempt:
        return LOCKS if "b>=2" in text else replace(failing("a", "b"), causes=frozenset(["b"]))

    found, seen = searched(locks, issues(), untouched=True)
    assert found.locks
    assert len(seen) == 2
    assert "a==1" in found.manifest


def test_another_python_comes_after_the_bounds() -> None:
    seen: list[str] = []

    def tried(text: str) -> LockAttempt:
        seen.append(text)
        return LOCKS if '"3.11"' in text else failing("b", "c")

    found = FixSearch(
        manifest=TEXT,
        questions=QUESTIONS,
        issues=issues(),
        pythons=lambda: ["3.11"],
        attempt=tried,
        progress=lambda _: None,
        clock=lambda: 0.0,
    ).run(untouched=True)
    assert found.locks
    assert "b==2" in found.manifest
    assert ["b>=2" in text for text in seen] == [False, True, False, False]
