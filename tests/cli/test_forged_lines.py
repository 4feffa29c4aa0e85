"""No text of others can pass for a line of envgen's own, whatever ends of lines it has in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from envgen.cli.console import Console, show_error
from envgen.errors import EnvgenError, SourceLine
from envgen.lock.custom_metadata import with_digest
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_project import Project, Ran, manifest
from tests.fakes.tiny_wheels import build_wheel

FORGED = "e: whole and proved"
EVIL = f"harmless\n{FORGED}"
Way = Callable[[Project, IndexServer], Ran]


def in_lock(key: str, *words: str, start: str = "") -> Way:
    """Write a value of a lock anew, with a digest that is right, as a pull request may."""

    def way(project: Project, index: IndexServer) -> Ran:
        index.add(build_wheel("onlypypi", "1.0"))
        folder = project.write("e", manifest("e", "numpy", "onlypypi"))
        assert project.run("lock", "e").code == 0
        file = folder / "conda-lock.yml"
        value = json.dumps(start + EVIL)
        text, found = re.subn(
            rf"(?m)^( +osx-arm64\.{re.escape(key)}: ).*$", lambda match: match[1] + value, file.read_text()
        )
        assert found
        file.write_text(with_digest(re.sub(r"file_digest: sha256:\w+", "file_digest: sha256:-", text)))
        return project.run(*words)

    return way


def in_manifest(text: str, *words: str) -> Way:
    def way(project: Project, index: IndexServer) -> Ran:
        project.write("e", text)
        return project.run(*words)

    return way


def in_file(name: str, text: str) -> Way:
    def way(project: Project, index: IndexServer) -> Ran:
        (project.folder / name).write_text(text)
        return project.run("import", name, "-v")

    return way


def yanked(project: Project, index: IndexServer) -> Ran:
    index.add(build_wheel("onlypypi", "1.0"), yanked=EVIL)
    return project.run("diagnose", "onlypypi")


def folder(project: Project, index: IndexServer) -> Ran:
    project.write(f"a\n{FORGED}", manifest("e", "numpy"))
    return project.run("check")


WAYS: dict[str, Way] = {
    "a reason of a lock": in_lock("decision.numpy", "why", "e", "numpy", start="conda numpy - "),
    "a reason of a wheel": in_lock("decision.onlypypi", "why", "e", "onlypypi", start="pypi onlypypi - "),
    "the name of a manifest": in_manifest(manifest("e").replace("name: e", f"name: {json.dumps(EVIL)}"), "check"),
    "a requirement": in_manifest(manifest("e", EVIL), "lock", "e"),
    "a spec": in_manifest(manifest("e", more=f"conda: [{json.dumps(EVIL)}]\n"), "lock", "e"),
    "a channel": in_manifest(manifest("e").replace("[conda-forge]", f"[{json.dumps(EVIL)}]"), "lock", "e"),
    "a group": in_manifest(manifest("e", more=f"groups: {{{json.dumps(EVIL)}: [numpy]}}\n"), "lock", "e"),
    "a requirement of another tool's file": in_file(
        "environment.yml", f"name: x\ndependencies: [{json.dumps(EVIL)}, {{pip: [{json.dumps(EVIL)}]}}]\n"
    ),
    "a requirement of a project": in_file(
        "pyproject.toml", f'[project]\nname = "x"\nversion = "1"\ndependencies = [{json.dumps(EVIL)}]\n'
    ),
    "why a release was yanked": yanked,
    "the name of a folder": folder,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_no_line_is_forged(project: Project, index: IndexServer, monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    ran = way(project, index)
    assert "Traceback" not in ran.err
    forged = [line for line in [*ran.out.splitlines(), *ran.err.splitlines()] if line.startswith(FORGED)]
    assert not forged, ran
    assert FORGED in ran.out + ran.err


def test_whatever_the_console_prints(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.data({}, ["a", f"  b: {EVIL}", EVIL])
    console.report({}, [EVIL])
    console.info(EVIL)
    console.note(EVIL)
    console.warn(EVIL)
    line = SourceLine(file=EVIL, line=1, text=EVIL)
    show_error(EnvgenError(EVIL, hint=EVIL, lines=[line]), as_json=False)
    out, err = capsys.readouterr()
    assert out == f"a\n  b: harmless\n    {FORGED}\nharmless\n  {FORGED}\nharmless\n  {FORGED}\n"
    assert err.count(FORGED) == 7
    assert not re.search(f"^{FORGED}", err, re.MULTILINE)


def test_lines_of_our_own_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show_error(EnvgenError("it failed\n  - a\n    - b"), as_json=False)
    Console().data({}, "a document\nof two lines\n")
    assert capsys.readouterr() == ("a document\nof two lines\n", "error: it failed\n  - a\n    - b\n")
