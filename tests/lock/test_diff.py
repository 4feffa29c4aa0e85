from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.lock.diff import diff, distribution_names, replacement
from envgen.lock.model import LockedWheel
from envgen.models.record import Record
from tests.fakes.locks import make_platform, make_record, make_wheel

_A = make_record("a", "1.9", "h_0")
_TWO = make_wheel("a", "2.0")


@pytest.mark.parametrize(
    ("before", "after", "change", "texts"),
    [
        pytest.param(None, _A, "added", ("", "1.9"), id="added"),
        pytest.param(_A, None, "removed", ("1.9", ""), id="removed"),
        pytest.param(_A, make_record("a", "1.10", "h_0"), "upgraded", ("1.9", "1.10"), id="upgraded"),
        pytest.param(_A, make_record("a", "1.9a0", "h_0"), "downgraded", ("1.9", "1.9a0"), id="downgraded"),
        pytest.param(_A, make_record("a", "1.9.0", "h_0"), "downgraded", ("1.9", "1.9.0"), id="one zero more"),
        pytest.param(_A, make_record("a", "1.9", "h_1"), "rebuilt", ("1.9=h_0", "1.9=h_1"), id="rebuilt"),
        pytest.param(_A, replace(_A, md5="0" * 32), "replaced", (_A.md5, "0" * 32), id="replaced file"),
        pytest.param(_A, replace(_A, url="https://x/a"), "replaced", (_A.url, "https://x/a"), id="other address"),
        pytest.param(
            _A,
            replace(_A, sha256="0" * 64, url="https://x/a"),
            "replaced",
            (_A.url, "https://x/a"),
            id="other file at another address",
        ),
        pytest.param(
            replace(_A, url=""),
            replace(_A, sha256="0" * 64),
            "replaced",
            (_A.sha256, "0" * 64),
            id="other file at an address that is not known",
        ),
        pytest.param(
            replace(_A, sha256=""), replace(_A, md5="0" * 32), "replaced", (_A.md5, "0" * 32), id="one hash in common"
        ),
        pytest.param(make_wheel("a", "2.0rc1"), make_wheel("a", "2.0"), "upgraded", ("2.0rc1", "2.0"), id="wheel up"),
        pytest.param(make_wheel("a", "2.0"), make_wheel("a", "1.5"), "downgraded", ("2.0", "1.5"), id="wheel down"),
        pytest.param(
            make_wheel("a"),
            make_wheel("a", tag="cp312-abi3-any"),
            "rebuilt",
            ("a-1.0-py3-none-any.whl", "a-1.0-cp312-abi3-any.whl"),
            id="other wheel",
        ),
        pytest.param(
            make_wheel("a", "odd?1"), make_wheel("a", "odd?2"), "upgraded", ("odd?1", "odd?2"), id="no PEP 440"
        ),
        pytest.param(
            make_wheel("a", "2.0"), make_wheel("a", "2"), "downgraded", ("2.0", "2"), id="wheel of one zero less"
        ),
        pytest.param(
            _TWO, replace(_TWO, wheel=replace(_TWO.wheel, version="2")), "downgraded", ("2.0", "2"), id="the same file"
        ),
        pytest.param(_A, make_wheel("a", "1.8"), "moved", ("1.9", "1.8"), id="conda to PyPI"),
        pytest.param(make_wheel("a", "1.8"), _A, "moved", ("1.8", "1.9"), id="PyPI to conda"),
    ],
)
def test_one_change(
    before: Record | LockedWheel | None, after: Record | LockedWheel | None, change: str, texts: tuple[str, str]
) -> None:
    (found,) = diff(make_platform(*halves(before)), make_platform(*halves(after)))
    assert (found.name, found.change, (found.before, found.after)) == ("a", change, texts)
    assert found.source == ("pypi" if isinstance(after or before, LockedWheel) else "conda")
    assert found.previous == ("pypi" if isinstance(before or after, LockedWheel) else "conda")
    assert (found.size_before is None) is (before is None)
    assert (found.size_after is None) is (after is None)


def halves(package: Record | LockedWheel | None) -> tuple[list[Record], list[LockedWheel]]:
    records = [package] if isinstance(package, Record) else []
    wheels = [package] if isinstance(package, LockedWheel) else []
    return records, wheels


def test_equal_locks_have_no_change() -> None:
    lock = make_platform([_A], [make_wheel("b")])
    moved = replace(lock, conda=(replace(_A, size=None, timestamp=1, license=""),))
    assert diff(lock, moved) == ()


@pytest.mark.parametrize("less", [replace(_A, url=""), replace(_A, md5=""), replace(_A, sha256="")])
def test_what_one_lock_does_not_know_is_no_change(less: Record) -> None:
    assert diff(make_platform([_A]), make_platform([less])) == ()
    assert diff(make_platform([less]), make_platform([_A])) == ()


@pytest.mark.parametrize(
    ("after", "words"),
    [
        pytest.param(_A, "", id="same"),
        pytest.param(replace(_A, md5="0" * 32), "another file at the same address", id="file"),
        pytest.param(replace(_A, url="https://x/a"), "the same file at another address", id="address"),
        pytest.param(replace(_A, md5="0" * 32, url="https://x/a"), "another file at another address", id="both"),
        pytest.param(replace(_A, build="h_1", md5="0" * 32, url="https://x/a"), "", id="rebuilt"),
    ],
)
def test_a_replacement_in_words(after: Record, words: str) -> None:
    assert replacement(_A, after) == words


def test_a_package_of_several_distributions_goes_by_its_own_name_or_by_the_first() -> None:
    provided = {"pytorch": ("torch", "functorch"), "two": ("a-b", "two")}
    locks = [make_platform([make_record("pytorch"), make_record("lib_c")]), make_platform([make_record("two")])]
    names = distribution_names(locks, lambda record: provided.get(record.name, ()))
    assert [names(conda) for conda in ("pytorch", "lib_c", "two", "not_there")] == [
        "torch",
        "lib-c",
        "two",
        "not-there",
    ]


def test_changes_are_sorted_by_name() -> None:
    changes = diff(make_platform([make_record("z")], [make_wheel("b")]), make_platform([make_record("c")]))
    assert [(change.name, change.change) for change in changes] == [("b", "removed"), ("c", "added"), ("z", "removed")]


def test_a_move_is_seen_through_the_name_map() -> None:
    names = {"pytorch": "torch"}
    changes = diff(
        make_platform([make_record("pytorch", "2.1")]),
        make_platform([], [make_wheel("torch", "2.2")]),
        pypi_name=lambda name: names.get(name, name),
    )
    assert [(change.name, change.change, change.before, change.after) for change in changes] == [
        ("torch", "moved", "2.1", "2.2")
    ]


def test_twins_of_conda_are_not_a_move() -> None:
    changes = diff(make_platform([make_record("a-b")]), make_platform([make_record("a_b")]))
    assert [change.change for change in changes] == ["removed", "added"]


def test_sizes_are_given() -> None:
    (change,) = diff(make_platform([_A]), make_platform([replace(_A, version="2.0", size=77)]))
    assert (change.size_before, change.size_after) == (_A.size, 77)
