"""Test that the manifest's overrides take the place of what upstream says, in both halves."""

from __future__ import annotations

import pytest

from envgen.errors import UnsatisfiableError
from envgen.models.record import Record
from envgen.planner.overrides import conda_overrides, override_notes
from envgen.planner.plan import Plan
from tests.fakes.planner_world import conda_versions, pypi_versions, records, texts, world

CHANNEL = """
numpy 1.26.4
numpy 2.1.0
old 1.0 : numpy >=1.20,<2 ! numpy <2
new 1.0 : numpy >=2
matplotlib 3.8.0 : matplotlib-base >=3.8.0,<3.8.1.0a0
matplotlib 3.9.0 : matplotlib-base >=3.9.0,<3.9.1.0a0
matplotlib-base 3.8.0
matplotlib-base 3.9.0
plot 1.0 : matplotlib-base >=3.9
draw 1.0 : matplotlib >=3.9
"""


def depends(made: Plan, name: str) -> tuple[str, ...]:
    return next(record.depends for record in made.conda if record.name == name)


class TestConda:
    def test_records_that_mention_the_name_ask_for_the_override(self) -> None:
        made = world(CHANNEL, dependencies=["old", "new"], overrides=["numpy>=2"]).plan()
        assert conda_versions(made) == {"new": "1.0", "numpy": "2.1.0", "old": "1.0"}
        assert depends(made, "old") == ("python", "numpy >=2")
        assert {record.name: record.constrains for record in made.conda}["old"] == ("numpy >=2",)

    def test_without_it_there_is_no_solution(self) -> None:
        error = world(CHANNEL, dependencies=["old", "new"]).refused(UnsatisfiableError)
        assert sorted(texts(error)) == ["new", "old"]

    def test_all_packages_of_the_distribution_are_meant(self) -> None:
        made = world(CHANNEL, dependencies=["plot", "draw"], overrides=["matplotlib<3.9"]).plan()
        assert conda_versions(made) == {"draw": "1.0", "matplotlib": "3.8.0", "matplotlib-base": "3.8.0", "plot": "1.0"}

    def test_the_users_own_line_is_not_upstreams(self) -> None:
        error = world(CHANNEL, dependencies=["numpy>=2", "old"], overrides=["numpy<2"]).refused(UnsatisfiableError)
        assert sorted(texts(error)) == ["numpy>=2", "old"]

    def test_what_is_meant_for_another_platform_changes_nothing(self) -> None:
        made = world(CHANNEL, dependencies=["old"], overrides=["numpy>=2 ; sys_platform == 'linux'"]).plan()
        assert conda_versions(made) == {"numpy": "1.26.4", "old": "1.0"}

    def test_what_holds_nowhere_takes_the_need_away(self) -> None:
        made = world(CHANNEL, dependencies=["old"], overrides=["numpy ; python_version < '0'"]).plan()
        assert conda_versions(made) == {"old": "1.0"}

    def test_two_for_one_name(self) -> None:
        made = world(CHANNEL, dependencies=["old"], overrides=["numpy>=2", "numpy<2.2"]).plan()
        assert depends(made, "old") == ("python", "numpy >=2", "numpy <2.2dev0")

    def test_what_the_channel_does_not_have_concerns_conda_not(self) -> None:
        asked = world(CHANNEL, dependencies=["old"])
        overrides = world(overrides=["absent<1"]).inputs.overrides
        assert conda_overrides(overrides, asked.resolvers.mapper, asked.inputs.platform) is None

    def test_what_is_left_alone_stays_the_same_object(self) -> None:
        asked = world(CHANNEL, overrides=["numpy>=2"])
        rewrite = conda_overrides(asked.inputs.overrides, asked.resolvers.mapper, asked.inputs.platform)
        assert rewrite is not None
        (plain,) = records("plain 1.0 : six")
        assert rewrite(plain) is plain


class TestPypi:
    PYPI = "app 1.0 : numpy<2 | more ; extra == 'more'\nmore 1.0\nmore 2.0\nnumpy 2.1.0"

    def test_what_wheels_ask_of_conda(self) -> None:
        made = world(CHANNEL, self.PYPI, only=["app"], overrides=["numpy>=2"]).plan()
        assert conda_versions(made) == {"numpy": "2.1.0"}
        assert made.pypi[0].requires == ("numpy>=2",)

    def test_what_wheels_ask_of_each_other(self) -> None:
        pypi = "app 1.0 : more<2\nmore 1.0\nmore 2.0"
        made = world(CHANNEL, pypi, only=["app"], overrides=["more>=2"]).plan()
        assert pypi_versions(made) == {"app": "1.0", "more": "2.0"}

    @pytest.mark.parametrize(("asked", "requires"), [("app", ("numpy>=2",)), ("app[more]", ("more<2", "numpy>=2"))])
    def test_an_extra_that_nobody_asks_for_stays_out(self, asked: str, requires: tuple[str, ...]) -> None:
        made = world(CHANNEL, self.PYPI, only=[asked], overrides=["more<2", "numpy>=2"]).plan()
        assert {locked.name: locked.requires for locked in made.pypi}["app"] == requires


class TestNotes:
    def notes(self, before: str, after: str) -> tuple[str, ...]:
        overrides = world(overrides=["numpy>=2"]).inputs.overrides
        return override_notes(overrides, records(before), self.same_files(before, after))

    def same_files(self, before: str, after: str) -> list[Record]:
        urls = {record.name: record.url for record in records(before)}
        return [record for record in records(after) if record.url == urls.get(record.name, record.url)]

    def test_who_is_overruled_is_told(self) -> None:
        told = self.notes("old 1.0 : numpy <2\nfine 1.0 : six", "old 1.0 : numpy >=2\nfine 1.0 : six")
        assert told == ("your overrides (`numpy>=2`) replace what these say: old",)

    def test_nobody_is(self) -> None:
        assert self.notes("fine 1.0 : six", "fine 1.0 : six\nelsewhere 1.0") == ()
