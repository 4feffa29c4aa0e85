"""Test the resolver on the index that users have; the facts are as of 2026-11-23 and may age."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from envgen.errors import PypiUnsatisfiableError
from envgen.models.wheel import Resolution, Stub, wheel_rank
from envgen.planner.rounds import plan
from envgen.pypi.release_verdicts import FileClass
from envgen.pypi.resolver import UvResolver
from tests.fakes.scenarios import scenario
from tests.pypi.conftest import mac, request

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> UvResolver:
    """Return a resolver on the configured index, shared so that nothing is asked twice."""
    return UvResolver(cache=Path(tmp_path_factory.mktemp("cache")), environment=os.environ)


def versions(resolution: Resolution) -> dict[str, str]:
    return {wheel.name: wheel.version for wheel in resolution.wheels}


@pytest.mark.parametrize(
    ("name", "specifier", "python", "macos", "code", "version"),
    [
        pytest.param("dlib", "", "3.11", "13.0", "SDIST_ONLY", "", id="dlib"),
        pytest.param("dlib", "==19.7.0", "3.11", "13.0", "SDIST_ONLY", "19.7.0", id="dlib 19.7.0"),
        pytest.param("pyaudio", "==0.2.14", "3.11", "13.0", "SDIST_ONLY", "0.2.14", id="pyaudio"),
        pytest.param("promise", "==2.3", "3.11", "13.0", "SDIST_ONLY", "2.3", id="promise"),
        pytest.param("tensorflow-text", "==2.15.*", "3.11", "13.0", "MAC_X86_64_ONLY", "2.15.0", id="text 2.15"),
        pytest.param("tensorflow-text", "==2.16.*", "3.11", "13.0", "MAC_X86_64_ONLY", "2.16.1", id="text 2.16"),
        pytest.param("tensorflow-text", "==2.20.*", "3.11", "13.0", "OK", "", id="text 2.20"),
        pytest.param("torch", "<=2.15.0", "3.12", "13.0", "OK", "2.11.0", id="torch on 13"),
        pytest.param("torch", "<=2.15.0", "3.12", "14.0", "OK", "2.15.0", id="torch on 14"),
        pytest.param("mlx", "<=0.32.4", "3.12", "12.0", "NEEDS_NEWER_MACOS", "0.32.4", id="mlx on 12"),
        pytest.param("mlx", "<=0.32.4", "3.12", "13.0", "OK", "0.29.3", id="mlx on 13"),
        pytest.param("mlx", "<=0.32.4", "3.12", "14.0", "OK", "0.32.4", id="mlx on 14"),
        pytest.param("tensorflow-cpu", "<=2.21", "3.11", "13.0", "NO_MACOS_WHEEL", "2.21.0", id="tensorflow-cpu"),
        pytest.param("tflite-runtime", "", "3.11", "13.0", "NO_MACOS_WHEEL", "2.14.0", id="tflite-runtime"),
        pytest.param("coremltools", "==9.0", "3.12", "13.0", "OK", "9.0", id="coremltools"),
        pytest.param("tensorflow-addons", "", "3.11", "13.0", "OK", "0.23.0", id="addons on 3.11"),
        pytest.param("tensorflow-addons", "", "3.12", "13.0", "NO_WHEEL_FOR_PYTHON", "0.23.0", id="addons on 3.12"),
        pytest.param("tensorflow-metal", "", "3.13", "13.0", "NO_WHEEL_FOR_PYTHON", "1.2.0", id="metal on 3.13"),
        pytest.param("tensorflow", "==2.12.1", "3.11", "13.0", "MAC_X86_64_ONLY", "2.12.1", id="tensorflow 2.12.1"),
        pytest.param("tf-keras", "==2.20.0", "3.12", "13.0", "YANKED", "2.20.0", id="tf-keras 2.20"),
        pytest.param("tensorflow-deps", "", "3.12", "13.0", "NOT_ON_INDEX", "", id="tensorflow-deps"),
    ],
)
def test_verdicts(
    name: str, specifier: str, python: str, macos: str, code: FileClass, version: str, live: UvResolver
) -> None:
    verdict = live.verdict(name, mac(python, macos), specifier)
    assert verdict.code == code
    assert not version or verdict.version == version


@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_tensorflow_and_metal(python: str, live: UvResolver) -> None:
    asked = request("tensorflow>=2.18,<2.20", "tensorflow-metal", python=python)
    resolution = live.resolve(asked)
    found = versions(resolution)
    assert (found["tensorflow"], found["tensorflow-metal"]) == ("2.19.1", "1.2.0")
    assert Version(found["numpy"]) < Version("2.2")
    assert ("tensorflow-io-gcs-filesystem" in found) is (python == "3.11")
    for wheel, metadata in zip(resolution.wheels, live.metadata_many(resolution.wheels), strict=True):
        assert wheel_rank(wheel.filename, asked.platform) is not None
        assert len(wheel.sha256) == 64
        assert (metadata.name, Version(metadata.version)) == (wheel.name, Version(wheel.version))


def test_beside_what_conda_has(live: UvResolver) -> None:
    stubs = tuple(Stub(name=name, version=version) for name, version in (("numpy", "2.1.3"), ("keras", "3.10.0")))
    found = versions(live.resolve(replace(request("tensorflow==2.19.1", "tensorflow-metal==1.2.0"), stubs=stubs)))
    assert not {"numpy", "keras"} & found.keys()
    assert {"tensorflow", "tensorflow-metal", "libclang"} <= found.keys()


def test_the_stub_that_holds_keras_2(live: UvResolver) -> None:
    found = versions(live.resolve(request("tensorflow==2.15.1", "tensorflow-metal==1.1.0", python="3.11")))
    assert Version(found["numpy"]) < Version("2")
    assert found["keras"].startswith("2.15.")


def test_torch_is_held_back_on_13(live: UvResolver) -> None:
    old, new = live.resolve(request("torch<=2.15", macos="13.0")), live.resolve(request("torch<=2.15", macos="14.0"))
    assert (versions(old)["torch"], versions(new)["torch"]) == ("2.11.0", "2.15.0")
    assert any("`torch` is held back to 2.11.0" in note and "needs macOS 14.0" in note for note in old.notes)
    assert not new.notes


@pytest.mark.parametrize(
    ("asked", "python", "words"),
    [
        pytest.param("dlib==19.7.0", "3.12", "`dlib` 19.7.0 has no wheel", id="source only"),
        pytest.param("tensorflow-text==2.15.*", "3.11", "Intel Macs only", id="Intel only"),
        pytest.param("tensorflow-metal", "3.13", "not for 3.13", id="python"),
        pytest.param("tensorflow-datasets", "3.12", "`promise` 2.3 has no wheel", id="what it drags in"),
    ],
)
def test_what_cannot_be_had(asked: str, python: str, words: str, live: UvResolver) -> None:
    with pytest.raises(PypiUnsatisfiableError) as caught:
        live.resolve(request(asked, python=python))
    assert words in caught.value.message


def test_a_yank_is_said(live: UvResolver) -> None:
    notes = live.resolve(request("tf-keras==2.20.0", "tensorflow<=2.21")).notes
    assert any("`tf-keras` 2.20.0 was withdrawn" in note for note in notes)


@pytest.mark.parametrize(("macos", "release"), [("13.0", "22.1.0"), ("14.4", "23.4.0")])
def test_all_that_pyobjc_requires_on_a_mac_is_planned(live: UvResolver, macos: str, release: str) -> None:
    """Nearly all of it stands behind the kernel's release. The values here are those that such a Mac has."""
    asked = scenario(only=["pyobjc"])
    inputs = replace(asked.inputs, platform=mac("3.12", macos))
    made = plan(inputs, replace(asked.resolvers, pypi=live))
    (umbrella,) = [each for each in made.pypi if each.name == "pyobjc"]
    here = {"platform_release": release, "platform_machine": "arm64", "sys_platform": "darwin", "extra": ""}
    needs = list(map(Requirement, live.metadata(umbrella.wheel).requires_dist))
    wanted = {canonicalize_name(need.name) for need in needs if not need.marker or need.marker.evaluate(here)}
    assert len(wanted) > 140
    assert {each.name for each in made.pypi} == {"pyobjc", *wanted}
    (note,) = [note for note in made.notes if note.startswith("the lock holds what pyobjc ")]
    assert "from macOS 26.0 on it also requires `pyobjc-framework-" in note
