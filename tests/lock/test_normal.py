from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.lock.custom_metadata import normal_form
from tests.fakes.locks import (
    LINUX,
    conda_key,
    make_lock,
    make_platform,
    make_record,
    make_wheel,
    pypi_key,
    small_platform,
)


def test_packages_platforms_and_groups_are_sorted() -> None:
    records = [make_record("b", depends=["z", "a >=1", "a <2"]), make_record("a")]
    wheels = [make_wheel("d", requires=["z", "B_b>1"]), make_wheel("c")]
    groups = {
        conda_key("b"): ("docs", "dev"),
        conda_key("a"): ("main", "dev"),
        pypi_key("c"): (),
        conda_key("gone"): ("dev",),
    }
    platform = replace(make_platform(records, wheels, groups=groups), notes=("", "kept"))
    lock = normal_form(make_lock(platform, make_platform(platform=LINUX)))
    first, second = lock.platforms
    assert (first.platform.subdir, second.platform.subdir) == ("linux-64", "osx-arm64")
    assert [record.name for record in second.conda] == ["a", "b"]
    assert second.conda[1].depends == ("a <2,>=1", "z")
    assert [wheel.name for wheel in second.pypi] == ["c", "d"]
    assert second.pypi[1].requires == ("b-b>1", "z")
    assert second.groups == {conda_key("b"): ("dev", "docs")}
    assert second.notes == ("kept",)


def test_the_order_of_what_is_given_does_not_matter() -> None:
    platform = small_platform()
    shuffled = replace(
        platform,
        conda=platform.conda[::-1],
        pypi=platform.pypi[::-1],
        decisions=platform.decisions[::-1],
        findings=platform.findings[::-1],
    )
    assert normal_form(make_lock(shuffled)) == normal_form(make_lock(platform))


def test_depends_that_cannot_be_held_are_refused() -> None:
    with pytest.raises(ValueError, match="two builds"):
        normal_form(make_lock(make_platform([make_record("a", depends=["b 1 x", "b 1 y"])])))
