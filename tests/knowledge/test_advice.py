"""Test the tables of commands and of what is wrong with them."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from packaging.requirements import Requirement

from envgen.knowledge.advice import command_rules, command_tools, host_rule, host_rules
from envgen.knowledge.wheels import build_needs


def test_each_code_is_told_once() -> None:
    assert [code for code, count in Counter(rule.code for rule in command_rules()).items() if count > 1] == []


def test_patterns_and_templates_are_well_formed() -> None:
    for rule in command_rules():
        re.compile(rule.pattern)
        re.compile(rule.value)
        assert not rule.becomes or rule.value or (rule.pattern and not rule.option), rule.code
        for text in rule.adds:
            assert text.format(python="3.12", macos="13.0")
        for pin in rule.pins:
            Requirement(pin.replace("{specifier}", ""))
        if rule.admits:
            Requirement(rule.admits)


def test_rules_name_tools_verbs_and_options_that_are_read() -> None:
    tools = {tool.name: tool for tool in command_tools()}
    for rule in command_rules():
        assert set(rule.tools) <= set(tools), rule.code
        for name in rule.tools:
            assert set(rule.verbs) <= set(tools[name].verbs), rule.code


def test_options_have_one_first_spelling() -> None:
    for tool in command_tools():
        spellings = Counter(text for listed in tool.values for text in listed.split())
        assert [text for text, count in spellings.items() if count > 1] == [], tool.name
    pip = next(tool for tool in command_tools() if tool.name == "pip")
    assert (pip.option("-r"), pip.option("--requirement"), pip.option("-U")) == ("--requirement", "--requirement", "")


def test_values_are_corrected_as_the_facts_say() -> None:
    rule = next(rule for rule in command_rules() if rule.code == "PLATFORM-TAG")
    assert rule.fits_value("macosx_13_arm64")
    assert not rule.fits_value("macosx_13_0_arm64")
    assert rule.corrected("macosx_14_universal2") == "macosx_14_0_universal2"
    other = next(rule for rule in command_rules() if rule.code == "SUDO")
    assert other.corrected("anything") == "anything"
    assert other.fits_value("anything")


# The findings about machines, and what building needs.


def test_each_finding_of_a_machine_is_told_once() -> None:
    codes = [rule.code for rule in host_rules()]
    assert len(codes) == len(set(codes))


def test_a_rule_is_found_by_its_code() -> None:
    assert host_rule("ROSETTA").severity == "error"
    with pytest.raises(KeyError):
        host_rule("NOTHING")


def test_what_sources_need() -> None:
    row = build_needs("dlib")
    assert row is not None
    assert row.conda == ("cmake",)
    assert build_needs("numpy") is None
