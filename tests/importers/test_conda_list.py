"""Test that exported lists of conda's are read, and tables that people read are not."""

from __future__ import annotations

import pytest

from envgen.errors import ForeignFileError
from envgen.importers.conda_lists import MAX_LIST_LINES, is_conda_list, read_conda_list
from envgen.importers.detect import format_of, read_foreign
from tests.importers.item_texts import lines_of, no_files, unaccounted

LIST = """\
# This file may be used to create an environment using:
# $ conda create --name <env> --file <this file>
# platform: osx-arm64
absl-py=1.4.0=pypi_0
_openmp_mutex=4.5=2_gnu

numpy=1.23.5=py310hb93e574_0  # pinned
python=3.10.9=hc0d8a6c_0
scipy
"""


def test_a_list() -> None:
    file = read_foreign(LIST, "requirements.txt", no_files)
    assert lines_of(file) == [
        (4, "pypi absl-py==1.4.0"),
        (5, "conda _openmp_mutex ==4.5 2_gnu"),
        (7, "conda numpy ==1.23.5 py310hb93e574_0"),
        (8, "python as conda ==3.10.9"),
        (9, "conda scipy"),
    ]
    assert (file.format, file.solved) == ("conda list", True)
    assert unaccounted(LIST, file) == []


@pytest.mark.parametrize("text", ["", "numpy==1.2\n", "numpy=1.2\n", "a=1=b\nb\n", "a = 1 = b\n"])
def test_what_is_no_such_list(text: str) -> None:
    assert not is_conda_list(text)


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(ForeignFileError, match="more than 20,000"):
        read_conda_list("a=1=b\n" * (MAX_LIST_LINES + 1), "f")
    with pytest.raises(ForeignFileError, match="packages, more than 2,000"):
        read_conda_list("a=1=b\n" * 2001, "f")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Package    Version\n---------- -------\nnumpy      1.26\n", "give what `pip freeze` prints"),
        (
            "Package  Version  Location\n-------- ------- ----\nx 1 /x\n",
            "give what `pip freeze` prints",
        ),
        (
            "# packages in environment at /x:\n#\n# Name   Version   Build  Channel\nnumpy 1.26 py_0\n",
            "give what `conda env export` prints",
        ),
    ],
)
def test_tables(text: str, hint: str) -> None:
    with pytest.raises(ForeignFileError) as caught:
        format_of(text, "list.txt")
    assert (caught.value.message, caught.value.hint) == ("list.txt is a table for people to read", hint)
