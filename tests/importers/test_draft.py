"""Test that manifests are written so that they can be read."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.importers.draft import OUTCOMES, Draft, DraftItem, Outcome, group_key, one_line, safe_name
from envgen.manifest.fields import environment_name
from envgen.manifest.model import load_manifest


def test_every_outcome_of_a_line_has_its_words() -> None:
    assert tuple(OUTCOMES) == get_args(Outcome)


def full() -> Draft:
    draft = Draft(source="requirements.txt", name="My env", python="3.12", python_comment="line 1", accelerator="metal")
    draft.channels = [DraftItem("https://h/c"), DraftItem("conda-forge")]
    assert draft.put("dependencies", "fastapi[standard]>=1", "line 2: why") == "dependencies: fastapi[standard]>=1"
    assert draft.put("dependencies", "fastapi[standard]>=1", "again") == "dependencies: fastapi[standard]>=1"
    draft.put("conda", "libblas * *accelerate")
    draft.put("constraints", "six<2")
    draft.put("local", "{path: ., editable: true}")
    assert draft.put("dependencies", "pytest", group="main") == "groups.main-group: pytest"
    assert draft.include("all", "main") == "groups.all: {include-group: main-group}"
    draft.remarks.append("a remark")
    draft.undecided.append("line 3: why")
    return draft


TEXT = """\
# Made from requirements.txt by `envgen import`; edit freely, then run `envgen lock`.
name: My-env
python: "3.12"  # line 1
accelerator: metal

platforms:
  - {platform: osx-arm64, macos: "13.0"}

channels:
  - https://h/c
  - conda-forge

# What the project needs, by the names of PyPI; conda serves what it can.
dependencies:
  - fastapi[standard]>=1  # line 2: why

conda:
  - libblas * *accelerate

groups:
  main-group:
    - pytest
  all:
    - {include-group: main-group}

constraints:
  - six<2

local:
  - {path: ., editable: true}

# a remark

# These lines need a decision of yours:
#   line 3: why
"""


def test_every_part_has_its_place() -> None:
    text = full().text()
    assert text == TEXT
    manifest = load_manifest(text, "envgen.yaml")
    assert manifest.notes == ()
    assert [str(root.spec) for root in manifest.conda_specs()] == ["libblas * *accelerate"]


def test_an_empty_draft_is_a_manifest() -> None:
    text = Draft(source="x").text()
    assert "dependencies: []\n" in text
    assert load_manifest(text, "envgen.yaml").name == "imported"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("", "imported"),
        ("base", "imported"),
        ("a b/c", "a-b-c"),
        ("../..", "imported"),
        ("a..b", "a-b"),
        ("ümlaut", "mlaut"),
        ("x" * 100, "x" * 64),
        (".hidden.", "hidden"),
        ("007-x.y_z", "007-x.y_z"),
    ],
)
def test_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=80))
def test_every_text_has_a_name(text: str) -> None:
    assert environment_name(safe_name(text))


@pytest.mark.parametrize(
    ("group", "key"), [("dev", "dev"), ("Dev_X", "dev-x"), ("main", "main-group"), ("!", "group"), ("a b", "a-b")]
)
def test_groups(group: str, key: str) -> None:
    assert group_key(group) == key


def test_comments_are_short_lines_without_secrets() -> None:
    assert one_line("a\nb  c") == "a b c"
    assert one_line("https://u:p@h/x") == "https://***@h/x"
    assert one_line("x" * 130) == f"{'x' * 119}…"
    assert one_line("x\x1b[31m") == "x\ufffd[31m"
