"""Test the texts of a lock file that its format has no field for, and its normal form."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.lock.custom_metadata import (
    DIGEST_PLACEHOLDER,
    CustomFields,
    digest_matches,
    facts_of,
    lock_facts,
    normal_form,
    platform_facts,
    read_platform_facts,
    record_line,
    restored_record,
    restored_wheel,
    wheel_line,
    whole_record_line,
    whole_wheel_line,
    with_digest,
)
from envgen.models.findings import Decision
from tests.fakes.locks import (
    DIGEST,
    LINUX,
    conda_key,
    make_lock,
    make_platform,
    make_record,
    make_wheel,
    pypi_key,
    small_platform,
)

NUMPY = make_record("numpy", "2.1.3", "py312h94ee1e1_4", depends=["python >=3.12"], constrains=["numpy-base <0a0"])
METAL = make_wheel("tensorflow-metal", "1.2.0", requires=["six"], requires_python=">=3.9")


def test_what_the_url_says_is_left_out() -> None:
    assert json.loads(record_line(NUMPY)) == {
        "constrains": ["numpy-base <0a0"],
        "license": "BSD-3-Clause",
        "size": NUMPY.size,
        "timestamp": NUMPY.timestamp,
    }


def test_what_the_url_does_not_say_is_held() -> None:
    odd = replace(NUMPY, build_number=7, channel="https://mirror.example/ch")
    assert json.loads(record_line(odd)).items() >= {"build_number": 7, "channel": "https://mirror.example/ch"}.items()


def test_a_package_of_no_group_is_mains() -> None:
    lock = make_lock(make_platform([NUMPY], groups={conda_key("numpy"): ()}))
    assert normal_form(lock).platforms[0].groups == {}


def test_nothing_to_hold_is_no_line() -> None:
    bare = replace(NUMPY, constrains=(), license="", size=None, timestamp=None)
    assert record_line(bare) == ""
    assert wheel_line(replace(METAL, requires_python="", wheel=replace(METAL.wheel, size=None))) == ""


def test_a_whole_line_gives_the_record_back() -> None:
    odd = replace(NUMPY, name="other", version="9", size=0, track_features=("x",), noarch="generic")
    held = CustomFields(whole_record_line(odd, ("dev",)))
    assert held.texts("groups") == ("dev",)
    assert restored_record(held, url=odd.url, md5=odd.md5) == odd
    held.end()


def test_a_whole_line_gives_the_wheel_back_without_its_url() -> None:
    held = CustomFields(whole_wheel_line(METAL, ("main",)))
    name, version, digest = METAL.name, METAL.version, METAL.wheel.sha256
    assert restored_wheel(held, name=name, version=version, sha256=digest) == replace(
        METAL, wheel=replace(METAL.wheel, url="")
    )
    held.end()


def test_a_wheel_of_an_odd_url_keeps_its_file_name() -> None:
    odd = replace(METAL, wheel=replace(METAL.wheel, url="https://h.example/download?id=7"))
    assert json.loads(wheel_line(odd))["filename"] == METAL.wheel.filename


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("{", "broken JSON", id="broken"),
        pytest.param("[1]", "not a JSON object", id="list"),
        pytest.param("[" * 100_000, "broken JSON", id="deep"),
        pytest.param('{"size": "1"}', "`size` is not a whole number", id="text for number"),
        pytest.param('{"size": true}', "`size` is not a whole number", id="truth for number"),
        pytest.param('{"license": 1}', "`license` is not a text", id="number for text"),
        pytest.param('{"constrains": "x"}', "`constrains` is not a list of texts", id="text for list"),
        pytest.param('{"constrains": [1]}', "`constrains` is not a list of texts", id="list of numbers"),
        pytest.param('{"sizes": 1, "a": 2}', "unknown `a`, `sizes`", id="unknown"),
    ],
)
def test_a_damaged_line_is_refused(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        restored_and_ended(line)


def restored_and_ended(line: str) -> None:
    held = CustomFields(line)
    restored_record(held, url=NUMPY.url, md5="")
    held.end()


BASE = {"python": "3.12", "macos": "13.0", "solver": "rattler", "repodata": "conda-forge"}


def test_the_facts_of_a_lock() -> None:
    assert lock_facts(make_lock()) == {
        "created_by": "envgen 1.2.3",
        "envgen_format": "1",
        "name": "demo",
        "manifest_digest": DIGEST,
    }
    assert lock_facts(replace(make_lock(), exclude_newer="2026-08-01"))["exclude_newer"] == "2026-08-01"


def test_the_facts_of_a_platform_come_back() -> None:
    platform = small_platform()
    facts = platform_facts(platform)
    assert facts["osx-arm64.macos"] == "13.0"
    assert facts["osx-arm64.decision.numpy"] == "conda numpy - the channel has it"
    assert facts["osx-arm64.note.1"] == "2 records without a date were left out"
    assert read_platform_facts("osx-arm64", facts_of("osx-arm64", facts)) == replace(
        platform, conda=(), pypi=(), groups={}
    )


def test_linux_has_no_macos() -> None:
    facts = platform_facts(make_platform(platform=LINUX))
    assert "linux-64.macos" not in facts
    assert read_platform_facts("linux-64", facts_of("linux-64", facts)).platform == LINUX


def test_two_decisions_on_one_requirement_are_both_kept() -> None:
    first = Decision(requirement="dask", name="dask", source="conda", why="one")
    second = Decision(requirement="dask", name="dask-core", source="conda", why="two - or three")
    facts = platform_facts(replace(make_platform(), decisions=(second, first)))
    assert list(facts)[-2:] == ["osx-arm64.decision.dask", "osx-arm64.decision+.dask"]
    assert read_platform_facts("osx-arm64", facts_of("osx-arm64", facts)).decisions == (first, second)


def test_the_facts_of_a_platform_whose_name_begins_alike_are_not_taken() -> None:
    assert facts_of("osx-64", {"osx-64.python": "3.12", "osx-64x.python": "3.9", "name": "x"}) == {"python": "3.12"}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"python": None}, "`python` is missing", id="no python"),
        pytest.param({"python": "3"}, "not a python minor", id="odd python"),
        pytest.param({"macos": "10.15"}, "starts at macOS 11.0", id="macOS that never was"),
        pytest.param({"solver": None}, "`solver` is missing", id="no solver"),
        pytest.param({"repodata": None}, "`repodata` is missing", id="no repodata"),
        pytest.param({"decision.numpy": "numpy"}, "not a decision", id="odd decision"),
        pytest.param({"decision.numpy": "forge numpy - x"}, "not a decision", id="odd source"),
        pytest.param({"finding.1": '["A"]'}, "not a finding", id="short finding"),
        pytest.param({"finding.1": '["A", "fatal", "m", "h"]'}, "not a severity", id="odd severity"),
        pytest.param({"finding.1": "["}, "Expecting", id="broken finding"),
        pytest.param({"finding.1": "[" * 100_000}, "broken JSON", id="deep finding"),
    ],
)
def test_odd_facts_are_refused(facts: dict[str, str | None], reason: str) -> None:
    given = {key: value for key, value in {**BASE, **facts}.items() if value is not None}
    with pytest.raises(ValueError, match=reason):
        read_platform_facts("osx-arm64", given)


TEXT = f"# head\nkey: 1\n{DIGEST_PLACEHOLDER}\nnumpy 2.1\nscipy 1.4\n"


def test_a_sealed_text_is_whole_and_keeps_its_words() -> None:
    text = with_digest(TEXT)
    assert digest_matches(text)
    assert text.replace(text.split("\n")[2], DIGEST_PLACEHOLDER) == TEXT


def test_sealing_twice_gives_the_same_bytes() -> None:
    assert with_digest(TEXT) == with_digest(TEXT)


@given(st.integers(min_value=0), st.sampled_from("ax0\n"))
def test_any_changed_character_shows(place: int, character: str) -> None:
    text = with_digest(TEXT)
    place %= len(text)
    edited = text[:place] + character + text[place + 1 :]
    assert digest_matches(edited) == (edited == text)


@given(st.integers(min_value=1))
def test_a_cut_shows(length: int) -> None:
    text = with_digest(TEXT)
    assert not digest_matches(text[: -(length % len(text) or 1)])


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        pytest.param(with_digest(TEXT).replace("\n", "\r\n"), True, id="line ends of another system"),
        pytest.param(TEXT, False, id="never sealed"),
        pytest.param("numpy 2.1\n", False, id="no digest"),
        pytest.param(with_digest(TEXT) + "more\n", False, id="something added"),
        pytest.param(with_digest(TEXT).replace("numpy 2.1\nscipy 1.4", "scipy 1.4\nnumpy 2.1"), False, id="reordered"),
    ],
)
def test_only_an_untouched_text_is_whole(text: str, whole: bool) -> None:
    assert digest_matches(text) is whole


def test_a_later_word_that_looks_like_the_placeholder_is_left_alone() -> None:
    text = with_digest(f"{TEXT}note: {DIGEST_PLACEHOLDER}\n")
    assert digest_matches(text)
    assert text.endswith(f"note: {DIGEST_PLACEHOLDER}\n")


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
