"""Test match specs."""

from __future__ import annotations

import pytest

from envgen.models.match_spec import MatchSpec

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
