"""Every problem of a manifest is told, with its path and line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.compat import StringIO

from envgen.errors import ManifestError, Problem
from envgen.manifest import validation
from envgen.manifest.model import load_manifest


def problems(text: str) -> tuple[Problem, ...]:
    """Return the problems of a text."""
    with pytest.raises(ManifestError) as caught:
        load_manifest(text, "envgen.yaml")
    assert caught.value.problems
    return caught.value.problems


REFUSED = {
    "an unknown key": ("pythn: 3", "pythn", "unknown key; did you mean `python`?"),
    "a GPU's name": ("accelerator: gpu", "accelerator", "`gpu` is none of metal, cpu; did you mean `metal`?"),
    "an underscore": ("exclude_newer: 2026-01-01", "exclude_newer", "did you mean `exclude-newer`?"),
    "a capital": ("Channels: [a]", "Channels", "did you mean `channels`?"),
    "another tool's key": ("pip: [a]", "pip", "did you mean `pypi`?"),
    "a key like no other": ("zzzzzz: 1", "zzzzzz", "unknown key"),
    "a reserved key": ("targets: {}", "targets", "not yet supported"),
    "a minor with a letter": ('python: "3.1O"', "python", "not a python minor version: `3.1O`"),
    "a micro": ("python: 3.12.4", "python", "a minor version is wanted, not `3.12.4`"),
    "any micro": ("python: 3.12.*", "python", "a minor version is wanted, not `3.12.*`"),
    "a lost zero": ("python: 3.1", "python", "if 3.10 was meant"),
    "an old python": ("python: '3.7'", "python", "python 3.7 is older"),
    "a list for python": ("python: [3.12]", "python", "text is wanted, not a list"),
    "true for python": ("python: true", "python", "text is wanted, not true or false"),
    "an unknown platform": ("platforms: [osx-arm65]", "platforms[0]", "did you mean `osx-arm64`?"),
    "an old macOS": (
        'platforms: [{platform: osx-arm64, macos: "10.15"}]',
        "platforms[0].macos",
        "osx-arm64 starts at macOS 11.0, not 10.15",
    ),
    "no macOS": ("platforms: [{platform: osx-arm64, macos: x}]", "platforms[0].macos", "not a macOS version: `x`"),
    "macOS on linux": ("platforms: [{platform: linux-64, macos: 13}]", "platforms[0].macos", "has no meaning on linux"),
    "an unknown key of a platform": ("platforms: [{platform: linux-64, os: 1}]", "platforms[0].os", "(known: platform"),
    "a platform without a name": ("platforms: [{macos: 13}]", "platforms[0]", "`platform` is missing"),
    "a number for a platform": ("platforms: [13]", "platforms[0]", "a mapping is wanted, not a number"),
    "a platform that is none": ("platforms: [osx]", "platforms[0]", "unknown platform `osx`"),
    "no platforms": ("platforms: []", "platforms", "at least one is wanted"),
    "text for platforms": ("platforms: osx-arm64", "platforms", "a list is wanted, not text"),
    "a platform twice": ("platforms: [osx-64, {platform: osx-64}]", "platforms[1]", "`osx-64` stands here twice"),
    "another accelerator": ("accelerator: cuda", "accelerator", "`cuda` is none of metal, cpu"),
    "a misspelt accelerator": ("accelerator: metl", "accelerator", "did you mean `metal`?"),
    "a list for an accelerator": ("accelerator: [metal]", "accelerator", "one of metal, cpu is wanted, not a list"),
    "metal on linux": (
        "accelerator: metal\nplatforms: [osx-arm64, linux-64]",
        "accelerator",
        "`metal` exists on osx-arm64 alone, not on linux-64",
    ),
    "cpu and metal": ("accelerator: cpu\npypi: [tensorflow_metal]", "accelerator", "`cpu` contradicts"),
    "cpu and metal in a group": ("accelerator: cpu\ngroups: {a: [tensorflow-metal>1]}", "accelerator", "contradicts"),
    "the defaults": ("channels: [defaults]", "channels[0]", "stands for several channels"),
    "no defaults": ("channels: [nodefaults]", "channels[0]", "`nodefaults` is no channel"),
    "a channel of nowhere": ("channels: ['../x']", "channels[0]", "not a channel: `../x`"),
    "a channel with spaces": ("channels: ['conda forge']", "channels[0]", "not a channel"),
    "a channel of another scheme": ("channels: ['ftp://a/b']", "channels[0]", "not a channel"),
    "a password": ("channels: ['https://me:pw@a.org/b']", "channels[0]", "a password or token does not belong"),
    "a token": ("channels: ['https://a.org/t/abc/b']", "channels[0]", "a password or token does not belong"),
    "a variable for a user": (
        "channels: ['https://${AWS_SECRET_ACCESS_KEY}@a.org/b']",
        "channels[0]",
        "no environment",
    ),
    "a variable for a token": ("channels: ['https://a.org/t/${TOKEN}/b']", "channels[0]", "no environment variable"),
    "a variable for a host": (
        "channels: ['https://${AWS_SECRET_ACCESS_KEY}.a.org/b']",
        "channels[0]",
        "no environment",
    ),
    "a variable in a path": ("channels: ['https://a.org/$HOME']", "channels[0]", "no environment variable"),
    "a variable for an index": ("indexes: ['https://${A}:${B}@a.org/b']", "indexes[0]", "no environment variable"),
    "a backslash in a URL": ("channels: ['https://a.org\\\\b/c']", "channels[0]", "not a channel"),
    "a channel twice": ("channels: [a, a/]", "channels[1]", "`a/` stands here twice"),
    "a conda spec": ("dependencies: [pandas=2]", "dependencies[0]", "not a requirement: `pandas=2`"),
    "an option of pip": ("dependencies: ['-r x.txt']", "dependencies[0]", "not a requirement"),
    "a URL": ("dependencies: ['a @ https://b.org/a.whl']", "dependencies[0]", "a URL cannot be proved or locked"),
    "python as a package": ("dependencies: [python>=3.10]", "dependencies[0]", "python is no package of PyPI"),
    "a marker of no meaning": ("pypi: [\"a; python_version ~= 'b'\"]", "pypi[0]", "a marker that cannot be told"),
    "a number for a package": ("dependencies: [3.10]", "dependencies[0]", "text is wanted, not a number"),
    "a mapping for a package": ("dependencies: [{pip: [a]}]", "dependencies[0]", "text is wanted, not a mapping"),
    "nothing for a package": ("dependencies:\n  - a\n  -", "dependencies[1]", "text is wanted, not nothing"),
    "text for packages": ("dependencies: a", "dependencies", "a list is wanted, not text"),
    "a mapping for packages": ("dependencies: {a: 1}", "dependencies", "a list is wanted, not a mapping"),
    "too long a requirement": (f"dependencies: [{'a' * 2000}]", "dependencies[0]", "longer than 1000 characters"),
    "too many brackets": (f"dependencies: ['a; {'(' * 30}']", "dependencies[0]", "too many brackets"),
    "a glob": ("conda: ['a*']", "conda[0]", "not a match spec: `a*`"),
    "an artifact": ("conda: ['https://a.org/b-1-0.conda']", "conda[0]", "an artifact's URL is no match spec"),
    "a virtual package": ("conda: ['__osx >=14']", "conda[0]", "a virtual package is a property of the platform"),
    "an option for a spec": ("conda: ['-c x']", "conda[0]", "not a conda package's name: `-c`"),
    "a requirement for a spec": ("conda: ['fastapi[standard]']", "conda[0]", "not a match spec"),
    "the group main": ("groups: {main: [a]}", "groups.main", "`main` is what `dependencies` asks for"),
    "a group of no name": ("groups: {'a b': [c]}", "groups.a b", "not a name for a group"),
    "a group twice": ("groups: {a_b: [], A-b: []}", "groups.A-b", "`A-b` and `a_b` are the same name"),
    "a list for groups": ("groups: [a]", "groups", "a mapping is wanted, not a list"),
    "text for a group": ("groups: {dev: a}", "groups.dev", "a list is wanted, not text"),
    "another mapping in a group": ("groups: {dev: [{a: b}]}", "groups.dev[0]", "only `include-group: NAME`"),
    "an include of no group": ("groups: {dev: [a], b: [{include-group: dve}]}", "groups.b[0]", "did you mean `dev`?"),
    "an include of a number": ("groups: {dev: [{include-group: 1}]}", "groups.dev[0]", "text is wanted"),
    "a group within itself": (
        "groups: {a: [{include-group: b}], b: [x, {include-group: a}]}",
        "groups.a[0]",
        "the group includes itself: a -> b -> a",
    ),
    "too many groups": (
        f"groups: {{{', '.join(f'a{number}: []' for number in range(101))}}}",
        "groups",
        "more than 100 groups",
    ),
    "a path above": ("local: [{path: ../x}]", "local[0].path", "not a path within the project: `../x`"),
    "a path of the machine": ("local: [{path: /x}]", "local[0].path", "not a path within the project"),
    "a path of a home": ("local: [{path: ~/x}]", "local[0].path", "not a path within the project"),
    "a path of Windows": ("local: [{path: 'C:\\x'}]", "local[0].path", "not a path within the project"),
    "a path with a variable": ("local: [{path: $HOME}]", "local[0].path", "not a path within the project"),
    "no path": ("local: [{editable: true}]", "local[0]", "`path` is missing"),
    "text for true": ("local: [{path: ., editable: 'yes'}]", "local[0].editable", "true or false is wanted, not text"),
    "text for a project": ("local: [.]", "local[0]", "a mapping is wanted, not text"),
    "no name of an extra": ("local: [{path: ., extras: ['a b']}]", "local[0].extras[0]", "not a name for an extra"),
    "a path twice": ("local: [{path: a}, {path: a/}]", "local[1]", "stands here twice"),
    "an unknown key of a project": ("local: [{path: ., edit: 1}]", "local[0].edit", "did you mean `editable`?"),
    "a bound in the map": ("mapping: {'a>1': b}", "mapping.a>1", "not a name of PyPI's"),
    "a capital of conda": ("mapping: {a: B}", "mapping.a", "not a conda package's name"),
    "a name twice in the map": ("mapping: {a.b: c, a-b: c}", "mapping.a-b", "are the same name"),
    "a list for the map": ("mapping: [a]", "mapping", "a mapping is wanted, not a list"),
    "an extra of a constraint": ("constraints: ['a[b]<2']", "constraints[0]", "a constraint has no extras"),
    "a URL of an override": ("overrides: ['a @ file:///b']", "overrides[0]", "a URL cannot be proved"),
    "no date": ("exclude-newer: soon", "exclude-newer", "not a date: `soon`"),
    "a month too many": ("exclude-newer: 2026-13-01", "exclude-newer", "month must be in 1..12"),
    "no zone": ("exclude-newer: 2026-08-01T12:00:00", "exclude-newer", "an instant without a zone"),
    "a year for a date": ("exclude-newer: 2026", "exclude-newer", "not a date: `2026`"),
    "a date before time": ("exclude-newer: 0001-01-01T00:00:00+14:00", "exclude-newer", "not a date"),
    "another file": ("outputs: [environment.yaml]", "outputs[0]", "did you mean `environment.yml`?"),
    "nothing to read back": ("outputs: [environment.yml]", "outputs", "could not be read back"),
    "a file twice": ("outputs: [explicit, explicit]", "outputs[1]", "stands here twice"),
}


@pytest.mark.parametrize(("line", "path", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_value_is_told_with_its_path_and_line(line: str, path: str, message: str) -> None:
    found = [one for one in problems(f"# a comment\nname: x\n{line}\n") if one.path == path]
    assert found
    assert message in found[0].message
    assert found[0].line
    assert found[0].line.line >= 3


NAMES = {
    "above": "../x",
    "a folder": "a/b",
    "hidden": ".x",
    "dots": "a..b",
    "a dot at the end": "a.",
    "a dash": "-x",
    "a space": "a b",
    "an accent": "é",
    "conda's own": "base",
    "too long": "a" * 65,
    "nothing": '""',
    "a NUL": '"a\\0b"',
    "a line break": '"a\\nb"',
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_cannot_leave_its_folder(name: str) -> None:
    assert [one.path for one in problems(f"name: {name}\n")] == ["name"]


@pytest.mark.parametrize("name", ["a", "ml-project", "x_1.2", "2024", "3.10", "_x", "a" * 64])
def test_a_plain_name_is_fine(name: str) -> None:
    assert load_manifest(f"name: {name}\n", "envgen.yaml").name == name


@pytest.mark.parametrize("text", ["python: '3.12'\n", "name:\n"], ids=["absent", "without a value"])
def test_a_name_is_wanted(text: str) -> None:
    assert [str(one) for one in problems(text)] == ["name: `name` is missing"]


ACCEPTED_CHANNELS = {
    "a name": ("bioconda", "https://conda.anaconda.org/bioconda"),
    "a label": ("conda-forge/label/rc", "https://conda.anaconda.org/conda-forge/label/rc"),
    "a URL": ("https://a.org:8080/b", "https://a.org:8080/b"),
    "a folder": ("file:///srv/channel", "file:///srv/channel"),
}


@pytest.mark.parametrize(("written", "url"), ACCEPTED_CHANNELS.values(), ids=ACCEPTED_CHANNELS.keys())
def test_a_channel_is_a_name_or_a_url(written: str, url: str) -> None:
    manifest = load_manifest(f'name: x\nchannels: ["{written}"]\n', "envgen.yaml")
    assert [channel.url for channel in manifest.channels] == [url]


MANY = """\
name: ../x
python: "3.1O"
pythn: 3
platforms: [{platform: osx-arm64, macos: 10.15}, linux-64]
accelerator: metal
dependencies:
  - pandas=2
  - numpy
  - [a]
groups: {dev: [{include-group: tst}, "b=1"]}
targets: {}
name: y
"""


def test_all_problems_are_told_at_once_in_the_order_of_the_lines() -> None:
    told = problems(MANY)
    assert [one.line.line if one.line else 0 for one in told] == [1, 2, 3, 4, 5, 7, 9, 10, 10, 11, 12]
    assert {one.path for one in told} == {
        "name", "python", "pythn", "platforms[0].macos", "accelerator", "dependencies[0]", "dependencies[2]",
        "groups.dev[0]", "groups.dev[1]", "targets", "",
    }  # fmt: skip


def test_the_error_reads_well() -> None:
    with pytest.raises(ManifestError) as caught:
        load_manifest('name: x\npython: "3.1O"\npythn: 3\n', "environments/x/envgen.yaml")
    assert str(caught.value) == (
        "environments/x/envgen.yaml has 2 problems\n"
        '  python: not a python minor version: `3.1O` (write a minor version, such as python: "3.12")\n'
        '    environments/x/envgen.yaml:2: python: "3.1O"\n'
        "  pythn: unknown key; did you mean `python`?\n"
        "    environments/x/envgen.yaml:3: pythn: 3"
    )
    assert caught.value.message.splitlines()[1:] == [
        '  python: not a python minor version: `3.1O` (write a minor version, such as python: "3.12")',
        "  pythn: unknown key; did you mean `python`?",
    ]


def test_every_line_of_a_contradiction_is_told() -> None:
    text = "name: x\naccelerator: cpu\ndependencies: [a]\ngroups:\n  gpu:\n    - tensorflow_metal\n"
    with pytest.raises(ManifestError) as caught:
        load_manifest(text, "envgen.yaml")
    assert [line.line for line in caught.value.lines] == [2, 6]
    assert "    envgen.yaml:2: accelerator: cpu\n    envgen.yaml:6: - tensorflow_metal\n" in str(caught.value)


def test_a_platform_that_is_none_is_told_once() -> None:
    (problem,) = problems("name: x\nplatforms: [{platform: osx-arm64, macos: '10.15'}]\n")
    assert problem.hint == 'write macos: "13.0", or the lowest that must work'


def test_one_problem_reads_well() -> None:
    with pytest.raises(ManifestError) as caught:
        load_manifest("name: x\npython: 3.12.4\n", "envgen.yaml")
    assert str(caught.value) == (
        "envgen.yaml: python: a minor version is wanted, not `3.12.4`\n"
        "    envgen.yaml:2: python: 3.12.4\n"
        'hint: write python: "3.12"'
    )


SECRETS = {
    "a password": "https://me:hunter2@a.org/b",
    "a password with signs": "https://me:hunter2@x@a.org/b",
    "a token": "https://a.org/t/hunter2/b",
    "a token alone": "https://hunter2@a.org/b",
}


@pytest.mark.parametrize("url", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize("line", ["channels: ['{}']", "dependencies: ['a @ {}']", "conda: ['{}']", "x: {}"])
def test_no_error_repeats_a_secret(url: str, line: str) -> None:
    with pytest.raises(ManifestError) as caught:
        load_manifest(f"name: x\n{line.format(url)}\n", "envgen.yaml")
    assert "hunter2" not in f"{caught.value}{caught.value.message}{caught.value.lines}"


def test_control_characters_do_not_reach_the_terminal() -> None:
    told = problems('name: "\\e[31mred"\n')
    assert "\x1b" not in "".join(str(one) for one in told)


# --- hostile input ------------------------------------------------------------------------------------------------

KEYS = st.one_of(
    st.sampled_from(validation.KEYS), st.sampled_from(["targets", "platform", "macos", "path", "editable"])
)
WORDS = st.one_of(
    st.sampled_from(["x", "3.12", "3.1O", "osx-arm64", "linux-64", "13.0", "metal", "cpu", "conda-forge", "explicit"]),
    st.sampled_from(["tensorflow-metal", "numpy>=2", "a[b]", "dev", "main", "include-group", ".", "../", "''", "a:b"]),
    st.sampled_from(["__osx", "conda-lock.yml", "2026-08-01", "9999-12-31T23:59:59-14:00", "a;b", "${X}", "-"]),
)
SIGNS = st.sampled_from(list("-?:,[]{}#&*!|>'\"%@` \n\t\r\0\ufeff\x85\\"))
LEAVES = st.one_of(
    WORDS, st.text(max_size=12), st.integers(), st.floats(), st.booleans(), st.none(), st.binary(max_size=4)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(KEYS, WORDS, st.text(max_size=5)), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.one_of(KEYS, st.text(max_size=5)), VALUES, max_size=8))
def test_any_value_is_read_or_refused(document: dict[str, object]) -> None:
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(document, stream)
    _read_or_refused(stream.getvalue())


@given(st.lists(st.one_of(KEYS, WORDS, SIGNS, st.text(max_size=3))))
def test_any_text_is_read_or_refused(parts: list[str]) -> None:
    _read_or_refused("".join(parts))
    _read_or_refused("name: x\n" + " ".join(parts))


def _read_or_refused(text: str) -> None:
    try:
        manifest = load_manifest(text, "envgen.yaml")
    except ManifestError as error:
        str(error)
        return
    manifest.platforms("3.12")
    manifest.requirements()
