"""Test that match specs are read as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.importers.environment_yml import SpecParts, read_match_spec

SPECS = {
    "numpy": SpecParts(name="numpy"),
    "numpy=1.22.3": SpecParts(name="numpy", version="=1.22.3"),
    "numpy==1.22.3": SpecParts(name="numpy", version="==1.22.3"),
    "numpy 1.22": SpecParts(name="numpy", version="1.22"),
    "numpy 1.22.*": SpecParts(name="numpy", version="1.22.*"),
    "numpy=1.22=py310_0": SpecParts(name="numpy", version="==1.22", build="py310_0"),
    "numpy==1.22=py310_0": SpecParts(name="numpy", version="==1.22", build="py310_0"),
    "numpy 1.22 py310*": SpecParts(name="numpy", version="1.22", build="py310*"),
    "numpy =1.22=*openblas": SpecParts(name="numpy", version="==1.22", build="*openblas"),
    "h5py<=3.7.0": SpecParts(name="h5py", version="<=3.7.0"),
    "pooch >= 1.9.0": SpecParts(name="pooch", version=">=1.9.0"),
    "dask < 2023.11.0": SpecParts(name="dask", version="<2023.11.0"),
    "scipy >=1.4.1, <= 1.9.0": SpecParts(name="scipy", version=">=1.4.1,<=1.9.0"),
    "a >=1 , <2 | 3.*": SpecParts(name="a", version=">=1,<2|3.*"),
    "openmm ~=8.4.0": SpecParts(name="openmm", version="~=8.4.0"),
    "a *": SpecParts(name="a"),
    "a * cuda*": SpecParts(name="a", build="cuda*"),
    "Flask": SpecParts(name="flask"),
    "_libgcc_mutex=0.1=conda_forge": SpecParts(name="_libgcc_mutex", version="==0.1", build="conda_forge"),
    "conda-forge::attrs >=21": SpecParts(name="attrs", version=">=21", channel="conda-forge"),
    "sleap/label/dev::tensorflow ==2.7.0": SpecParts(name="tensorflow", version="==2.7.0", channel="sleap/label/dev"),
    "https://h/c::a": SpecParts(name="a", channel="https://h/c"),
    "a[version='>=1,<2', build=x*]": SpecParts(name="a", version=">=1,<2", build="x*"),
    'a[version=">=1", channel=conda-forge]': SpecParts(name="a", version=">=1", channel="conda-forge"),
}


@pytest.mark.parametrize("text", SPECS)
def test_its_parts(text: str) -> None:
    assert read_match_spec(text) == SPECS[text]


@pytest.mark.parametrize(
    "text", ["", "=1.2", "::a", "a b c d", "a >=", "a[version]", "a ==1.2=b=c", "-e .", "a" * 1001, "a !!", "(a)"]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"match spec"):
        read_match_spec(text)


@given(st.text(alphabet=st.sampled_from("ab1.=<>!~,| *:[]'\"_-"), max_size=30))
def test_nothing_but_a_value_error_is_raised(text: str) -> None:
    try:
        parts = read_match_spec(text)
    except ValueError:
        return
    assert parts.name
