"""Test overrides of what records say."""

from __future__ import annotations

import pytest

from envgen.errors import UnsatisfiableError
from envgen.knowledge.caps import cap_rules
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.requirement import Origin, Requirement
from envgen.planner.overrides import amendments, conda_name, conda_overrides, override_notes, removal, removed_names
from envgen.planner.plan import Plan
from tests.fakes.scenarios import conda_versions, pypi_versions, records, scenario, texts

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
        made = scenario(CHANNEL, dependencies=["old", "new"], overrides=["numpy>=2"]).plan()
        assert conda_versions(made) == {"new": "1.0", "numpy": "2.1.0", "old": "1.0"}
        assert depends(made, "old") == ("python", "numpy >=2")
        assert {record.name: record.constrains for record in made.conda}["old"] == ("numpy >=2",)

    def test_without_it_there_is_no_solution(self) -> None:
        error = scenario(CHANNEL, dependencies=["old", "new"]).refused(UnsatisfiableError)
        assert sorted(texts(error)) == ["new", "old"]

    def test_all_packages_of_the_distribution_are_meant(self) -> None:
        made = scenario(CHANNEL, dependencies=["plot", "draw"], overrides=["matplotlib<3.9"]).plan()
        assert conda_versions(made) == {"draw": "1.0", "matplotlib": "3.8.0", "matplotlib-base": "3.8.0", "plot": "1.0"}

    def test_the_users_own_line_is_not_upstreams(self) -> None:
        error = scenario(CHANNEL, dependencies=["numpy>=2", "old"], overrides=["numpy<2"]).refused(UnsatisfiableError)
        assert sorted(texts(error)) == ["numpy>=2", "old"]

    def test_what_is_meant_for_another_platform_changes_nothing(self) -> None:
        made = scenario(CHANNEL, dependencies=["old"], overrides=["numpy>=2 ; sys_platform == 'linux'"]).plan()
        assert conda_versions(made) == {"numpy": "1.26.4", "old": "1.0"}

    def test_what_holds_nowhere_takes_the_need_away(self) -> None:
        made = scenario(CHANNEL, dependencies=["old"], overrides=["numpy ; python_version < '0'"]).plan()
        assert conda_versions(made) == {"old": "1.0"}

    def test_two_for_one_name(self) -> None:
        made = scenario(CHANNEL, dependencies=["old"], overrides=["numpy>=2", "numpy<2.2"]).plan()
        assert depends(made, "old") == ("python", "numpy >=2", "numpy <2.2dev0")

    def test_what_the_channel_does_not_have_concerns_conda_not(self) -> None:
        asked = scenario(CHANNEL, dependencies=["old"])
        overrides = scenario(overrides=["absent<1"]).inputs.overrides
        assert conda_overrides(overrides, asked.resolvers.mapper, asked.inputs.platform) is None

    def test_what_is_left_alone_stays_the_same_object(self) -> None:
        asked = scenario(CHANNEL, overrides=["numpy>=2"])
        rewrite = conda_overrides(asked.inputs.overrides, asked.resolvers.mapper, asked.inputs.platform)
        assert rewrite is not None
        (plain,) = records("plain 1.0 : six")
        assert rewrite(plain) is plain


class TestPypi:
    PYPI = "app 1.0 : numpy<2 | more ; extra == 'more'\nmore 1.0\nmore 2.0\nnumpy 2.1.0"

    def test_what_wheels_ask_of_conda(self) -> None:
        made = scenario(CHANNEL, self.PYPI, only=["app"], overrides=["numpy>=2"]).plan()
        assert conda_versions(made) == {"numpy": "2.1.0"}
        assert made.pypi[0].requires == ("numpy>=2",)

    def test_what_wheels_ask_of_each_other(self) -> None:
        pypi = "app 1.0 : more<2\nmore 1.0\nmore 2.0"
        made = scenario(CHANNEL, pypi, only=["app"], overrides=["more>=2"]).plan()
        assert pypi_versions(made) == {"app": "1.0", "more": "2.0"}

    @pytest.mark.parametrize(("asked", "requires"), [("app", ("numpy>=2",)), ("app[more]", ("more<2", "numpy>=2"))])
    def test_an_extra_that_nobody_asks_for_stays_out(self, asked: str, requires: tuple[str, ...]) -> None:
        made = scenario(CHANNEL, self.PYPI, only=[asked], overrides=["more<2", "numpy>=2"]).plan()
        assert {locked.name: locked.requires for locked in made.pypi}["app"] == requires


class TestNotes:
    def notes(self, before: str, after: str) -> tuple[str, ...]:
        overrides = scenario(overrides=["numpy>=2"]).inputs.overrides
        return override_notes(overrides, records(before), self.same_files(before, after))

    def same_files(self, before: str, after: str) -> list[Record]:
        urls = {record.name: record.url for record in records(before)}
        return [record for record in records(after) if record.url == urls.get(record.name, record.url)]

    def test_who_is_overruled_is_told(self) -> None:
        told = self.notes("old 1.0 : numpy <2\nfine 1.0 : six", "old 1.0 : numpy >=2\nfine 1.0 : six")
        assert told == ("your overrides (`numpy>=2`) replace what these say: old",)

    def test_nobody_is(self) -> None:
        assert self.notes("fine 1.0 : six", "fine 1.0 : six\nelsewhere 1.0") == ()


MAC = Platform(subdir="osx-arm64", python="3.12", macos="13.0")


@pytest.mark.parametrize(
    ("overrides", "removed"),
    [
        ([removal("promise")], {"promise"}),
        (["promise; sys_platform == 'never'"], {"promise"}),
        (["promise; sys_platform == 'linux'"], set()),
        (["promise; platform_machine == 'x86_64'"], set()),
        (["promise>=2"], set()),
        ([removal("promise"), "promise>=2; sys_platform == 'linux'"], set()),
        ([removal("promise"), removal("six")], {"promise", "six"}),
    ],
    ids=["never", "no such system", "linux", "intel", "plain", "elsewhere", "two"],
)
def test_which_names_are_taken_away(overrides: list[str], removed: set[str]) -> None:
    parsed = [Requirement.parse(text, Origin(path="overrides")) for text in overrides]
    assert removed_names(parsed, MAC) == removed


def test_what_is_taken_away_is_neither_resolved_nor_required() -> None:
    pypi = "app 1.0 : gone | more\nmore 1.0"
    made = scenario("", pypi, only=["app"], overrides=[removal("gone")]).plan()
    assert pypi_versions(made) == {"app": "1.0", "more": "1.0"}
    assert {locked.name: locked.requires for locked in made.pypi}["app"] == ("more",)
    assert any("`gone`, which app 1.0 requires, is left out" in note for note in made.notes)


@pytest.mark.parametrize(
    ("text", "constrains"),
    [
        pytest.param("tensorboard 2.20.0", ("setuptools <82dev0",), id="an old tensorboard"),
        pytest.param("tensorboard 2.21.0", (), id="a new one"),
        pytest.param("tensorboard 2.20.0 ! setuptools <82dev0", ("setuptools <82dev0",), id="a bound that is there"),
        pytest.param("tensorflow-base 2.18.0 ! six", ("six", "numpy <2.1dev0", "keras >=3"), id="beside its own"),
    ],
)
def test_a_bound_is_added_where_it_is_missing(text: str, constrains: tuple[str, ...]) -> None:
    (record,) = records(text)
    amended = amendments()[record.name](record)
    assert amended.constrains == constrains
    assert (amended is record) == (record.constrains == constrains)


def test_rules_of_pypis_half_alone_do_not_count() -> None:
    known = {conda_name(rule.beside) for rule in cap_rules() if "conda" in rule.halves}
    assert amendments().keys() == known


@pytest.mark.parametrize(("distribution", "conda"), [("torch", "pytorch"), ("numpy", "numpy")])
def test_conda_names_come_from_the_table(distribution: str, conda: str) -> None:
    assert conda_name(distribution) == conda
