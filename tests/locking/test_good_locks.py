"""Real requests whose first solution is not a good one: what is locked, over the real channel and PyPI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.real_project import SOLVERS, RealProject, needs_channel, real_project

pytestmark = [pytest.mark.shared, pytest.mark.network, needs_channel]
UNTIL = "exclude-newer: 2026-11-30\n"


def manifest(name: str, python: str, *dependencies: str, more: str = "") -> str:
    listed = "".join(f"  - '{one}'\n" for one in dependencies)
    return (
        f'name: {name}\npython: "{python}"\nplatforms: [{{platform: osx-arm64, macos: "13.0"}}]\n{more}'
        f"dependencies:\n{listed}"
    )


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProject]:
    with real_project(tmp_path_factory.mktemp("good"), pypi=True) as project:
        yield project


def versions(platform: dict[str, Any]) -> dict[str, str]:
    return {package["name"]: package["version"] for half in ("conda", "pypi") for package in platform[half]}


ASKED = {
    "a newer build of python costs no release": ("crypt", "3.12", ["cryptography"], "", {"cryptography": "50."}),
    "arrow beside TensorFlow": ("evid", "3.11", ["tensorflow", "evidently"], "", {"evidently": "0."}),
    "doubles of three": (
        "beam", "3.11", ["tensorflow==2.15.0", "apache-beam", "mirdata"], "", {"apache-beam": "2.", "mirdata": "1."},
    ),
    "two opencvs": ("omni", "3.11", ["opencv-python", "omnipose==0.4.4"], "", {"omnipose": "0.4.4"}),
    "a conflict on conda": ("ray", "3.12", ["pyarrow>=20,!=21.*", "ray~=2.42"], "", {"ray": "2."}),
    "what PyPI has as a pure wheel": (
        "vit", "3.11", ["torch==2.4.0", "torchvision==0.19.0", "vit-pytorch"], "", {"vit-pytorch": "1."},
    ),
    "a TensorFlow that is brought": (
        "sleap", "3.9", ["sleap"], "accelerator: metal\n",
        {"sleap": "1.4.1", "tensorflow-macos": "2.9.2", "tensorflow-metal": "0.5.0"},
    ),
    "another one": (
        "basic", "3.10", ["basic-pitch==0.2.4"], "accelerator: metal\n",
        {"tensorflow-macos": "2.11.0", "tensorflow-metal": "0.7.1"},
    ),
    "what would not import": ("tfjs", "3.11", ["tensorflowjs"], "accelerator: metal\n", {"tensorflowjs": "4."}),
}  # fmt: skip


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("name", "python", "asked", "more", "expected"), ASKED.values(), ids=ASKED)
def test_what_is_locked(
    real: RealProject, name: str, python: str, asked: list[str], more: str, expected: dict[str, str], solver: str
) -> None:
    platform = real.locked(name, manifest(name, python, *asked, more=more), solver)
    found = versions(platform)
    assert {one: version for one, version in expected.items() if not found[one].startswith(version)} == {}
    assert not real.faults(name, solver)


def test_the_marker_of_the_kernel(real: RealProject) -> None:
    text = manifest("kernel", "3.11", 'tqdm; "ARM" in platform_version', 'rich; "ARM64" not in platform_version')
    found = versions(real.locked("kernel", text, "rattler"))
    assert "tqdm" in found
    assert "rich" not in found


def test_an_old_lock_is_no_reason_for_a_fall(real: RealProject) -> None:
    asked = ["streamlit", "pandas", "tensorflow-metal"]
    real.write("fall", manifest("fall", "3.12", *asked, more=UNTIL))
    before = real.run("lock", "fall", "--solver", "rattler", "--json")
    assert before.code == 0, before.out
    real.write("fall", manifest("fall", "3.10", *asked, more=UNTIL))
    after = real.run("lock", "fall", "--solver", "rattler", "--json")
    assert after.code == 0, after.out
    (first, second) = (versions(ran.json["environments"][0]["platforms"]["osx-arm64"]) for ran in (before, after))
    assert first["streamlit"].startswith("1.6")
    assert second["streamlit"].startswith("1.6")


def test_what_works_on_linux_alone_cannot_be_had(real: RealProject) -> None:
    ran = real.run("diagnose", "tensorflow-federated", "--python", "3.11", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
