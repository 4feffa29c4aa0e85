"""Test the value that facts are evaluated on."""

from __future__ import annotations

from envgen.knowledge.installed import InstalledPackage
from tests.fakes.installed_values import installed


def test_both_halves_are_sorted_into_one() -> None:
    made = installed(pypi=["tensorflow==2.19.1", "absl-py==2.1"], conda=["py-opencv==4.12.0", "libopencv==4.12.0"])
    assert [str(item) for item in made.installed] == [
        "absl-py 2.1",
        "conda's py-opencv 4.12.0",
        "conda's py-opencv 4.12.0",
        "tensorflow 2.19.1",
    ]
    assert [item.name for item in made.records] == ["libopencv", "py-opencv"]


def test_find_and_named() -> None:
    made = installed(pypi=["numpy==2.1.3"], conda=["numpy==2.0.0", "pip==25.0"])
    wheel = InstalledPackage(distribution="numpy", version="2.1.3", source="pypi", package="numpy")
    assert made.find("numpy", source="pypi") == (wheel,)
    assert len(made.find("numpy", "pip")) == 3
    assert [item.version for item in made.named("pip")] == ["25.0"]
