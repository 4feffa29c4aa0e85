"""Test what records are read for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.mapping.channel_packages import depends_names, fits_python, is_python, newest_record, pins
from tests.mapping.channel import ANY_PYTHON, PYTHON, library, package


@pytest.mark.parametrize(
    ("depends", "names"),
    [
        (["python >=3.9", "numpy"], {"python", "numpy"}),
        (["conda-forge::numpy >=1"], {"numpy"}),
        (["numpy>=1", "scipy[version='>=1']", "x =1=b"], {"numpy", "scipy", "x"}),
        ([], set()),
    ],
)
def test_names_of_depends(depends: list[str], names: set[str]) -> None:
    assert depends_names(library("x", depends=depends)) == names


@pytest.mark.parametrize("depend", ["python", "python >=3.9", "python_abi 3.12.* *_cp312", "cpython >=3.10"])
def test_what_depends_on_python_is_python(depend: str) -> None:
    assert is_python(library("x", depends=[depend]))


def test_a_build_string_alone_does_not_make_python() -> None:
    assert not is_python(library("icu", build="py313hbf1d544_2", depends=["__osx >=11.0"]))


@pytest.mark.parametrize(
    ("depends", "fits"),
    [
        (PYTHON, True),
        (ANY_PYTHON, True),
        (("python >=3.13,<3.14.0a0",), False),
        (("python_abi 3.11.* *_cp311",), False),
        (("python", "numpy >=99"), True),
        (("python <3.12",), False),
    ],
)
def test_a_record_fits_a_python(depends: tuple[str, ...], *, fits: bool) -> None:
    assert fits_python(library("x", depends=depends), "3.12") is fits


def test_the_newest_record_fits_the_python_if_one_does() -> None:
    old, new = package("x", "1.9"), package("x", "1.10", python=("python >=3.13",))
    assert newest_record([old, new], "3.12") == old
    assert newest_record([old, new]) == new
    assert newest_record([new], "3.12") == new
    assert newest_record([]) is None


@given(st.permutations([library("x", "1.0", build=f"h{n}_{n}", number=n % 2) for n in range(4)]))
def test_the_newest_record_does_not_depend_on_the_order(records: list[object]) -> None:
    found = newest_record(records)  # type: ignore[arg-type]  # hypothesis cannot say what it permutes
    assert found is not None
    assert found.build == "h3_3"


@pytest.mark.parametrize(
    ("spec", "pinned"),
    [
        ("x-core ==2.1", True),
        ("x-core 2.1 h123_0", True),
        ("x-core 2.1.*", False),
        ("x-core >=2.1,<2.1.1.0a0", True),
        ("x-core >=2.1", False),
        ("x-core", False),
        ("other ==2.1", False),
    ],
)
def test_outputs_of_one_feedstock_pin_each_other(spec: str, *, pinned: bool) -> None:
    assert pins(library("x", "2.1", depends=[spec]), "x-core", "2.1") is pinned
    assert not pins(library("x", "2.0", depends=[spec]), "x-core", "2.1")
