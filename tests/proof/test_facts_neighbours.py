"""Test the proof that what shares a process can."""

from __future__ import annotations

from envgen.proof.facts import neighbour_findings
from tests.fakes.installed_values import installed, record

METAL = ["tensorflow==2.19.1", "tensorflow-metal==1.2.0"]


def test_one_finding_for_all_records_of_a_pair() -> None:
    conda = [
        record("libarrow", "25.0.0", "libprotobuf"),
        record("orc", "2.3.1", "libprotobuf"),
        record("numpy", "2.1.3"),
    ]
    metal, arrow = neighbour_findings(installed(pypi=METAL, conda=conda))
    assert (metal.code, arrow.code) == ("METAL-LIBPROTOBUF", "CONDA-ARROW")
    assert metal.packages == ("libarrow", "orc", "tensorflow-metal")
    assert metal.message.startswith("conda's libarrow, orc beside tensorflow-metal 1.2.0: ")
    assert "may" in metal.message
    assert arrow.packages == ("libarrow", "tensorflow")
    assert "pyarrow>=22 from PyPI" in arrow.hint


def test_a_pair_of_wheels() -> None:
    (finding,) = neighbour_findings(installed(pypi=["tensorflow==2.20.0", "pyarrow==21.0.0"]))
    assert finding.code == "PROTOBUF-MUTEX"
    assert finding.message.startswith("pyarrow (PyPI) beside tensorflow 2.20.0: ")
    assert finding.hint == "pyarrow>=22"
    assert finding.packages == ("pyarrow", "tensorflow")


def test_openmp() -> None:
    conda = [record("scikit-learn", "1.9.0", "llvm-openmp"), record("libopenblas", "0.3.34", "llvm-openmp >=19")]
    (finding,) = neighbour_findings(installed(pypi=["torch==2.15.0"], conda=conda))
    assert (finding.code, finding.severity) == ("OPENMP-DOUBLE", "warning")
    assert finding.packages == ("libopenblas", "scikit-learn", "torch")


def test_same_files_across_the_halves() -> None:
    (finding,) = neighbour_findings(installed(pypi=["opencv-contrib-python==4.12"], conda=["py-opencv==4.12.0"]))
    assert (finding.code, finding.severity) == ("SAME-FILES", "error")
    assert finding.packages == ("opencv-contrib-python", "py-opencv")
    assert finding.hint == "keep one of them"


def test_same_files_of_wheels_names_the_one_that_does() -> None:
    (finding,) = neighbour_findings(installed(pypi=["opencv-python==4.12", "opencv-python-headless==4.12"]))
    assert finding.hint == "keep one of them: opencv-python does for the others"


def test_a_library_that_nobody_brings() -> None:
    (finding,) = neighbour_findings(installed(pypi=["lightgbm==4.7.0"]))
    assert (finding.code, finding.packages) == ("HIDDEN-LIBRARY", ("lightgbm",))
    assert "llvm-openmp" in finding.hint


def test_peace() -> None:
    assert list(neighbour_findings(installed(pypi=["numpy==2.1.3"], conda=["pandas==3.0.0"]))) == []
