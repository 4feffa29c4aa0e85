"""The repository keeps its own rules: limits, names, documents, and the environments that it commits."""

from __future__ import annotations

import ast
import csv
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import envgen
from envgen.cli.main import COMMANDS
from envgen.manifest.templates import template_names
from tests.fakes.tiny_project import run
from tests.independent import Sources, faults
from tests.real_project import CHANNEL, NAMES, needs_channel

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MODULES = sorted((ROOT / "envgen").rglob("*.py"))
ENVIRONMENTS = sorted(folder.name for folder in (ROOT / "environments").iterdir() if folder.is_dir())
# in parts, so that this file names none
REGISTRIES = (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("debian", "org"))
MACHINE = tuple("/" + path for path in ("work/", "root/", "tmp/w/", "home/user/"))

in_a_clone = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone")


def tracked() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every file that git knows, but for binary ones."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes())[:8000]:
            yield name, content.decode("utf-8", "replace")


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@in_a_clone
def test_no_file_names_a_registry_or_a_path_of_a_machine() -> None:
    hosts = re.compile("|".join(rf"\b{re.escape('.'.join(parts))}\b" for parts in REGISTRIES))
    paths = re.compile("|".join(rf"(?<![\w.]){re.escape(path)}" for path in MACHINE))
    found = [
        f"{name}: {match[0]}"
        for name, text in tracked()
        for pattern in (hosts, paths)
        if (match := pattern.search(text))
    ]
    assert found == []


@in_a_clone
def test_text_files_end_as_they_should() -> None:
    def faulty(name: str, text: str) -> bool:
        trailing = not name.endswith(".md") and not name.startswith("tests/") and re.search(r"[ \t]\n", text)
        return "\r" in text or bool(text and not text.endswith("\n")) or bool(trailing)

    generated = re.compile(r"^environments/|\.csv$|\.zst$")
    assert [name for name, text in tracked() if not generated.search(name) and faulty(name, text)] == []


def test_the_limits_that_no_linter_knows() -> None:
    """A module is one concept under one noun: never split one to meet a number."""
    names = [path.stem for path in MODULES]
    folders = Counter(path.parent for path in MODULES if path.name != "__init__.py")
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    classes = Counter(node.name for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef))
    assert [shown(path) for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > 500] == []
    assert [shown(folder) for folder, files in folders.items() if files > 20] == []
    assert [name for name, times in classes.items() if times > 1] == []
    assert [name for name in names if name.endswith("ing") or name in {"utils", "helpers", "common", "base"}] == []
    assert [shown(path) for path, tree in trees.items() if not (ast.get_docstring(tree) or "").strip()] == []


def test_the_table_of_homes_leads_to_what_it_names() -> None:
    """A question of somebody new, the file that answers it, and a name that the file defines or has a row of."""
    with (ROOT / "tests" / "where_is_what.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 40
    for row in rows:
        text = (ROOT / row["file"]).read_text(encoding="utf-8")
        if row["file"].endswith(".py"):
            assert row["defines"] in {getattr(node, "name", "") for node in ast.walk(ast.parse(text))}, row
        else:
            assert row["defines"] in text, row


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+([ab]|rc)?\d*", envgen.__version__)
    recipe = YAML(typ="safe").load((ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == envgen.__version__
    assert envgen.__all__ == ["__version__"]


def test_the_changelog_has_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## \[?([^\]\n]+?)\]?(?: - \d{4}-\d\d-\d\d)?$", text, re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert re.search(r"^## \[?Unreleased\]?\n\n### \w+\n\n- ", text, re.MULTILINE)


def test_contributing_fits_a_screen() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 50


def block(mark: str) -> str:
    """Return README's fenced block that carries a mark."""
    found = re.search(rf"^<!-- {mark} -->\n```\w*\n(.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S)
    assert found, f"README has no block {mark}"
    return found[1]


@pytest.mark.parametrize("mark", ["first-command", "test-command"])
def test_the_readme_has_two_commands_of_one_line(mark: str) -> None:
    assert len(block(mark).splitlines()) == 1


def test_the_readme_names_commands_that_exist() -> None:
    text = README.read_text(encoding="utf-8")
    code = re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
    words = {
        word for part in code for word in re.findall(r"(?:^|bin/|\$ |\()envgen ([a-z][a-z-]+)", part, re.MULTILINE)
    }
    assert len(words) > 3
    assert sorted(words - set(COMMANDS)) == []


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_has_help_and_the_options_of_all(command: str) -> None:
    ran = run(command, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: envgen {command} ")
    assert "--json" in ran.out
    assert "--quiet" in ran.out or command == "run"  # what it prints is the command's own


def test_the_help_in_the_readme_is_the_real_one(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """`--update-golden` writes it."""
    monkeypatch.setenv("COLUMNS", "100")
    told = run("--help").out.rstrip("\n") + "\n"
    if request.config.getoption("--update-golden"):
        text = README.read_text(encoding="utf-8").replace(
            f"<!-- help -->\n```text\n{block('help')}```", f"<!-- help -->\n```text\n{told}```"
        )
        README.write_text(text, encoding="utf-8")
    if not block("help"):
        pytest.skip("README's block is empty; fill it with --update-golden")
    assert block("help") == told


def test_the_help_lists_every_command() -> None:
    told = run("--help").out
    assert all(re.search(rf"^  {command} ", told, re.MULTILINE) for command in COMMANDS)


def test_ci_names_environments_and_scripts_that_exist() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    named = re.findall(r"environment: \[([^\]]+)\]", text)
    assert {name.strip() for names in named for name in names.split(",")} <= set(ENVIRONMENTS)
    assert set(re.findall(r"- environment: (\S+)", text)) <= set(ENVIRONMENTS)
    assert [path for path in re.findall(r"\.ci/[\w.]+", text) if not (ROOT / path).exists()] == []


def test_committed_environments_have_names_of_their_own() -> None:
    assert len(ENVIRONMENTS) >= 2
    assert not set(ENVIRONMENTS) & set(template_names())


def test_committed_locks_are_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    ran = run("lock", "--check", "--json")
    assert ran.code == 0, ran.out
    assert [item["name"] for item in ran.json["environments"]] == ENVIRONMENTS


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_independent_reader_finds_no_fault_in_a_committed_lock(name: str) -> None:
    assert faults(ROOT / "environments" / name) == []


@pytest.mark.shared
@needs_channel
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_channels_own_records_bear_a_committed_lock_out(name: str) -> None:
    assert faults(ROOT / "environments" / name, Sources(channel=CHANNEL, names=NAMES)) == []


@pytest.mark.slow
@pytest.mark.network
def test_the_wheel_holds_what_it_needs(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(words, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"envgen-{envgen.__version__}-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    knowledge = {f"envgen/knowledge/{path.name}" for path in (ROOT / "envgen" / "knowledge").glob("*.toml")}
    templates = {f"envgen/templates/{name}.yaml" for name in template_names()}
    assert {"envgen/starter/conda-forge.json.zst", "envgen/py.typed"} | knowledge | templates <= names
    assert not [name for name in names if name.startswith(("tests/", "environments/"))]
