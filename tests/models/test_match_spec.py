"""Test match specs."""

from __future__ import annotations

import pytest

from envgen.models.match_spec import MatchSpec, is_version

NAMES = {
    "numpy": "numpy",
    "numpy>=1.26": "numpy",
    "numpy >=1.26,<3 py312*": "numpy",
    "numpy[version='>=1.26']": "numpy",
    "conda-forge::numpy >=1.26": "numpy",
    "https://conda.example.org/conda-forge::numpy": "numpy",
    "python_abi 3.12.* *_cp312": "python_abi",
    "pyOpenSSL >=23": "pyopenssl",
    "PyYAML": "pyyaml",
}


@pytest.mark.parametrize(("text", "name"), NAMES.items())
def test_the_name_without_parsing_is_that_of_the_parsed_spec(text: str, name: str) -> None:
    assert MatchSpec.name_of(text) == MatchSpec.parse(text).name == name


@pytest.mark.parametrize("text", ["__osx >=13.0", "  __unix"])
def test_virtual_packages_have_names(text: str) -> None:
    assert MatchSpec.name_of(text) == text.split(maxsplit=1)[0]


@pytest.mark.parametrize("text", ["", "*", ">=1.2"])
def test_what_starts_with_no_name(text: str) -> None:
    assert not MatchSpec.name_of(text)


@pytest.mark.parametrize("text", ["a " + "(" * 100_000, "a >=" + "1|" * 10_000, "[[[", "", "\ud800"])
def test_a_malformed_spec_is_refused_and_passed_over(text: str) -> None:
    """rattler goes down a level for each bracket, and takes the process with it."""
    with pytest.raises(ValueError, match="not a match spec"):
        MatchSpec.parse(text)
    assert [spec.name for spec in MatchSpec.readable([text, "numpy >=1"])] == ["numpy"]


@pytest.mark.parametrize(("text", "is_one"), [("1.0", True), ("1!2.0_1+a", True), ("1..2", False), ("9" * 300, False)])
def test_a_version_is_one_that_conda_compares(text: str, is_one: bool) -> None:
    assert is_version(text) is is_one
