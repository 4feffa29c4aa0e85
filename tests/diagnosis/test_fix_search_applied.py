"""Test that fixes out land in a manifest's text, and leave the rest of it alone."""

from __future__ import annotations

import pytest

from envgen.diagnosis.fix_search import applied
from envgen.diagnosis.results import JointFix, ManifestEdit
from envgen.manifest.model import Manifest, load_manifest
from tests.calls import calls
from tests.diagnosis.values import question, spec_question

TEXT = """\
name: x
python: "3.12"
platforms: [{platform: osx-arm64, macos: "13.0"}]
channels: [conda-forge]
# what it needs
dependencies:
  - dlib==19.0
  - numpy  # arrays
conda: [hdf5 1.10.*]
pypi: [inner]
groups: {dev: [pytest<5]}
"""
QUESTIONS = (
    question("dlib==19.0"),
    question("numpy"),
    spec_question("hdf5 1.10.*"),
    question("inner", pypi_only=True),
    question("pytest<5", group="dev"),
)


def manifest(*edits: tuple[int, ManifestEdit]) -> Manifest:
    text = applied(TEXT, QUESTIONS, [JointFix(text="", edits={place: edit}) for place, edit in edits])
    assert "# what it needs" in text
    assert "numpy  # arrays" in text or any(place == 1 and not edit.keeps for place, edit in edits)
    return load_manifest(text, "envgen.yaml")


def dependencies(found: Manifest) -> list[str]:
    return [str(item) for item in found.document.dependencies]


def test_nothing_changes_nothing() -> None:
    assert applied(TEXT, QUESTIONS, []) == TEXT
    assert applied(TEXT, QUESTIONS, [JointFix(text="", edits={1: ManifestEdit(keeps=True)})]) == TEXT


def test_a_line_is_replaced_or_left_out() -> None:
    assert dependencies(manifest((0, ManifestEdit(dependencies=("dlib>=20",))))) == ["dlib>=20", "numpy"]
    found = manifest((0, ManifestEdit(conda=("compilers", "cmake"))))
    assert dependencies(found) == ["numpy"]
    assert sorted(str(spec) for spec in found.document.conda) == ["cmake", "compilers", "hdf5 1.10.*"]


def test_a_line_of_a_group_stays_in_it() -> None:
    found = manifest((4, ManifestEdit(dependencies=("pytest",))))
    assert [str(item.requirement) for item in found.requirements() if item.groups == {"dev"}] == ["pytest"]
    assert dependencies(found) == ["dlib==19.0", "numpy"]


def test_specs_and_pypi_keep_to_their_lists() -> None:
    found = manifest((2, ManifestEdit(conda=("hdf5",))), (3, ManifestEdit(pypi=("inner>=2",))))
    assert [str(spec) for spec in found.document.conda] == ["hdf5"]
    assert [str(item) for item in found.document.pypi] == ["inner>=2"]


def test_overrides() -> None:
    found = manifest((0, ManifestEdit(overrides=("numpy<2",), keeps=True)))
    assert [str(item) for item in found.override_requirements()] == ["numpy<2"]


def test_the_first_python_and_the_newest_floor_count() -> None:
    found = manifest(
        (0, ManifestEdit(python="3.11", macos="14.0", keeps=True)),
        (1, ManifestEdit(python="3.10", macos="15.0", keeps=True)),
    )
    (platform,) = found.platforms()
    assert (platform.python, platform.macos) == ("3.11", "15.0")


def test_the_accelerator() -> None:
    assert manifest((1, ManifestEdit(accelerator="cpu", keeps=True))).accelerator == "cpu"


def test_two_fixes_for_one_line_are_both_taken() -> None:
    found = manifest(
        (0, ManifestEdit(dependencies=("dlib>=20",))), (0, ManifestEdit(overrides=("six>=1",), keeps=True))
    )
    assert dependencies(found) == ["dlib>=20", "numpy"]
    assert [str(item) for item in found.override_requirements()] == ["six>=1"]


@pytest.mark.parametrize("name", ["gone", "numpy"])
def test_a_name_that_is_gone_already_is_no_fault(name: str) -> None:
    questions = (*QUESTIONS, question(name))
    fixes = [
        JointFix(text="", edits={1: ManifestEdit(dependencies=("numpy>=2",))}),
        JointFix(text="", edits={5: ManifestEdit()}),
    ]
    assert load_manifest(applied(TEXT, questions, fixes), "envgen.yaml").name == "x"


def test_a_line_may_take_the_place_of_another_that_goes() -> None:
    found = manifest((0, ManifestEdit(dependencies=("numpy>=2",))), (1, ManifestEdit()))
    assert dependencies(found) == ["numpy>=2"]


def test_what_an_import_left_out_has_no_line_to_go() -> None:
    questions = (question("gone"), question("dlib==19.0"))
    fixes = [JointFix(text="", edits={0: ManifestEdit(), 1: ManifestEdit()})]
    assert dependencies(load_manifest(applied(TEXT, questions, fixes), "envgen.yaml")) == ["numpy"]


def test_the_work_grows_with_the_number_of_fixes() -> None:
    def work(count: int) -> int:
        away = [f'n{number}; python_version < "0"' for number in range(count)]
        fixes = [JointFix(text="", edits={0: ManifestEdit(keeps=True, overrides=(text,))}) for text in away]
        assert len(load_manifest(applied(TEXT, QUESTIONS, fixes), "envgen.yaml").override_requirements()) == count
        return calls(lambda: applied(TEXT, QUESTIONS, fixes))

    assert work(400) < 6 * work(100)
