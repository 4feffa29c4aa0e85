"""The schema says what the models accept."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from envgen.manifest.schema import RESERVED, manifest_schema
from envgen.manifest.templates import template_names, template_text
from envgen.manifest.validation import KEYS


def properties() -> dict[str, dict[str, object]]:
    """Return the schema's keys."""
    found = manifest_schema()["properties"]
    assert isinstance(found, dict)
    return found


def faults(text: str) -> list[str]:
    """Return what an editor would underline."""
    document = YAML(typ="safe", pure=True).load(text)
    return [error.message for error in Draft202012Validator(manifest_schema()).iter_errors(document)]


def test_it_is_a_schema_of_its_draft() -> None:
    schema = manifest_schema()
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)


def test_it_is_the_same_every_time() -> None:
    assert json.dumps(manifest_schema()) == json.dumps(manifest_schema())


def test_every_key_is_described() -> None:
    found = properties()
    assert list(found) == [*KEYS, *RESERVED]
    assert all(str(one["description"]).endswith(".") for one in found.values())
    assert all("not yet supported" in str(found[key]["description"]) for key in RESERVED)


def test_defaults_are_what_a_user_would_write() -> None:
    found = properties()
    assert found["platforms"]["default"] == [{"platform": "osx-arm64", "macos": "13.0"}]
    assert found["channels"]["default"] == ["conda-forge"]
    assert found["outputs"]["default"] == ["environment.yml", "conda-lock.yml"]
    assert "default" not in found["python"]


FINE = {
    "the least": "name: x",
    "numbers": "name: x\npython: 3.12\nplatforms: [{platform: osx-arm64, macos: 14}]",
    "all else": (
        "name: x\nplatforms: [osx-arm64]\naccelerator: metal\nchannels: [a]\ndependencies: [b]\nconda: [c]\n"
        "pypi: [d]\ngroups: {e: [f, {include-group: g}], g: []}\nlocal: [{path: .}]\nmapping: {h: i, j: null}\n"
        "constraints: [k<1]\noverrides: [l<1]\nexclude-newer: '2026-08-01'\noutputs: [explicit]"
    ),
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE.keys())
def test_a_manifest_is_valid(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize("name", template_names())
def test_a_template_is_valid(name: str) -> None:
    assert faults(template_text(name)) == []


WRONG = {
    "an unknown key": "name: x\npythn: 1",
    "a reserved key": "name: x\ntargets: {}",
    "no name": "python: '3.12'",
    "a path for a name": "name: ../x",
    "a micro": "name: x\npython: 3.12.4",
    "another accelerator": "name: x\naccelerator: cuda",
    "an unknown platform": "name: x\nplatforms: [osx]",
    "an unknown key of a platform": "name: x\nplatforms: [{platform: osx-64, os: 1}]",
    "an unknown key in a group": "name: x\ngroups: {a: [{b: c}]}",
    "text for a list": "name: x\ndependencies: a",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_underlined(text: str) -> None:
    assert faults(text)
