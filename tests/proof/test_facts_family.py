"""Test the proof that TensorFlow, its plug-in and what is built for it match."""

from __future__ import annotations

import pytest

from envgen.models.platform import Platform
from envgen.proof.facts import family_findings
from tests.fakes.installed_values import installed, target


def found(
    *pypi: str, conda: tuple[str, ...] = (), accelerator: str = "metal", platform: Platform | None = None
) -> list[tuple[str, str, str]]:
    findings = family_findings(installed(pypi=pypi, conda=conda, platform=platform), accelerator)
    return [(finding.code, finding.message, finding.hint) for finding in findings]


def codes(
    *pypi: str, conda: tuple[str, ...] = (), accelerator: str = "metal", platform: Platform | None = None
) -> list[str]:
    return [code for code, _, _ in found(*pypi, conda=conda, accelerator=accelerator, platform=platform)]


@pytest.mark.parametrize(
    ("tensorflow", "metal", "python", "expected"),
    [
        ("2.19.1", "1.2.0", "3.12", []),
        ("2.17.1", "1.1.0", "3.11", []),
        ("2.18.0", "1.1.0", "3.11", ["METAL-PAIR"]),
        ("2.20.0", "1.2.0", "3.12", ["METAL-PAIR"]),
        ("2.21.0", "1.2.0", "3.12", ["METAL-PAIR"]),
        ("2.22.0rc0", "1.2.0", "3.12", ["METAL-PAIR"]),
        ("2.17.1", "1.0.1", "3.11", ["METAL-PAIR"]),
        ("2.19.1", "1.2.0", "3.13", ["METAL-TARGET"]),
        ("2.17.1", "1.1.0", "3.12", ["METAL-TARGET"]),
        ("2.19.1", "1.3.0", "3.12", ["METAL-UNKNOWN"]),
    ],
)
def test_pairs(tensorflow: str, metal: str, python: str, expected: list[str]) -> None:
    platform = target(python=python)
    assert codes(f"tensorflow=={tensorflow}", f"tensorflow-metal=={metal}", platform=platform) == expected


def test_a_wrong_pair_offers_the_right_plugin() -> None:
    ((_, message, hint),) = found("tensorflow==2.18.1", "tensorflow-metal==1.1.0")
    assert "does not load with TensorFlow 2.18.1" in message
    assert "tensorflow-metal==1.2.0" in hint


def test_a_wrong_pair_without_a_right_plugin_offers_another_tensorflow() -> None:
    ((_, _, hint),) = found("tensorflow==2.21.0", "tensorflow-metal==1.2.0")
    assert "tensorflow>=2.18,<2.20" in hint


@pytest.mark.parametrize(
    ("macos", "metal", "tensorflow", "expected"),
    [
        ("12.0", "1.2.0", "tensorflow==2.19.1", ["METAL-TARGET"]),
        ("12.1", "1.2.0", "tensorflow==2.19.1", []),
        ("12.3", "0.6.0", "tensorflow-macos==2.10.0", ["METAL-TARGET"]),
        ("12.5", "0.6.0", "tensorflow-macos==2.10.0", []),
        ("12.5", "0.5.1", "tensorflow-macos==2.9.2", ["METAL-TARGET"]),
    ],
)
def test_the_librarys_floor_counts_not_the_tags(macos: str, metal: str, tensorflow: str, expected: list[str]) -> None:
    platform = target(python="3.10", macos=macos)
    assert codes(tensorflow, f"tensorflow-metal=={metal}", platform=platform) == expected


def test_metal_elsewhere() -> None:
    platform = target(subdir="linux-64")
    ((code, message, _),) = found("tensorflow==2.19.1", "tensorflow-metal==1.2.0", platform=platform)
    assert code == "METAL-TARGET"
    assert "macOS none" in message


def test_metal_needs_pypis_tensorflow() -> None:
    assert codes("tensorflow-metal==1.2.0") == ["METAL-ALONE"]
    assert codes("tensorflow-metal==1.2.0", conda=("tensorflow==2.19.1",)) == ["METAL-CONDA"]


@pytest.mark.parametrize(
    ("accelerator", "pypi", "expected"),
    [
        ("metal", ("tensorflow==2.19.1",), ["ACCELERATOR"]),
        ("cpu", ("tensorflow==2.19.1", "tensorflow-metal==1.2.0"), ["ACCELERATOR"]),
        ("cpu", ("tensorflow==2.19.1",), []),
    ],
)
def test_the_accelerator(accelerator: str, pypi: tuple[str, ...], expected: list[str]) -> None:
    assert codes(*pypi, accelerator=accelerator) == expected


@pytest.mark.parametrize(
    ("pypi", "expected"),
    [
        (("tensorflow==2.15.1",), []),
        (("tensorflow-macos==2.15.0",), []),
        (("tensorflow==2.15.0", "tensorflow-macos==2.15.0"), []),
        (("tensorflow==2.15.0",), ["TENSORFLOW-EMPTY"]),
        (("tensorflow-macos==2.15.1",), ["TENSORFLOW-EMPTY"]),
        (("tensorflow-macos==2.15.1", "tensorflow==2.15.1"), []),
        (("tensorflow-macos==2.16.2",), ["TENSORFLOW-EMPTY"]),
        (("tensorflow-macos==2.16.2", "tensorflow==2.16.2"), []),
        (("tensorflow==2.12.1",), ["TENSORFLOW-EMPTY"]),
        (("tensorflow==2.13.1", "tensorflow-macos==2.13.0"), ["TENSORFLOW-EMPTY"]),
        (("tensorflow==2.15.1", "tensorflow-macos==2.15.0"), ["TENSORFLOW-DOUBLE"]),
    ],
)
def test_the_holder_of_the_code_is_there(pypi: tuple[str, ...], expected: list[str]) -> None:
    assert codes(*pypi, accelerator="cpu") == expected


def test_stubs_are_apple_silicons_alone() -> None:
    assert codes("tensorflow==2.15.0", accelerator="cpu", platform=target(subdir="linux-64")) == []


def test_two_halves_bring_tensorflow() -> None:
    conda = ("tensorflow==2.19.1", "tensorflow-base==2.19.1")
    assert codes("tensorflow-macos==2.15.0", conda=conda, accelerator="cpu") == ["TENSORFLOW-DOUBLE"]


@pytest.mark.parametrize(
    ("pypi", "conda", "expected"),
    [
        (("tensorflow==2.19.1", "tensorflow-text==2.19.0"), (), []),
        (("tensorflow==2.19.1", "tensorflow-text==2.18.1"), (), ["SATELLITE"]),
        (("tensorflow==2.19.1", "tf-keras==2.18.0"), (), ["SATELLITE"]),
        (("tensorflow==2.19.1", "tensorflow-decision-forests==1.12.0"), (), ["SATELLITE"]),
        (("tensorflow==2.19.1", "tensorflow-decision-forests==9.0"), (), []),
        (("tensorflow==2.19.1", "tensorflow-addons==0.23.0"), (), ["SATELLITE"]),
        (("tensorflow==2.15.1", "tensorflow-addons==0.23.0"), (), []),
        ((), ("tensorflow==2.19.1", "tf-keras==2.19.0"), []),
        ((), ("tensorflow==2.19.1", "tf-keras==2.18.0"), ["SATELLITE"]),
        (("tensorflow-text==2.19.0",), ("tensorflow==2.19.1",), ["SATELLITE-HALF"]),
        (("tf-keras==2.19.0",), ("tensorflow==2.19.1",), []),
        ((), ("tensorflow-text==2.19.0", "tensorflow==2.19.1"), []),
    ],
)
def test_satellites(pypi: tuple[str, ...], conda: tuple[str, ...], expected: list[str]) -> None:
    assert codes(*pypi, conda=conda, accelerator="cpu") == expected


@pytest.mark.parametrize(
    ("name", "version", "fits"),
    [("tensorflow-text", "2.18.1", "the same minor"), ("tensorflow-decision-forests", "1.12.0", "==2.19.0")],
)
def test_what_a_satellite_fits_is_said(name: str, version: str, fits: str) -> None:
    ((_, message, _),) = found("tensorflow==2.19.1", f"{name}=={version}", accelerator="cpu")
    assert message.startswith(f"{name} {version} does not fit TensorFlow 2.19.1, only {fits}: ")
