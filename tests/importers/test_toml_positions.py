"""Test that TOML's values are found on their lines."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.errors import ForeignFileError
from envgen.importers.toml_positions import read_toml

TEXT = '''\
# a comment
top = 1

[project]  # why
name = "x"
"quoted.key" = 'a'
dependencies = [  # opens
  "a[b]>=1", # , ]
  # "no"
  'b',
  """c
""", "d",
]
[project.optional-dependencies]
dev = ["e", {include-group = "f"}]
inner = { a = [1], b = 2 }
[[tool.x]]
y.z = [
]
last = "no newline"'''


def test_every_statement_has_its_lines() -> None:
    file = read_toml(TEXT, "f")
    found = [
        (".".join(one.path), one.span.line.line, one.span.last, [(item.line.line, item.last) for item in one.items])
        for one in file.statements
    ]
    assert found == [
        ("top", 2, 2, []),
        ("project", 4, 4, []),
        ("project.name", 5, 5, []),
        ("project.quoted.key", 6, 6, []),
        ("project.dependencies", 7, 13, [(8, 8), (10, 10), (11, 12), (12, 12)]),
        ("project.optional-dependencies", 14, 14, []),
        ("project.optional-dependencies.dev", 15, 15, [(15, 15), (15, 15)]),
        ("project.optional-dependencies.inner", 16, 16, []),
        ("tool.x", 17, 17, []),
        ("tool.x.y.z", 18, 19, []),
        ("tool.x.last", 20, 20, []),
    ]


def test_values_are_as_the_library_reads_them() -> None:
    file = read_toml(TEXT, "f")
    assert file.data == tomllib.loads(TEXT)
    assert file.table("project", "optional-dependencies")["dev"] == ["e", {"include-group": "f"}]
    assert file.table("project", "name") == {}
    assert file.table("absent", "x") == {}


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        pytest.param("a = 1\nb = \n", "f is not TOML: invalid value", 2, id="no value"),
        pytest.param("a = 1\na = 2\n", "f is not TOML: cannot overwrite a value", 2, id="twice"),
        pytest.param("a = [", "f is not TOML: ", 0, id="open"),
        pytest.param("a = " + "[" * 5000, "f is nested too deeply", 0, id="deep"),
    ],
)
def test_what_is_no_toml(text: str, message: str, line: int) -> None:
    with pytest.raises(ForeignFileError) as caught:
        read_toml(text, "f")
    assert caught.value.message.startswith(message)
    assert [one.line for one in caught.value.lines] == ([line] if line else [])


VALUES = st.sampled_from(
    [
        '"a"',
        "'b # ]'",
        "[]",
        '["a",\n"b" ]',
        "{ x = 1, y = [2] }",
        '"""m\n# n\n"""',
        "1 # c",
        "[[1],\n[2, 3]]",
        "[[[1],\n[2]], 3]",
    ]
)


@given(st.lists(VALUES, max_size=6))
def test_statements_cover_the_text(values: list[str]) -> None:
    text = "".join(f"k{at} = {value}\n" for at, value in enumerate(values))
    file = read_toml(text, "f")
    assert [one.path for one in file.statements] == [(f"k{at}",) for at in range(len(values))] or any(
        "x = 1" in value for value in values
    )
    nested = [one for one in file.statements if one.value == [[[1], [2]], 3]]
    assert all([item.last - item.line.line for item in one.items] == [1, 0] for one in nested)
    told = {line for one in file.statements for line in range(one.span.line.line, one.span.last + 1)}
    assert told == set(range(1, text.count("\n") + 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a = '" + "x" * 10_000 + "'", "longer than any file of this kind", id="a line"),
        pytest.param("# c\n" * 130_000, "longer than any file of this kind", id="a file"),
        pytest.param("a = [\n" + "1,\n" * 2001 + "]", "names 2,001 packages", id="an array"),
    ],
)
def test_limits(text: str, message: str) -> None:
    with pytest.raises(ForeignFileError, match=message):
        read_toml(text, "f")
