"""Test the names that serve on the target."""

from __future__ import annotations

import pytest

from envgen.models.requirement import Origin, Requirement, origin_lines, quoted_list
from envgen.planner.renames import rename, rewrite_names
from tests.fakes.installed_values import requirement, requirements


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tensorflow-macos==2.14.0", "tensorflow==2.14.0"),
        ("tensorflow-macos==2.12.0", "tensorflow-macos==2.12.0"),
        ("tensorflow_gpu[and-cuda]>=2", "tensorflow>=2"),
        ("tensorflow[and-cuda,extra]", "tensorflow[extra]"),
        ("jax[cuda12]", "jax"),
        ("onnxruntime-silicon==1.16.3", "onnxruntime"),
        ("tensorflow-deps", None),
        ("numpy>=1", "numpy>=1"),
    ],
)
def test_rewrites(text: str, expected: str | None) -> None:
    (rewrite,) = rewrite_names([requirement(text)], "osx-arm64")
    assert (str(rewrite.after) if rewrite.after else None) == expected
    assert bool(rewrite.note) is (text != expected)


def test_elsewhere_names_stay() -> None:
    (rewrite,) = rewrite_names([requirement("tensorflow-gpu[and-cuda]")], "linux-64")
    assert rewrite.after == rewrite.before
    assert rewrite.note == ""


def test_both_reasons_are_told() -> None:
    (rewrite,) = rewrite_names([requirement("tensorflow-gpu[and-cuda]")], "osx-arm64")
    assert len(rewrite.why) == 2


def test_a_renamed_requirement_reads_as_written() -> None:
    given = requirement('tensorflow-macos[a]>=2.9 ; python_version < "3.12"')
    renamed = rename(given, "tensorflow")
    assert Requirement.parse(renamed.text, given.origin) == renamed


def test_lines_are_collected_once() -> None:
    first, second = requirements("a", "b")
    bare = Requirement.parse("c", Origin(path="--add"))
    assert [line.line for line in origin_lines([second, first], [second, bare], None, first.origin)] == [2, 1]


def test_quoted() -> None:
    assert quoted_list(requirements("a>=1", "b", "a>=1")) == "`a>=1` and `b`"
    assert quoted_list(()) == ""
