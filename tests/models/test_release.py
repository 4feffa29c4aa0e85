"""How far a release is behind another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from envgen.models.release import Release, are_equally_new, is_behind

START = datetime(2025, 1, 1, tzinfo=UTC)


def release(version: str, day: int | None = None) -> Release:
    return Release(version=version, source="pypi", published=None if day is None else START + timedelta(days=day))


@pytest.mark.parametrize(
    ("locked", "newest", "expected"),
    [
        (("1.2", 0), ("1.9", 364), False),
        (("1.2", 0), ("1.9", 365), True),
        (("1.2.0", None), ("1.2.0", None), False),
        (("2.0", 0), ("1.0", 900), False),  # a newer one is never behind
        (("1.9", None), ("2.0", None), True),
        (("1.9", 0), ("2.0", 1), True),
        (("0.24.1", None), ("1.0", None), True),
        (("0.24", None), ("0.25", None), True),  # the first number that is not zero
        (("0.24.1", None), ("0.24.2", None), False),
        (("0.0.3", None), ("0.0.4", None), True),
        (("2024.1", None), ("2025.3", None), False),  # a date says nothing of majors
        (("2024.1", 0), ("2025.3", 400), True),
        (("2024.1", 0), ("2025.3", 300), False),
        (("1", None), ("1.1", None), False),
        (("1!1.0", None), ("2!1.0", None), True),
        (("1.0", 0), ("1.1", None), False),
    ],
)
def test_is_behind(locked: tuple[str, int | None], newest: tuple[str, int | None], expected: bool) -> None:
    assert is_behind(release(*locked), release(*newest)) is expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (("1.2.0", None), ("1.2.9", None), True),
        (("1.2", None), ("1.3", None), False),
        (("1.2", 0), ("2.0", 364), True),
        (("2.0", 364), ("1.2", 0), True),
        (("1.2", 0), ("1.3", 365), False),
        (("1.2", 0), ("1.3", None), False),
    ],
)
def test_are_equally_new(first: tuple[str, int | None], second: tuple[str, int | None], expected: bool) -> None:
    assert are_equally_new(release(*first), release(*second)) is expected


def test_a_release_has_its_day() -> None:
    assert (release("1.0", 3).day, release("1.0").day) == ("2025-01-04", "")
