"""Test what a request asks of each project."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.errors import PypiError
from envgen.models.wheel import Stub, WheelMetadata
from envgen.pypi.resolver import names_prerelease, roots
from tests.pypi.conftest import request


def test_specifiers_are_joined() -> None:
    asked = replace(
        request(
            "Torch>=2",
            "torch<3",
            "six; sys_platform == 'linux'",
            "keras",
            "numpy",
            "demo @ https://h.example/demo-1-py3-none-any.whl",
        ),
        constraints=("torch!=2.5", "other<1"),
        overrides=("keras==3.1",),
        stubs=(Stub(name="numpy", version="2.1"),),
    )
    assert roots(asked) == {"torch": "!=2.5,<3,>=2", "keras": "==3.1"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("six==", "not a requirement: `six==`", id="malformed"),
        pytest.param(
            "six @ git+https://u:p@h.example/six",
            r"`six` is asked from git\+https://\*\*\*@h.example/six, which is no wheel",
            id="git",
        ),
        pytest.param("six @ https://h.example/six-1.tar.gz", "which is no wheel", id="source"),
    ],
)
def test_what_may_not_be_asked(text: str, words: str) -> None:
    with pytest.raises(PypiError, match=words):
        roots(request(text))


@pytest.mark.parametrize(
    ("requirement", "required", "named"),
    [
        pytest.param("tensorflow", (), False, id="nobody"),
        pytest.param("tensorflow==2.22.0rc0", (), True, id="the user"),
        pytest.param("tensorflow>=2.22.0rc0", (), True, id="from a pre-release on"),
        pytest.param("keras", ("tensorflow~=2.22.0rc0 ; python_version > '3'",), True, id="a wheel"),
        pytest.param("keras", ("tensorflow>=2", "junk ?="), False, id="wheels that do not"),
        pytest.param("tensorflow @ https://h.example/tensorflow-2.22.0rc0-py3-none-any.whl", (), True, id="by URL"),
    ],
)
def test_pre_releases_that_somebody_names(requirement: str, required: tuple[str, ...], named: bool) -> None:
    chosen = [WheelMetadata(name="keras", version="3", requires_dist=required)]
    assert names_prerelease("tensorflow", request(requirement), chosen) is named
