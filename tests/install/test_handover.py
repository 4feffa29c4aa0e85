"""Hand over to other tools: stand-ins record what they are asked, the real conda-lock reads what it is given."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from tests.conda_lock_oracle import conda_lock_answers
from tests.fakes.install_world import HOST, Basics, World, linux_only
from tests.fakes.tiny_conda import build_conda
from tests.fakes.tiny_wheels import build_wheel

pytestmark = linux_only
RECORDER = """#!{python}
import json, os, pathlib, sys
words = sys.argv[1:]
if words == ["--version"]:
    print({version!r})
    sys.exit(0)
log = pathlib.Path({log!r})
entry = {{"tool": pathlib.Path(sys.argv[0]).name, "words": words}}
entry["files"] = {{word: pathlib.Path(word).read_text() for word in words if pathlib.Path(word).is_file()}}
log.write_text(json.dumps([*json.loads(log.read_text() if log.exists() else "[]"), entry]))
if "--prefix" in words and words[0] == "create":
    prefix = pathlib.Path(words[words.index("--prefix") + 1])
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").symlink_to({here!r} + "/python")
print("words of", sys.argv[0])
sys.exit({code})
"""


def stand_in(world: World, tool: str, *, version: str = "", code: int = 0) -> Path:
    """Put a tool on PATH that records what it is asked."""
    folder = world.folder / "tools"
    folder.mkdir(exist_ok=True)
    log = world.folder / "log.json"
    for name in (tool, "python"):
        path = folder / name
        text = RECORDER.format(python=sys.executable, version=version, log=str(log), here=str(folder), code=code)
        path.write_text(text)
        path.chmod(0o755)
    world.environ["PATH"] = f"{folder}:/usr/bin:/bin"
    return log


def recorded(log: Path) -> list[dict[str, Any]]:
    """Read what was asked."""
    loaded: list[dict[str, Any]] = json.loads(log.read_text())
    return loaded


def test_conda_gets_an_explicit_file_and_pip_the_wheels(world: World, usual: Basics) -> None:
    log = stand_in(world, "conda")
    handed = world.good("create", "demo", "--with", "conda")
    create, pip = recorded(log)
    assert create["words"][:4] == ["create", "--yes", "--prefix", str(world.prefix)]
    explicit = create["files"][create["words"][-1]]
    assert create["words"][-1].endswith(f"/demo/explicit.{HOST}.txt")
    lines = [line for line in explicit.splitlines() if line and not line.startswith("#")]
    assert lines[0] == "@EXPLICIT"
    assert sorted(lines[1:]) == sorted(
        f"{world.channel.url}/{package.path}#{package.entry['md5']}" for package in usual.conda
    )
    assert lines[1].startswith(f"{world.channel.url}/{HOST}/python-"), "what is needed comes first"
    assert pip["words"][:5] == ["-m", "pip", "install", "--no-deps", "--require-hashes"]
    (requirements,) = pip["files"].values()
    assert f"onlypypi==2.0 --hash=sha256:{usual.onlypypi.wheel.sha256}" in requirements
    assert any("sha256" in line for line in handed["unchecked"])
    assert any("--no-deps" in line for line in handed["unchecked"])
    assert not world.channel.seen


def test_conda_needs_no_pip_without_wheels(world: World, usual: Basics) -> None:
    log = stand_in(world, "conda")
    world.lock(usual.conda)
    handed = world.good("create", "demo", "--with", "conda")
    assert len(recorded(log)) == 1
    assert not any("--no-deps" in line for line in handed["unchecked"])


MAMBAS = {
    "micromamba": ("micromamba", "2.3.0", "demo-lock.yml"),
    "micromamba 1": ("micromamba", "1.5.8", "demo-lock.yml"),
    "mamba 2": ("mamba", "2.3.0", "demo-lock.yml"),
    "mamba 1": ("mamba", "mamba 1.5.8\nconda 24.1.2", f"explicit.{HOST}.txt"),
    "a mamba that does not say": ("mamba", "who knows", f"explicit.{HOST}.txt"),
}


@pytest.mark.parametrize(("tool", "version", "file"), MAMBAS.values(), ids=list(MAMBAS))
def test_mambas_get_what_they_read(world: World, usual: Basics, tool: str, version: str, file: str) -> None:
    log = stand_in(world, tool, version=version)
    world.good("create", "demo", "--with", tool, "--prefix", str(world.folder / "p"))
    words = recorded(log)[0]["words"]
    assert words[:4] == ["create", "--yes", "--prefix", str(world.folder / "p")]
    assert words[4] == "--file"
    assert Path(words[5]).name == file


def test_the_lock_that_is_handed_over_has_main_alone(world: World, usual: Basics) -> None:
    log = stand_in(world, "micromamba")
    dev = build_conda("devtool", subdir=HOST)
    wheel = world.add_wheel(build_wheel("devwheel", "1.0"))
    groups = {PackageKey("conda", "devtool"): ("dev", "docs"), PackageKey("pypi", "devwheel"): ("docs",)}
    more = "groups: {dev: [devtool], docs: [devtool, devwheel]}\n"
    world.lock([*usual.conda, dev], [usual.onlypypi, wheel], groups=groups, more=more, dependencies=["demolib"])
    world.good("create", "demo", "--with", "micromamba", "--no-group", "docs")
    entries = _entries(recorded(log)[0]["files"])
    assert sorted((each["name"], each["category"], each["optional"]) for each in entries) == sorted(
        (name, "main", False) for name in ("demolib", "devtool", "onlypypi", "pip", "python", "six")
    )


def _entries(files: Mapping[str, str]) -> list[dict[str, Any]]:
    (text,) = files.values()
    entries: list[dict[str, Any]] = YAML(typ="safe").load(text)["package"]
    return entries


def test_conda_lock_gets_its_own_format(world: World, usual: Basics) -> None:
    log = stand_in(world, "conda-lock")
    handed = world.good("create", "demo", "--with", "conda-lock")
    (call,) = recorded(log)
    assert call["words"][:3] == ["install", "--prefix", str(world.prefix)]
    assert handed["commands"] == [[str(world.folder / "tools/conda-lock"), *call["words"]]]


@pytest.mark.slow
def test_the_real_conda_lock_renders_and_installs_it(world: World, usual: Basics) -> None:
    stand_in(world, "conda-lock")
    made = world.good("create", "demo", "--with", "conda-lock", "--dry-run")
    file = Path(made["commands"][0][-1])
    rendered = conda_lock_answers([file])["demo"]["rendered"][HOST]["explicit"]
    listed = [line for line in rendered if line.startswith("http")]
    assert len(listed) == len(usual.conda)
    assert any(line.startswith("# pip onlypypi @ ") for line in rendered)
    log = stand_in(world, "conda")
    conda_lock = Path(sys.executable).parent / "conda-lock"
    done = subprocess.run(
        [conda_lock, "install", "--conda", world.folder / "tools" / "conda", "--prefix", world.prefix, file],
        env={**world.environ, "HOME": str(world.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    create, pip = recorded(log)
    assert create["words"][0] == "create"
    assert str(world.prefix) in create["words"]
    assert pip["words"][0] == "run"
    assert "--no-deps" in pip["words"]


def test_a_dry_run_only_says_how(world: World, usual: Basics) -> None:
    log = stand_in(world, "micromamba")
    ran = world.run("create", "demo", "--with", "micromamba", "--dry-run")
    assert ran.code == 0
    assert ran.out.startswith(
        f"micromamba: {world.folder}/tools/micromamba create --yes --prefix {world.prefix} --file "
    )
    assert "note: not checked by micromamba: the macOS floor" in ran.err
    assert not log.exists()


def test_the_tools_own_words_are_shown(world: World, usual: Basics, capfd: pytest.CaptureFixture[str]) -> None:
    stand_in(world, "micromamba")
    process = world.start("create", "demo", "--with", "micromamba")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "words of" in err


def test_a_tool_that_fails(world: World, usual: Basics) -> None:
    stand_in(world, "conda", code=3)
    error = world.failed("create", "demo", "--with", "conda")
    assert error["code"] == "handover"
    assert error["message"].startswith("conda failed with exit code 3: ")


def test_a_tool_that_cannot_be_run(world: World, usual: Basics) -> None:
    folder = world.folder / "tools"
    folder.mkdir()
    (folder / "conda").write_text("no program")
    (folder / "conda").chmod(0o755)
    world.environ["PATH"] = f"{folder}"
    error = world.failed("create", "demo", "--with", "conda")
    assert "cannot be run" in error["message"]


def test_what_is_there_is_not_handed_over(world: World, usual: Basics) -> None:
    stand_in(world, "conda")
    world.prefix.mkdir(parents=True)
    (world.prefix / "mine").write_text("")
    error = world.failed("create", "demo", "--with", "conda")
    assert error["message"] == f"{world.prefix} is there already, and conda would remove it first"


WRONG = {
    "an unknown tool": (["--with", "pixi"], "unknown tool `pixi`"),
    "a tool that is not here": (["--with", "mamba"], "mamba is not installed here"),
    "with a kernel": (["--with", "conda", "--kernel"], "--kernel and --with do not go together"),
    "from a vendored folder": (["--with", "conda", "--from-vendored", "x"], "--from-vendored and --with do not"),
    "adopting": (["--with", "conda", "--adopt"], "--adopt and --with do not go together"),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_call(world: World, usual: Basics, words: list[str], message: str) -> None:
    stand_in(world, "conda")
    assert world.failed("create", "demo", *words, code=2)["message"].startswith(message)


def test_another_platform_is_not_handed_over(world: World, usual: Basics) -> None:
    stand_in(world, "conda")
    mac = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
    world.lock([build_conda("native", subdir="osx-arm64")], platform=mac)
    words = ["--with", "conda", "--platform", "osx-arm64", "--prefix", "p"]
    assert world.failed("create", "demo", *words, code=2)["message"].startswith("another tool cannot unpack")
