"""A run that is told to end does so: with one line and its code, and without a process or a folder of its own left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.index_server import IndexServer
from tests.fakes.install_world import World, basics, open_world
from tests.fakes.tiny_project import Project, empty_project, manifest
from tests.fakes.tiny_wheels import build_wheel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the processes are looked up in /proc")
SEED = int(os.environ.get("ENVGEN_TEST_SEED", "5"))
INTERRUPTS = int(os.environ.get("ENVGEN_TEST_INTERRUPTS", "24"))
LINE = "error: interrupted; every file is whole\n"
COMMANDS = ("lock", "create", "new")


@dataclass(kw_only=True)
class Runs:
    """A command that is run again and again in one folder; `before` brings its folders back to the start."""

    words: tuple[str, ...]
    folder: Path
    environ: Mapping[str, str]
    scratch: Path
    before: Callable[[], None]
    span: float = 0.0

    def start(self) -> tuple[subprocess.Popen[str], str]:
        """Start the command; give the process, which has taken its signals, and the mark of all that it starts."""
        self.before()
        self.scratch.mkdir(exist_ok=True)
        mark = f"ENVGEN_TEST_MARK={uuid.uuid4().hex}"
        name, _, value = mark.partition("=")
        process = subprocess.Popen(
            [sys.executable, "-m", "envgen", *self.words],
            cwd=self.folder,
            env={**self.environ, "TMPDIR": str(self.scratch), "PYTHONPATH": os.pathsep.join(sys.path), name: value},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not takes_signals(process.pid):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        return process, mark

    def measure(self) -> None:
        process, _ = self.start()
        begun = time.monotonic()
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        self.span = time.monotonic() - begun

    def stopped(self, number: signal.Signals, delay: float) -> bool:
        """Send a signal after a while and judge the end; return whether the run was not over by then."""
        process, mark = self.start()
        time.sleep(delay)
        in_time = process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        if in_time and process.returncode != 0:
            assert process.returncode == 128 + number, err
            assert out == ""
            assert err == LINE or (err.startswith("error: interrupted\n  /") and len(err.splitlines()) == 2), err
        assert alive(mark) == []
        assert sorted(path.name for path in self.scratch.iterdir()) == []
        return process.returncode != 0


def takes_signals(process: int) -> bool:
    """Return whether a process has set its handler for SIGTERM, which Python itself has none for."""
    status = Path(f"/proc/{process}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1))


def alive(mark: str) -> list[str]:
    """Return the command lines of processes that carry a mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("world")) as made:
        basics(made)
        yield made


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Return a project that locks a package from each half."""
    with IndexServer() as index, pytest.MonkeyPatch.context() as patch:
        index.add(build_wheel("onlypypi", "2.0", requires=("six>=1",)))
        made = empty_project(tmp_path_factory.mktemp("project"), patch)
        made.variables["UV_DEFAULT_INDEX"] = index.url
        made.write("demo", manifest("demo", "pandas", "onlypypi"))
        yield made


@pytest.fixture(scope="module")
def runs(world: World, project: Project) -> dict[str, Runs]:
    def remove(*folders: Path) -> Callable[[], None]:
        def before() -> None:
            subprocess.run(["rm", "-rf", *folders], check=True)

        return before

    environ = {**os.environ, **project.variables}
    scratch = world.folder / "scratch"
    made = {
        "lock": Runs(
            words=("lock", "demo", "--upgrade", "-q"),
            folder=project.folder,
            environ=environ,
            scratch=scratch,
            before=lambda: None,
        ),
        "new": Runs(
            words=("new", "other", "--add", "six", "--add", "onlypypi", "-q"),
            folder=project.folder,
            environ=environ,
            scratch=scratch,
            before=remove(project.environment("other")),
        ),
        "create": Runs(
            words=("create", "demo", "-q"),
            folder=world.project,
            environ=world.environ,
            scratch=scratch,
            before=remove(world.prefix, world.cache),
        ),
    }
    for each in made.values():
        each.measure()
    return made


def whole(project: Project) -> None:
    """Hold that a lock's folder has the files of a lock and nothing else, and that they are true."""
    assert project.run("check", "demo").code == 0
    assert [path.name for path in project.environment("demo").iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_ends_when_it_is_told_to(
    runs: dict[str, Runs], project: Project, command: str, number: signal.Signals
) -> None:
    draw = random.Random(f"{SEED} {command} {number.name}")
    ended = [runs[command].stopped(number, runs[command].span * share) for share in (0, draw.uniform(0.3, 0.9))]
    assert ended[0]
    whole(project)


@pytest.mark.slow
def test_interrupts_at_random_moments(runs: dict[str, Runs], project: Project) -> None:
    """More with ENVGEN_TEST_INTERRUPTS."""
    draw = random.Random(SEED)
    ended = 0
    while ended < INTERRUPTS:
        each = runs[COMMANDS[ended % 3]]
        ended += each.stopped(signal.SIGINT, draw.uniform(0, each.span))
        whole(project)


DEAF = """
import signal, sys, time
from envgen import __main__ as entry
entry._PATIENCE = {patience}
def deaf(words):
    print("up", file=sys.stderr, flush=True)
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            pass
entry._run = deaf
entry.main()
"""


@pytest.mark.parametrize("signals", [1, 2], ids=["the end of patience", "a second signal"])
def test_what_does_not_let_go_is_left(signals: int) -> None:
    code = DEAF.format(patience=0.5 if signals == 1 else 300)
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline() == "up\n"
    for _ in range(signals):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
    assert process.communicate(timeout=60)[1] == LINE
    assert process.returncode == 143


LOST = """
import sys, time
from envgen import __main__ as entry
class Odd:
    def __del__(self):
        print("up", file=sys.stderr, flush=True)
        time.sleep(60)
def lose(words):
    Odd()
    time.sleep(60)
entry._run = lose
entry.main()
"""


def test_an_interrupt_that_is_lost_is_raised_again() -> None:
    process = subprocess.Popen([sys.executable, "-c", LOST], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline() == "up\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[1] == LINE
    assert process.returncode == 130


def test_a_signal_that_is_ignored_stays_so() -> None:
    code = "import os; from envgen import __main__ as e; e._run = lambda _: os.kill(os.getpid(), 1) or 7; e.main()"
    words = ["/bin/sh", "-c", f"trap '' HUP; exec {sys.executable} -c '{code}'"]
    assert subprocess.run(words, check=False).returncode == 7
    usual = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); {code}"  # it may be ignored here, too
    assert subprocess.run([sys.executable, "-c", usual], check=False, capture_output=True).returncode == 129


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_uv_ends_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    with IndexServer() as index:
        index.add(build_wheel("onlypypi", "2.0"))
        index.misbehave("/simple/", "hang")
        made = empty_project(tmp_path, monkeypatch)
        made.write("demo", manifest("demo", more="pypi: [onlypypi]\n"))
        environ = {**os.environ, **made.variables, "UV_DEFAULT_INDEX": index.url, "UV_HTTP_TIMEOUT": "60"}
        words = ("lock", "demo", "--json")
        run = Runs(words=words, folder=made.folder, environ=environ, scratch=tmp_path / "scratch", before=lambda: None)
        process, mark = run.start()
        deadline = time.monotonic() + 60
        while not any("/uv" in line for line in alive(mark)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (128 + number, "")
        assert json.loads(out)["error"]["code"] == "interrupted"
        assert alive(mark) == []
        assert list(run.scratch.iterdir()) == []
