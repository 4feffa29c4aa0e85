"""Edits change what was meant, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from envgen.errors import ManifestError, UsageError
from envgen.manifest.edit import add_requirements, remove_requirements
from envgen.manifest.fields import Kind
from envgen.manifest.model import Manifest, load_manifest
from tests.calls import calls

BASE = """\
# my env
name: x   # its name

dependencies:
  # the framework
  - tensorflow   # why
  # data
  - pandas>=2

# flow ones
conda: [compilers, "hdf5 >=1.14"]  # c
groups:
  dev: [pytest, ruff]
  All:
    - {include-group: dev}
    - 'mypy>=1'
pypi: [
  a,  # one
  c   # two
]
"""


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that went and the lines that came."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


ADDITIONS: dict[str, tuple[str, Sequence[str], str | None, Kind, list[str], list[str]]] = {
    "appended to an unsorted block": (BASE, ["numpy"], None, "dependencies", [], ["  - numpy"]),
    "replaced in a block": (BASE, ["pandas>=3"], None, "dependencies", ["  - pandas>=2"], ["  - pandas>=3"]),
    "replaced with its comment kept": (
        BASE,
        ["tensorflow>=2.18"],
        None,
        "dependencies",
        ["  - tensorflow   # why"],
        ["  - tensorflow>=2.18   # why"],
    ),
    "found by its canonical name": (BASE, ["Pandas"], None, "dependencies", ["  - pandas>=2"], ["  - Pandas"]),
    "sorted into brackets": (
        BASE,
        ["eigen"],
        None,
        "conda",
        ['conda: [compilers, "hdf5 >=1.14"]  # c'],
        ['conda: [compilers, eigen, "hdf5 >=1.14"]  # c'],
    ),
    "put first in brackets": (
        BASE,
        ["bzip2"],
        None,
        "conda",
        ['conda: [compilers, "hdf5 >=1.14"]  # c'],
        ['conda: [bzip2, compilers, "hdf5 >=1.14"]  # c'],
    ),
    "put last in brackets": (
        BASE,
        ["zlib"],
        None,
        "conda",
        ['conda: [compilers, "hdf5 >=1.14"]  # c'],
        ['conda: [compilers, "hdf5 >=1.14", zlib]  # c'],
    ),
    "replaced in its quotes": (
        BASE,
        ["hdf5 1.*"],
        None,
        "conda",
        ['conda: [compilers, "hdf5 >=1.14"]  # c'],
        ['conda: [compilers, "hdf5 1.*"]  # c'],
    ),
    "between the lines of brackets": (BASE, ["b>=1,<2"], None, "pypi", [], ['  "b>=1,<2",']),
    "after the last line of brackets": (BASE, ["d"], None, "pypi", ["  c   # two"], ["  c,   # two", "  d"]),
    "before the first line of brackets": (BASE, ["Aa"], None, "pypi", [], ["  Aa,"]),
    "into a group": (BASE, ["x"], "dev", "dependencies", ["  dev: [pytest, ruff]"], ["  dev: [pytest, ruff, x]"]),
    "into a group of another spelling": (BASE, ["numpy"], "all", "dependencies", [], ["    - numpy"]),
    "replaced in single quotes": (BASE, ["mypy"], "all", "dependencies", ["    - 'mypy>=1'"], ["    - 'mypy'"]),
    "into a new group": (BASE, ["sphinx"], "docs", "dependencies", [], ["  docs:", "    - sphinx"]),
    "under a new key": ("name: x\n", ["a"], None, "pypi", [], ["pypi:", "  - a"]),
    "under two new keys": ("name: x\n", ["a"], "dev", "dependencies", [], ["groups:", "  dev:", "    - a"]),
    "into a file without a last line break": ("name: x", ["a"], None, "pypi", [], ["pypi:", "  - a"]),
    "into an empty list": (
        "name: x\ndependencies: []  # none yet\n",
        ["a"],
        None,
        "dependencies",
        ["dependencies: []  # none yet"],
        ["dependencies:  # none yet", "  - a"],
    ),
    "under a key without a value": (
        "name: x\ndependencies:  # none yet\n",
        ["a"],
        None,
        "dependencies",
        [],
        ["  - a"],
    ),
    "in the place of null": (
        "name: x\ndependencies: null\n",
        ["a"],
        None,
        "dependencies",
        ["dependencies: null"],
        ["dependencies:", "  - a"],
    ),
    "into empty brackets within braces": (
        "name: x\ngroups: {dev: []}\n",
        ["a"],
        "dev",
        "dependencies",
        ["groups: {dev: []}"],
        ["groups: {dev: [a]}"],
    ),
    "into no value within braces": (
        "name: x\ngroups: {dev: , b: [c]}\n",
        ["a"],
        "dev",
        "dependencies",
        ["groups: {dev: , b: [c]}"],
        ["groups: {dev: [a] , b: [c]}"],
    ),
    "into empty brackets on two lines": (
        "name: x\npypi: [\n]\n",
        ["a"],
        None,
        "pypi",
        ["pypi: ["],
        ["pypi: [a"],
    ),
    "as a new group within braces": (
        "name: x\ngroups: {dev: [b]}\n",
        ["a"],
        "docs",
        "dependencies",
        ["groups: {dev: [b]}"],
        ["groups: {dev: [b], docs: [a]}"],
    ),
    "as the first group within braces": (
        "name: x\ngroups: {}\n",
        ["a"],
        "docs",
        "dependencies",
        ["groups: {}"],
        ["groups: {docs: [a]}"],
    ),
    "into a manifest in braces": (
        "{name: x}\n",
        ["a>=1,<2"],
        None,
        "dependencies",
        ["{name: x}"],
        ['{name: x, dependencies: ["a>=1,<2"]}'],
    ),
    "as a group of a manifest in braces": (
        "{name: x}\n",
        ["a"],
        "dev",
        "dependencies",
        ["{name: x}"],
        ["{name: x, groups: {dev: [a]}}"],
    ),
    "with the file's own indentation": (
        "name: x\nconda:\n- a\n",
        ["b"],
        None,
        "dependencies",
        [],
        ["dependencies:", "- b"],
    ),
    "with the list's own gap": ("name: x\npypi:\n  -   a\n", ["b"], None, "pypi", [], ["  -   b"]),
    "after a trailing comma": ("name: x\npypi: [a, ]\n", ["b"], None, "pypi", ["pypi: [a, ]"], ["pypi: [a, b, ]"]),
    "after the first of several lines": (
        "name: x\npypi: [a,\n  c]\n",
        ["b"],
        None,
        "pypi",
        ["pypi: [a,"],
        ["pypi: [a, b,"],
    ),
    "after the last of several lines": (
        "name: x\npypi: [a,\n  c]\n",
        ["d"],
        None,
        "pypi",
        ["  c]"],
        ["  c,", "  d]"],
    ),
    "as a marker's second line": (
        'name: x\npypi:\n  - a<2; python_version < "3.12"\n',
        ['a>=2; python_version >= "3.12"'],
        None,
        "pypi",
        [],
        ['  - a>=2; python_version >= "3.12"'],
    ),
    "over the line of the same marker": (
        'name: x\npypi:\n  - a<2; python_version < "3.12"\n  - a>=2; python_version >= "3.12"\n',
        ["a>=3; python_version >= '3.12'"],
        None,
        "pypi",
        ['  - a>=2; python_version >= "3.12"'],
        ["  - a>=3; python_version >= '3.12'"],
    ),
}


@pytest.mark.parametrize("case", ADDITIONS.values(), ids=ADDITIONS.keys())
@pytest.mark.parametrize("break_", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_an_addition_changes_its_own_line(
    case: tuple[str, Sequence[str], str | None, Kind, list[str], list[str]], break_: str
) -> None:
    text, requirements, group, kind, went, came = case
    text = text.replace("\n", break_)
    edited = add_requirements(text, requirements, group, kind).text
    assert changed(text, edited) == (went, came)
    assert edited.count("\r") == (edited.count("\n") if "\r" in text else 0)


def test_a_new_key_stands_where_the_order_of_keys_has_it() -> None:
    text = "# head\nname: x\n\ndependencies:\n  - a\n  # - later\n\n# limits\nconstraints: [b<2]\n"
    edited = add_requirements(text, ["c"], kind="pypi").text
    assert edited == (
        "# head\nname: x\n\ndependencies:\n  - a\n  # - later\n\npypi:\n  - c\n\n# limits\nconstraints: [b<2]\n"
    )


def test_a_replaced_requirement_is_told() -> None:
    edited = add_requirements(BASE, ["pandas>=3", "tensorflow", "numpy"])
    assert edited.notes == ("`pandas>=2` became `pandas>=3`", "`tensorflow` is there already")


def test_a_package_that_stands_elsewhere_is_told() -> None:
    edited = add_requirements(BASE, ["pandas"], "dev")
    assert edited.notes == ("`pandas` also stands in dependencies",)


def test_a_line_that_could_be_any_is_refused() -> None:
    text = "name: x\ndependencies:\n  - a>=1\n  - a<2\n"
    with pytest.raises(ManifestError, match="stands on several lines") as caught:
        add_requirements(text, ["a"])
    assert [line.line for line in caught.value.lines] == [3, 4]


def test_every_bad_requirement_is_told() -> None:
    with pytest.raises(ManifestError) as caught:
        add_requirements(BASE, ["numpy", "a=1", "b @ https://example.org/b.whl"], "main")
    assert len(caught.value.problems) == 3


def test_a_group_holds_requirements_alone() -> None:
    with pytest.raises(UsageError):
        add_requirements(BASE, ["hdf5"], "dev", "conda")


UNEDITABLE: dict[str, Callable[[], object]] = {
    "text for a list": lambda: add_requirements("name: x\ndependencies: a\n", ["b"]),
    "a mapping for a list": lambda: add_requirements("name: x\ndependencies: {a: b}\n", ["b"]),
    "a list for groups": lambda: add_requirements("name: x\ngroups: [a]\n", ["b"], "dev"),
    "a dash on its own line": lambda: remove_requirements("name: x\npypi:\n  -\n    a\n  - b\n", ["a"]),
    "a folded item": lambda: add_requirements("name: x\npypi:\n  - >-\n    a\n    b\n  - c\n", ["ab"], kind="pypi"),
    "a doubled key": lambda: add_requirements("name: x\nname: y\n", ["b"]),
    "no YAML": lambda: remove_requirements("name: [", ["b"]),
}


@pytest.mark.parametrize("edit", UNEDITABLE.values(), ids=UNEDITABLE.keys())
def test_a_text_is_refused_rather_than_damaged(edit: Callable[[], object]) -> None:
    with pytest.raises(ManifestError):
        edit()


REMOVALS: dict[str, tuple[str, list[str], str | None, str]] = {
    "a line of a block": ("pypi:\n  - a\n  - b  # why\n  # c\n  - c\n", ["b"], None, "pypi:\n  - a\n  # c\n  - c\n"),
    "the first line": ("pypi:\n  # one\n  - a\n  - b\n", ["a"], None, "pypi:\n  # one\n  - b\n"),
    "the last line": ("pypi:\n  - a\n  - b\n", ["b"], None, "pypi:\n  - a\n"),
    "the last line of a file": ("pypi:\n  - a\n  - b", ["b"], None, "pypi:\n  - a"),
    "the only line": ("pypi:  # some\n  # one\n  - a\n", ["a"], None, "pypi: []  # some\n  # one\n"),
    "in brackets": ("pypi: [a, b, c]\n", ["b"], None, "pypi: [a, c]\n"),
    "first in brackets": ("pypi: [a, b, c]\n", ["a"], None, "pypi: [b, c]\n"),
    "last in brackets": ("pypi: [a, b, c]\n", ["c"], None, "pypi: [a, b]\n"),
    "only in brackets": ("pypi: [a]\n", ["a"], None, "pypi: []\n"),
    "before a comment in brackets": ("pypi: [a, b, # x\n  c]\n", ["b"], None, "pypi: [a,  # x\n  c]\n"),
    "after a comment in brackets": ("pypi: [a, # x\n  c]\n", ["c"], None, "pypi: [a, # x\n  ]\n"),
    "a line of brackets": ("pypi: [\n  a,  # x\n  b,\n]\n", ["a"], None, "pypi: [\n  b,\n]\n"),
    "a line of brackets without a comma": ("pypi: [\n  a,\n  b\n]\n", ["b"], None, "pypi: [\n  a,\n]\n"),
    "in a group": ("groups:\n  dev: [a, b]\n", ["a"], "Dev", "groups:\n  dev: [b]\n"),
    "from every list": ("conda: [a, b]\npypi: [a]\n", ["a"], None, "conda: [b]\npypi: []\n"),
    "on every line": ("pypi:\n  - a<2\n  - b\n  - A>1\n", ["a"], None, "pypi:\n  - b\n"),
    "with its bounds ignored": ("pypi: [a>1, b]\n", ["A[x]>=3"], None, "pypi: [b]\n"),
    "from a channel": ("conda: ['conda-forge::A_b =1', c]\n", ["a-b"], None, "conda: [c]\n"),
    "that starts with a line": ("conda: [_libavif_api, c]\n", ["_libavif_api"], None, "conda: [c]\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", REMOVALS.values(), ids=REMOVALS.keys())
def test_a_removal_takes_its_own_line(case: tuple[str, list[str], str | None, str]) -> None:
    text, names, group, expected = case
    assert remove_requirements(f"name: x\n{text}", names, group).text == f"name: x\n{expected}"


def test_a_comment_that_goes_is_told() -> None:
    notes = remove_requirements(BASE, ["tensorflow", "a", "compilers"]).notes
    assert notes == (
        "the comment on the line of `tensorflow` went with it: # why",
        "the comment on the line of `a` went with it: # one",
    )


ABSENT = {
    "near": ("panda", None, "did you mean `pandas`?"),
    "in a group": ("pytest", None, "it is in groups.dev"),
    "not in the group": ("pandas", "dev", "it is in dependencies: leave out"),
    "near in the group": ("pytst", "dev", "did you mean `pytest`?"),
}


@pytest.mark.parametrize(("name", "group", "hint"), ABSENT.values(), ids=ABSENT.keys())
def test_an_absent_package_is_an_error_with_a_hint(name: str, group: str | None, hint: str) -> None:
    with pytest.raises(ManifestError) as caught:
        remove_requirements(BASE, [name], group)
    assert hint in caught.value.hint


def test_all_absent_packages_are_told_and_nothing_is_removed() -> None:
    with pytest.raises(ManifestError) as caught:
        remove_requirements(BASE, ["tensorflow", "nope", "nada"])
    assert len(caught.value.problems) == 2


# --- properties ---------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["numpy", "pandas", "torch", "Pillow", "scikit-learn", "zarr", "a.b", "fastapi[standard]"])
BOUNDS = st.sampled_from(["", ">=2", ">=1,<3", "==2.*", '; python_version < "3.12"', " ; sys_platform == 'darwin'"])
REQUIREMENTS = st.builds("{}{}".format, NAMES, BOUNDS)
COMMENTS = st.sampled_from(["", "  # why", " # - b", '  # "quoted", [x]'])


def _name(requirement: str) -> str:
    return re.split(r"[\[ ;<>=]", requirement)[0].lower().replace(".", "-")


@st.composite
def lists(draw: st.DrawFn, items: Sequence[str], indent: str) -> str:
    """Write a list in one of the styles that people use."""
    style = draw(st.sampled_from(["block", "flush", "line", "lines", "packed"]))
    if not items:
        return draw(st.sampled_from([" []", "", "  # nothing", " [ ]  # nothing", " null"]))
    if style in ("block", "flush"):
        inner = indent + ("  " if style == "block" else "")
        lines = []
        for item in items:
            lines += draw(st.sampled_from([[], [f"{inner}# about"], ["", f"{inner}# about"]]))
            shown = draw(st.sampled_from([item, "'" + item.replace("'", "''") + "'"]))
            lines.append(f"{inner}- {shown}{draw(COMMENTS)}")
        return draw(COMMENTS) + "\n" + "\n".join(lines)
    quoted = ["'" + item.replace("'", "''") + "'" for item in items]
    if style == "line":
        return f" [{', '.join(quoted)}]{draw(COMMENTS)}"
    end = draw(st.sampled_from(["", ","]))
    if style == "packed":
        return f" [{f',{chr(10)}{indent}    '.join(quoted)}{end}]"
    inner = indent + "  "
    separators = [","] * (len(quoted) - 1) + [end]
    rows = [f"{inner}{item}{comma}{draw(COMMENTS)}" for item, comma in zip(quoted, separators, strict=True)]
    return " [\n" + "\n".join(rows) + f"\n{inner}]"


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """Write a manifest with comments everywhere."""
    unique = st.lists(REQUIREMENTS, max_size=4, unique_by=_name)
    parts = [draw(st.sampled_from(["# head\nname: x", "name: x  # n", "\n# head\n\nname: x"]))]
    if draw(st.booleans()):
        parts.append(f"dependencies:{draw(lists(draw(unique), ''))}")
    if draw(st.booleans()):
        parts.append(f"pypi:{draw(lists(draw(unique), ''))}")
    if draw(st.booleans()):
        parts.append(f"groups:\n  dev:{draw(lists(draw(unique), '  '))}")
    parts.append("outputs: [conda-lock.yml]")
    text = draw(st.sampled_from(["\n", "\n\n", "\n# about\n"])).join(parts) + draw(
        st.sampled_from(["", "\n", "\n# end\n"])
    )
    return text.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n"])))


def comments(text: str) -> list[str]:
    """List the comments of these generated texts: `#` at a line's start or after white space, outside quotes."""
    found = (re.search(r"(?:^|\s)(#.*)$", re.sub(r"'[^']*'", "", line)) for line in text.splitlines())
    return sorted(one[1].strip() for one in found if one)


def asked(manifest: Manifest, key: str) -> list[str]:
    """List the texts of one list."""
    if key == "pypi":
        return [requirement.text for requirement in manifest.pypi_requirements()]
    wanted = "groups" if key == "dev" else key
    return [one.requirement.text for one in manifest.requirements() if one.requirement.origin.path.startswith(wanted)]


TARGETS = st.sampled_from(["dependencies", "pypi", "dev"])


def _add(text: str, requirement: str, target: str) -> str:
    if target == "dev":
        return add_requirements(text, [requirement], "dev").text
    return add_requirements(text, [requirement], kind="pypi" if target == "pypi" else "dependencies").text


@given(manifests(), REQUIREMENTS, TARGETS)
def test_an_added_requirement_is_there_and_all_else_as_before(text: str, requirement: str, target: str) -> None:
    before = load_manifest(text, "envgen.yaml")
    edited = _add(text, requirement, target)
    after = load_manifest(edited, "envgen.yaml")
    others = {"dependencies", "pypi", "dev"} - {target}
    assert requirement.strip() in asked(after, target)
    assert {key: asked(after, key) for key in others} == {key: asked(before, key) for key in others}
    kept = [one for one in asked(before, target) if _name(one) != _name(requirement)]
    assert [one for one in asked(after, target) if one in kept] == kept
    assert comments(edited) == comments(text)
    assert _add(edited, requirement, target) == edited


@given(manifests(), REQUIREMENTS, TARGETS)
def test_removing_what_was_added_gives_back_what_was_asked(text: str, requirement: str, target: str) -> None:
    before = load_manifest(text, "envgen.yaml")
    assume(
        _name(requirement) not in {_name(one) for key in ("dependencies", "pypi", "dev") for one in asked(before, key)}
    )
    edited = remove_requirements(
        _add(text, requirement, target), [requirement], "dev" if target == "dev" else None
    ).text
    after = load_manifest(edited, "envgen.yaml")
    assert all(asked(after, key) == asked(before, key) for key in ("dependencies", "pypi", "dev"))
    assert comments(edited) == comments(text)


@given(manifests(), TARGETS, st.data())
def test_a_removal_keeps_every_comment_but_those_it_tells_of(text: str, target: str, data: st.DataObject) -> None:
    before = load_manifest(text, "envgen.yaml")
    assume(asked(before, target))
    chosen = data.draw(st.sampled_from(asked(before, target)))
    edited = remove_requirements(text, [chosen], "dev" if target == "dev" else None)
    after = load_manifest(edited.text, "envgen.yaml")
    assert asked(after, target) == [one for one in asked(before, target) if _name(one) != _name(chosen)]
    told = [note.split(": ", 1)[1] for note in edited.notes]
    assert sorted([*comments(edited.text), *told]) == comments(text)


@given(manifests(), st.lists(REQUIREMENTS, min_size=1, max_size=6), TARGETS)
def test_many_at_once_are_added_as_one_after_another(text: str, requirements: list[str], target: str) -> None:
    kind: Kind = "pypi" if target == "pypi" else "dependencies"
    expected = text
    try:
        for requirement in requirements:
            expected = _add(expected, requirement, target)
    except ManifestError:  # two lines of one package, of which any could be meant
        assume(False)
    assert add_requirements(text, requirements, "dev" if target == "dev" else None, kind).text == expected


@given(manifests(), TARGETS, st.data())
def test_many_at_once_are_removed_as_one_after_another(text: str, target: str, data: st.DataObject) -> None:
    group = "dev" if target == "dev" else None
    listed = asked(load_manifest(text, "envgen.yaml"), target)
    assume(listed)
    chosen = data.draw(st.lists(st.sampled_from(listed), min_size=1, max_size=4, unique_by=_name))
    expected = text
    for name in chosen:
        expected = remove_requirements(expected, [name], group).text
    at_once = remove_requirements(text, chosen, group).text
    assert load_manifest(at_once, "envgen.yaml").document == load_manifest(expected, "envgen.yaml").document
    assert comments(at_once) == comments(expected)


def test_the_work_grows_with_the_number_of_edits() -> None:
    """What a stranger's wheel requires may be thousands of names, of which each fix is an edit."""
    text = "name: x\npypi:\n  - a\n"

    def work(count: int) -> int:
        names = [f"n{number}" for number in range(count)]

        def edit() -> None:
            assert remove_requirements(add_requirements(text, names, kind="pypi").text, names).text == text

        return calls(edit)

    assert work(400) < 6 * work(100)


@given(st.lists(REQUIREMENTS, min_size=1, max_size=6, unique_by=_name))
def test_a_sorted_list_stays_sorted(requirements: list[str]) -> None:
    edited = add_requirements("name: x\n", requirements).text
    names = [_name(one) for one in asked(load_manifest(edited, "envgen.yaml"), "dependencies")]
    assert names == sorted(names)
