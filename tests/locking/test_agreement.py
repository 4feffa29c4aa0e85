"""Test that verdicts agree with uv on packages whose wheels hold native code."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.models.platform import Platform
from tests.agreement import LISTED, compare

pytestmark = [pytest.mark.network, pytest.mark.slow]


def test_what_can_be_had_is_what_uv_can_resolve(tmp_path: Path) -> None:
    names = LISTED.split()
    assert len(names) >= 100
    rows = list(compare(names, Platform(subdir="osx-arm64", python="3.12", macos="13.0"), tmp_path))
    assert [(row.name, row.code, row.ours, row.uvs) for row in rows if not row.agrees] == []
    assert sum(row.ours == row.uvs for row in rows) > 95
