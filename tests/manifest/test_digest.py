"""The digest is of what is asked for."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.manifest.model import digest, load_manifest

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
