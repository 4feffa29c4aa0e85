"""Run coroutines, children and temporary folders, and end them with the run."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from envgen.system import lifetime
from envgen.system.lifetime import ChildLimits, EndedError, Headway, end_all, run, run_child, scratch_folder


async def where() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def fail() -> None:
    raise LookupError("lost")


def test_runs_in_the_callers_thread() -> None:
    assert run(where()) == threading.current_thread().name


def test_runs_within_a_running_loop() -> None:
    async def outer() -> tuple[str, str]:
        return threading.current_thread().name, run(where())

    here, there = asyncio.run(outer())
    assert here != there


def test_passes_errors_on() -> None:
    async def outer() -> None:
        run(fail())

    with pytest.raises(LookupError, match="lost"):
        run(fail())
    with pytest.raises(LookupError, match="lost"):
        asyncio.run(outer())


PLENTY = ChildLimits(seconds=60, output=1 << 20)


def python(code: str, limits: ChildLimits = PLENTY, **options: object) -> object:
    return run_child([sys.executable, "-c", code], limits, **options)  # type: ignore[arg-type]


def test_a_child_gets_its_input_and_gives_both_outputs(tmp_path: Path) -> None:
    code = "import os, sys; print(input() + os.environ['A'] + os.getcwd()); print('e', file=sys.stderr); exit(3)"
    words = [sys.executable, "-c", code]
    done = run_child(words, PLENTY, environment={"A": "b"}, folder=tmp_path, text="x" * 300_000)
    assert (done.returncode, done.stderr) == (3, b"e\n")
    assert done.stdout.decode() == f"{'x' * 300_000}b{tmp_path}\n"


def test_a_child_without_input_finds_none() -> None:
    assert run_child([sys.executable, "-c", "import sys; print(sys.stdin.read())"], PLENTY).stdout == b"\n"


def test_a_command_that_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        run_child([str(tmp_path / "nothing")], PLENTY)


ENDLESS = {
    "late": ("import time; time.sleep(60)", ChildLimits(seconds=0.3, output=1000)),
    "late, its outputs closed": (
        "import os, time; os.close(1); os.close(2); time.sleep(60)",
        ChildLimits(seconds=1, output=9),
    ),
    "large": ("while True: print('x' * 1000)", ChildLimits(seconds=60, output=50_000)),
    "slow": ("import time; time.sleep(60)", ChildLimits(seconds=60, output=9, headway=lambda: 7, least=1, window=0.3)),
    "heavy": (
        "import time; x = bytearray(200_000_000); time.sleep(60)",
        ChildLimits(seconds=60, output=9, memory=100_000_000),
    ),
    "deaf": (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
        ChildLimits(seconds=1, output=9),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ENDLESS)
def test_a_child_that_goes_beyond_its_limits_is_ended(case: str) -> None:
    code, limits = ENDLESS[case]
    with pytest.raises(EndedError) as caught:
        python(code, limits)
    assert caught.value.reason == ("late" if case == "deaf" else case.partition(",")[0])
    assert set() == lifetime._CHILDREN
    if case == "deaf":
        assert caught.value.stdout == b"up\n"


def test_headway_is_waited_for() -> None:
    count = iter(range(0, 10_000, 10))
    limits = ChildLimits(seconds=60, output=9, headway=lambda: next(count), least=10, window=0.2)
    python("import time; time.sleep(1)", limits)


@pytest.mark.parametrize(
    ("counts", "steps"),
    [
        pytest.param([0, 50, 100, 150], 99, id="as much as must be"),
        pytest.param([0, 0, 0, 0, 0], 4, id="nothing"),
        pytest.param([0, 10, 20, 30, 40], 4, id="too little"),
        pytest.param([90, 0, 0, 100], 99, id="less than before"),
    ],
)
def test_how_much_is_enough(counts: list[int], steps: int) -> None:
    now = 0.0
    given = iter([*counts, *range(1000, 1_000_000, 1000)])
    watch = Headway(lambda: next(given), least=50, window=40, clock=lambda: now)
    asked = 0
    while asked < 99 and watch.is_enough():
        now += 10
        asked += 1
    assert asked == steps


@pytest.fixture
def interrupting() -> Iterator[None]:
    """Send this process an interrupt in a moment."""
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    yield
    timer.join()


def test_an_interrupt_ends_a_child_and_its_own_children(interrupting: None, tmp_path: Path) -> None:
    code = (
        "import os, pathlib, subprocess, sys, time; child = subprocess.Popen(['sleep', '60'])\n"
        f"pathlib.Path({str(tmp_path / 'pids')!r}).write_text(f'{{os.getpid()}} {{child.pid}}'); time.sleep(60)"
    )
    with pytest.raises(KeyboardInterrupt):
        python(code)
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        assert is_gone(pid)


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":  # nobody reaps it here
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False


def test_a_scratch_folder_is_gone_after_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch_folder() as folder:
        (folder / "a").mkdir()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_goes_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def interrupted(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("envgen.system.lifetime.remove_tree", interrupted)
        with pytest.raises(KeyboardInterrupt), scratch_folder():
            pass
    assert len(list(tmp_path.iterdir())) == 1
    end_all()
    assert list(tmp_path.iterdir()) == []
