"""Test the lists that conda's tools write: conda-lock.yml, and what `conda list` prints."""

from __future__ import annotations

import pytest

from envgen.errors import ForeignFileError
from envgen.formats.registry import render
from envgen.importers.conda_lists import MAX_LIST_LINES, is_conda_list, read_conda_list, read_foreign_lock
from envgen.importers.items import ImportedMatchSpec
from envgen.importers.source_files import format_of, read_foreign
from tests.fakes.locks import make_lock
from tests.importers.item_texts import lines_of, no_files, unaccounted

HEAD = """\
# made by conda-lock
version: 1
metadata:
  content_hash:
    osx-arm64: abc
  channels:
  - url: conda-forge
    used_env_vars: []
package:
"""


def block(name: str, version: str = "1.0", platform: str = "osx-arm64", **more: str) -> str:
    """Write a package as conda-lock does."""
    fields = {"manager": "conda", "needs": "", "category": "main", **more}
    needs = "".join(f"    {need}: '>=1'\n" for need in fields["needs"].split())
    dependencies = f"  dependencies:\n{needs}" if needs else "  dependencies: {}\n"
    return (
        f"- name: {name}\n  version: {version}\n  manager: {fields['manager']}\n  platform: {platform}\n{dependencies}"
        f"  url: https://h/{name}.conda\n  hash:\n    md5: ab\n  category: {fields['category']}\n  optional: false\n"
    )


def test_a_lock() -> None:
    text = HEAD + "".join(
        [
            block("numpy", "'1.20'", needs="python libblas"),
            block("python", "3.11.4"),
            block("gcc", platform="linux-64"),
            block("torch", "2.0", manager="pip", category="dev", needs="numpy"),
            block("a b", manager="pip"),
            block("''"),
        ]
    )
    file = read_foreign_lock(text, "conda-lock.yml")
    assert [found for _, found in lines_of(file)][5:] == [
        "channel conda-forge",
        "aside the lock's own data",
        "conda numpy ==1.20",
        "python as conda ==3.11.4",
        "aside `gcc` for linux-64",
        "pypi(dev) torch==2.0",
        "unread not a requirement: `a b==1.0` (Expected semicolon (after name with no version specifier) or end)",
        "unread a package without a name or version",
    ]
    [numpy] = [item for item in file.items if isinstance(item, ImportedMatchSpec)]
    assert numpy.needs == ("python", "libblas")
    assert (file.format, file.solved, file.notes) == ("conda-lock.yml", True, ())
    assert unaccounted(text, file) == []


def test_blank_lines_and_comments_change_nothing() -> None:
    text = HEAD + block("numpy") + block("six")
    commented = HEAD.replace("metadata:", "\n  # c\nmetadata:") + block("numpy") + "\n # c\n" + block("six")
    plain, other = (read_foreign_lock(each, "f") for each in (text, commented))
    assert [found for _, found in lines_of(other)] == [found for _, found in lines_of(plain)]
    assert other.items[-2].span.last == plain.items[-2].span.last + 2  # those above it


def test_a_package_without_a_version_is_told() -> None:
    file = read_foreign_lock(HEAD + block("x", "''"), "f")
    assert lines_of(file)[-1][1] == "unread a package without a name or version"


def test_another_platform_is_read_where_ours_is_not_there() -> None:
    file = read_foreign_lock(HEAD + block("numpy", platform="linux-64") + block("six", platform="win-64"), "f")
    assert [found for _, found in lines_of(file)][-2:] == ["conda numpy ==1.0", "aside `six` for win-64"]
    assert file.notes == ("f has no osx-arm64: what it locks for linux-64 is read",)


SORTED = """\
package:
  - category: main
    dependencies:
      libblas: ">=3"
    hash:
      md5: ab
    name: numpy
    platform: osx-arm64
    version: "1.20"
  - platform: osx-arm64
    name: six
    dependencies:
      - python >=3.8
      - "quoted ==1"
    version: 1.0
"""


def test_older_layouts() -> None:
    numpy, six = (item for item in read_foreign_lock(SORTED, "f").items if isinstance(item, ImportedMatchSpec))
    assert (numpy.text, numpy.needs) == ("numpy ==1.20", ("libblas",))
    assert (six.text, six.needs) == ("six ==1.0", ("python", "quoted"))


def test_envgens_own_lock_can_be_read_so() -> None:
    text = render(make_lock(), ["conda-lock.yml"])["conda-lock.yml"]
    file = read_foreign_lock(text, "f")
    assert any(isinstance(item, ImportedMatchSpec) for item in file.items)
    assert unaccounted(text, file) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("version: 1\n", id="no packages"),
        pytest.param("package:\n  name: x\n", id="no list"),
        pytest.param("package:\n- x\n", id="a list of texts"),
        pytest.param("package:\n- name: x\n  *y\n", id="an alias"),
    ],
)
def test_another_layout_is_refused(text: str) -> None:
    with pytest.raises(ForeignFileError):
        read_foreign_lock(text, "f")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(HEAD + "\n" * 150_000, "more than 150,000", id="lines"),
        pytest.param(HEAD + block("x") * 2001, "names 2,001 packages", id="packages"),
    ],
)
def test_limits(text: str, message: str) -> None:
    with pytest.raises(ForeignFileError, match=message):
        read_foreign_lock(text, "f")


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
