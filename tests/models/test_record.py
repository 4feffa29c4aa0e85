"""Make the items of a sequence when they are looked at."""

from __future__ import annotations

import pytest

from envgen.models.record import LazySequence


def test_an_item_is_made_at_the_first_look_and_once() -> None:
    made: list[int] = []

    def make(index: int) -> list[int]:
        made.append(index)
        return [index]

    items = LazySequence(3, make)
    assert (len(items), made) == (3, [])
    assert items[1] is items[-2]
    assert made == [1]
    assert items[1:] == ([1], [2])
    assert list(items[::-1]) == list(reversed(items)) == [[2], [1], [0]]
    assert next(iter(items)) is items[0]
    assert items.index([2]) == 2
    assert made == [1, 2, 0]
    for index in (3, -4):
        with pytest.raises(IndexError):
            items[index]


def test_none_is_an_item_like_others() -> None:
    made: list[int] = []
    items: LazySequence[None] = LazySequence(1, made.append)
    assert [items[0], items[0], *items] == [None] * 3
    assert made == [0]


def test_the_length_may_be_unknown_until_somebody_asks() -> None:
    read = LazySequence(1, lambda _: "ab")
    items = LazySequence.of(lambda: read[0])
    assert read._made == {}
    assert (len(items), list(items), items[-1]) == (2, ["a", "b"], "b")
