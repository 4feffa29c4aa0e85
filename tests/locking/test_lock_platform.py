"""A lock that the proof refuses is not written; what the user overrides is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.errors import ProofError
from envgen.locking.lock_platform import refuse_faults
from envgen.models.findings import Finding
from tests.fakes.locks import small_platform
from tests.fakes.tiny_project import NOARCH, Project, manifest, tiny_channel

FAULT = Finding(code="PIN-MISMATCH", severity="error", message="a needs b", hint="take c")
OTHER = Finding(code="DOUBLE", severity="error", message="d is there twice", hint="take c")
DOUBT = Finding(code="DOUBT", severity="warning", message="who knows", hint="wait")


def test_a_lock_without_an_error_is_given_back() -> None:
    lock = replace(small_platform(), findings=(DOUBT,))
    assert refuse_faults(lock) is lock


def test_every_error_is_told_with_each_hint_once() -> None:
    with pytest.raises(ProofError) as caught:
        refuse_faults(replace(small_platform(), findings=(FAULT, DOUBT, OTHER)))
    assert caught.value.message.splitlines() == [
        "the lock for osx-arm64 would not work, so nothing was written",
        "  PIN-MISMATCH: a needs b",
        "  DOUBLE: d is there twice",
    ]
    assert caught.value.hint == "take c"


def test_what_the_manifest_overrides_is_said(project: Project) -> None:
    tiny_channel(project.channel, noarch=NOARCH + "strict 1.0 pyh_0 : python, six <1.17\n")
    project.write("demo", manifest("demo", "strict", more="overrides: [six>=1.17]\n"))
    ran = project.run("lock", "demo", "--json")
    assert ran.code == 0, ran.out
    (environment,) = ran.json["environments"]
    platform = environment["platforms"]["osx-arm64"]
    assert {package["name"]: package["version"] for package in platform["conda"]}["six"] == "1.17.0"
    assert any("six" in note and "strict" in note for note in [*environment["notes"], *platform["notes"]])
    assert project.run("lock", "--check", "demo").code == 0
