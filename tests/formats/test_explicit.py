from __future__ import annotations

import re
from dataclasses import replace

import pytest

from envgen.errors import LockfileError
from envgen.formats.explicit import read_explicit
from envgen.formats.registry import render
from envgen.lock.custom_metadata import normal_form, with_digest
from tests.fakes.locks import make_lock
from tests.formats.golden_locks import LOCKS
from tests.formats.test_round_trip import without_urls

TEXTS = render(make_lock(), ["explicit"])
EXPLICIT, REQUIREMENTS = "explicit.osx-arm64.txt", "requirements.osx-arm64.txt"


def resealed(text: str) -> str:
    return with_digest(re.sub(r"file_digest: sha256:[0-9a-f]{64}", "file_digest: sha256:-", text))


def edited(file: str, old: str, new: str, *, seal: bool = False) -> dict[str, str]:
    assert old in TEXTS[file]
    text = TEXTS[file].replace(old, new, 1)
    return {**TEXTS, file: resealed(text) if seal else text}


@pytest.mark.parametrize("case", sorted(LOCKS))
def test_every_golden_lock_is_read(case: str) -> None:
    lock = LOCKS[case]()
    assert read_explicit(render(lock, ["explicit"])) == without_urls(normal_form(lock))


@pytest.mark.parametrize("sealed", [True, False])
def test_indexes_are_read_whether_sealed_or_not(sealed: bool) -> None:
    lock = replace(make_lock(), indexes=("https://h.example/simple", "https://i.example/simple"))
    assert read_explicit(render(lock, ["explicit"]), sealed=sealed).indexes == lock.indexes


def test_other_files_and_line_ends_do_not_matter() -> None:
    texts = {name: text.replace("\n", "\r\n") for name, text in TEXTS.items()}
    assert read_explicit({**texts, "environment.yml": "name: x\n", "notes.txt": ""}) == read_explicit(TEXTS)


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(edited(EXPLICIT, "numpy-2.1.3", "numpy-2.1.2"), id="version"),
        pytest.param(edited(EXPLICIT, "#2f2052dd", "#2f2052de"), id="hash"),
        pytest.param(edited(EXPLICIT, "python: '3.12'", "python: '3.11'"), id="python"),
        pytest.param(edited(REQUIREMENTS, "six==1.17.0", "six==1.16.0"), id="requirement"),
        pytest.param({**TEXTS, EXPLICIT: TEXTS[EXPLICIT] + "# more\n"}, id="comment"),
    ],
)
def test_an_edit_is_seen_and_can_be_read_past(texts: dict[str, str]) -> None:
    with pytest.raises(LockfileError, match="was edited or cut") as caught:
        read_explicit(texts)
    assert caught.value.code == "lockfile-edited"
    assert read_explicit(texts, sealed=False).name == "demo"


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        pytest.param({}, "there is no explicit file", id="nothing"),
        pytest.param({EXPLICIT: TEXTS[EXPLICIT]}, f"{REQUIREMENTS} is missing", id="half"),
        pytest.param(
            edited(REQUIREMENTS, "digest: sha256:c", "digest: sha256:d", seal=True), "not of one lock", id="other pair"
        ),
        pytest.param(edited(EXPLICIT, "python: '3.12'", "python: '4'", seal=True), "not a python minor", id="fact"),
        pytest.param(edited(EXPLICIT, "#: name: demo", "#: nam: demo", seal=True), "`name` is missing", id="name"),
        pytest.param(edited(EXPLICIT, "channels: conda-forge", "channels: '.'", seal=True), "not a channel", id="path"),
        pytest.param(edited(EXPLICIT, ".conda#", ".conda ", seal=True), "not a URL with its md5", id="no md5"),
        pytest.param(edited(REQUIREMENTS, "==", ">=", seal=True), "not a name with its version", id="no pin"),
        pytest.param(
            edited(EXPLICIT, '"depends": [', '"depends": 1, "x": [', seal=True), "`depends` is not", id="held"
        ),
        pytest.param(edited(EXPLICIT, '"depends": [', '"dep": [', seal=True), "unknown `dep`", id="unknown"),
        pytest.param({EXPLICIT: f"<<<<<<< HEAD\n{TEXTS[EXPLICIT]}"}, "holds merge markers", id="merge"),
        pytest.param(edited(EXPLICIT, "channels: conda", "channels: ~conda", seal=True), "is damaged", id="head"),
    ],
)
def test_damage_is_an_error_that_says_what(texts: dict[str, str], reason: str) -> None:
    with pytest.raises(LockfileError, match=reason) as caught:
        read_explicit(texts)
    assert caught.value.hint


def test_a_package_twice_is_shown_with_its_line() -> None:
    lines = TEXTS[EXPLICIT].splitlines(keepends=True)
    twice = [*lines, *(line for line in lines if "/python-3" in line)]
    with pytest.raises(LockfileError, match="has python twice") as caught:
        read_explicit({**TEXTS, EXPLICIT: resealed("".join(twice))})
    assert [line.line for line in caught.value.lines] == [len(lines) + 1]


def test_the_files_of_two_platforms_are_of_one_lock() -> None:
    texts = render(LOCKS["two-platforms"](), ["explicit"])
    other = texts["explicit.linux-64.txt"].replace("name: demo", "name: other")
    with pytest.raises(LockfileError, match="not of one lock"):
        read_explicit({**texts, "explicit.linux-64.txt": resealed(other)})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("@EXPLICIT\nhttps://h.example/c/noarch/a-1-b_0.conda#00\n", id="bare"),
        pytest.param("#: created_by: conda\n@EXPLICIT\n", id="another tool"),
        pytest.param("#: no yaml here\n@EXPLICIT\n", id="comments of another kind"),
    ],
)
def test_another_tools_file_is_not_taken_for_ours(text: str) -> None:
    with pytest.raises(LockfileError, match="was not made by envgen") as caught:
        read_explicit({EXPLICIT: text}, sealed=False)
    assert caught.value.code == "lockfile-foreign"


@pytest.mark.parametrize("length", range(0, len(TEXTS[EXPLICIT]) - 1, 331))
def test_every_cut_is_an_error(length: int) -> None:
    with pytest.raises(LockfileError):
        read_explicit({**TEXTS, EXPLICIT: TEXTS[EXPLICIT][:length]})
