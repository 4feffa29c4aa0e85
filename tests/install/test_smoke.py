"""What a requirement imports is read off what was installed for it; crashes are told of the module that crashed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from envgen.install import smoke_test
from envgen.install.prefix import read_contents
from envgen.install.smoke_test import SmokeResult, import_names, try_gpu, try_imports
from tests.install.test_distributions import SITE, lay

ENVIRON = {"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}


def info(name: str, *files: str, top: str = "") -> dict[str, str]:
    folder = f"{SITE}/{name}-1.dist-info"
    found = {
        f"{folder}/METADATA": f"Name: {name}\nVersion: 1\n",
        f"{folder}/RECORD": "".join(f"{f},,\n" for f in files),
    }
    return {**found, **({f"{folder}/top_level.txt": top} if top else {})}


def meta(name: str, *files: str) -> dict[str, str]:
    listed = ", ".join(f'"{file}"' for file in files)
    file = f'"build_number": 0, "fn": "{name}-1-0.conda", "url": "https://x.example/{name}-1-0.conda"'
    text = f'{{"name": "{name}", "version": "1", "build": "0", {file}, "files": [{listed}]}}'
    return {f"conda-meta/{name}-1-0.json": text}


CASES = {
    "a package": (info("demo", "demo/__init__.py", "demo/sub/__init__.py"), "demo", "", ("demo",)),
    "a module": (info("six", "six.py", "six-1.dist-info/METADATA"), "six", "", ("six",)),
    "an extension": (info("x", "x.cpython-312-darwin.so", "y.abi3.so", "z.so"), "x", "", ("x", "y", "z")),
    "several": (info("opencv", "cv2/__init__.py", "cv2_utils.py"), "opencv", "", ("cv2", "cv2_utils")),
    "private and test modules": (info("d", "_d/__init__.py", "tests/__init__.py", "d/__init__.py"), "d", "", ("d",)),
    "its own list": (info("pil", "x/__init__.py", top="PIL\n_private\ntests\n"), "pil", "", ("PIL",)),
    "a namespace": (info("google-x", "google/x/__init__.py"), "google-x", "", ()),
    "scripts alone": (info("tool", "../../../bin/tool"), "tool", "", ()),
    "a name that is no identifier": (info("odd", "some-thing/__init__.py"), "odd", "", ()),
    "conda's name for it": (
        {
            **meta("pytorch", f"{SITE}/torch/__init__.py", f"{SITE}/torch-1.dist-info/METADATA"),
            **info("torch", "torch/__init__.py"),
        },
        "torchy",
        "pytorch",
        ("torch",),
    ),
    "conda's files without metadata": (meta("faiss", f"{SITE}/faiss/__init__.py"), "faiss-cpu", "faiss", ("faiss",)),
    "an egg": (
        {f"{SITE}/old-1.egg-info": "Name: old\n", **meta("old", f"{SITE}/old.py", f"{SITE}/old-1.egg-info")},
        "old",
        "old",
        ("old",),
    ),
    "what is not there": ({}, "absent", "absent", ()),
}


@pytest.mark.parametrize(("files", "name", "record", "modules"), CASES.values(), ids=list(CASES))
def test_import_names(tmp_path: Path, files: dict[str, str], name: str, record: str, modules: tuple[str, ...]) -> None:
    assert import_names(read_contents(lay(tmp_path, files)), name, record) == modules


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Make a prefix whose Python finds the modules beside it."""
    (tmp_path / "bin").mkdir()
    script = f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} -S "$@"\n'
    (tmp_path / "bin/python").write_text(script)
    (tmp_path / "bin/python").chmod(0o755)
    return tmp_path


def test_imports(prefix: Path) -> None:
    (prefix / "good.py").write_text("print('begin noise'); print('noise', end='')")
    (prefix / "bad.py").write_text("raise ValueError('first\\nlast')")
    (prefix / "silent.py").write_text("raise SystemExit")
    outcomes = try_imports(prefix, ["good", "bad", "silent", "json"], ENVIRON)
    assert outcomes == (
        SmokeResult(subject="good"),
        SmokeResult(subject="bad", message="ValueError: last"),
        SmokeResult(subject="silent", message="SystemExit: "),
        SmokeResult(subject="json"),
    )


def test_a_crash_is_told_of_its_module_and_the_rest_is_tried(prefix: Path) -> None:
    (prefix / "crash.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    (prefix / "leave.py").write_text("import os, sys; sys.stderr.write('out of here\\n'); os._exit(3)")
    outcomes = try_imports(prefix, ["json", "crash", "leave", "csv"], ENVIRON)
    assert outcomes == (
        SmokeResult(subject="json"),
        SmokeResult(subject="crash", message="the process was killed by signal 11: it said nothing"),
        SmokeResult(subject="leave", message="out of here"),
        SmokeResult(subject="csv"),
    )


def test_a_module_that_hangs(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke_test, "_TIMEOUT", 1.0)
    (prefix / "hangs.py").write_text("import time; time.sleep(60)")
    outcomes = try_imports(prefix, ["json", "hangs"], ENVIRON)
    assert outcomes[0] == SmokeResult(subject="json")
    assert outcomes[1].subject == "hangs"
    assert outcomes[1].message == "it did not end within 1 seconds"


def test_a_python_that_cannot_run(tmp_path: Path) -> None:
    (outcome,) = try_imports(tmp_path, ["json"], ENVIRON)
    assert outcome.subject == "python"
    assert "cannot be run" in outcome.message


def test_a_python_that_stops_at_once(prefix: Path) -> None:
    (prefix / "bin/python").write_text("#!/bin/sh\necho 'dyld: no library' >&2\nexit 6\n")
    assert try_imports(prefix, ["json"], ENVIRON) == (SmokeResult(subject="python", message="dyld: no library"),)


GPUS = {
    "one": ("def list_physical_devices(kind): return [kind]", ""),
    "none": ("def list_physical_devices(kind): return []", "TensorFlow lists no GPU"),
    "broken": (
        "raise ImportError('Symbol not found')",
        "TensorFlow cannot list the GPU: ImportError: Symbol not found",
    ),
}


@pytest.mark.parametrize(("body", "message"), GPUS.values(), ids=list(GPUS))
def test_the_gpu(prefix: Path, body: str, message: str) -> None:
    (prefix / "tensorflow").mkdir()
    (prefix / "tensorflow/__init__.py").write_text("from tensorflow import config\n")
    (prefix / "tensorflow/config.py").write_text(body)
    assert try_gpu(prefix, ENVIRON) == SmokeResult(subject="tensorflow", message=message)


def test_the_folder_is_not_on_the_path_of_the_tests(prefix: Path) -> None:
    assert os.fspath(prefix) not in sys.path
