"""Single keys are set where they stand, or where a reader would look for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from envgen.errors import ManifestError
from envgen.manifest.edit import set_accelerator, set_macos, set_name, set_python
from envgen.manifest.model import load_manifest
from envgen.manifest.templates import blank_text, template_names, template_text

SET: dict[str, tuple[Callable[[], str], str]] = {
    "a name": (lambda: set_name("# a\nname: x   # b\n", "y"), "# a\nname: y   # b\n"),
    "a name in quotes": (lambda: set_name("name: 'x'\n", "y"), "name: 'y'\n"),
    "a name like a number": (lambda: set_name("name: x\n", "2024"), 'name: "2024"\n'),
    "a name that was missing": (lambda: set_name("# a\npython: '3.12'\n", "y"), "# a\nname: y\npython: '3.12'\n"),
    "a python": (lambda: set_python("name: x\npython: 3.10  # a\n", "3.12"), 'name: x\npython: "3.12"  # a\n'),
    "a python without a value": (lambda: set_python("a: x\npython:  # a\n", "3.12"), 'a: x\npython: "3.12"  # a\n'),
    "a python that was missing": (
        lambda: set_python("# a\nname: x\n\n# b\ndependencies: []\n", "3.12"),
        '# a\nname: x\npython: "3.12"\n\n# b\ndependencies: []\n',
    ),
    "a python in braces": (lambda: set_python("{name: x}", "3.12"), '{name: x, python: "3.12"}'),
    "the same python": (lambda: set_python('python: "3.12"\n', "3.12"), 'python: "3.12"\n'),
    "an accelerator": (lambda: set_accelerator("accelerator: cpu\n", "metal"), "accelerator: metal\n"),
    "an accelerator that was missing": (
        lambda: set_accelerator("name: x\npython: '3.12'\nchannels: [a]\n", "metal"),
        "name: x\npython: '3.12'\naccelerator: metal\nchannels: [a]\n",
    ),
    "a floor": (
        lambda: set_macos("platforms:\n  - {platform: osx-arm64, macos: '13.0'}  # a\n", "14"),
        'platforms:\n  - {platform: osx-arm64, macos: "14.0"}  # a\n',
    ),
    "a floor on its own line": (
        lambda: set_macos("platforms:\n  - platform: osx-arm64\n    macos: 13.0  # a\n", "14.5"),
        'platforms:\n  - platform: osx-arm64\n    macos: "14.5"  # a\n',
    ),
    "a floor of a plain platform": (
        lambda: set_macos("platforms: [linux-64, osx-arm64]\n", "14.0"),
        'platforms: [linux-64, {platform: osx-arm64, macos: "14.0"}]\n',
    ),
    "a floor that was missing in braces": (
        lambda: set_macos("platforms: [{platform: osx-64}]\n", "12.0", platform="osx-64"),
        'platforms: [{platform: osx-64, macos: "12.0"}]\n',
    ),
    "a floor that was missing in a block": (
        lambda: set_macos("platforms:\n  - platform: osx-arm64  # a\n  - linux-64\n", "14.0"),
        'platforms:\n  - platform: osx-arm64  # a\n    macos: "14.0"\n  - linux-64\n',
    ),
    "a floor without platforms": (
        lambda: set_macos("name: x\ndependencies: [a]\n", "14.0"),
        'name: x\nplatforms:\n  - {platform: osx-arm64, macos: "14.0"}\ndependencies: [a]\n',
    ),
    "a floor in braces": (
        lambda: set_macos("{name: x}\n", "14.0"),
        '{name: x, platforms: [{platform: osx-arm64, macos: "14.0"}]}\n',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), SET.values(), ids=SET.keys())
def test_a_key_is_set_and_the_rest_is_kept(change: Callable[[], str], expected: str) -> None:
    assert change() == expected


REFUSED: dict[str, Callable[[], str]] = {
    "a name that is none": lambda: set_name("name: x\n", "../y"),
    "a python that is none": lambda: set_python("name: x\n", "3.12.1"),
    "a floor that is none": lambda: set_macos("name: x\n", "Sonoma"),
    "a platform that is absent": lambda: set_macos("platforms: [linux-64]\n", "14.0"),
    "a list for a name": lambda: set_name("name: [x]\n", "y"),
    "text for platforms": lambda: set_macos("platforms: osx-arm64\n", "14.0"),
    "a doubled key": lambda: set_name("name: x\nname: y\n", "z"),
    "a key without a colon": lambda: set_python("{name: x, python}\n", "3.12"),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_set_is_refused(change: Callable[[], str]) -> None:
    with pytest.raises(ManifestError):
        change()


@pytest.mark.parametrize("text", [blank_text(), *(template_text(name) for name in template_names())])
def test_a_starter_can_be_made_ones_own(text: str) -> None:
    changed = set_macos(set_accelerator(set_python(set_name(text, "ours"), "3.11"), "metal"), "14.0")
    manifest = load_manifest(changed, "envgen.yaml")
    assert (manifest.name, manifest.python, manifest.accelerator) == ("ours", "3.11", "metal")
    assert [target.macos for target in manifest.platforms()] == ["14.0"]
    kept = [line for line in text.splitlines() if line.startswith("#")]
    assert [line for line in changed.splitlines() if line.startswith("#")] == kept
