"""Test that environment.yml is read as conda and mamba read it."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.errors import ForeignFileError
from envgen.importers.environment_yml import read_environment
from tests.importers.item_texts import files_of, lines_of, no_files, unaccounted

FILE = """\
name: demo
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.10
  - numpy >=1.20  # why
  - conda-forge::scipy=1.9=py310_0
  - idle # [win]
  - appnope # [osx]
  - fastapi[standard]>=0.1
  - pip
  - pip:
      - torch>=2
      - -e .
      - "--requirement=r.txt"
      - -c c.txt
  - run_constrained:
      - x>=1
prefix: /home/me/x
variables:
  A: "1"
"""


def test_a_whole_file() -> None:
    include = files_of({"r.txt": "six\n", "c.txt": "six<2\n"})
    file = read_environment(FILE, "environment.yml", include)
    assert lines_of(file) == [
        (1, "aside `name`"),
        (3, "channel conda-forge"),
        (4, "channel nodefaults"),
        (6, "python as conda =3.10"),
        (7, "conda numpy >=1.20"),
        (8, "conda conda-forge::scipy ==1.9 py310_0"),
        (9, "aside `idle`"),
        (10, "conda appnope"),
        (11, "pypi fastapi[standard]>=0.1"),
        (12, "conda pip"),
        (14, "pypi torch>=2"),
        (15, "project . editable"),
        (16, "heading `r.txt` is included"),
        (1, "pypi six"),
        (17, "heading `c.txt` is included"),
        (1, "bound six<2"),
        (19, "aside a line of `run_constrained`"),
        (20, "aside `prefix`"),
        (21, "aside `variables`"),
    ]
    assert file.name == "demo"
    assert unaccounted(FILE, file) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("dependencies: [numpy, {pip: [six]}]", ["conda numpy", "pypi six"], id="in brackets"),
        pytest.param("dependencies:\n- pip:\n  - six", ["pypi six"], id="no indentation"),
        pytest.param("dependencies:\n- pip:\n- numpy", ["conda numpy"], id="an empty pip section"),
        pytest.param("dependencies:\n- pip: six", ["pypi six"], id="one line of pip's"),
        pytest.param("dependencies:\n- pip: |\n    six\n    # no\n    attrs", ["pypi six", "pypi attrs"], id="a block"),
        pytest.param("dependencies:\n- ''\n- numpy", ["conda numpy"], id="an empty text"),
        pytest.param("dependencies: numpy", ["conda numpy"], id="no list"),
        pytest.param("dependencies:", [], id="nothing"),
        pytest.param("channels: conda-forge", ["channel conda-forge"], id="one channel"),
        pytest.param("channels:\n- [a]", ["unread a channel is a name or a URL"], id="a list of lists"),
        pytest.param(
            "dependencies:\n- - a", ["unread a dependency is a match spec, or `pip:` with a list"], id="nested"
        ),
        pytest.param("dependencies:\n- a b c d", ["unread not a match spec: `a b c d`"], id="no spec"),
        pytest.param(
            "dependencies:\n- https://u:p@h/linux-64/x-y-1.0-h_0.conda#ab", ["link x-y==1.0 https://"], id="an artifact"
        ),
        pytest.param("dependencies:\n- https://h/x", ["link  https://h/x"], id="another URL"),
        pytest.param("dependencies:\n- a[b]c d", ["unread not a requirement: `a[b]c d`"], id="no extra"),
        pytest.param(
            "dependencies:\n- pip:\n  - [a]", ["unread a line of the pip section is a text"], id="a list in pip"
        ),
        pytest.param(
            "dependencies:\n- pip:\n  - -r https://h/r.txt", ["unread a file behind a URL is not read"], id="a URL"
        ),
        pytest.param("dependencies:\n- pip:\n  - -r r.txt", ["unread cannot read r.txt"], id="a missing file"),
        pytest.param("name: a\nname: b", ["aside `name`", "unread `name` is written twice"], id="a key twice"),
        pytest.param("a: 1\nplatforms: [osx-arm64]", ["aside the key `a`", "aside `platforms`"], id="other keys"),
        pytest.param(
            "dependencies: [&x numpy, *x]", ["unread YAML anchors", "unread YAML aliases"], id="anchors and aliases"
        ),
        pytest.param("dependencies:\n- !!python/object:os.system x", ["unread YAML tags"], id="tags"),
        pytest.param("dependencies:\r\n- numpy\r\n", ["conda numpy"], id="crlf"),
    ],
)
def test_strange_files(text: str, expected: list[str]) -> None:
    found = [found for _, found in lines_of(read_environment(text, "f", no_files))]
    assert len(found) == len(expected)
    for one, start in zip(found, expected, strict=True):
        assert one.startswith(start)


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\ndependencies: [*c]\n"


def test_a_bomb_does_not_explode() -> None:
    found = lines_of(read_environment(BOMB, "f", no_files))
    assert all(text.startswith(("unread YAML", "aside")) for _, text in found)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("a: b: c", "not YAML", id="no YAML"),
        pytest.param("- numpy", "is no environment file", id="a list"),
        pytest.param("[" * 100, "nested deeper", id="deep"),
        pytest.param("dependencies:\n" + "- a\n" * 20_000, "more than 10000 values", id="long"),
        pytest.param("#" * 2_000_000, "larger than 1 MB", id="large"),
        pytest.param("<<<<<<< ours\na: b\n", "unresolved merge", id="unmerged"),
    ],
)
def test_what_cannot_be_read(text: str, reason: str) -> None:
    with pytest.raises(ForeignFileError, match=reason):
        read_environment(text, "f", no_files)


def test_an_export_is_told() -> None:
    text = textwrap.dedent("dependencies:\n") + "".join(f"- p{at}=1.{at}=h{at}_0\n" for at in range(40))
    assert read_environment(text, "f", no_files).solved


SOME = st.sampled_from(
    ["- numpy=1.0", "- pip:", "  - six", "    - -e .", "name: a", "channels:", "dependencies:", "# c", ""]
)


@given(st.lists(SOME, max_size=8))
def test_every_line_is_accounted_for(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        file = read_environment(text, "f", no_files)
    except ForeignFileError:
        return
    assert unaccounted(text, file) == []


def test_selectors_of_micromamba() -> None:
    text = "dependencies:\n- sel(linux): a\n- sel(osx): b >=1\n- sel(unix): c\n- sel(win):\n  - d\n  - e\n"
    file = read_environment(text, "f", no_files)
    assert lines_of(file) == [
        (2, "aside `sel(linux)`"),
        (3, "conda b >=1"),
        (4, "conda c"),
        (5, "aside `sel(win)`"),
    ]
    assert unaccounted(text, file) == []


def test_files_that_the_pip_section_names_are_listed() -> None:
    text = "dependencies:\n- pip:\n  - -r r.txt\n"
    assert read_environment(text, "f", files_of({"r.txt": "six"})).files == ("r.txt",)
