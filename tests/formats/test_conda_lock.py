from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from envgen.errors import LockfileError
from envgen.formats.conda_lock import read_conda_lock
from envgen.formats.registry import render
from envgen.lock.custom_metadata import normal_form, with_digest
from tests.fakes.locks import make_lock
from tests.formats.golden_locks import LOCKS

FILE = "environments/demo/conda-lock.yml"
TEXT = render(make_lock(), ["conda-lock.yml"])["conda-lock.yml"]
Damage = Callable[[str], str]


def resealed(text: str) -> str:
    """Return the text a digest that fits, so that what it says is looked at."""
    return with_digest(re.sub(r"file_digest: sha256:[0-9a-f]{64}", "file_digest: sha256:-", text))


def replaced(old: str, new: str, count: int = 1) -> Damage:
    def damage(text: str) -> str:
        assert old in text
        return text.replace(old, new, count)

    return damage


def without_block(name: str) -> Damage:
    return lambda text: re.sub(rf"- name: {name}\n(?:  .*\n)+", "", text)


def doubled_block(name: str) -> Damage:
    return lambda text: re.sub(rf"(- name: {name}\n(?:  .*\n)+)", r"\1\1", text)


def test_an_untouched_file_is_read() -> None:
    assert read_conda_lock(TEXT, FILE) == normal_form(make_lock())
    assert read_conda_lock(TEXT.replace("\n", "\r\n"), FILE) == normal_form(make_lock())


@pytest.mark.parametrize("case", sorted(LOCKS))
def test_every_golden_lock_is_read(case: str) -> None:
    lock = LOCKS[case]()
    assert read_conda_lock(render(lock, ["conda-lock.yml"])["conda-lock.yml"], FILE) == normal_form(lock)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(replaced("version: '2.1.3'", "version: '2.1.2'"), id="version"),
        pytest.param(replaced("sha256: '8", "sha256: '9"), id="hash"),
        pytest.param(replaced("numpy-2.1.3-py312h94ee1e1_0", "numpy-2.1.3-py312h94ee1e1_1"), id="build in the url"),
        pytest.param(replaced("conda.anaconda.org", "conda.example.org"), id="host of a url"),
        pytest.param(replaced("libffi: '>=3.4,<4.0a0'", "libffi: '>=3.4'"), id="dependency"),
        pytest.param(without_block("numpy"), id="package dropped"),
        pytest.param(replaced("category: dev\n  optional: true", "category: main\n  optional: false"), id="group"),
        pytest.param(replaced("python: '3.12'", "python: '3.11'"), id="python"),
        pytest.param(replaced("macos: '13.0'", "macos: '14.0'"), id="macOS"),
        pytest.param(replaced("accelerator: metal", "accelerator: cpu"), id="accelerator"),
        pytest.param(replaced("- url: conda-forge", "- url: defaults"), id="channel"),
        pytest.param(replaced("manifest_digest: sha256:c", "manifest_digest: sha256:d"), id="digest of the manifest"),
        pytest.param(replaced("# Generated", "# Made"), id="comment"),
        pytest.param(replaced('"size": 1005', '"size": 1'), id="size"),
        pytest.param(replaced("file_digest: sha256:", "other: sha256:"), id="digest gone"),
        pytest.param(lambda text: text + "\n", id="line at the end"),
        pytest.param(lambda text: text.replace("\n", "\n\n"), id="lines between"),
        pytest.param(lambda text: text[: text.index("- name: six")], id="cut between two packages"),
        pytest.param(lambda text: "---\n" + text.replace("version: 1\n", "'version' : 1\n"), id="another formatter"),
    ],
)
def test_an_edit_is_seen_and_can_be_read_past(damage: Damage) -> None:
    text = damage(TEXT)
    with pytest.raises(LockfileError, match="was edited or cut") as caught:
        read_conda_lock(text, FILE)
    assert read_conda_lock(text, FILE, sealed=False).name == "demo"
    assert caught.value.code == "lockfile-edited"
    assert caught.value.hint


def test_what_is_left_of_an_edited_file_is_given_on_request() -> None:
    lock = read_conda_lock(without_block("numpy")(TEXT), FILE, sealed=False)
    assert [record.name for record in lock.platforms[0].conda] == ["libffi", "pip", "pytest", "python"]
    assert len(lock.platforms[0].pypi) == 3


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(doubled_block("numpy"), "package `numpy` is there twice", id="package doubled"),
        pytest.param(replaced("  url: ", "  urls: "), "package `libffi` has no `url`", id="key renamed"),
        pytest.param(replaced("    md5: ", "    md6: "), None, id="unknown hash is ignored"),
        pytest.param(replaced("  manager: conda", "  manager: mamba"), "unknown manager `mamba`", id="manager"),
        pytest.param(replaced("  optional: false", "  optional: true"), "`optional` of package", id="optional"),
        pytest.param(replaced("  optional: false", "  optional: 0"), "`optional` of package", id="number"),
        pytest.param(replaced("  category: main", "  category: 1"), "`category` of package", id="category"),
        pytest.param(replaced("  optional: false", "  optional: false\n  extra: x"), "unknown `extra`", id="more"),
        pytest.param(replaced("  dependencies: {}", "  dependencies: []"), "`dependencies` of", id="list for mapping"),
        pytest.param(replaced("    libffi: ''", "    libffi: 1"), "`libffi` of", id="number for text"),
        pytest.param(replaced("- name: six", "- names: six"), "package 6 has no `name`", id="nameless"),
        pytest.param(replaced("- name: six\n", "- x\n- name: six\n"), "package 6 is not a mapping", id="no package"),
        pytest.param(replaced("  platform: osx-arm64", "  platform: linux-64"), "for `linux-64`", id="platform"),
        pytest.param(replaced("version: 1\n", "version: 2\n"), "`version` of", id="version of the format"),
        pytest.param(replaced("version: 1\n", "version: true\n"), "`version` of", id="truth for a version"),
        pytest.param(replaced("  platforms:\n  - osx-arm64", "  platforms:\n  - 1"), "list of texts", id="numbers"),
        pytest.param(replaced("  platforms:\n  - osx-arm64", "  platforms: {}"), "is not a list", id="no list"),
        pytest.param(replaced("- url: conda-forge", "- url: 'a b'"), "not a channel", id="channel"),
        pytest.param(replaced("osx-arm64.python:", "osx-arm64.pithon:"), "`python` is missing", id="fact missing"),
        pytest.param(replaced("    name: demo", "    nam: demo"), "`name` is missing", id="name missing"),
        pytest.param(replaced("python: '3.12'", "python: '4'"), "of osx-arm64: not a python", id="fact"),
        pytest.param(replaced('"size": 1005', '"size": "1005"'), "package `numpy`: `size` is not", id="held number"),
        pytest.param(replaced('"size": 1005', '"sizes": 1005'), "package `numpy`: unknown `sizes`", id="held key"),
        pytest.param(replaced('{"license"', '"license"'), "package `libffi`: broken JSON", id="held JSON"),
        pytest.param(replaced("metadata:", "metadatas:"), "has no `metadata`", id="no metadata"),
        pytest.param(lambda text: text[: text.index("  hash:")], "has no `hash`", id="cut in a block"),
        pytest.param(lambda text: text[: text.index("package:")], "has no `package`", id="cut before the packages"),
        pytest.param(lambda _: "[]\n", "is not a mapping", id="another document"),
        pytest.param(lambda _: "1: x\n", "is not a mapping", id="numbers for keys"),
    ],
)
def test_damage_is_an_error_that_says_what(damage: Damage, reason: str | None) -> None:
    text = damage(TEXT)
    assert text != TEXT
    for each in (text, resealed(text)):
        if reason is None:
            read_conda_lock(each, FILE, sealed=False)
            continue
        with pytest.raises(LockfileError, match=reason) as caught:
            read_conda_lock(each, FILE, sealed=False)
        assert FILE in str(caught.value)
        assert caught.value.hint


def test_a_wheels_damage_names_it() -> None:
    with pytest.raises(LockfileError) as caught:
        read_conda_lock(resealed(TEXT.replace('{"requires_python"', '{"wrong": 1, "requires_python"')), FILE)
    assert caught.value.message.startswith(f"{FILE} is damaged: package `six`: unknown `wrong`")
    assert [line.text for line in caught.value.lines] == ["- name: six"]


def test_two_blocks_of_one_package_must_agree() -> None:
    text = render(LOCKS["two-platforms"](), ["conda-lock.yml"])["conda-lock.yml"]
    head, middle, tail = text.partition("  category: docs")
    place = head.rindex("python: '>=3.8'")
    with pytest.raises(LockfileError, match="`pytest` has two blocks that differ"):
        read_conda_lock(head[:place] + "python: '>=3.9'" + head[place + 15 :] + middle + tail, FILE)


def test_the_block_is_shown_with_its_line() -> None:
    with pytest.raises(LockfileError) as caught:
        read_conda_lock(replaced("  version: '2.1.3'\n", "")(TEXT), FILE)
    (line,) = caught.value.lines
    assert line.text == "- name: numpy"
    assert TEXT.splitlines()[line.line - 1] == "- name: numpy"


def test_merge_markers_are_shown_with_their_lines() -> None:
    merged = TEXT.replace("- name: six\n", "<<<<<<< HEAD\n- name: six\n=======\n>>>>>>> branch\n")
    with pytest.raises(LockfileError, match="merge markers") as caught:
        read_conda_lock(merged, FILE, sealed=False)
    assert [line.text for line in caught.value.lines] == ["<<<<<<< HEAD", "=======", ">>>>>>> branch"]
    assert merged.splitlines()[caught.value.lines[0].line - 1] == "<<<<<<< HEAD"
    assert "envgen lock" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(re.sub(r"  custom_metadata:\n(    .*\n)+", "", TEXT), id="no custom metadata"),
        pytest.param(TEXT.replace("created_by: envgen 1.2.3", "created_by: conda-lock"), id="another tool"),
        pytest.param(TEXT.replace("envgen_format", "other_format"), id="no format"),
    ],
)
def test_another_tools_lock_is_not_taken_for_ours(text: str) -> None:
    with pytest.raises(LockfileError, match="was not made by envgen") as caught:
        read_conda_lock(text, FILE)
    assert caught.value.code == "lockfile-foreign"
    assert "envgen import" in caught.value.hint


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(LockfileError, match="has format 2, this envgen knows 1") as caught:
        read_conda_lock(resealed(TEXT.replace("envgen_format: '1'", "envgen_format: '2'")), FILE)
    assert caught.value.code == "lockfile-newer"
    assert caught.value.hint == "upgrade envgen"


@pytest.mark.parametrize("length", range(0, len(TEXT) - 1, 331))
def test_every_cut_is_an_error(length: int) -> None:
    with pytest.raises(LockfileError):
        read_conda_lock(TEXT[:length], FILE)


class TestTheCommandsAtTheHead:
    """Each installs the whole lock, although its tool leaves categories out by itself."""

    @staticmethod
    def command(case: str, tool: str) -> tuple[str, set[str]]:
        """Return the command of a tool, and all the categories of the file."""
        text = render(LOCKS[case](), ["conda-lock.yml"])["conda-lock.yml"]
        (line,) = re.findall(rf"^#         or: ({tool} .*)$", text, re.MULTILINE)
        return line, set(re.findall(r"^  category: (\S+)$", text, re.MULTILINE))

    @pytest.mark.parametrize("case", sorted(LOCKS))
    def test_micromamba_is_told_every_category(self, case: str) -> None:
        line, categories = self.command(case, "micromamba")
        assert set(re.findall(r"--category (\S+)", line) or ["main"]) == categories

    @pytest.mark.parametrize("case", sorted(LOCKS))
    def test_conda_lock_is_told_all_but_what_it_takes_anyway(self, case: str) -> None:
        line, categories = self.command(case, "conda-lock")
        assert {"main", "dev", *re.findall(r"--extras (\S+)", line)} == {"main", "dev", *categories}
        assert "--extras dev" not in line
        assert line.endswith(" conda-lock.yml")

    def test_some_case_has_groups(self) -> None:
        assert self.command("two-platforms", "micromamba")[1] == {"main", "dev", "docs"}
