"""What cannot be locked is refused: nothing changes, the lines are named, and there is a way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.index_server import IndexServer
from tests.fakes.loopback import Fault, LoopbackChannel, flat, hang, html, package, repodata, serving, truncated
from tests.fakes.tiny_project import Project, Ran, manifest
from tests.fakes.tiny_wheels import build_wheel
from tests.json_shapes import FAILURE, assert_shape
from tests.real_project import SOLVERS

NATIVE = repodata("osx-arm64", package("python", "3.12.4", build="h1_0"))
NOARCH = repodata("noarch", package("six", "1.17.0", depends=["python >=3.6"]))
FILES = {**flat("osx-arm64", NATIVE), **flat("noarch", NOARCH)}


@contextmanager
def refused(project: Project) -> Iterator[None]:
    """Check that nothing changes."""
    before = project.files()
    yield
    assert project.files() == before


def lock(project: Project, text: str, *words: str) -> Ran:
    """Lock a manifest, which must fail; check what every failure has."""
    project.write("demo", text)
    with refused(project):
        ran = project.run("lock", "demo", "--json", *words)
    assert ran.err == ""
    assert_shape(ran.json, FAILURE)
    with refused(project):
        plain = project.run("lock", "demo", *words)
    assert (plain.code, plain.out) == (ran.code, "")
    assert plain.err.startswith("error: ")
    assert "Traceback" not in plain.err
    error = ran.json["error"]
    assert not error["hint"] or f"hint: {error['hint']}" in plain.err
    for line in error["lines"]:
        shown = (project.environment("demo") / "envgen.yaml").read_text(encoding="utf-8").splitlines()
        assert shown[line["line"] - 1].strip() == line["text"].strip()
        assert f"environments/demo/envgen.yaml:{line['line']}: {line['text'].strip()}" in plain.err
    return ran


MANIFESTS = {
    "not YAML": (manifest("demo", "six", more="groups: [\n"), "not YAML", [7], "not closed"),
    "a tab": ("name: demo\nplatforms:\n\t- osx-arm64\n", "not YAML", [3], "not tabs"),
    "an unknown key": (manifest("demo", "six", more="frob: 1\n"), "frob: unknown key", [7], "the keys are"),
    "a letter for a digit": (manifest("demo", "six", python="3.1O"), "not a python minor version", [2], '"3.12"'),
    "an old macOS": (manifest("demo", "six", macos="10.15"), "starts at macOS 11.0, not 10.15", [3], '"13.0"'),
    "another name": (manifest("other", "six"), "`other` is not the name of its folder", [1], "rename the folder"),
    "cpu and metal": (
        manifest("demo", "six", "tensorflow-metal", more="accelerator: cpu\n"),
        "`cpu` contradicts the requirement tensorflow-metal",
        [8, 7],
        "accelerator: metal",
    ),
    "metal without a wheel": (
        manifest("demo", "tensorflow", python="3.13", more="accelerator: metal\n"),
        "tensorflow-metal has no wheel for python 3.13",
        [2, 7],
        'python: "3.12"',
    ),
    "metal beside a TensorFlow too new": (
        manifest("demo", "tensorflow>=2.20", more="accelerator: metal\n"),
        "tensorflow-metal does not load with the TensorFlow that `tensorflow>=2.20` admits",
        [6, 7],
        "accelerator: cpu",
    ),
    "metal beside a numpy too new": (
        manifest("demo", "tensorflow", "numpy>=2.2", more="accelerator: metal\n"),
        "`numpy>=2.2` cannot be met beside TensorFlow with Metal",
        [7, 6, 8],
        "write `numpy<2.2`",
    ),
    "a satellite for Intel alone": (
        manifest("demo", "tensorflow-text==2.15.*"),
        "tensorflow-text before 2.17 has only Intel wheels",
        [6],
        "tensorflow-text>=2.17",
    ),
    "a conda package that is nowhere": (manifest("demo", more="conda: [nowhere]\n"), "nowhere", [7], ""),
    "a conda version that is nowhere": (manifest("demo", more='conda: ["six >=9"]\n'), "six >=9", [7], "six"),
}


@pytest.mark.parametrize(("text", "message", "lines", "hint"), MANIFESTS.values(), ids=MANIFESTS)
def test_manifests(project: Project, text: str, message: str, lines: list[int], hint: str) -> None:
    ran = lock(project, text)
    assert ran.code == 1
    error = ran.json["error"]
    assert message in error["message"]
    assert [line["line"] for line in error["lines"]] == lines
    assert hint in error["hint"]


def test_a_conflict_names_both_lines_and_a_version_that_would_do(project: Project, index: IndexServer) -> None:
    ran = lock(project, manifest("demo", "six", "pandas>=2.2", "numpy<1.20"))
    error = ran.json["error"]
    assert ran.code == 1
    assert {line["line"] for line in error["lines"]} == {7, 8}
    assert error["hint"]


def test_a_name_that_is_nowhere(project: Project, index: IndexServer) -> None:
    ran = lock(project, manifest("demo", "six", "no-such-project"))
    error = ran.json["error"]
    assert (ran.code, error["code"]) == (1, "pypi-unsatisfiable")
    assert "`no-such-project` is not on the package index" in error["message"]
    assert [line["line"] for line in error["lines"]] == [7]
    assert "check the spelling" in error["hint"]


def test_a_near_miss_says_what_was_meant(project: Project, index: IndexServer) -> None:
    ran = lock(project, manifest("demo", "scikit-lern"))
    error = ran.json["error"]
    assert ran.code == 1
    assert error["hint"].startswith("did you mean `scikit-learn`?")
    assert [line["line"] for line in error["lines"]] == [6]


def test_wheels_that_contradict_each_other(project: Project, index: IndexServer) -> None:
    index.add(build_wheel("one", "1.0", requires=("shared-base<2",)))
    index.add(build_wheel("other", "1.0", requires=("shared-base>=2",)))
    index.add(build_wheel("shared-base", "1.0"))
    index.add(build_wheel("shared-base", "2.0"))
    ran = lock(project, manifest("demo", "one", "six", "other"))
    error = ran.json["error"]
    assert (ran.code, error["code"]) == (1, "pypi-unsatisfiable")
    assert [line["line"] for line in error["lines"]] == [6, 8]
    assert "shared-base" in error["message"]
    assert error["hint"]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", ["tall", "held"])
def test_a_record_for_a_newer_macos(project: Project, name: str, solver: str) -> None:
    """It depends on `__osx >=14.0`, or constrains it."""
    ran = lock(project, manifest("demo", more=f"conda: [{name}]\n"), "--solver", solver)
    assert (ran.code, ran.json["error"]["code"]) == (1, "unsatisfiable")
    assert "macos" in ran.json["error"]["hint"]
    project.write("demo", manifest("demo", more=f"conda: [{name}]\n", macos="14.0"))
    assert project.run("lock", "demo", "--solver", solver).code == 0


def test_a_source_alone(project: Project, index: IndexServer) -> None:
    index.add_sdist("only-source", "1.0")
    ran = lock(project, manifest("demo", "only-source"))
    assert ran.code == 1
    assert "only-source" in ran.json["error"]["message"]
    assert [line["line"] for line in ran.json["error"]["lines"]] == [6]
    assert ran.json["error"]["hint"]


def test_an_index_that_does_not_answer(project: Project) -> None:
    ran = lock(project, manifest("demo", "six", "no-such-project", "scikit-lern"))
    error = ran.json["error"]
    assert (ran.code, error["code"]) == (1, "pypi-unreachable")
    assert "the package index does not answer" in error["message"]
    assert [line["line"] for line in error["lines"]] == [7, 8]
    assert "did you mean `scikit-learn`? check the network" in error["hint"]


@pytest.mark.parametrize("how", ["hang", "login-page", "broken", "forbidden"])
def test_an_index_that_misbehaves(
    project: Project, index: IndexServer, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    index.misbehave("/", how)  # type: ignore[arg-type]  # a table of literals
    ran = lock(project, manifest("demo", "no-such-project"))
    error = ran.json["error"]
    assert (ran.code, error["code"]) == (1, "pypi-unreachable")
    assert [line["line"] for line in error["lines"]] == [6]
    assert error["hint"]


def test_an_index_that_lacks_a_file(project: Project, index: IndexServer) -> None:
    index.add(build_wheel("only-here", "1.0"), core_metadata=False)
    index.misbehave("/files/", "missing")
    ran = lock(project, manifest("demo", "only-here"))
    assert (ran.code, ran.json["error"]["code"]) == (1, "pypi-unreachable")
    assert "only_here-1.0-py3-none-any.whl" in ran.json["error"]["message"]
    assert [line["line"] for line in ran.json["error"]["lines"]] == [6]


def test_pypi_is_not_asked_offline(project: Project, index: IndexServer) -> None:
    index.add(build_wheel("only-here", "1.0"))
    ran = lock(project, manifest("demo", "only-here"), "--offline")
    assert ran.code == 1
    assert index.log == ()


BROKEN: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "truncated": ("is no repodata index", lambda data: data[: len(data) // 2]),
    "empty": ("is no repodata index", lambda data: b""),
    "an empty object": ("is no repodata index", lambda data: b"{}"),
    "HTML": ("is no repodata index", lambda data: b"<!DOCTYPE html><html><title>Log in</title></html>"),
    "binary": ("is no repodata index", lambda data: b"\0\1\2\3"),
}


@pytest.mark.parametrize(("message", "damage"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("subdir", ["noarch", "osx-arm64"])
def test_a_file_that_is_no_repodata(
    project: Project, subdir: str, message: str, damage: Callable[[bytes], bytes]
) -> None:
    path = project.channel / subdir / "repodata.json"
    path.write_bytes(damage(path.read_bytes()))
    ran = lock(project, manifest("demo", "six"))
    assert (ran.code, ran.json["error"]["code"]) == (1, "repodata")
    assert f"{subdir}/repodata.json {message}" in ran.json["error"]["message"]
    assert ran.json["error"]["hint"] == "make the copy again"


FAULTS: dict[str, tuple[Fault, str]] = {
    "silence": (hang, "channel-unreachable"),
    "a page to log in": (html, "repodata"),
    "half a file": (truncated(FILES["noarch/repodata.json"]), "repodata"),
}


@pytest.mark.parametrize(("fault", "code"), FAULTS.values(), ids=FAULTS)
def test_a_channel_over_http_that_fails(
    project: Project, fault: Fault, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVGEN_TIMEOUT", "1")
    with serving(LoopbackChannel(files=FILES, faults={"noarch/repodata.json": fault, ".zst": fault})) as channel:
        monkeypatch.setenv("ENVGEN_MIRRORS", f"conda-forge={channel.url}")
        ran = lock(project, manifest("demo", "six"))
    assert ran.code == 1
    assert ran.json["error"]["code"] in (code, "channel-unreachable")
    assert "conda-forge" in ran.json["error"]["message"]
    assert ran.json["error"]["hint"]


def test_offline_with_a_cold_cache(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(LoopbackChannel(files=FILES)) as channel:
        monkeypatch.setenv("ENVGEN_MIRRORS", f"conda-forge={channel.url}")
        ran = lock(project, manifest("demo", "six"), "--offline")
        assert channel.seen == []
    assert (ran.code, ran.json["error"]["code"]) == (1, "repodata")
    assert "cannot be read with --offline" in ran.json["error"]["message"]
    assert "without --offline" in ran.json["error"]["hint"]


def test_offline_with_a_warm_cache(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("demo", manifest("demo", "six"))
    with serving(LoopbackChannel(files=FILES)) as channel:
        monkeypatch.setenv("ENVGEN_MIRRORS", f"conda-forge={channel.url}")
        assert project.run("lock", "demo").code == 0
        asked = len(channel.seen)
        locked = project.files()
        (project.environment("demo") / "conda-lock.yml").unlink()
        assert project.run("lock", "demo", "--offline").code == 0
        assert len(channel.seen) == asked
    assert project.files() == locked


@pytest.mark.parametrize("seconds", ["0", "soon", "-1"])
def test_a_timeout_that_is_none(project: Project, seconds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVGEN_TIMEOUT", seconds)
    with refused(project):
        ran = project.run("lock", "--json")
    assert ran.code == 2
    assert ran.json["error"]["message"] == f"ENVGEN_TIMEOUT is not a number of seconds: `{seconds}`"


def test_a_manifest_that_is_no_text(project: Project) -> None:
    folder = project.write("demo", "")
    (folder / "envgen.yaml").write_bytes(b"\xff\xfe\0")
    with refused(project):
        ran = project.run("lock", "demo")
    assert ran.code == 1
    assert "is not UTF-8 text" in ran.err


def test_a_folder_that_is_not_writable(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand for a full disk, too: whatever the disk says is told."""
    project.write("demo", manifest("demo", "six"))
    (project.environment("demo") / "conda-lock.yml").mkdir()
    with refused(project):
        ran = project.run("lock", "demo")
    assert ran.code == 1
    assert ran.err.startswith("error: ")
    assert "conda-lock.yml" in ran.err
