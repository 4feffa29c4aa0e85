"""Test circles of groups, and the platforms of wheels."""

from __future__ import annotations

import pytest

from envgen.importers.translate import Includes, foreign_wheel


def test_groups_form_no_circle() -> None:
    includes = Includes(["a", "b", "c"])
    assert [includes.refuse("a", "b"), includes.refuse("b", "c"), includes.refuse("a", "c")] == ["", "", ""]
    assert includes.refuse("c", "a") == "`a` includes `c` already, and groups may not form a circle"
    assert includes.refuse("b", "b") == "`b` would include itself"
    assert includes.refuse("a", "d") == "there is nothing in `d`"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/x-1-py3-none-any.whl", ""),
        ("https://h/x-1-cp312-cp312-macosx_11_0_arm64.whl#sha256=1", ""),
        ("https://h/x-1-cp312-cp312-macosx_10_9_x86_64.macosx_11_0_universal2.whl", ""),
        ("https://h/x-1-cp312-cp312-macosx_10_9_x86_64.whl", "macosx_10_9_x86_64"),
        ("https://h/x-1%2Bcu1-cp312-cp312-linux_x86_64.whl", "linux_x86_64"),
        ("https://h/x.tar.gz", ""),
        ("git+https://h/x.git", ""),
        ("https://[", ""),
    ],
)
def test_wheels_of_other_platforms(url: str, expected: str) -> None:
    assert foreign_wheel(url) == expected
