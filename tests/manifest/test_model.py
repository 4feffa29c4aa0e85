"""A manifest becomes values that know their lines, and a digest of what is asked for."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.errors import ManifestError
from envgen.manifest.model import digest, load_manifest
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


BASE = """\
name: x
python: "3.12"
channels: [conda-forge, bioconda]
dependencies: [numpy>=2, "pandas[excel]>=1,<3", 'scipy; python_version < "3.13"']
conda: [hdf5 >=1.14, compilers]
pypi: [ours]
groups: {dev: [pytest, ruff], all: [{include-group: dev}, mypy]}
mapping: {a: b, c: null}
constraints: [a<2, b<3]
"""


def of(text: str) -> str:
    """Return a text's digest."""
    return digest(load_manifest(text, "envgen.yaml"))


def test_it_is_a_sha256() -> None:
    assert re.fullmatch("sha256:[0-9a-f]{64}", of(BASE))


SAME = {
    "a comment": BASE + "# a comment\n",
    "the order of keys": "\n".join(reversed(BASE.strip().splitlines())),
    "the order of requirements": BASE.replace("[a<2, b<3]", "[b<3, a<2]"),
    "the order within a group": BASE.replace("[pytest, ruff]", "[ruff, pytest]"),
    "the spelling of a name": BASE.replace("numpy>=2", "NumPy >= 2"),
    "the order of bounds": BASE.replace(">=1,<3", "<3,>=1"),
    "the spelling of a python": BASE.replace('"3.12"', "3.12"),
    "the spelling of a group": BASE.replace("dev: [", "DEV: ["),
    "the style of a list": BASE.replace("[a<2, b<3]", "\n  - a<2\n  - b<3"),
    "a default platform": BASE + "platforms: [{platform: osx-arm64, macos: 13}]\n",
    "a platform without its floor": BASE + "platforms: [osx-arm64]\n",
    "a default accelerator": BASE + "accelerator: cpu\n",
    "default outputs": BASE + "outputs: [conda-lock.yml, environment.yml]\n",
    "an empty list": BASE + "overrides: []\nlocal:\n",
    "a line twice": BASE.replace("[a<2, b<3]", "[a<2, b<3, a<2]"),
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_what_is_not_asked_for_changes_nothing(text: str) -> None:
    assert text != BASE
    assert of(text) == of(BASE)


OTHER = {
    "the name": BASE.replace("name: x", "name: y"),
    "the python": BASE.replace("3.12", "3.11"),
    "no python": BASE.replace('python: "3.12"\n', ""),
    "the order of channels": BASE.replace("conda-forge, bioconda", "bioconda, conda-forge"),
    "a bound": BASE.replace("numpy>=2", "numpy>=3"),
    "an extra": BASE.replace("pandas[excel]", "pandas"),
    "a marker": BASE.replace('; python_version < "3.13"', ""),
    "a spec": BASE.replace("1.14", "1.15"),
    "another source": BASE.replace("pypi: [ours]", "pypi: []").replace("[numpy", "[ours, numpy"),
    "a group's requirement": BASE.replace("ruff", "ruff>=1"),
    "a group": BASE.replace("all: [", "every: ["),
    "an include": BASE.replace("{include-group: dev}, ", ""),
    "a mapping": BASE.replace("a: b", "a: null"),
    "a constraint": BASE.replace("a<2", "a<1"),
    "an override": BASE + "overrides: [a<2]\n",
    "a project": BASE + "local: [{path: .}]\n",
    "an extra of a project": BASE + "local: [{path: ., extras: [dev]}]\n",
    "a date": BASE + "exclude-newer: 2026-08-01\n",
    "a floor": BASE + "platforms: [{platform: osx-arm64, macos: 14}]\n",
    "a platform": BASE + "platforms: [osx-arm64, linux-64]\n",
    "an accelerator": BASE + "accelerator: metal\n",
    "the outputs": BASE + "outputs: [explicit]\n",
}


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER.keys())
def test_what_is_asked_for_changes_it(text: str) -> None:
    assert of(text) != of(BASE)


def test_all_changes_differ() -> None:
    assert len({of(text) for text in OTHER.values()}) == len(OTHER)


def test_the_accelerator_that_is_meant_can_be_written_out() -> None:
    text = "name: x\npypi: [tensorflow-metal]\n"
    assert of(text) == of(f"{text}accelerator: metal\n")


def test_a_date_is_its_last_moment() -> None:
    text = "name: x\nexclude-newer: "
    assert of(f"{text}2026-08-01") == of(f"{text}2026-08-01T23:59:59.999999Z")
    assert of(f"{text}2026-08-01T12:00:00Z") == of(f"{text}2026-08-01T14:00:00+02:00")


@given(st.randoms(use_true_random=False))
def test_no_order_but_that_of_channels_matters(shuffle: random.Random) -> None:
    items = ["numpy>=2", '"pandas[excel]>=1,<3"', "'scipy; python_version < \"3.13\"'"]
    shuffle.shuffle(items)
    lines = BASE.strip().splitlines()
    lines[3] = f"dependencies: [{', '.join(items)}]"
    shuffle.shuffle(lines)
    assert of("\n".join(lines)) == of(BASE)
