"""Test that other tools' conda-lock.yml is read."""

from __future__ import annotations

import pytest

from envgen.errors import ForeignFileError
from envgen.formats.registry import render
from envgen.importers.conda_lists import read_foreign_lock
from envgen.importers.items import ImportedMatchSpec
from tests.fakes.locks import make_lock
from tests.importers.asked import lines_of, unaccounted

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
    assert (file.solved, file.notes) == (True, ())
    assert unaccounted(text, file) == []


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
