"""Test diagnose on what people cannot install on their Macs, over the real channel and index, and that its fixes lock.

The classes are as of 2026-11-23 and may age.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fixing import base, dumped, fixed
from tests.real_project import RealProject, needs_channel, real_project

pytestmark = [pytest.mark.network, pytest.mark.shared, pytest.mark.slow, needs_channel]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A question with the class of one name, reached through a chain, and whether the whole can be had.

    `fix` is what the manifest of that name's fix must hold.
    """

    asked: tuple[str, ...]
    pypi: str
    ok: bool
    chain: tuple[str, ...]
    python: str = "3.12"
    macos: str = "13.0"
    fix: str = ""


def case(text: str, pypi: str, *, ok: bool, chain: str = "", fix: str = "", **target: str) -> Case:
    """Read a case; `chain` is the last name of `text` where it is not given; `target` is of python and macOS."""
    asked = tuple(text.split())
    names = tuple(chain.split(">")) if chain else (re.split(r"[\[=<>]", asked[-1])[0],)
    return Case(asked=asked, pypi=pypi, ok=ok, chain=names, fix=fix, **target)


CASES = {
    "dlib": case("dlib", "SDIST_ONLY", ok=False),
    "pyaudio": case("pyaudio", "SDIST_ONLY", ok=False),
    "tensorflow-text 2.15": case("tensorflow-text==2.15.0", "MAC_X86_64_ONLY", ok=False),
    "tensorflow-text 2.17": case("tensorflow-text==2.17.0", "NO_WHEEL_FOR_PYTHON", ok=False),
    "tensorflow-text 2.17 on 3.11": case("tensorflow-text==2.17.0", "OK", ok=True, python="3.11"),
    "tensorflow-text": case("tensorflow-text", "OK", ok=True),
    "tensorflow-addons on 3.11": case("tensorflow-addons", "OK", ok=True, python="3.11"),
    "tensorflow-addons on 3.12": case("tensorflow-addons", "NO_WHEEL_FOR_PYTHON", ok=False),
    "tensorflow-datasets": case(
        "tensorflow-datasets", "SDIST_ONLY", ok=False, chain="tensorflow-datasets>promise", python="3.11"
    ),
    "mediapipe": case("mediapipe", "OK", ok=True),
    "tflite-runtime": case("tflite-runtime", "NO_MACOS_WHEEL", ok=False),
    "onnxruntime-silicon": case("onnxruntime-silicon", "NO_WHEEL_FOR_PYTHON", ok=False),
    "the newest onnxruntime-silicon on 13": case(
        "onnxruntime-silicon==1.16.3", "NEEDS_NEWER_MACOS", ok=False, python="3.11"
    ),
    "tensorflow-cpu": case("tensorflow-cpu", "NO_MACOS_WHEEL", ok=True),
    "tensorflow-gpu": case("tensorflow-gpu", "SDIST_ONLY", ok=False),
    "jax-metal": case("jax-metal", "OK", ok=True),
    "torch on 13": case("torch", "OK", ok=True),
    "torch on 14": case("torch", "OK", ok=True, macos="14.0"),
    "the newest torch on 13": case("torch==2.15.0", "NEEDS_NEWER_MACOS", ok=False),
    "mlx on 12": case("mlx", "NEEDS_NEWER_MACOS", ok=False, macos="12.0"),
    "mlx on 13": case("mlx", "OK", ok=True),
    "mlx on 14": case("mlx", "OK", ok=True, macos="14.0"),
    "xgboost": case("xgboost", "OK", ok=True),
    "the empty tensorflow-macos": case("tensorflow-macos==2.15.1", "EMPTY_STUB", ok=False, python="3.11"),
    "and on 3.12": case("tensorflow-macos==2.15.1", "NO_WHEEL_FOR_PYTHON", ok=False),
    "TensorFlow 2.21 with Metal": case("tensorflow-metal tensorflow==2.21.*", "OK", ok=False),
    "Metal on 3.13": case("tensorflow tensorflow-metal", "NO_WHEEL_FOR_PYTHON", ok=False, python="3.13"),
    "numpy 2 with TensorFlow 2.16": case("numpy>=2 tensorflow==2.16.*", "OK", ok=False),
    "a name that does not exist": case("no-such-name-anywhere-1", "NOT_ON_INDEX", ok=False),
    "a name that is none of PyPI's": case("tensorflow-deps", "NOT_ON_INDEX", ok=False),
    "a version that does not exist": case("pandas==99.0", "NO_VERSION_MATCHES", ok=False),
    "a yanked release": case("tf-keras==2.20.0", "YANKED", ok=True),
    "TensorFlow 2.9, by its old name": case(
        "tensorflow==2.9", "MAC_X86_64_ONLY", ok=False, python="3.10", fix="tensorflow-macos==2.9"
    ),
    "TensorFlow 2.12 on 3.12": case(
        "tensorflow==2.12", "MAC_X86_64_ONLY", ok=False, fix='python: "3.11"\ndependencies:\n  - tensorflow-macos==2.12'
    ),
    "tensorflow-macos where no other name has wheels": case("tensorflow-macos==2.9", "OK", ok=True, python="3.10"),
    "TensorFlow 1": case("tensorflow==1.15", "MAC_X86_64_ONLY", ok=False, fix="tensorflow>=2.16.1"),
    "an old tensorflow-gpu": case("tensorflow-gpu==2.8", "NO_MACOS_WHEEL", ok=False, fix="tensorflow-macos==2.8"),
    "tensorflow-rocm": case("tensorflow-rocm", "NO_MACOS_WHEEL", ok=False, fix="- tensorflow\n"),
    "a placeholder": case("tensorflow-intel", "EMPTY_STUB", ok=False, fix="- tensorflow\n"),
    "the nightly of old": case("tf-nightly-macos", "NO_WHEEL_FOR_PYTHON", ok=False, fix="- tf-nightly\n"),
    "TensorFlow on 3.14": case("tensorflow", "NO_WHEEL_FOR_PYTHON", ok=False, python="3.14", fix='python: "3.13"'),
    "Keras 2 with TensorFlow 2.16": case(
        "tensorflow==2.16.* keras<3", "OK", ok=False, fix="# in place of `keras<3`\ndependencies:\n  - tf-keras"
    ),
    "an old numpy": case("numpy==1.19.5", "MAC_X86_64_ONLY", ok=False, python="3.9", fix="numpy>=1.21.0"),
    "an old h5py": case("h5py==2.10.0", "MAC_X86_64_ONLY", ok=False, python="3.8", fix="h5py>="),
    "an h5py for newer Macs": case("h5py==3.15.0", "NEEDS_NEWER_MACOS", ok=False, fix='macos: "14.0"'),
    "an old torch": case("torch==1.7.1", "MAC_X86_64_ONLY", ok=False, python="3.8", fix="torch>="),
    "CUDA from source": case("cupy", "SDIST_ONLY", ok=False, fix="sys_platform != ''darwin''"),
    "CUDA without macOS": case("triton", "NO_MACOS_WHEEL", ok=False, fix="sys_platform != ''darwin''"),
    "an extra for CUDA": case("jax[cuda12_pip]==0.4.20", "OK", ok=True),
    "Windows' own": case("pywin32", "NO_MACOS_WHEEL", ok=False, fix="sys_platform != ''darwin''"),
    "a wheel for any machine that is Linux'": case("mxnet", "NO_MACOS_WHEEL", ok=False),
    "a renamed project": case("fbprophet", "SDIST_ONLY", ok=False, fix="- prophet\n"),
    "an ended project": case("cx_Oracle", "SDIST_ONLY", ok=False, chain="cx-oracle", fix="- oracledb\n"),
    "an ended root": case("pymc3", "SDIST_ONLY", ok=False, chain="pymc3>theano-pymc", fix="- pymc\n"),
    "a chain to a source": case("face-recognition", "SDIST_ONLY", ok=False, chain="face-recognition>dlib", fix="cmake"),
    "a source with what it needs": case("torch-scatter", "SDIST_ONLY", ok=False, fix="- compilers\n  - pytorch"),
    "a newer python is asked for": case("pandas==2.3.1", "NO_WHEEL_FOR_PYTHON", ok=False, python="3.8", fix='"3.9"'),
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProject]:
    """Return a project over the real channel and index, shared so that nothing is asked twice."""
    with real_project(tmp_path_factory.mktemp("shows"), pypi=True) as project:
        yield project


ANSWERS: dict[Case, Any] = {}


def diagnosed(real: RealProject, asked: Case) -> Any:
    if asked not in ANSWERS:
        words = ("diagnose", *asked.asked, "--python", asked.python, "--macos", asked.macos, "--json")
        ran = real.run(*words)
        assert ran.code == (0 if asked.ok else 1), ran.out
        ANSWERS[asked] = ran.json
    return ANSWERS[asked]


@pytest.mark.parametrize("asked", CASES.values(), ids=CASES)
def test_the_class_and_the_chain(real: RealProject, asked: Case) -> None:
    found = {tuple(verdict["chain"]): verdict for verdict in diagnosed(real, asked)["verdicts"]}
    assert found[asked.chain]["pypi"]["class"] == asked.pypi, found[asked.chain]
    roots = [verdict["ok"] for chain, verdict in found.items() if len(chain) == 1]
    assert all(roots) == asked.ok
    if asked.fix:
        assert asked.fix in found[asked.chain]["fix"]["manifest"]


@pytest.mark.parametrize("asked", CASES.values(), ids=CASES)
def test_it_locks_with_the_fix_and_only_then(real: RealProject, asked: Case) -> None:
    name = "".join(character if character.isalnum() else "-" for character in "-".join(asked.asked))
    name = f"{name}-{asked.python}-{asked.macos}".replace(".", "-")
    plain = base(name, asked.asked, python=asked.python, macos=asked.macos)
    made = fixed(plain, diagnosed(real, asked)["verdicts"])
    assert ({key: value for key, value in made.items() if value} == plain) == asked.ok
    real.write(name, dumped(made))
    ran = real.run("lock", name)
    assert ran.code == 0, ran.err


def test_a_library_that_pypis_xgboost_does_not_bring(real: RealProject) -> None:
    plain = base("boosted", [])
    real.write("boosted", dumped({**plain, "pypi": ["xgboost"]}))
    (verdict,) = [
        each for each in real.run("diagnose", "boosted", "--json").json["verdicts"] if len(each["chain"]) == 1
    ]
    assert {each["code"] for each in verdict["problems"]} == {"HIDDEN-LIBRARY", "PYPI-ONLY"}
    made = fixed({**plain, "pypi": []}, [{**verdict, "ok": False}])
    real.write("boosted", dumped(made))
    assert real.run("lock", "boosted").code == 0
