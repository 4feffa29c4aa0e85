"""Test what records are read for, and what they are said to provide of PyPI's world."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.knowledge.names import NameTable
from envgen.mapping.channel_packages import depends_names, distributions_of, fits_python, is_python, newest_record, pins
from envgen.models.record import Record
from tests.fakes.memory_channel import ANY_PYTHON, PYTHON, library, package


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
        (("python >=3.12.4",), True),
        (("python_abi ==3.12",), True),
        (("cpython >=3.13",), False),
        (("python >=((",), False),
        ((f"python >={'(' * 20_000}",), False),
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
    assert pins(library("x", "2.1", depends=["x-core", spec]), "x-core", "2.1") is pinned
    assert not pins(library("x", "2.0", depends=[spec]), "x-core", "2.1")


OPENCV = ("opencv-contrib-python", "opencv-contrib-python-headless", "opencv-python", "opencv-python-headless")


@pytest.mark.parametrize(
    ("record", "held"),
    [
        (package("numpy"), ("numpy",)),
        (package("ruamel.yaml"), ("ruamel-yaml",)),
        (package("typing_extensions"), ("typing-extensions",)),
        (package("pytorch"), ("torch",)),
        (package("python-tzdata"), ("tzdata",)),
        (package("matplotlib-base"), ("matplotlib",)),
        (package("py-opencv", depends=["libopencv 4.12.0 h1"]), OPENCV),
        (package("pyside6"), ("pyside6", "shiboken6")),
        (package("tensorflow-base"), ("tensorflow",)),
        (package("spacy-model-en_core_web_sm"), ("en-core-web-sm",)),
        (package("python-xxhash", depends=["xxhash >=0.8"]), ("xxhash",)),
        (package("python-graphviz", depends=["graphviz >=2.46"]), ("graphviz",)),
        (package("pyqt", "5.15.11"), ("pyqt5",)),
        (package("pyqt", "6.9.1"), ("pyqt6",)),
        (package("dask", "2.10", depends=["numpy"]), ("dask",)),
        (package("pyglfw", depends=["glfw"]), ("glfw",)),
        (package("needs-itself", depends=["needs-itself"]), ("needs-itself",)),
    ],
    ids=lambda value: str(value) if isinstance(value, Record) else None,
)
def test_a_record_provides_what_it_holds(record: Record, held: tuple[str, ...]) -> None:
    assert distributions_of(record) == held


@pytest.mark.parametrize(
    ("name", "depends"),
    [
        ("matplotlib", ["matplotlib-base >=3.11.1,<3.11.2.0a0", *ANY_PYTHON]),
        ("dask", ["dask-core >=2026.7,<2026.8", *ANY_PYTHON]),
        ("fastapi", ["fastapi-core ==0.139.0 pyh_0", *ANY_PYTHON]),
        ("typing-extensions", ["typing_extensions ==4.16.0 pyh_0"]),
        ("importlib_metadata", ["importlib-metadata ==9.0.0 pyh_0", *ANY_PYTHON]),
        ("eval-type-backport", ["eval_type_backport >=0.2.2", *ANY_PYTHON]),
        ("tensorflow", ["tensorflow-base ==2.19.1", *ANY_PYTHON]),
        ("pytorch-cpu", ["pytorch 2.12.0 cpu*", *ANY_PYTHON]),
        ("opencv", ["py-opencv 4.12.0", *ANY_PYTHON]),
        ("libopencv", ["__osx >=11.0"]),
        ("libclang", ["libcxx"]),
        ("tzdata", []),
        ("graphviz", ["cairo"]),
        ("glib", ["python", "packaging"]),
        ("python", ["libffi"]),
        ("python_abi", []),
        ("_python_abi3_support", ["cpython", "python-gil"]),
        ("rich-with-jupyter", ["rich", "ipywidgets", *ANY_PYTHON]),
        ("uvicorn-standard", ["uvicorn ==0.51.0"]),
        ("docker-compose", ["__osx >=12.3"]),
        ("r-base", ["cairo"]),
        ("_no_project", ANY_PYTHON),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_umbrellas_libraries_and_tools_provide_nothing(name: str, depends: Sequence[str]) -> None:
    assert distributions_of(library(name, depends=depends)) == ()


def test_a_package_of_its_own_beside_an_output_for_an_extra() -> None:
    assert distributions_of(package("work-with-it", depends=["numpy"])) == ("work-with-it",)


def test_a_binding_may_depend_on_a_package_of_the_bare_name() -> None:
    table = NameTable(contents={"python-gmsh": ("gmsh",)}, holders={"gmsh": ("python-gmsh",)})
    record = package("python-gmsh", depends=["gmsh 4.15.2"])
    assert distributions_of(record, table) == ("gmsh",)


def test_an_umbrella_of_an_irregular_name_provides_nothing() -> None:
    table = NameTable(contents={"x-full": ("x",)}, holders={"x": ("x-full",)})
    assert distributions_of(package("x-full", depends=["x ==1.0"]), table) == ()
    assert distributions_of(package("x-full"), table) == ("x",)
