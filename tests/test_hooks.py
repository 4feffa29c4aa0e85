"""Run what the pre-commit hook and the GitHub action run, as they run it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.fakes.projects import CHANNEL, Made, Project, Repository, made_once, oldest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    not (ROOT / "action.yml").is_file(), reason="the hook and the action are no part of what is distributed"
)


def load(name: str) -> Any:
    return YAML(typ="safe").load((ROOT / name).read_text(encoding="utf-8"))


def lock_two(living: Project) -> None:
    living.serve(oldest(CHANNEL))
    living.manifest("pandas")
    living.manifest("six", name="other")
    living.json("lock")
    Repository(living.root / "project").commit("lock")
    living.serve(CHANNEL)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with made_once(tmp_path_factory.mktemp("locked"), lock_two) as made:
        yield made


@pytest.fixture
def demo(living: Project, locked: Made, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return two environments, committed and locked when only the oldest packages were there."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    living.start_from(locked)
    return living


def stale(project: Project) -> None:
    project.manifest("pandas>=2.1")


class TestHook:
    def run(self) -> subprocess.CompletedProcess[str]:
        (hook,) = load(".pre-commit-hooks.yaml")
        return subprocess.run(shlex.split(hook["entry"]), capture_output=True, text=True, check=False)

    @pytest.mark.parametrize(
        ("path", "runs"),
        [
            ("environments/demo/envgen.yaml", True),
            ("sub/environments/demo/conda-lock.yml", True),
            ("pyproject.toml", True),
            ("libs/ours/pyproject.toml", True),
            ("environments.md", False),
            ("pyproject.toml.orig", False),
        ],
    )
    def test_runs_for_what_a_lock_depends_on(self, path: str, runs: bool) -> None:
        (hook,) = load(".pre-commit-hooks.yaml")
        assert bool(re.search(hook["files"], path)) is runs

    def test_passes_and_fails(self, demo: Project) -> None:
        done = self.run()
        assert (done.returncode, done.stdout.count("consistent, from the lock's own data")) == (0, 2)
        stale(demo)
        done = self.run()
        assert done.returncode == 1
        assert "REQUIREMENT: `pandas>=2.1` is not what was locked" in done.stdout

    def test_is_run_for_the_files_that_matter(self) -> None:
        (hook,) = load(".pre-commit-hooks.yaml")
        pattern = re.compile(hook["files"])
        assert pattern.search("environments/demo/envgen.yaml")
        assert pattern.search("sub/environments/demo/conda-lock.yml")
        assert not pattern.search("README.md")
        assert hook["pass_filenames"] is False


class TestAction:
    """The last step is run as it stands, its inputs filled in."""

    def run(self, project: Project, **inputs: str) -> subprocess.CompletedProcess[str]:
        action = load("action.yml")
        values = {name: each["default"] for name, each in action["inputs"].items()} | inputs
        step = action["runs"]["steps"][-1]
        environment = {
            name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: values[match[1]], text)
            for name, text in step["env"].items()
        }
        for name in ("summary", "output"):
            (project.root / name).write_text("")
        return subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                **environment,
                "RUNNER_TEMP": str(project.root),
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_STEP_SUMMARY": str(project.root / "summary"),
                "GITHUB_OUTPUT": str(project.root / "output"),
            },
        )

    def output(self, project: Project) -> dict[str, str]:
        lines = (project.root / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def test_checks(self, demo: Project) -> None:
        done = self.run(demo)
        assert done.returncode == 0, done.stderr
        assert (demo.root / "summary").read_text().startswith("demo: consistent, from the lock")
        stale(demo)
        assert self.run(demo).returncode == 1
        assert "demo: the lock is not true" in (demo.root / "summary").read_text()
        assert self.run(demo, environments="other").returncode == 0

    def test_has_the_runner_take_no_words_of_others_for_commands(self, demo: Project) -> None:
        (demo.root / "project/environments/demo/envgen.yaml").write_text("name: demo\n##[set-output name=diff;]/x: 1\n")
        done = self.run(demo)
        first, *said, last = done.stdout.splitlines()
        assert (done.returncode, done.stderr) == (1, "")
        word = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", first)
        assert word is not None
        assert last == f"::{word[1]}::"
        assert "error: not true: demo" in said
        assert self.run(demo).stdout.splitlines()[0] != first

    def test_checks_in_depth(self, demo: Project) -> None:
        demo.serve(CHANNEL.replace("six 1.16.0", "six 1.15.0"))
        assert self.run(demo, environments="other").returncode == 0
        done = self.run(demo, environments="other", deep="true")
        assert (done.returncode, "RECORD-GONE" in done.stdout) == (1, True)

    def test_upgrades_and_says_what_moved(self, demo: Project) -> None:
        done = self.run(demo, command="upgrade", environments="demo other")
        assert done.returncode == 0, done.stderr
        output = self.output(demo)
        assert output["changed"] == "true"
        text = Path(output["diff"]).read_text()
        assert text == (demo.root / "summary").read_text()
        assert text.startswith("### demo\n\n#### osx-arm64\n\n")
        assert "| pandas | upgraded | 2.0.3 | 2.2.3 | conda | 0 B |" in text
        assert "### other\n" in text
        Repository(demo.root / "project").commit("upgrade")
        assert self.run(demo, command="upgrade").returncode == 0
        assert self.output(demo)["changed"] == "false"

    def test_says_what_a_branch_changes(self, demo: Project) -> None:
        demo.json("add", "other", "flask")
        Repository(demo.root / "project").commit("add flask")
        done = self.run(demo, command="diff", base="HEAD~1", environments="other")
        assert done.returncode == 0, done.stderr
        assert self.output(demo)["changed"] == "true"
        assert "| flask | added | - | 3.0.0 | conda | +5.0 kB |" in (demo.root / "summary").read_text()

    @pytest.mark.parametrize("inputs", [{"command": "destroy"}, {"environments": "nothing"}, {"environments": "$(id)"}])
    def test_refuses(self, demo: Project, inputs: dict[str, str]) -> None:
        done = self.run(demo, **inputs)
        assert done.returncode == 2
        assert "uid=" not in done.stderr + done.stdout

    def test_uses_no_input_that_is_not_declared(self) -> None:
        action = load("action.yml")
        text = (ROOT / "action.yml").read_text(encoding="utf-8")
        assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(action["inputs"])
        assert all("inputs." not in step.get("run", "") for step in action["runs"]["steps"])
        assert all("shell" in step for step in action["runs"]["steps"] if "run" in step)
