"""Test that edits read as manifests do."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from envgen.diagnosis.results import ManifestEdit, combined, fragment

CASES = {
    "renamed": (ManifestEdit(dependencies=("tensorflow",)), {"dependencies": ["tensorflow"]}),
    "left out": (ManifestEdit(), {"dependencies": []}),
    "another python": (ManifestEdit(python="3.10", keeps=True), {"python": "3.10", "dependencies": ["asked==1.*"]}),
    "another macOS": (
        ManifestEdit(macos="14.0", keeps=True),
        {"platforms": [{"platform": "osx-arm64", "macos": "14.0"}], "dependencies": ["asked==1.*"]},
    ),
    "cpu": (ManifestEdit(accelerator="cpu"), {"accelerator": "cpu", "dependencies": []}),
    "toolchain": (ManifestEdit(conda=("compilers", "cmake")), {"dependencies": [], "conda": ["compilers", "cmake"]}),
    "override": (
        ManifestEdit(overrides=('promise; python_version < "0"',), keeps=True),
        {"dependencies": ["asked==1.*"], "overrides": ['promise; python_version < "0"']},
    ),
    "pypi": (ManifestEdit(pypi=("it's>=1",)), {"dependencies": [], "pypi": ["it's>=1"]}),
}


@pytest.mark.parametrize(("edit", "meant"), CASES.values(), ids=CASES)
def test_a_fragment_is_yaml_and_says_what_is_meant(edit: ManifestEdit, meant: dict[str, object]) -> None:
    assert YAML(typ="safe").load(fragment(edit, "asked==1.*")) == meant


def test_no_edit_is_no_text() -> None:
    assert fragment(None, "asked") == ""


def test_what_is_replaced_is_told() -> None:
    text = fragment(ManifestEdit(), "asked")
    assert text.startswith("# in place of `asked`\n")
    assert "# in place" not in fragment(ManifestEdit(keeps=True), "asked")


def test_a_match_spec_is_kept_under_its_own_key() -> None:
    assert YAML(typ="safe").load(fragment(ManifestEdit(python="3.11", keeps=True), "hdf5 1.14.*", "conda")) == {
        "python": "3.11",
        "conda": ["hdf5 1.14.*"],
    }


def test_edits_of_one_line_become_one() -> None:
    found = combined(
        [ManifestEdit(macos="14.0", keeps=True), ManifestEdit(macos="13.5", conda=("x",), overrides=("y",), keeps=True)]
    )
    assert found == ManifestEdit(macos="14.0", conda=("x",), overrides=("y",), keeps=True)
