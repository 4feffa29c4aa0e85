"""Sizes are written for people."""

from __future__ import annotations

import pytest

from envgen.cli.sizes import growth_text, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        pytest.param(None, "?", id="unknown"),
        pytest.param(0, "0 B", id="nothing"),
        pytest.param(999, "999 B", id="bytes"),
        pytest.param(1000, "1.0 kB", id="one"),
        pytest.param(999_940, "999.9 kB", id="just below"),
        pytest.param(999_960, "1.0 MB", id="rounded up"),
        pytest.param(2_500_000_000, "2.5 GB", id="many"),
        pytest.param(10**18, "1000000.0 TB", id="beyond the last unit"),
    ],
)
def test_a_size(size: int | None, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        pytest.param(1, 1, "0 B", id="none"),
        pytest.param(1000, 3000, "+2.0 kB", id="more"),
        pytest.param(3000, 2900, "-100 B", id="less"),
        pytest.param(None, 1, "?", id="from the unknown"),
        pytest.param(1, None, "?", id="to the unknown"),
    ],
)
def test_a_growth(before: int | None, after: int | None, text: str) -> None:
    assert growth_text(before, after) == text
