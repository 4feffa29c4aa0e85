"""A lock that is killed at any instant leaves the files before, or the files after, whole."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.fakes.tiny_project import NOARCH, Project, manifest, tiny_channel

FILES = ("conda-lock.yml", "environment.yml")


def contents(folder: Path) -> tuple[str, ...]:
    return tuple((folder / name).read_text(encoding="utf-8") for name in FILES)


KILLS, SEED = 12, 2


@pytest.mark.slow  # tests/system/test_disk.py stops the writer before each of its steps, without a process
def test_a_kill_leaves_whole_files(project: Project, tmp_path: Path) -> None:
    folder = project.write("demo", manifest("demo", "six", "pandas"))
    newer = tiny_channel(tmp_path / "newer", noarch=NOARCH + "six 1.18.0 pyh_0 : python >=3.6\n")
    states: dict[Path, tuple[str, ...]] = {}
    took = 0.0
    for channel in (project.channel, newer):
        start = time.monotonic()
        assert upgrade(project, channel, wait=60) == 0
        took = time.monotonic() - start
        states[channel] = contents(folder)
    assert states[project.channel] != states[newer]
    draw = random.Random(SEED)
    seen = set()
    for number in range(KILLS):
        before = contents(folder)
        channel = project.channel if before == states[newer] else newer
        late = draw.random() < 0.7  # most of a run is reading and solving; the files are written at its end
        upgrade(project, channel, wait=took * (draw.uniform(0.7, 1.05) if late else draw.uniform(0, 1)))
        pending = (folder / ".envgen.commit").exists()
        found = contents(folder)
        assert all(text in {before[at], states[channel][at]} for at, text in enumerate(found)), f"kill {number}"
        if not pending:
            assert found in (before, states[channel]), f"kill {number}"
        assert project.run("lock", "demo").code == 0
        assert contents(folder) in (before, states[channel])
        assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "envgen.yaml"])
        seen.add(contents(folder) == before)
    assert seen


def upgrade(project: Project, channel: Path, *, wait: float) -> int:
    """Lock against a channel, and kill that after a while; give the exit code."""
    with project.start("lock", "demo", "--upgrade", "-q", ENVGEN_MIRRORS=f"conda-forge={channel}") as process:
        deadline = time.monotonic() + wait
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
        return process.wait()
