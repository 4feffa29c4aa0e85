"""A manifest becomes values that know their lines."""

from __future__ import annotations

from datetime import UTC, datetime
from time import process_time

import pytest

from envgen.errors import ManifestError
from envgen.manifest.model import load_manifest
from envgen.models.platform import Platform

FULL = """\
name: ml-project
python: "3.12"                    # minor
platforms: [{platform: osx-arm64, macos: "13.0"}]
accelerator: metal                # metal | cpu
channels: [conda-forge]
dependencies: [tensorflow, scikit-learn, pandas>=2, "fastapi[standard]"]
conda: [compilers, "hdf5 >=1.14"]
pypi: [our-internal-lib>=2]
groups: {dev: [pytest, ruff], all: [{include-group: dev}]}
local: [{path: ., editable: true}]
mapping: {our-lib: our-lib-py, Never_This: null}
constraints: [numpy<2.3]
overrides: [numpy<2]
exclude-newer: 2026-08-01
outputs: [environment.yml, conda-lock.yml]
"""


def test_every_key_is_read() -> None:
    manifest = load_manifest(FULL, "envgen.yaml")
    assert (manifest.file, manifest.name, manifest.python, manifest.accelerator) == (
        "envgen.yaml",
        "ml-project",
        "3.12",
        "metal",
    )
    assert manifest.platforms() == (Platform(subdir="osx-arm64", macos="13.0", python="3.12"),)
    assert [channel.name for channel in manifest.channels] == ["conda-forge"]
    assert [str(one.requirement) for one in manifest.requirements()] == [
        "tensorflow",
        "scikit-learn",
        "pandas>=2",
        "fastapi[standard]",
        "pytest",
        "ruff",
    ]
    assert [str(root.spec) for root in manifest.conda_specs()] == ["compilers", "hdf5 >=1.14"]
    assert [str(one) for one in manifest.pypi_requirements()] == ["our-internal-lib>=2"]
    assert manifest.group_names() == ("all", "dev")
    assert [(project.path, project.editable) for project in manifest.local] == [(".", True)]
    assert manifest.mapping == {"our-lib": "our-lib-py", "never-this": None}
    assert [str(one) for one in manifest.constraint_requirements()] == ["numpy<2.3"]
    assert [str(one) for one in manifest.override_requirements()] == ["numpy<2"]
    assert manifest.exclude_newer == datetime(2026, 8, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert manifest.outputs == ("environment.yml", "conda-lock.yml")
    assert manifest.notes == ()


def test_defaults_are_filled_in_and_what_is_assumed_is_noted() -> None:
    manifest = load_manifest("name: x\n", "envgen.yaml")
    assert (manifest.python, manifest.accelerator, manifest.exclude_newer) == (None, None, None)
    assert [channel.url for channel in manifest.channels] == ["https://conda.anaconda.org/conda-forge"]
    assert manifest.platforms("3.11") == (Platform(subdir="osx-arm64", macos="13.0", python="3.11"),)
    assert manifest.outputs == ("environment.yml", "conda-lock.yml")
    assert not manifest.requirements()
    assert not manifest.conda_specs()
    assert not manifest.local
    assert manifest.notes == ("no platforms are written: osx-arm64 with macOS 13.0 is assumed",)


def test_an_absent_macos_floor_is_noted_where_it_matters() -> None:
    manifest = load_manifest("name: x\npython: '3.12'\nplatforms: [osx-64, linux-64]\n", "envgen.yaml")
    assert [(one.subdir, one.macos) for one in manifest.platforms()] == [("osx-64", "13.0"), ("linux-64", "")]
    assert manifest.notes == ("no macOS floor is written for osx-64: 13.0 is assumed",)


def test_a_key_without_a_value_is_absent() -> None:
    manifest = load_manifest("name: x\ndependencies:\nplatforms:\ngroups:\n  dev:\n", "envgen.yaml")
    assert manifest.requirements() == ()
    assert manifest.group_names() == ("dev",)


@pytest.mark.parametrize(
    ("line", "python", "macos"),
    [
        pytest.param("python: 3.10", "3.10", "13.0", id="an unquoted minor keeps its zero"),
        pytest.param("python: '3.9'", "3.9", "13.0", id="a quoted minor"),
        pytest.param(
            "python: 3.12\nplatforms: [{platform: osx-64, macos: 14}]",
            "3.12",
            "14.0",
            id="an unquoted major of macOS",
        ),
        pytest.param(
            "python: 3.12\nplatforms: [{platform: osx-arm64, macos: 14.10}]", "3.12", "14.10", id="a zero of macOS"
        ),
        pytest.param(
            "python: 3.12\nplatforms:\n- platform: osx-64\n  macos: '26'",
            "3.12",
            "26.0",
            id="a quoted major of macOS",
        ),
    ],
)
def test_versions_are_read_from_their_text(line: str, python: str, macos: str) -> None:
    platform = load_manifest(f"name: x\n{line}\n", "envgen.yaml").platforms()[0]
    assert (platform.python, platform.macos) == (python, macos)


INSTANTS = {
    "none": ("", None, ""),
    "a date": ("2026-08-01", "2026-08-01T23:59:59.999999+00:00", "2026-08-01"),
    "a date in quotes": ("'2026-08-01'", "2026-08-01T23:59:59.999999+00:00", "2026-08-01"),
    "an instant": ("2026-08-01T12:00:00Z", "2026-08-01T12:00:00+00:00", "2026-08-01T12:00:00Z"),
    "a space for the T": ("2026-08-01 12:00:00.5Z", "2026-08-01T12:00:00.500000+00:00", "2026-08-01T12:00:00.500000Z"),
    "another zone": ("2026-08-01T20:00+14:00", "2026-08-01T06:00:00+00:00", "2026-08-01T06:00:00Z"),
}


@pytest.mark.parametrize(("written", "instant", "text"), INSTANTS.values(), ids=INSTANTS.keys())
def test_a_cutoff_is_an_instant_in_utc(written: str, instant: str | None, text: str) -> None:
    manifest = load_manifest(f"name: x\nexclude-newer: {written}\n", "envgen.yaml")
    assert (manifest.exclude_newer.isoformat() if manifest.exclude_newer else None) == instant
    assert manifest.exclude_newer_text == text


def test_without_a_python_there_are_no_platforms() -> None:
    with pytest.raises(ManifestError, match="no python is written"):
        load_manifest("name: x\n", "envgen.yaml").platforms()


GROUPS = """\
name: x
dependencies: [numpy]
pypi: [ours]
groups:
  Dev_Tools: [pytest, Numpy<3, ours]
  docs:
    - sphinx
  all:
    - include-group: dev-tools
    - {include-group: docs}
  everything: [{include-group: all}, ruff]
"""


def test_an_include_lends_its_group_to_the_included_requirements() -> None:
    asked = {str(one.requirement): set(one.groups) for one in load_manifest(GROUPS, "envgen.yaml").requirements()}
    assert asked == {
        "numpy": {"main"},
        "pytest": {"dev-tools", "all", "everything"},
        "numpy<3": {"main"},
        "ours": {"main"},
        "sphinx": {"docs", "all", "everything"},
        "ruff": {"everything"},
    }


def test_origins_lead_to_the_lines() -> None:
    manifest = load_manifest(GROUPS, "envs/envgen.yaml")
    places = {str(one.requirement): one.requirement.origin for one in manifest.requirements()}
    assert places["numpy<3"].path == "groups.Dev_Tools[1]"
    assert str(places["numpy<3"]) == "envs/envgen.yaml:5: Dev_Tools: [pytest, Numpy<3, ours]"
    assert str(places["sphinx"]) == "envs/envgen.yaml:7: - sphinx"
    assert str(manifest.pypi_requirements()[0].origin) == "envs/envgen.yaml:3: pypi: [ours]"
    assert manifest.origin("python").line is None
    assert str(manifest.origin("name")) == "envs/envgen.yaml:1: name: x"


ACCELERATORS = {
    "absent": ("dependencies: [tensorflow]", "osx-arm64", "cpu"),
    "metal": ("accelerator: metal", "osx-arm64", "metal"),
    "cpu": ("accelerator: cpu", "osx-arm64", "cpu"),
    "asked for": ("dependencies: [Tensorflow_Metal]", "osx-arm64", "metal"),
    "asked for from PyPI": ("pypi: [tensorflow-metal]", "osx-arm64", "metal"),
    "asked for by a group": ("groups: {gpu: [tensorflow-metal]}", "osx-arm64", "metal"),
    "asked for elsewhere": (
        "dependencies: [\"tensorflow-metal; sys_platform == 'linux'\"]",
        "osx-arm64",
        "cpu",
    ),
    "not a Mac of today": ("dependencies: [tensorflow-metal]\nplatforms: [osx-64]", "osx-64", "cpu"),
}


@pytest.mark.parametrize(("line", "subdir", "accelerator"), ACCELERATORS.values(), ids=ACCELERATORS.keys())
def test_the_accelerator_of_a_target(line: str, subdir: str, accelerator: str) -> None:
    manifest = load_manifest(f"name: x\npython: '3.12'\n{line}\n", "envgen.yaml")
    target = Platform(subdir=subdir, python="3.12", macos="13.0")
    assert manifest.accelerator_for(target) == accelerator


def test_the_name_is_the_folders() -> None:
    manifest = load_manifest("name: ml\n", "environments/ml-project/envgen.yaml")
    manifest.check_folder("ml")
    with pytest.raises(ManifestError, match="`ml` is not the name of its folder, `ml-project`") as caught:
        manifest.check_folder("ml-project")
    assert "name: ml-project" in caught.value.hint
    assert [line.line for line in caught.value.lines] == [1]


def test_brackets_without_quotes_are_read_and_noted() -> None:
    manifest = load_manifest("name: x\ndependencies: [fastapi[standard]>=0.100, b]\n", "envgen.yaml")
    assert [str(one.requirement) for one in manifest.requirements()] == ["fastapi[standard]>=0.100", "b"]
    assert "envgen.yaml:2: `fastapi[standard]>=0.100` should be in quotes" in manifest.notes


def test_loading_is_quick() -> None:
    text = FULL.replace("dependencies: [", "dependencies: [" + "".join(f"package-{number}, " for number in range(20)))
    load_manifest(text, "envgen.yaml")
    start = process_time()
    load_manifest(text, "envgen.yaml")
    assert process_time() - start < 0.2
