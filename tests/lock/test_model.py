"""Groups are left out of a lock with what they alone need."""

from __future__ import annotations

import pytest

from envgen.lock.groups import lock_groups, without_groups
from tests.fakes.locks import conda_key, make_platform, make_record, make_wheel, pypi_key

LOCK = make_platform(
    [make_record("a"), make_record("b"), make_record("c")],
    [make_wheel("w"), make_wheel("x")],
    groups={
        conda_key("b"): ("dev",),
        conda_key("c"): ("dev", "docs"),
        pypi_key("x"): ("docs",),
    },
)
CASES = {
    "nothing": ((), ["a", "b", "c", "w", "x"]),
    "one group": (("dev",), ["a", "c", "w", "x"]),
    "another": (("docs",), ["a", "b", "c", "w"]),
    "both": (("dev", "docs"), ["a", "w"]),
    "one that no package has": (("test",), ["a", "b", "c", "w", "x"]),
}


@pytest.mark.parametrize(("left_out", "names"), CASES.values(), ids=list(CASES))
def test_what_stays(left_out: tuple[str, ...], names: list[str]) -> None:
    kept = without_groups(LOCK, left_out)
    assert sorted([*(record.name for record in kept.conda), *(wheel.name for wheel in kept.pypi)]) == names
    known = {record.key for record in kept.conda} | {wheel.key for wheel in kept.pypi}
    assert kept.groups.keys() <= known


def test_the_groups_of_a_lock() -> None:
    assert lock_groups(LOCK) == {"dev", "docs"}
    assert lock_groups(make_platform([make_record("a")])) == frozenset()
