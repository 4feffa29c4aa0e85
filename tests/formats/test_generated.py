from __future__ import annotations

import importlib
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from envgen.formats.generated import own_projects, scalar
from envgen.formats.registry import render
from tests.fakes.locks import make_lock, make_platform, make_wheel

pyyaml = importlib.import_module("yaml")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("numpy", "numpy", id="name"),
        pytest.param("_openmp_mutex", "_openmp_mutex", id="underscore"),
        pytest.param("https://h.example/c/noarch/a-1-b_0.conda", "https://h.example/c/noarch/a-1-b_0.conda", id="url"),
        pytest.param("a sentence, with words", "a sentence, with words", id="sentence"),
        pytest.param("2.1", "'2.1'", id="number"),
        pytest.param("1e5", "'1e5'", id="float"),
        pytest.param("2026-08-01", "'2026-08-01'", id="date"),
        pytest.param("", "''", id="empty"),
        pytest.param(">=1,<2", "'>=1,<2'", id="folded scalar's sign"),
        pytest.param("key: value", "'key: value'", id="colon"),
        pytest.param("ends:", "'ends:'", id="colon at the end"),
        pytest.param("a #b", "'a #b'", id="comment"),
        pytest.param("it's", "it's", id="quote within"),
        pytest.param("'quoted'", "'''quoted'''", id="quote at the start"),
        pytest.param("a\nb", '"a\\nb"', id="line break"),
        pytest.param("a\rb", '"a\\rb"', id="carriage return"),
        pytest.param('a\t"b"\\', '"a\\t\\"b\\"\\\\"', id="tab"),
        pytest.param("\x00\x85", '"\\u0000\\u0085"', id="controls"),
        pytest.param("größer", "'größer'", id="letters beyond ASCII"),
        pytest.param(" padded ", "' padded '", id="spaces around"),
    ],
)
def test_a_scalar_is_plain_or_quoted(text: str, written: str) -> None:
    assert scalar(text) == written


@pytest.mark.parametrize("word", ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "No", "TRUE"])
def test_a_word_that_yaml_1_1_reads_as_a_truth_is_quoted(word: str) -> None:
    assert scalar(word) == f"'{word}'"


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("=")
@example("<<")
@example("~")
@example("y")
@example("- a")
@example("a\u2028b\ufeff")
@example("12:30:45")
def test_every_parser_reads_the_same_text_back(text: str) -> None:
    for document in (f"key: {scalar(text)}\n", f"- {scalar(text)}\n", f"{scalar(text)}: x\n"):
        for version in ((1, 1), (1, 2)):
            yaml = YAML(typ="safe", pure=True)
            yaml.version = version
            assert yaml.load(document) in ({"key": text}, [text], {text: "x"})
        assert pyyaml.safe_load(document) in ({"key": text}, [text], {text: "x"})


@pytest.mark.parametrize(
    ("projects", "words"),
    [
        (("libs/a",), "the project of your own, which `envgen create` installs last; after another tool: "),
        (("libs/a", "b"), "the 2 projects of your own, which `envgen create` installs last; after another tool: "),
    ],
)
def test_who_installs_the_users_own_projects_is_said(projects: tuple[str, ...], words: str) -> None:
    said = own_projects(replace(make_lock(), projects=projects))
    assert said == f"{words}pip install --no-deps {' '.join(projects)}"


def test_a_list_of_nothing_is_a_list() -> None:
    texts = render(replace(make_lock(make_platform()), channels=()), ["environment.yml", "conda-lock.yml"])
    environment, lock = (pyyaml.safe_load(texts[file]) for file in ("environment.yml", "conda-lock.yml"))
    assert (environment["dependencies"], environment["channels"]) == ([], ["nodefaults"])
    assert (lock["package"], lock["metadata"]["channels"]) == ([], [])


def test_a_lock_of_wheels_alone_lists_them() -> None:
    read = pyyaml.safe_load(
        render(make_lock(make_platform([], [make_wheel("a")])), ["conda-lock.yml"])["conda-lock.yml"]
    )
    assert [(package["name"], package["manager"]) for package in read["package"]] == [("a", "pip")]
