"""The names of a call mean locked packages, by whatever name they go."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.errors import UsageError
from envgen.models.notes import Decision
from envgen.workflows.updating import Updates, locked_keys, refuse_unknown
from tests.lock_values import make_lock, make_platform, make_record, make_wheel

PLATFORM = make_platform(
    [make_record("matplotlib-base"), make_record("pytorch"), make_record("python")], [make_wheel("upper-one")]
)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        pytest.param("matplotlib-base", ("conda:matplotlib-base",), id="conda's name"),
        pytest.param("torch", ("conda:pytorch",), id="PyPI's name"),
        pytest.param("Upper_One", ("pypi:upper-one",), id="another spelling"),
        pytest.param("nothing", (), id="none"),
    ],
)
def test_a_name_means_packages(name: str, keys: tuple[str, ...]) -> None:
    assert locked_keys(PLATFORM, name) == keys


def test_the_words_of_the_manifest_count_as_well() -> None:
    asked = (
        Decision(requirement="Odd.Name[x]>=1", name="pytorch", source="conda", why="the user's map"),
        Decision(requirement="no requirement =1", name="python", source="conda", why="a match spec"),
    )
    lock = replace(PLATFORM, decisions=asked)
    assert locked_keys(lock, "odd-name") == ("conda:pytorch",)
    assert locked_keys(lock, "python") == ("conda:python",)


def test_an_unknown_name_is_refused_with_what_was_meant() -> None:
    with pytest.raises(UsageError, match="not locked, so it cannot be updated: `pytorh`") as caught:
        refuse_unknown([make_lock(PLATFORM)], Updates(packages=frozenset({"pytorh", "python"})))
    assert caught.value.hint.startswith("did you mean `pytorch`?")


def test_without_a_lock_every_name_will_do() -> None:
    refuse_unknown([], Updates(packages=frozenset({"anything"})))


def test_what_counts_as_an_update() -> None:
    assert not Updates()
    assert Updates(everything=True)
    assert Updates(packages=frozenset({"a"}))
