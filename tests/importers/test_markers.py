"""Test which markers can hold on Apple silicon."""

from __future__ import annotations

import pytest

from envgen.importers.requirements_txt import may_hold


@pytest.mark.parametrize(
    "marker",
    [
        "sys_platform == 'darwin'",
        "platform_machine == 'arm64' and platform_system == 'Darwin'",
        "python_version == '3.9'",
        "python_version >= '3.13'",
        "extra == 'x' or sys_platform == 'darwin'",
        "not a marker",
    ],
)
def test_may_hold(marker: str) -> None:
    assert may_hold(marker)


@pytest.mark.parametrize(
    "marker",
    [
        "sys_platform == 'linux'",
        "platform_system == 'Windows' and python_version == '3.13'",
        "platform_machine == 'x86_64'",
        "python_version < '3'",
    ],
)
def test_cannot_hold(marker: str) -> None:
    assert not may_hold(marker)
