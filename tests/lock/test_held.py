from __future__ import annotations

import json
from dataclasses import replace

import pytest

from envgen.lock.custom_metadata import (
    CustomFields,
    record_line,
    restored_record,
    restored_wheel,
    wheel_line,
    whole_record_line,
    whole_wheel_line,
)
from tests.fakes.locks import make_record, make_wheel

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
