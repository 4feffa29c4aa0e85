"""A run that is killed at a random moment leaves whole files, `check` names an older half, and the next run completes.

More kills with ENVGEN_TEST_KILLS, at other moments with ENVGEN_TEST_SEED.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.index_server import IndexServer
from tests.fakes.install_world import World, basics, linux_only, open_world
from tests.fakes.tiny_project import NOARCH, Project, empty_project, manifest, tiny_channel
from tests.fakes.tiny_wheels import build_wheel

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("ENVGEN_TEST_KILLS", "3"))
SEED = os.environ.get("ENVGEN_TEST_SEED", "3")
FILES = ("conda-lock.yml", "environment.yml", "envgen.yaml")
Texts = dict[str, str]
# it has imported all that a run needs, so that kills meet its work
_SERVER = """
import importlib, json, os, pkgutil, sys, time
import envgen
from envgen.cli.main import run
for module in pkgutil.walk_packages(envgen.__path__, "envgen."):
    if not module.name.endswith((".libmamba", ".__main__")):
        importlib.import_module(module.name)
for line in sys.stdin:
    folder, environ, words, seconds = json.loads(line)
    begun = time.monotonic()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environ)
            said = os.open(f"{environ['TMPDIR']}/said", os.O_WRONLY | os.O_CREAT)
            os.dup2(said, 1)
            os.dup2(said, 2)
            code = run(words)
            sys.stdout.flush()
        finally:
            os._exit(code)
    ended = 0
    while not ended and time.monotonic() < begun + seconds:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.002)
    if not ended:
        os.kill(child, 9)
        _, status = os.waitpid(child, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), time.monotonic() - begun]), flush=True)
"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where commands are run."""

    folder: Path
    environ: Mapping[str, str]


@dataclass(kw_only=True)
class Killer:
    """Run commands in forks of a process, and kill them; `code` is the last one's, negative for a kill."""

    process: subprocess.Popen[str]
    scratch: Path
    code: int = 0

    def run(self, place: Place, *words: str, seconds: float = 60) -> float:
        """Run a command to its end, or kill it; return how long it took."""
        assert self.process.stdin
        assert self.process.stdout
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        call = [str(place.folder), {**place.environ, "TMPDIR": str(self.scratch)}, words, seconds]
        self.process.stdin.write(json.dumps(call) + "\n")
        self.process.stdin.flush()
        self.code, took = json.loads(self.process.stdout.readline())
        return float(took)

    def good(self, place: Place, *words: str) -> float:
        """Run a command, which must succeed; return how long it took."""
        took = self.run(place, *words)
        assert self.code == 0, self.said
        return took

    def kill(self, place: Place, *words: str, seconds: float) -> None:
        """Run a command, and kill it if it takes longer."""
        self.run(place, *words, seconds=seconds)
        assert self.code in (0, -signal.SIGKILL), self.said

    @property
    def said(self) -> str:
        return (self.scratch / "said").read_text()


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    scratch = tmp_path_factory.mktemp("killer") / "scratch"
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Killer(process=process, scratch=scratch)
        assert process.stdin
        process.stdin.close()


def moments(command: str, span: float) -> Iterator[float]:
    """Yield random seconds after which a run is killed that takes a span of them."""
    draw = random.Random(f"{SEED} {command}")
    yield from (draw.uniform(0, 1.1 * span) for _ in range(KILLS))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Return a project that locks a package from each half."""
    with IndexServer() as index:
        index.add(build_wheel("onlypypi", "2.0", requires=("six>=1",)))
        made = empty_project(tmp_path, monkeypatch)
        made.variables["UV_DEFAULT_INDEX"] = index.url
        yield made


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(tmp_path) as made:
        basics(made)
        yield made


@dataclass(frozen=True, kw_only=True)
class Locking:
    """A command that writes an environment: its words, and what the environment has before."""

    words: tuple[str, ...]
    name: str = "demo"
    requirements: tuple[str, ...] = ()
    is_locked: bool = False


LOCKING = {
    "lock": Locking(words=("lock", "demo"), requirements=("pandas", "onlypypi")),
    "relock": Locking(words=("lock", "demo", "--upgrade"), requirements=("pandas", "six"), is_locked=True),
    "new": Locking(words=("new", "other", "--add", "six"), name="other"),
    "add": Locking(words=("add", "demo", "six"), requirements=("pandas",), is_locked=True),
}


def texts_of(folder: Path) -> Texts:
    return {name: (folder / name).read_text() for name in FILES if (folder / name).exists()}


def put(folder: Path, texts: Texts) -> None:
    """Bring an environment's folder to a state."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in texts.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("command", LOCKING)
def test_what_writes_a_lock(killer: Killer, project: Project, tmp_path: Path, command: str) -> None:
    case = LOCKING[command]
    folder = project.environment(case.name)
    place = Place(folder=project.folder, environ={**os.environ, **project.variables})
    if case.requirements:
        project.write("demo", manifest("demo", *case.requirements))
    if case.is_locked:
        killer.good(place, "lock", "demo")
        newer = tiny_channel(tmp_path / "newer", noarch=NOARCH + "six 1.18.0 pyh_0 : python >=3.6\n")
        place = Place(folder=project.folder, environ={**place.environ, "ENVGEN_MIRRORS": f"conda-forge={newer}"})
    before = texts_of(folder)
    span = killer.good(place, *case.words)
    after = texts_of(folder)
    assert set(after) == set(FILES)
    assert after != before
    for seconds in moments(command, span):
        put(folder, before)
        killer.kill(place, *case.words, seconds=seconds)
        found = texts_of(folder)
        assert all(text in (before.get(name), after[name]) for name, text in found.items())
        if found not in (before, after):
            killer.run(place, "check", case.name)
            assert killer.code == 1
            assert any(name in killer.said for name in FILES), killer.said
        killer.run(place, *case.words)
        assert killer.code == 0 or (found == after and "exists already" in killer.said), killer.said
        assert texts_of(folder) == after
        assert [path.name for path in folder.parent.rglob(".envgen*")] == []
    killer.good(place, "check", case.name)


@linux_only
def test_create(killer: Killer, world: World) -> None:
    place = Place(folder=world.project, environ=world.environ)
    span = killer.good(place, "create", "demo")
    for number, seconds in enumerate(moments("create", span)):
        shutil.rmtree(world.prefix)
        if number % 2:
            shutil.rmtree(world.cache)
        killer.kill(place, "create", "demo", seconds=seconds)
        if any(world.prefix.glob("conda-meta/*.json")):
            assert world.marker["state"] == "incomplete" or world.python("import demolib, onlypypi") == ""
        killer.good(place, "create", "demo")
        assert world.python("import demolib, onlypypi") == ""
        assert world.marker["state"] == "complete"
        assert [path.name for path in world.prefix.rglob(".envgen*")] == []


@linux_only
def test_vendor(killer: Killer, world: World) -> None:
    place, to = Place(folder=world.project, environ=world.environ), world.folder / "vendored"
    words = ("vendor", "demo", "--download", "--to", str(to))
    span = killer.good(place, *words)
    after = contents(to)
    for seconds in moments("vendor", span):
        shutil.rmtree(to)
        killer.kill(place, *words, seconds=seconds)
        if (to / "envgen-vendor.json").exists():  # it is the last
            assert contents(to) == after
        killer.good(place, *words)
        assert contents(to) == after
    killer.good(place, "vendor", "--verify", str(to))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
