"""Test that environment.yml, its match specs and its selectors are read as conda and mamba read them."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.errors import ForeignFileError
from envgen.importers.environment_yml import SpecParts, read_environment, read_match_spec, selected
from tests.importers.item_texts import files_of, lines_of, no_files, spans_of, unaccounted

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


@pytest.mark.parametrize(
    "selector",
    ["osx", "arm64", "unix", "not win", "not linux", "osx and arm64", "win or osx", "something else", "py3k"],
)
def test_for_us(selector: str) -> None:
    assert selected(selector)


@pytest.mark.parametrize("selector", ["win", "linux", "linux64", "osx64", "not osx", "osx and x86_64", "linux or win"])
def test_for_others(selector: str) -> None:
    assert not selected(selector)


LINES = """\
name: demo
channels:  # those that are read
  - conda-forge

  - nodefaults  # no others
  -
dependencies:
  - numpy

  # a comment
  - "scipy
    >=1"
  - pip:
      - torch
      - |
        six
        attrs
      - >-
        -r r.txt
      - [a,
         b]
  - sel(win):
      - d

      - e
  - conda-tools:
      - x
      -
  - - y
    - z
variables:
  A: "1"

  B: "2"
  # the end
prefix: /home/me/x
more: {
  a: 1
}
"""


def test_every_item_has_its_lines() -> None:
    file = read_environment(LINES, "environment.yml", files_of({"r.txt": "bottle\nclick\n"}))
    assert spans_of(file) == [
        (1, 1, "aside `name`"),
        (2, 2, "heading "),
        (3, 3, "channel conda-forge"),
        (5, 5, "channel nodefaults"),
        (6, 6, "heading "),
        (7, 7, "heading "),
        (8, 8, "conda numpy"),
        (11, 12, "conda scipy >=1"),
        (13, 13, "heading "),
        (14, 14, "pypi torch"),
        (15, 17, "pypi six"),
        (15, 17, "pypi attrs"),
        (18, 19, "heading `r.txt` is included"),
        (1, 1, "pypi bottle"),
        (2, 2, "pypi click"),
        (20, 21, "unread a line of the pip section is a text"),
        (22, 25, "aside `sel(win)`"),
        (26, 26, "heading "),
        (27, 27, "aside a line of `conda-tools`"),
        (28, 28, "heading "),
        (29, 30, "unread a dependency is a match spec, or `pip:` with a list"),
        (31, 34, "aside `variables`"),
        (36, 36, "aside `prefix`"),
        (37, 39, "aside the key `more`"),
    ]
    assert [item.span.line.text for item in file.items][7] == '  - "scipy'


def test_lines_of_what_is_refused() -> None:
    file = read_environment("a: &x [b,\n c]\ndependencies: |-\n  numpy\n", "f", no_files)
    assert spans_of(file) == [
        (1, 1, "unread YAML anchors (`&`) are not supported"),
        (2, 2, "unread it belongs to a part of the file that cannot be read"),
        (3, 3, "heading "),
        (3, 4, "conda numpy"),
    ]
