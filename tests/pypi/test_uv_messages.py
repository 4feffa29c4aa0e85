"""Test what is made of uv's words; the texts are uv 0.13's."""

from __future__ import annotations

import pytest

from envgen.errors import PypiError, PypiUnreachableError, PypiUnsatisfiableError
from envgen.pypi.uv_messages import failure, mentioned, notes
from tests.pypi.conftest import request

CONFLICT = """\
warning: The requested Python version 3.12 is not available; 3.11.7 will be used instead.
error: No solution found when resolving dependencies
  cause: Because tensorflow>=2.19.0rc0,<=2.19.1 depends on numpy>=1.26.0,<2.2.0 and numpy==2.4.0+conda, we cannot.
         And because only the following versions of tensorflow are available:
             tensorflow<2.19.dev0
             tensorflow>2.20.dev0
         and you require tensorflow==2.19.*, we can conclude that your requirements are unsatisfiable.

hint: Wheels are required for `x` because building from source is disabled for all packages (i.e., with `--no-build`)

hint: You require CPython 3.14 (`cp314`), but we only found wheels for `tensorflow` (v2.21.0) with: `cp310`

hint: Pre-releases are available for `tensorflow` (try: `--prerelease-package tensorflow=allow`)
"""


def test_a_conflict() -> None:
    error = failure(CONFLICT, request("tensorflow==2.19.*"))
    assert isinstance(error, PypiUnsatisfiableError)
    assert error.message == "no set of wheels meets the requirements for osx-arm64, macOS 13.0 and python 3.12"
    assert error.problem.splitlines() == [
        "Because tensorflow>=2.19.0rc0,<=2.19.1 depends on numpy>=1.26.0,<2.2.0 and numpy==2.4.0 (conda's), we cannot.",
        "And because only the following versions of tensorflow are available:",
        "    tensorflow<2.19.dev0",
        "    tensorflow>2.20.dev0",
        "and you require tensorflow==2.19.*, we can conclude that your requirements are unsatisfiable.",
        "You require CPython 3.14 (`cp314`), but we only found wheels for `tensorflow` (v2.21.0) with: `cp310`",
    ]
    assert error.names == ("tensorflow", "numpy")
    assert (error.failure.kind, error.failure.required) == ("versions", ("tensorflow",))
    assert error.failure.conclusion == " ".join(error.problem.split())


@pytest.mark.parametrize(
    ("text", "kind", "required"),
    [
        ("Because promise==2.3 has no usable wheels and t depends on promise, we can conclude", "wheels", ""),
        ("Because a has no wheels with a matching Python ABI tag and you require a, we can conclude", "wheels", "a"),
        (
            "Because nosuch was not found in the package registry and you require nosuch, we can conclude",
            "wheels",
            "nosuch",
        ),
        ("Because there are no versions of b and you require b>=1, we can conclude that it", "versions", "b"),
        ("And because only b<=2.0 is available and you require b>=2.0, we can conclude", "versions", "b"),
        ("Because b==1 was yanked and you require b==1, we can conclude", "versions", "b"),
        (
            "Because a==1 depends on c<2 and b==1 depends on c>=2, we can conclude that these are incompatible. "
            "And because you require A_x[y]>=1 and b==1, we can conclude that your requirements are unsatisfiable.",
            "conflict",
            "a-x b",
        ),
        ("Something that nobody has seen before.", "unknown", ""),
        ("", "unknown", ""),
    ],
)
def test_what_a_failure_says(text: str, kind: str, required: str) -> None:
    error = failure(f"error: No solution found when resolving dependencies\n  cause: {text}\n", request("a"))
    assert isinstance(error, PypiUnsatisfiableError)
    assert (error.failure.kind, error.failure.required) == (kind, tuple(required.split()))


def test_a_long_derivation_is_cut_to_what_cannot_stand_together() -> None:
    start = "Because " + "a depends on b and " * 40
    end = f"we can conclude that a==1 and b==2 are incompatible. And because {'you see ' * 10}it, we cannot."
    for text, expected in (
        (f"{start}{end}", "a==1 and b==2 are incompatible"),
        ("x " * 400, f"…{('x ' * 400).strip()[-500:]}"),
    ):
        error = failure(f"error: No solution found when resolving dependencies\n  cause: {text}\n", request("a"))
        assert isinstance(error, PypiUnsatisfiableError)
        assert error.failure.conclusion == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "Because all versions of promise have no usable wheels and all versions of t depend on promise, we",
            "promise t",
        ),
        (
            "Because nosuch-name was not found in the package registry and you require nosuch-name, we can",
            "nosuch-name",
        ),
        ("Because there are no versions of Foo_Bar and you require foo.bar[extra]>=1, we", "foo-bar"),
        ("And because only b<=2.0 is available and you require b>=2.0, we can conclude that your requirements", "b"),
        (
            "Because keras-cv>=0.9.0 depends on tensorflow-datasets and your project requires x",
            "keras-cv tensorflow-datasets",
        ),
        ("we can conclude that you require numpy>=1.26.0,<2.2.0.", "numpy"),
        ("and you require typing.extensions.", "typing-extensions"),
    ],
)
def test_names(text: str, names: str) -> None:
    assert mentioned(text) == tuple(names.split())


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        pytest.param(
            "error: Request failed after 1 retry in 9.6s\n  cause: Failed to fetch: http://u:p@h.example/simple/a/\n"
            "  cause: error sending request for url (http://u:p@h.example/simple/a/)\n  cause: operation timed out",
            "the package index does not answer: http://***@h.example/simple/a/ (operation timed out)",
            id="hang",
        ),
        pytest.param(
            "error: Request failed after 1 retry in 1.4s\n  cause: Failed to fetch: http://h.example/simple/a/\n"
            "  cause: HTTP status server error (500 Internal Server Error) for url (http://h.example/simple/a/)",
            "the package index does not answer: http://h.example/simple/a/ (HTTP status server error "
            "(500 Internal Server Error))",
            id="500",
        ),
        pytest.param(
            "error: Received some unexpected JSON from `http://h.example/simple/a/`\n  cause: expected value",
            "the package index answers with something that is no project page: http://h.example/simple/a/",
            id="garbage",
        ),
        pytest.param(
            "error: Failed to fetch: http://h.example/files/b-1.0-py3-none-any.whl.metadata\n"
            "  cause: HTTP status client error (404 Not Found) for url (http://h.example/files/b-1.0.whl.metadata)",
            "the package index lists b-1.0-py3-none-any.whl but does not serve it: "
            "http://h.example/files/b-1.0-py3-none-any.whl.metadata",
            id="a file that is missing",
        ),
        pytest.param(
            "error: Failed to fetch: http://h.example/simple/a/\n"
            "  cause: HTTP status client error (404 Not Found) for url (http://h.example/simple/a/)",
            "the package index does not answer: http://h.example/simple/a/ (HTTP status client error (404 Not Found))",
            id="a page that is missing",
        ),
        pytest.param("error: Failed to fetch", "the package index does not answer (Failed to fetch)", id="bare"),
        pytest.param(
            "error: No solution found when resolving dependencies\n  cause: Because a was not found in the registry\n\n"
            "hint: An index URL (http://u:p@h.example/simple/) could not be queried (401 Unauthorized)",
            "the package index refuses access: http://***@h.example/simple/ (401 Unauthorized)",
            id="401",
        ),
        pytest.param(
            "error: No solution found when resolving dependencies\n  cause: Because a was not found in the cache and "
            "you require a, we\n\nhint: Packages were unavailable because the network was disabled.",
            "off-line, and not everything is in uv's cache: `a`",
            id="off-line",
        ),
        pytest.param(
            "error: No solution found when resolving dependencies\n  cause: Because a was not found in the cache and b "
            "was not found in the cache, we",
            "off-line, and not everything is in uv's cache: `a`, `b`",
            id="off-line, by the cache alone",
        ),
        pytest.param(
            "error: No solution found when resolving dependencies\n\nhint: the network was disabled.",
            "off-line, and not everything is in uv's cache",
            id="off-line, without a name",
        ),
    ],
)
def test_an_index_that_cannot_be_read(stderr: str, words: str) -> None:
    error = failure(stderr, request("a"))
    assert isinstance(error, PypiUnreachableError)
    assert error.message == words
    assert error.hint


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        pytest.param(
            "error: Couldn't parse requirement in `-` at position 0\n  cause: Unexpected end\n       a ==\n         ^^",
            "not a requirement: Unexpected end a ==",
            id="malformed",
        ),
        pytest.param("error: No space left on device (os error 28)", "uv failed: No space left on device", id="disk"),
        pytest.param("", "uv failed: it said nothing", id="silence"),
    ],
)
def test_other_failures(stderr: str, words: str) -> None:
    error = failure(stderr, request("a"))
    assert type(error) is PypiError
    assert error.message.startswith(words)


def test_warnings_become_notes() -> None:
    stderr = """\
Resolved 2 packages in 3ms
warning: `tf-keras==2.20.0` is yanked (reason: "broken")
warning: `other==1` is yanked
warning: The package `six==1.17.0` does not have an extra named `foo`
warning: The package `numpy==2.1+conda` does not have an extra named `bar`
warning: The package `demo @ file:///x/demo-1-py3-none-any.whl` does not have an extra named `baz`
warning: The requested Python version 3.12 is not available; 3.11.7 will be used to build dependencies instead.
warning: Something about http://u:p@h.example/
"""
    assert notes(stderr, frozenset({"numpy"})) == (
        "`demo` has no extra `baz`: it adds nothing",
        "`other` 1 was withdrawn by its authors (yanked)",
        "`six` has no extra `foo`: it adds nothing",
        "`tf-keras` 2.20.0 was withdrawn by its authors (yanked: broken)",
        "uv: Something about http://***@h.example/",
    )
