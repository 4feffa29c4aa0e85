"""Test the bounds that upstream metadata lacks."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from envgen.knowledge.caps import broken_caps, cap_rules, caps_for, caps_of, contradicted
from envgen.knowledge.version_ranges import covers, satisfies
from tests.fakes.installed_values import installed, requirements

FACTS = Path(__file__).parents[2] / ".." / "shared" / "facts"


@pytest.mark.parametrize(
    ("pypi", "conda", "expected"),
    [
        pytest.param([], ["tensorboard==2.20.0"], {"setuptools<82"}, id="conda's tensorboard"),
        pytest.param(["tensorboard==2.19.0"], [], {"setuptools<82"}, id="PyPI's tensorboard"),
        pytest.param(["tensorboard==2.21.0"], [], set(), id="tensorboard is cured"),
        pytest.param(["tensorflow-hub==0.16.1"], [], {"setuptools<82"}, id="tensorflow-hub"),
        pytest.param(["tensorflow-hub==0.17.0"], [], set(), id="a later tensorflow-hub"),
        pytest.param([], ["tensorflow==2.19.1"], {"numpy<2.2", "keras>=3"}, id="conda's TensorFlow 2.19"),
        pytest.param([], ["tensorflow==2.18.0"], {"numpy<2.1", "keras>=3"}, id="conda's TensorFlow 2.18"),
        pytest.param([], ["tensorflow==2.17.0"], {"numpy<2", "keras>=3"}, id="conda's has a protobuf of its own"),
        pytest.param(["tensorflow==2.17.1"], [], {"numpy<2", "keras>=3", "protobuf<5"}, id="PyPI's TensorFlow 2.17"),
        pytest.param(["tensorflow==2.19.1"], [], {"numpy<2.2", "keras>=3", "protobuf<6"}, id="PyPI's TensorFlow 2.19"),
        pytest.param(["tensorflow==2.21.0"], [], {"keras>=3"}, id="TensorFlow 2.21 lacks none"),
        pytest.param(
            ["tensorflow-macos==2.14.0"], [], {"numpy<2", "keras<3", "protobuf<5"}, id="2.14.0 does not say numpy<2"
        ),
        pytest.param(
            ["tensorflow-macos==2.12.0"], [], {"numpy<2", "numpy<1.24", "keras<3", "protobuf<5"}, id="TensorFlow 2.12"
        ),
        pytest.param(["tensorflow-macos==2.9.0"], [], {"numpy<2", "protobuf<3.20", "keras<3"}, id="TensorFlow 2.9.0"),
        pytest.param(["tensorflow-addons==0.23.0"], [], {"tensorflow<2.16", "tensorflow-macos<2.16"}, id="addons"),
        pytest.param(["jax-metal==0.1.1"], [], {"jax==0.5.0", "jaxlib==0.5.0"}, id="jax-metal"),
        pytest.param(["numpy==2.5.0"], ["pip==25"], set(), id="nothing to say"),
    ],
)
def test_what_a_world_asks_for(pypi: list[str], conda: list[str], expected: set[str]) -> None:
    caps = caps_for(installed(pypi=pypi, conda=conda))
    assert {cap.text for cap in caps} == expected
    assert len(caps) == len(expected)
    assert all(cap.because and cap.source for cap in caps)


def test_a_broken_bound_names_who_asks_and_who_breaks() -> None:
    made = installed(conda=["tensorboard==2.20.0", "setuptools==84.0.0"])
    ((cap, culprit),) = broken_caps(made)
    assert str(culprit) == "conda's setuptools 84.0.0"
    assert cap.because.startswith("conda's tensorboard 2.20.0 needs setuptools<82: ")
    assert broken_caps(installed(conda=["tensorboard==2.20.0", "setuptools==81.0.0"])) == ()


def test_a_pre_release_breaks_a_bound() -> None:
    assert broken_caps(installed(pypi=["tensorflow==2.19.1", "numpy==2.2.0rc1"]))


@pytest.mark.parametrize(
    ("asked", "from_pypi", "expected"),
    [
        pytest.param(["tensorflow-addons"], True, {"tensorflow<2.16", "tensorflow-macos<2.16"}, id="any release"),
        pytest.param(["tensorflow==2.19.*"], True, {"numpy<2.2", "keras>=3", "protobuf<6"}, id="a pinned minor"),
        pytest.param(["tensorflow==2.17.*"], False, {"numpy<2", "keras>=3"}, id="for both halves"),
        pytest.param(["tensorflow"], True, set(), id="not known yet"),
        pytest.param(["tensorflow>=2.18"], True, {"keras>=3"}, id="half known"),
    ],
)
def test_what_requirements_ask_for(asked: list[str], from_pypi: bool, expected: set[str]) -> None:
    assert {cap.text for cap in caps_of(requirements(*asked), from_pypi=from_pypi)} == expected


def test_contradictions_of_the_users_own_bounds() -> None:
    (cap,) = caps_for(installed(conda=["tensorboard==2.20.0"]))
    asked = requirements("setuptools>=82", "setuptools>=60", "numpy")
    assert contradicted(cap, asked) == asked[:1]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("distribution", "probes"),
    [
        ("numpy", ["1.23.5", "1.24.3", "1.26.4", "2.0.2", "2.1.3", "2.2.0", "2.5.1"]),
        ("protobuf", ["3.19.6", "3.20.3", "4.25.8", "5.29.5"]),
    ],
)
def test_is_no_looser_than_metadata(distribution: str, probes: list[str]) -> None:
    """Find what a release's own metadata forbids by an upper bound among what the table forbids."""
    path = FACTS / "tf_compat.csv"
    if not path.exists():
        pytest.skip("the shared facts are not beside the checkout")
    with path.open(encoding="utf-8") as file:
        full = [row for row in csv.DictReader(file) if row["arm64_kind"] == "full"]
    loose = []
    for row in full:
        upper = ",".join(sorted(set(re.findall(r"<=?[0-9.]+[0-9]", row[distribution]))))
        rules = [rule for rule in cap_rules() if rule.beside == row["package"] and rule.distribution == distribution]
        ours = [rule.specifier for rule in rules if covers(rule.versions, row["version"])]
        older = [probe for probe in probes if satisfies(upper, probe)]
        loose += [
            (row["package"], row["version"], probe)
            for probe in probes
            if probe not in older and all(satisfies(text, probe) for text in ours)
        ]
    assert loose == []
    assert len(full) > 40
