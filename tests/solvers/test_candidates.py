"""Describe which records may be chosen, and remember what was made of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from envgen.models.match_spec import MatchSpec
from envgen.models.record import ChannelRecords, Record
from envgen.solvers.candidates import NameIndex, Remembered, bracketed, candidates, labels, picked, spaced
from tests.fakes.tables import BETA, record, request, table


def test_names_and_urls_are_sorted_and_twins_left_out() -> None:
    urls = ["c/noarch/b-1-0.conda", "c/noarch/a-2-0.tar.bz2", "c/noarch/a-1-0.tar.bz2", "c/noarch/a-1-0.conda"]
    index = NameIndex.of([(url.rsplit("/", 1)[-1][0], url) for url in [*urls, urls[0]]])
    assert dict(index.by_name) == {"a": [3, 1], "b": [0]}
    assert list(index.by_name) == ["a", "b"]
    assert index.by_url[urls[1]] == 1


@pytest.mark.parametrize(
    ("priority", "specs", "answer"),
    [
        ("strict", ["a"], [{"a": [0, 1]}, {"b": [1]}]),
        ("flexible", ["a"], [{"a": [0, 1]}, {"a": [0], "b": [1]}]),
        ("disabled", ["a"], [{"a": [0, 1]}, {"a": [0], "b": [1]}]),
        ("flexible", ["beta::a"], [{"a": []}, {"a": [0], "b": [1]}]),
        ("flexible", ["a[build_number=1]"], [{"a": [1]}, {"a": [], "b": [1]}]),
    ],
)
def test_hidden_and_excluded_records(priority: str, specs: list[str], answer: list[dict[str, list[int]]]) -> None:
    asked = request([table("a 1 x 0\n a 2 y 1"), table("a 3\n b 1", BETA)], *specs, priority=priority)  # type: ignore[arg-type]
    indexes = [NameIndex.of((r.name, r.url) for r in entry.records) for entry in asked.channels]
    assert [dict(by_name) for by_name in candidates(asked, indexes)] == answer


@pytest.mark.parametrize(
    ("spec", "in_brackets", "with_blanks"),
    [
        ("a", "a", "a"),
        ("a *", "a", "a"),
        ("a >=1", 'a[version=">=1"]', "a >=1"),
        ("a >=1 *", 'a[version=">=1"]', "a >=1"),
        ("a * py*", 'a[build="py*"]', "a * py*"),
        ("a >=1 py*", 'a[version=">=1",build="py*"]', "a >=1 py*"),
    ],
)
def test_specs_as_solvers_read_them(spec: str, in_brackets: str, with_blanks: str) -> None:
    parsed = MatchSpec.parse(spec)
    assert (bracketed(parsed), spaced(parsed)) == (in_brackets, with_blanks)


def test_picked_records_are_a_view() -> None:
    entry = table("a 1\n a 2\n b 1")
    lazy = picked(replace(entry, native=(1, 2, 3), labels=labels(entry)), [2, 0])
    assert [str(found) for found in lazy.records] == ["b=1=h0_0", "a=1=h0_0"]
    assert [str(found) for found in lazy.records[1:]] == ["a=1=h0_0"]
    assert lazy.native == [3, 1]
    assert lazy.labels == labels(lazy) == labels(picked(entry, [2, 0]))


def test_a_channel_is_prepared_once_and_the_oldest_is_forgotten() -> None:
    numbers = count(1)
    prepared: Remembered[ChannelRecords, int] = Remembered(lambda _: next(numbers), limit=8)
    channels = [table(f"a {number}") for number in range(9)]
    assert [prepared(entry) for entry in (channels[0], channels[0], channels[1], channels[0])] == [1, 1, 2, 1]
    for entry in channels[2:]:
        prepared(entry)
    assert prepared(channels[0]) == 1
    assert prepared(channels[1]) == 10


def test_what_was_made_is_kept_while_there_is_room() -> None:
    numbers = count(1)
    converted: Remembered[Record, str] = Remembered(lambda each: f"{each.version} is number {next(numbers)}", limit=2)
    records = [record(f"a {number}") for number in range(3)]
    assert [converted(records[i]) for i in (0, 0, 1, 2, 0)] == [
        "0 is number 1",
        "0 is number 1",
        "1 is number 2",
        "2 is number 3",
        "0 is number 4",
    ]
