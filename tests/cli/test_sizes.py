"""Test how sizes are written."""

from __future__ import annotations

import pytest

from envgen.cli.console import growth_text, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "?"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (12_345_678, "12.3 MB"),
        (3_000_000_000, "3.0 GB"),
        (5 * 10**16, "50000.0 TB"),
    ],
)
def test_sizes(size: int | None, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(None, 5, "?"), (5, None, "?"), (5, 5, "0 B"), (1000, 3000, "+2.0 kB"), (3000, 1000, "-2.0 kB")],
)
def test_growth(before: int | None, after: int | None, text: str) -> None:
    assert growth_text(before, after) == text
