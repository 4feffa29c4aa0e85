"""Test what records are said to provide of PyPI's world."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from envgen.knowledge.names import NameTable
from envgen.mapping.channel_packages import distributions_of
from envgen.models.record import Record
from tests.fakes.memory_channel import ANY_PYTHON, library, package

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
